/** Where a variable is at an instruction: its one location, or the one of its list that holds there. DWARF 5 §2.6, §7.7.3. */
import type { CPlace } from "../schema/ctypes.ts";
import { abbreviationOf } from "./abbreviations.ts";
import { DW_AT, DW_FORM, DW_LANG, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { type ExpressionContext, type FrameBase, reduceExpression } from "./expression.ts";
import { constantPlace, REMOVED } from "./expression-places.ts";
import { Unreadable, type Word } from "./expression-value.ts";
import { unsigned } from "./forms.ts";
import { cfaWord, type Frames } from "./frames.ts";
import { goPieces } from "./go-pieces.ts";
import { type Position, u16, uleb } from "./leb.ts";
import { declarations, languageOf } from "./type-names.ts";
import { dimensions, stripped, typeAttribute } from "./types-strip.ts";
import type { Unit } from "./units.ts";

/** What places are relative to. */
export interface PlaceFrame {
  /** The function whose code it is: not one that is inlined there. */
  readonly function: Entry | undefined;
  /** How the file's frames are laid out. Without it only what isn't relative to them is found. */
  readonly frames: Frames | undefined;
  /** The inlined instance whose own variable it is: what holds for nothing but its beginning counts there. */
  readonly instance?: Entry | undefined;
}

/** Entries of lists of locations: DWARF 5 §7.7.3. */
const LLE = {
  end_of_list: 0,
  base_addressx: 1,
  startx_endx: 2,
  startx_length: 3,
  offset_pair: 4,
  default_location: 5,
  base_address: 6,
  start_end: 7,
  start_length: 8,
  /** Of GCC: which of several statements at one address; nothing that a probe can tell apart. */
  GNU_view_pair: 9,
} as const;

/** More than a list has; bounds the time that one look-up takes. */
const MOST_ENTRIES = 1 << 18;

/** The form that an attribute is written in: whether a list is meant by its number, only that tells. */
function formOf(entry: Entry, attribute: number): number | undefined {
  const table = entry.unit.abbreviations;
  const abbreviation = abbreviationOf(table, uleb(entry.unit.bytes, { at: entry.offset }));
  if (abbreviation < 0) return undefined;
  for (let i = table.starts[abbreviation]!; i < table.starts[abbreviation + 1]!; i++) if (table.attributes[i] === attribute) return table.forms[i];
  return undefined;
}

/**
 * The expression of an attribute that holds at a pc; undefined: none does. One that holds for nothing but the moment before the
 * first instruction of the function `of` counts there.
 */
export function expressionAt(entry: Entry, attribute: number, pc: number, of?: Entry): Uint8Array | undefined {
  const kind = entry.form(attribute);
  if (kind === "exprloc") return entry.block(attribute);
  const offset = kind === "list" ? entry.number(attribute) : undefined;
  if (offset === undefined) return undefined;
  const { unit } = entry;
  const begins = of !== undefined && pc === entryAddress(of);
  const covers: Covers = (low, high) => (pc >= low && pc < high) || (begins && pc === low && pc === high);
  if (unit.version < 5 && unit.skeleton === undefined) return inOldList(unit, offset, covers);
  const list =
    unit.version < 5 ? { bytes: unit.sections.get("loc"), at: offset, gnu: true } : listOf(unit, offset, formOf(entry, attribute) === DW_FORM.loclistx);
  return list && inList(unit, list, covers);
}
type Covers = (low: number, high: number) => boolean;

/** A list of DWARF 5, or of GNU's split DWARF 4. */
interface KindedList {
  readonly bytes: Uint8Array;
  readonly at: number;
  /** GNU's has the first five kinds, with lengths of 32 bits and expressions' of 16 (https://gcc.gnu.org/wiki/DebugFission). */
  readonly gnu: boolean;
}

/** @param byIndex `value` counts in the unit's table of lists */
function listOf(unit: Unit, value: number, byIndex: boolean): KindedList | undefined {
  const bytes = unit.sections.get("loclists");
  if (!byIndex) return { bytes, at: value, gnu: false };
  const { offsetSize } = unit.encoding;
  const entry = unit.loclistsBase + value * offsetSize;
  return entry + offsetSize > bytes.length ? undefined : { bytes, at: unit.loclistsBase + unsigned(bytes, entry, offsetSize), gnu: false };
}

function inList(unit: Unit, { bytes: lists, at: start, gnu }: KindedList, covers: Covers): Uint8Array | undefined {
  const position: Position = { at: start };
  const fixed = (size: number): number => {
    position.at += size;
    return unsigned(lists, position.at - size, size);
  };
  const address = (): number => fixed(unit.encoding.addressSize);
  const indexed = (): number => unit.address(uleb(lists, position)) ?? Number.NaN;
  const count = (): number => (gnu ? fixed(4) : uleb(lists, position));
  let base: number | undefined;
  let fallback: Uint8Array | undefined;
  for (let left = MOST_ENTRIES; left > 0 && position.at < lists.length; left--) {
    let low: number;
    let high: number;
    const kind = lists[position.at++]!;
    if (gnu && kind > LLE.offset_pair) return undefined;
    switch (kind) {
      case LLE.end_of_list:
        return fallback;
      case LLE.base_addressx:
        base = indexed();
        continue;
      case LLE.base_address:
        base = address();
        continue;
      case LLE.GNU_view_pair:
        uleb(lists, position);
        uleb(lists, position);
        continue;
      case LLE.startx_endx:
        low = indexed();
        high = indexed();
        break;
      case LLE.startx_length:
        low = indexed();
        high = low + count();
        break;
      case LLE.offset_pair:
        base ??= unit.lowPc ?? 0;
        low = base + count();
        high = base + count();
        break;
      case LLE.default_location:
        low = 0;
        high = 0;
        break;
      case LLE.start_end:
        low = address();
        high = address();
        break;
      case LLE.start_length:
        low = address();
        high = low + count();
        break;
      default:
        return undefined;
    }
    const length = gnu ? fixed(2) : uleb(lists, position);
    const at = position.at;
    position.at += length;
    if (position.at > lists.length) return undefined;
    if (kind === LLE.default_location) fallback = lists.subarray(at, position.at);
    else if (covers(low, high)) return lists.subarray(at, position.at);
  }
  return undefined;
}

/** DWARF 2 to 4 (DWARF 4 §2.6.2): pairs of addresses, which count from a base. */
function inOldList(unit: Unit, offset: number, covers: Covers): Uint8Array | undefined {
  const lists = unit.sections.get("loc");
  const { addressSize } = unit.encoding;
  const selects = addressSize === 8 ? 2 ** 64 : 2 ** 32 - 1;
  let base = unit.lowPc ?? 0;
  let at = offset;
  for (let left = MOST_ENTRIES; left > 0 && at + 2 * addressSize <= lists.length; left--) {
    const low = unsigned(lists, at, addressSize);
    const high = unsigned(lists, at + addressSize, addressSize);
    at += 2 * addressSize;
    if (low === 0 && high === 0) return undefined;
    // Exact to 2⁵³: all that is near to 2⁶⁴ is 2⁶⁴.
    if (low === selects) {
      base = high;
      continue;
    }
    const length = u16(lists, at);
    at += 2;
    if (at + length > lists.length) return undefined;
    if (covers(base + low, base + high)) return lists.subarray(at, at + length);
    at += length;
  }
  return undefined;
}

/** What the expressions of a function refer to at a pc. */
function contextOf(unit: Unit, pc: number, frame: PlaceFrame, size: number | undefined): ExpressionContext {
  let cfa: Word | undefined;
  const inner: ExpressionContext = {
    pc,
    size: undefined,
    entry: frame.function === undefined ? undefined : entryAddress(frame.function),
    addressSize: unit.addressSize,
    addressOf: (index) => unit.address(index),
    baseType: (offset) => {
      const type = unit.entryAt(unit.offset + offset);
      if (type?.tag !== DW_TAG.base_type) return undefined;
      const encoding = type.number(DW_AT.encoding);
      const bytes = type.number(DW_AT.byte_size);
      return encoding === undefined || bytes === undefined ? undefined : { encoding, size: bytes };
    },
    cfa: () => {
      const row = cfa === undefined ? frame.frames?.at(pc) : undefined;
      if (cfa === undefined && row === undefined) throw new Unreadable("nothing says where the frame is");
      cfa ??= cfaWord(row!.cfa, pc);
      return cfa;
    },
  };
  const frameBase = (): FrameBase => {
    const bytes = frame.function === undefined ? undefined : expressionAt(frame.function, DW_AT.frame_base, pc);
    if (bytes === undefined) throw new Unreadable("nothing says where the frame is");
    return { bytes, context: inner };
  };
  return { ...inner, size, frameBase };
}

/** The first instruction of a function or an inlined instance. A function may have another part at a lower address. */
export function entryAddress(entry: Entry): number | undefined {
  const ranges = entry.ranges();
  const first = ranges[0]?.low;
  const stated = entry.number(DW_AT.entry_pc);
  if (stated === undefined) return first ?? entry.number(DW_AT.low_pc);
  // DWARF 5 lets it count from the lowest address (§2.18).
  return entry.form(DW_AT.entry_pc) === "address" ? stated : (entry.number(DW_AT.low_pc) ?? first ?? 0) + stated;
}

/** Bytes of a value of a type; undefined where that isn't said. */
export function sizeOfType(entry: Entry | undefined): number | undefined {
  let type = stripped(entry).type;
  let count = 1;
  for (let steps = 0; type !== undefined && steps < 8; steps++) {
    const size = type.number(DW_AT.byte_size);
    if (size !== undefined) return size * count;
    if (POINTERS.has(type.tag)) return type.unit.addressSize * count;
    if (type.tag === DW_TAG.array_type) count *= dimensions(type).reduce((all, one) => all * one, 1);
    else if (type.tag !== DW_TAG.enumeration_type && type.tag !== DW_TAG.subrange_type) return undefined;
    type = stripped(type.reference(DW_AT.type)).type;
  }
  return undefined;
}
const POINTERS: ReadonlySet<number> = new Set([DW_TAG.pointer_type, DW_TAG.reference_type, DW_TAG.rvalue_reference_type]);

/**
 * Where a variable or parameter is at a pc, as linked. What an instance doesn't say is taken from what it is an instance of.
 * Never throws for what the debug information says; throws SONDE_DWARF_UNREADABLE where a section can't be had at all.
 */
export function placeAt(entry: Entry, pc: number, frame: PlaceFrame): CPlace {
  let declaration = false;
  let type: Entry | undefined;
  for (const one of declarations(entry)) type ??= typeAttribute(one);
  for (const one of declarations(entry)) {
    if (one.has(DW_AT.location)) {
      const bytes = expressionAt(one, DW_AT.location, pc, frame.instance ?? frame.function);
      if (bytes === undefined || bytes.length === 0) return { k: "none", why: REMOVED };
      const context = contextOf(one.unit, pc, frame, sizeOfType(type));
      const go = languageOf(one.unit) === DW_LANG.Go;
      return reduceExpression(bytes, go ? { ...context, pieces: (written) => goPieces(written, type) } : context);
    }
    if (one.has(DW_AT.const_value)) return constantOf(one);
    declaration ||= one.flag(DW_AT.declaration);
  }
  return { k: "none", why: declaration ? "it is declared here, and defined elsewhere" : REMOVED };
}

function constantOf(entry: Entry): CPlace {
  const value = entry.big(DW_AT.const_value);
  if (value !== undefined) return { k: "value", steps: [{ op: "constant", value: BigInt.asIntN(64, value) }] };
  const bytes = entry.block(DW_AT.const_value);
  if (bytes !== undefined) return constantPlace(bytes);
  return { k: "none", why: "it is a text that only the debug information has" };
}
