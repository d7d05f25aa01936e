/** One entry of debug information (DWARF 5 §2.1): its tag and attributes, its children, what it refers to. */
import { type Abbreviations, abbreviationOf } from "./abbreviations.ts";
import { DW_AT, DW_FORM as F } from "./constants.ts";
import { afterForm, classOf, direct, type FormClass, fixedSize, plainNumber, unsigned } from "./forms.ts";
import { big64, bigSleb, bigUleb, type Position, uleb } from "./leb.ts";
import { afterAttributes } from "./parents.ts";
import { type AddressRange, readRanges } from "./ranges.ts";
import { textOf } from "./strings.ts";
import { lostEntry, type Unit } from "./units.ts";

export type { DebugInfo } from "./units.ts";

/** What a value is, as §7.5.5 has it; a list of places or ranges by offset or by index is "list". */
export type ValueClass = Exclude<FormClass, "listindex" | "offset"> | "list" | "offset";

/** An attribute's value: how it is encoded, where it begins in its unit's bytes, which of the abbreviation's attributes it is. */
interface Value {
  readonly form: number;
  readonly at: number;
  readonly index: number;
}

/** How far a name is looked for from one entry to the next. */
const MOST_HOPS = 16;
const LISTS: ReadonlySet<number> = new Set([
  DW_AT.location,
  DW_AT.ranges,
  DW_AT.frame_base,
  DW_AT.data_member_location,
  DW_AT.string_length,
  DW_AT.return_addr,
  DW_AT.segment,
  DW_AT.static_link,
  DW_AT.use_location,
  DW_AT.vtable_elem_location,
  DW_AT.start_scope,
]);

/** Two objects may stand for one entry: `key` tells. What can't be read is as if it weren't there. */
export class Entry {
  readonly unit: Unit;
  /** In the unit's section. */
  readonly offset: number;
  /** DW_TAG_… */
  readonly tag: number;
  readonly #table: Abbreviations;
  readonly #abbreviation: number;
  /** Where the attributes begin. */
  readonly #first: number;

  private constructor(unit: Unit, offset: number, table: Abbreviations, abbreviation: number, first: number) {
    this.unit = unit;
    this.offset = offset;
    this.tag = table.tags[abbreviation]!;
    this.#table = table;
    this.#abbreviation = abbreviation;
    this.#first = first;
  }

  /** The entry at an offset of a unit's section, which has to be inside of the unit. */
  static at(unit: Unit, offset: number): Entry | undefined {
    const position: Position = { at: offset };
    const code = uleb(unit.bytes, position);
    if (code === 0) return undefined;
    const table = unit.abbreviations;
    const abbreviation = abbreviationOf(table, code);
    return abbreviation < 0 ? undefined : new Entry(unit, offset, table, abbreviation, position.at);
  }

  /** The same for the same entry, another for every other, of any file. */
  get key(): number {
    return this.unit.space * 2 ** 32 + this.offset;
  }
  get hasChildren(): boolean {
    return this.#table.children[this.#abbreviation] === 1;
  }

  #find(at: number): Value | undefined {
    const { attributes, forms, starts } = this.#table;
    const { bytes, encoding, end } = this.unit;
    const stop = starts[this.#abbreviation + 1]!;
    let index = starts[this.#abbreviation]!;
    while (index < stop && attributes[index] !== at) index++;
    if (index === stop) return undefined;
    let place = this.#first;
    for (let i = starts[this.#abbreviation]!; i < index; i++) place = afterForm(bytes, place, forms[i]!, encoding);
    if (!(afterForm(bytes, place, forms[index]!, encoding) <= end)) return undefined;
    return { ...direct(bytes, place, forms[index]!), index };
  }

  has(at: number): boolean {
    return this.#find(at) !== undefined;
  }

  /** DW_AT_…s in their order. */
  attributes(): readonly number[] {
    return [...this.#table.attributes.subarray(this.#table.starts[this.#abbreviation], this.#table.starts[this.#abbreviation + 1])];
  }

  /** What kind of value an attribute has; undefined without it. */
  form(at: number): ValueClass | undefined {
    const value = this.#find(at);
    if (value === undefined) return undefined;
    const known = classOf(value.form);
    if (known === "listindex") return "list";
    if (known === "offset") return LISTS.has(at) ? "list" : "offset";
    // DWARF 2 and 3 had no form for offsets.
    if (known === "constant" && this.unit.version < 4 && LISTS.has(at) && (value.form === F.data4 || value.form === F.data8)) return "list";
    // And none for expressions.
    if (known === "block" && LISTS.has(at)) return "exprloc";
    return known;
  }

  /** The number of a constant, address, offset or flag, if it is one and exact: data1 to data8 unsigned, as DWARF leaves open what they are. */
  number(at: number): number | undefined {
    const value = this.#find(at);
    if (value === undefined) return undefined;
    switch (classOf(value.form)) {
      case "constant": {
        if (value.form === F.sdata || value.form === F.implicit_const || value.form === F.data16) break;
        return safe(plainNumber(this.unit.bytes, value.at, value.form, this.unit.encoding));
      }
      case "address":
        return this.#address(value);
      case "offset":
        return safe(unsigned(this.unit.bytes, value.at, this.unit.encoding.offsetSize));
      case "listindex":
        return safe(plainNumber(this.unit.bytes, value.at, value.form, this.unit.encoding));
      case "flag":
        return value.form === F.flag_present ? 1 : this.unit.bytes[value.at];
      default:
        return undefined;
    }
    const big = this.#big(value);
    return big === undefined ? undefined : safe(Number(big));
  }

  /** The same as `number`, of up to 64 bits. */
  big(at: number): bigint | undefined {
    const value = this.#find(at);
    return value === undefined ? undefined : this.#big(value);
  }

  #big({ form, at, index }: Value): bigint | undefined {
    const { bytes, encoding } = this.unit;
    if (form === F.sdata) return bigSleb(bytes, { at });
    if (form === F.udata) return bigUleb(bytes, { at });
    if (form === F.implicit_const) return this.#table.constants.get(index);
    if (form === F.data8 || form === F.ref_sig8 || (form === F.addr && encoding.addressSize === 8)) return big64(bytes, at);
    const kind = classOf(form);
    if (kind === "flag") return form === F.flag_present ? 1n : BigInt(bytes[at] ?? 0);
    if (kind === "address" && form !== F.addr) {
      const address = this.#address({ form, at, index });
      return address === undefined ? undefined : BigInt(address);
    }
    if (kind !== "constant" && kind !== "address" && kind !== "offset") return undefined;
    return form === F.data16 ? undefined : BigInt(unsigned(bytes, at, fixedSize(form, encoding)));
  }

  #address({ form, at }: Value): number | undefined {
    const { bytes, encoding } = this.unit;
    const value = plainNumber(bytes, at, form, encoding);
    return form === F.addr ? safe(value) : this.unit.address(value);
  }

  text(at: number): string | undefined {
    const value = this.#find(at);
    return value === undefined ? undefined : textOf(this.unit, value.form, value.at);
  }

  flag(at: number): boolean {
    const value = this.#find(at);
    return value !== undefined && (value.form === F.flag_present || (value.form === F.flag && this.unit.bytes[value.at] !== 0));
  }

  /** The bytes of a block or of an expression; of data16 too. */
  block(at: number): Uint8Array | undefined {
    const value = this.#find(at);
    if (value === undefined) return undefined;
    const { bytes, encoding } = this.unit;
    const end = afterForm(bytes, value.at, value.form, encoding);
    switch (value.form) {
      case F.data16:
        return bytes.subarray(value.at, end);
      case F.block1:
        return bytes.subarray(value.at + 1, end);
      case F.block2:
        return bytes.subarray(value.at + 2, end);
      case F.block4:
        return bytes.subarray(value.at + 4, end);
      case F.block:
      case F.exprloc: {
        const position = { at: value.at };
        uleb(bytes, position);
        return bytes.subarray(position.at, end);
      }
      default:
        return undefined;
    }
  }

  /** The entry that an attribute refers to, in this unit, another, or another file; `lostEntry()` for one in a file that isn't there. */
  reference(at: number): Entry | undefined {
    const value = this.#find(at);
    if (value === undefined || classOf(value.form) !== "reference") return undefined;
    const { unit } = this;
    if (value.form === F.ref_sig8) return unit.debug.typeUnit(big64(unit.bytes, value.at)) ?? lostEntry();
    const target = plainNumber(unit.bytes, value.at, value.form, unit.encoding);
    switch (value.form) {
      case F.ref_addr:
        return unit.debug.unitAt(target)?.entryAt(target);
      case F.ref_sup4:
      case F.ref_sup8:
      case F.GNU_ref_alt:
        return unit.debug.supplementaryEntry(target);
      default:
        return unit.entryAt(unit.offset + target);
    }
  }

  /** Its own name, or that of the entry it completes or is made from. */
  get name(): string | undefined {
    return this.#textOrInherited(DW_AT.name, DW_AT.name);
  }
  /** The name that the linker knows: mangled. */
  get linkageName(): string | undefined {
    return this.#textOrInherited(DW_AT.linkage_name, DW_AT.MIPS_linkage_name);
  }

  #textOrInherited(at: number, older: number): string | undefined {
    let entry: Entry | undefined = this;
    for (let hops = 0; entry !== undefined && hops < MOST_HOPS; hops++) {
      const text: string | undefined = entry.text(at) ?? (older === at ? undefined : entry.text(older));
      if (text !== undefined) return text;
      entry = entry.reference(DW_AT.specification) ?? entry.reference(DW_AT.abstract_origin);
    }
    return undefined;
  }

  /** The entries right below. To the next one it goes by DW_AT_sibling, or over all that is below. */
  *children(): Generator<Entry, void, undefined> {
    if (!this.hasChildren) return;
    const { unit } = this;
    let at = afterAttributes(unit, this.#abbreviation, this.#first);
    while (at < unit.end) {
      const child = Entry.at(unit, at);
      if (child === undefined) return;
      yield child;
      at = child.#behind();
    }
  }

  /** Behind all that is below. */
  #behind(): number {
    const { unit } = this;
    let at = afterAttributes(unit, this.#abbreviation, this.#first);
    if (!this.hasChildren) return at;
    const sibling = this.#find(DW_AT.sibling);
    if (sibling !== undefined && classOf(sibling.form) === "reference") {
      const next = plainNumber(unit.bytes, sibling.at, sibling.form, unit.encoding) + (sibling.form === F.ref_addr ? 0 : unit.offset);
      // Back would be a loop.
      if (next > at && next <= unit.end) return next;
    }
    const table = this.#table;
    const position: Position = { at };
    for (let depth = 1; depth > 0; ) {
      if (!(position.at < unit.end)) return unit.end;
      const code = uleb(unit.bytes, position);
      if (code === 0) {
        depth--;
        continue;
      }
      const abbreviation = abbreviationOf(table, code);
      if (abbreviation < 0) return unit.end;
      if (table.children[abbreviation]) depth++;
      position.at = afterAttributes(unit, abbreviation, position.at);
    }
    at = position.at;
    return at;
  }

  /** The entry that this is below; undefined for a unit's first. The first time in a unit costs a reading of all of it. */
  parent(): Entry | undefined {
    const { offsets, parents } = this.unit.debug.parents(this.unit);
    let low = 0;
    let high = offsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offsets[middle]! < this.offset) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || offsets[low] !== this.offset) return undefined;
    return this.unit.entryAt(offsets[parents[low]!]!);
  }

  /** The addresses of its code: DW_AT_low_pc and DW_AT_high_pc, or DW_AT_ranges. None if it has none. */
  ranges(): readonly AddressRange[] {
    const list = this.#find(DW_AT.ranges);
    if (list !== undefined) return readRanges(this.unit, list.form, list.at);
    const low = this.number(DW_AT.low_pc);
    const end = this.number(DW_AT.high_pc);
    if (low === undefined || end === undefined) return [];
    const high = this.form(DW_AT.high_pc) === "address" ? end : low + end;
    return low < high && Number.isSafeInteger(high) ? [{ low, high }] : [];
  }
}

const safe = (value: number): number | undefined => (Number.isSafeInteger(value) ? value : undefined);
