/** The forms of attributes (DWARF 5 §7.5.6): how long a value is, and what class it belongs to. */
import { DW_FORM as F } from "./constants.ts";
import { afterLeb, type Position, u16, u32, u64, uleb } from "./leb.ts";

/** What the sizes of some forms depend on. */
export interface Encoding {
  readonly version: number;
  /** Bytes of an address: 8, or 4. */
  readonly addressSize: number;
  /** Bytes of an offset in another section: 4, or 8 in the 64-bit format. */
  readonly offsetSize: number;
}

/** DWARF 5 §7.5.5. A sec_offset is a list or a place in the line table by what the attribute is. */
export type FormClass = "address" | "block" | "constant" | "exprloc" | "flag" | "listindex" | "offset" | "reference" | "string";

/** Longer text in place is no name. Bounds the search for its end. */
const LONGEST_TEXT = 1 << 20;

/** Sizes that don't depend on the value: -1 varies, -2 unknown. */
const VARIES = -1;
const UNKNOWN = -2;

/** The size of a form's values, if all have one; VARIES (-1), or -2 for a form that isn't known. */
export function fixedSize(form: number, encoding: Encoding): number {
  switch (form) {
    case F.flag_present:
    case F.implicit_const:
      return 0;
    case F.data1:
    case F.flag:
    case F.ref1:
    case F.strx1:
    case F.addrx1:
      return 1;
    case F.data2:
    case F.ref2:
    case F.strx2:
    case F.addrx2:
      return 2;
    case F.strx3:
    case F.addrx3:
      return 3;
    case F.data4:
    case F.ref4:
    case F.strx4:
    case F.addrx4:
    case F.ref_sup4:
      return 4;
    case F.data8:
    case F.ref8:
    case F.ref_sig8:
    case F.ref_sup8:
      return 8;
    case F.data16:
      return 16;
    case F.addr:
      return encoding.addressSize;
    case F.strp:
    case F.line_strp:
    case F.sec_offset:
    case F.strp_sup:
    case F.GNU_ref_alt:
    case F.GNU_strp_alt:
      return encoding.offsetSize;
    case F.ref_addr:
      // DWARF 2 gave it the size of an address.
      return encoding.version <= 2 ? encoding.addressSize : encoding.offsetSize;
    case F.block:
    case F.block1:
    case F.block2:
    case F.block4:
    case F.exprloc:
    case F.string:
    case F.sdata:
    case F.udata:
    case F.ref_udata:
    case F.strx:
    case F.addrx:
    case F.loclistx:
    case F.rnglistx:
    case F.indirect:
    case F.GNU_addr_index:
    case F.GNU_str_index:
      return VARIES;
    default:
      return UNKNOWN;
  }
}

/** Where the value that begins at `at` ends; Infinity for a form that isn't known: nothing behind it can be read. */
export function afterForm(bytes: Uint8Array, at: number, form: number, encoding: Encoding): number {
  switch (form) {
    case F.string: {
      const stop = at + LONGEST_TEXT;
      for (let end = at; end < stop; ) if (!bytes[end++]) return end;
      return Number.POSITIVE_INFINITY;
    }
    case F.block1:
      return at + 1 + (bytes[at] ?? 0);
    case F.block2:
      return at + 2 + u16(bytes, at);
    case F.block4:
      return at + 4 + u32(bytes, at);
    case F.block:
    case F.exprloc: {
      const position = { at };
      const size = uleb(bytes, position);
      return position.at + size;
    }
    case F.indirect: {
      const position = { at };
      const actual = uleb(bytes, position);
      // One that says "indirect" again would be read over and over; §7.5.3 has no use for it.
      if (actual === F.indirect || actual === F.implicit_const) return Number.POSITIVE_INFINITY;
      return afterForm(bytes, position.at, actual, encoding);
    }
    default: {
      const size = fixedSize(form, encoding);
      if (size >= 0) return at + size;
      return size === VARIES ? afterLeb(bytes, at) : Number.POSITIVE_INFINITY;
    }
  }
}

/** The form that an indirect one names, and where its value is. */
export function direct(bytes: Uint8Array, at: number, form: number): { readonly form: number; readonly at: number } {
  if (form !== F.indirect) return { form, at };
  const position: Position = { at };
  const actual = uleb(bytes, position);
  return { form: actual === F.indirect ? 0 : actual, at: position.at };
}

export function classOf(form: number): FormClass | undefined {
  switch (form) {
    case F.addr:
    case F.addrx:
    case F.addrx1:
    case F.addrx2:
    case F.addrx3:
    case F.addrx4:
    case F.GNU_addr_index:
      return "address";
    case F.block:
    case F.block1:
    case F.block2:
    case F.block4:
      return "block";
    case F.data1:
    case F.data2:
    case F.data4:
    case F.data8:
    case F.data16:
    case F.sdata:
    case F.udata:
    case F.implicit_const:
      return "constant";
    case F.exprloc:
      return "exprloc";
    case F.flag:
    case F.flag_present:
      return "flag";
    case F.loclistx:
    case F.rnglistx:
      return "listindex";
    case F.sec_offset:
      return "offset";
    case F.ref1:
    case F.ref2:
    case F.ref4:
    case F.ref8:
    case F.ref_udata:
    case F.ref_addr:
    case F.ref_sig8:
    case F.ref_sup4:
    case F.ref_sup8:
    case F.GNU_ref_alt:
      return "reference";
    case F.string:
    case F.strp:
    case F.line_strp:
    case F.strp_sup:
    case F.strx:
    case F.strx1:
    case F.strx2:
    case F.strx3:
    case F.strx4:
    case F.GNU_str_index:
    case F.GNU_strp_alt:
      return "string";
    default:
      return undefined;
  }
}

/** An unsigned integer of `size` bytes, exact to 2⁵³; 0 for another size. */
export function unsigned(bytes: Uint8Array, at: number, size: number): number {
  switch (size) {
    case 1:
      return bytes[at] ?? 0;
    case 2:
      return u16(bytes, at);
    case 3:
      return u16(bytes, at) + (bytes[at + 2] ?? 0) * 65536;
    case 4:
      return u32(bytes, at);
    case 8:
      return u64(bytes, at);
    default:
      return 0;
  }
}

/** The number in a form that is one of fixed size or an unsigned LEB128: an offset, an index, an address. */
export function plainNumber(bytes: Uint8Array, at: number, form: number, encoding: Encoding): number {
  const size = fixedSize(form, encoding);
  return size >= 0 ? unsigned(bytes, at, size) : uleb(bytes, { at });
}
