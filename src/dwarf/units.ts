/** The units of debug information (DWARF 5 §7.5.1): their headers, and what the attributes of their first entries say of the rest. */
import { type Abbreviations, AbbreviationTables } from "./abbreviations.ts";
import { unreadable } from "./compression.ts";
import { DW_AT, DW_FORM, DW_TAG, DW_UT } from "./constants.ts";
import { Entry } from "./entry.ts";
import { type Encoding, unsigned } from "./forms.ts";
import { big64, u16, u32 } from "./leb.ts";
import { findParents, type Parents } from "./parents.ts";
import { type DebugSections, sectionsInMemory } from "./sections.ts";

export interface DebugInfoParts {
  readonly sections: DebugSections;
  /** The file that .gnu_debugaltlink names: some entries and strings are there. */
  readonly supplementary?: DebugInfo;
  /** A skeleton's split debug information: its .dwo, or its part of the .dwp. Undefined if it isn't found. */
  split?(unit: Unit): DebugSections | undefined;
}

/** More than the largest programs have; bounds the objects that a header of 11 bytes can cost. */
const MOST_UNITS = 1 << 20;
/** Parents of so many entries are remembered (8 bytes each), those of the units that were asked for last. */
const REMEMBERED = 1 << 21;

/** Numbers of all sections with entries, so that an entry has a number of its own. */
let spaces = 0;

export class DebugInfo {
  readonly sections: DebugSections;
  readonly supplementary: DebugInfo | undefined;
  /** The skeleton that this split debug information belongs to. */
  readonly skeleton: Unit | undefined;
  readonly #parts: DebugInfoParts;
  #tables: AbbreviationTables | undefined;
  #units: readonly Unit[] | undefined;
  readonly #parents = new Map<Unit, Parents>();
  #remembered = 0;
  #oldTypeUnits: readonly Unit[] | undefined;
  #bySignature: Map<bigint, Unit> | undefined;

  /** Reads nothing yet: what is damaged is found when it is read. */
  constructor(parts: DebugInfoParts, skeleton?: Unit) {
    this.#parts = parts;
    this.sections = parts.sections;
    this.supplementary = parts.supplementary;
    this.skeleton = skeleton;
  }

  /**
   * The units of .debug_info in the order of their offsets, those of types (DWARF 5) among them; one that isn't DWARF 2 to 5 is
   * left out. Throws SONDE_DWARF_UNREADABLE, and what `sections.get` throws.
   */
  get units(): readonly Unit[] {
    this.#units ??= readUnits(this, this.sections.get("info"), false);
    return this.#units;
  }

  /** The unit of .debug_info with the offset in it. */
  unitAt(offset: number): Unit | undefined {
    let low = 0;
    let high = this.units.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.units[middle]!.offset <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.units[low - 1];
    return unit !== undefined && offset < unit.end ? unit : undefined;
  }

  /** The units of .debug_types (DWARF 4). */
  get oldTypeUnits(): readonly Unit[] {
    this.#oldTypeUnits ??= readUnits(this, this.sections.get("types"), true);
    return this.#oldTypeUnits;
  }

  /** The type with a signature: DW_FORM_ref_sig8. */
  typeUnit(signature: bigint): Entry | undefined {
    if (this.#bySignature === undefined) {
      this.#bySignature = new Map();
      for (const units of [this.units, this.oldTypeUnits])
        for (const unit of units) if (unit.signature !== undefined && !this.#bySignature.has(unit.signature)) this.#bySignature.set(unit.signature, unit);
    }
    const unit = this.#bySignature.get(signature);
    return unit === undefined ? this.skeleton?.debug.typeUnit(signature) : unit.entryAt(unit.offset + unit.typeOffset);
  }

  /** The entry of the supplementary file at an offset; `lostEntry()` where that file isn't there, or has none. */
  supplementaryEntry(offset: number): Entry {
    return this.supplementary?.unitAt(offset)?.entryAt(offset) ?? lostEntry();
  }

  abbreviations(offset: number): Abbreviations {
    this.#tables ??= new AbbreviationTables(this.sections.get("abbrev"));
    return this.#tables.at(offset);
  }

  /** Types are defined in one unit and used in many: one function's may need those of a hundred, again and again. */
  parents(unit: Unit): Parents {
    const known = this.#parents.get(unit);
    if (known !== undefined) {
      // The last of the map is the last that was asked for.
      this.#parents.delete(unit);
      this.#parents.set(unit, known);
      return known;
    }
    const found = findParents(unit);
    for (const [oldest, { offsets }] of this.#parents) {
      if (this.#remembered + found.offsets.length <= REMEMBERED) break;
      this.#parents.delete(oldest);
      this.#remembered -= offsets.length;
    }
    this.#parents.set(unit, found);
    this.#remembered += found.offsets.length;
    return found;
  }

  /** The split unit of a skeleton, if it is found. */
  splitOf(skeleton: Unit): Unit | undefined {
    const sections = this.#parts.split?.(skeleton);
    if (sections === undefined) return undefined;
    const parts = this.supplementary === undefined ? { sections } : { sections, supplementary: this.supplementary };
    const split = new DebugInfo(parts, skeleton);
    // A .dwo has one unit that isn't of types; a file of several has the one with the skeleton's number.
    const candidates = split.units.filter((unit) => unit.signature === undefined);
    return candidates.find((unit) => unit.dwoId === skeleton.dwoId) ?? (candidates.length === 1 ? candidates[0] : undefined);
  }
}

let lost: Entry | undefined;

/**
 * Stands for every entry in a file that isn't there, so that what refers to one isn't taken for what refers to nothing, which is
 * void: a type of which nothing is said, as assemblers write it (DWARF 5 §5.2), and which is the type of what it stands for too.
 */
export function lostEntry(): Entry {
  lost ??= new DebugInfo({ sections: sectionsInMemory(LOST) }).units[0]!.own;
  return lost;
}
const LOST = {
  abbrev: Uint8Array.of(1, DW_TAG.unspecified_type, 0, DW_AT.type, DW_FORM.ref1, DW_AT.declaration, DW_FORM.flag_present, 0, 0, 0),
  // Of DWARF 4: the header's 11 bytes, the abbreviation's number, and a reference to itself.
  info: Uint8Array.of(9, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8, 1, 11),
};
export const isLost = (entry: Entry): boolean => entry.key === lost?.key;

interface Header {
  readonly offset: number;
  readonly end: number;
  readonly first: number;
  readonly encoding: Encoding;
  readonly abbreviations: number;
  /** DW_UT_…, as DWARF 5 has it. */
  readonly kind: number;
  readonly signature: bigint | undefined;
  readonly typeOffset: number;
  readonly dwoId: bigint | undefined;
}

/** What other sections' tables are found by. */
interface Bases {
  readonly lowPc: number | undefined;
  readonly addr: number;
  readonly strOffsets: number;
  readonly rnglists: number;
  readonly loclists: number;
  readonly ranges: number;
}

export class Unit {
  readonly debug: DebugInfo;
  /** The section that it is in: .debug_info, or .debug_types. */
  readonly bytes: Uint8Array;
  /** In its section, of the header. */
  readonly offset: number;
  /** In its section, behind the last entry. */
  readonly end: number;
  /** In its section, of the first entry. */
  readonly first: number;
  readonly encoding: Encoding;
  readonly kind: number;
  /** Of a unit of types. */
  readonly signature: bigint | undefined;
  /** Of a unit of types: where the type is, from the unit's offset. */
  readonly typeOffset: number;
  /** Stands for the section in the numbers of entries. */
  readonly space: number;
  readonly #abbreviations: number;
  readonly #headerId: bigint | undefined;
  #own: Entry | undefined;
  #split: Unit | undefined | null = null;
  #bases: Bases | undefined;

  constructor(debug: DebugInfo, bytes: Uint8Array, header: Header, space: number) {
    this.debug = debug;
    this.bytes = bytes;
    this.offset = header.offset;
    this.end = header.end;
    this.first = header.first;
    this.encoding = header.encoding;
    this.kind = header.kind;
    this.signature = header.signature;
    this.typeOffset = header.typeOffset;
    this.space = space;
    this.#abbreviations = header.abbreviations;
    this.#headerId = header.dwoId;
  }

  get sections(): DebugSections {
    return this.debug.sections;
  }
  get version(): number {
    return this.encoding.version;
  }
  get addressSize(): number {
    return this.encoding.addressSize;
  }
  /** Throws SONDE_DWARF_UNREADABLE. */
  get abbreviations(): Abbreviations {
    return this.debug.abbreviations(this.#abbreviations);
  }

  /** Its first entry in its own section: a skeleton's has hardly more than where the rest is. Throws SONDE_DWARF_UNREADABLE if it has none. */
  get own(): Entry {
    this.#own ??= this.entryAt(this.first);
    if (this.#own === undefined) throw unreadable(`unit at 0x${this.offset.toString(16)}`, "a unit has no first entry");
    return this.#own;
  }
  /** Its first entry: the split unit's, where there is one and it is found. Throws SONDE_DWARF_UNREADABLE. */
  get root(): Entry {
    return this.split?.own ?? this.own;
  }
  /** The unit with this one's entries, if this is a skeleton and it is found. */
  get split(): Unit | undefined {
    if (this.#split === null) this.#split = this.isSkeleton ? this.debug.splitOf(this) : undefined;
    return this.#split;
  }
  /** A unit of which the entries are elsewhere. */
  get isSkeleton(): boolean {
    if (this.kind === DW_UT.skeleton) return true;
    return this.version < 5 && this.debug.skeleton === undefined && this.kind === DW_UT.compile && this.own.has(DW_AT.GNU_dwo_name);
  }
  /** Of split debug information: what its unit here refers to. */
  get skeleton(): Unit | undefined {
    return this.debug.skeleton;
  }
  get dwoId(): bigint | undefined {
    return this.#headerId ?? this.own.big(DW_AT.GNU_dwo_id);
  }
  /** The name of the file with its split unit. */
  get dwoName(): string | undefined {
    return this.own.text(DW_AT.dwo_name) ?? this.own.text(DW_AT.GNU_dwo_name);
  }

  /** DW_LANG_… */
  get language(): number | undefined {
    return this.root.number(DW_AT.language);
  }
  get name(): string | undefined {
    return this.root.text(DW_AT.name);
  }
  get producer(): string | undefined {
    return this.root.text(DW_AT.producer);
  }
  /** The folder that the compiler ran in: other names may be relative to it. */
  get compDir(): string | undefined {
    return this.root.text(DW_AT.comp_dir) ?? (this.skeleton ?? this).own.text(DW_AT.comp_dir);
  }
  /** The address that offsets in lists are relative to. */
  get lowPc(): number | undefined {
    return this.#based.lowPc;
  }
  /** Where its program of lines is in `lineSections`' .debug_line. */
  get lineOffset(): number | undefined {
    return (this.skeleton ?? this).own.number(DW_AT.stmt_list);
  }
  /** The sections that its program of lines is in. */
  get lineSections(): DebugSections {
    return (this.skeleton ?? this).sections;
  }

  /** Where its addresses begin in .debug_addr. */
  get addrBase(): number {
    return this.#based.addr;
  }
  /** Where its table begins in .debug_str_offsets; so with those of lists. */
  get strOffsetsBase(): number {
    return this.#based.strOffsets;
  }
  get rnglistsBase(): number {
    return this.#based.rnglists;
  }
  get loclistsBase(): number {
    return this.#based.loclists;
  }
  /** What DW_AT_ranges of DWARF 4 is relative to: the extension of split units has a base for it. */
  get rangesBase(): number {
    return this.#based.ranges;
  }
  /** The sections with .debug_ranges of DWARF 4: split units have theirs in the program. */
  get rangesSections(): DebugSections {
    return (this.skeleton ?? this).sections;
  }
  get #based(): Bases {
    if (this.#bases !== undefined) return this.#bases;
    const { own } = this;
    const program = this.skeleton?.own ?? own;
    // Without an attribute, as in split units: behind the table's header, which is its length, version and sizes, and for
    // lists their count (§7.26 to §7.28). Tables of the extension of DWARF 4 have no header.
    const lists = this.encoding.offsetSize === 8 ? 20 : 12;
    const table = this.version >= 5 ? lists - 4 : 0;
    const bases: Bases = {
      lowPc: undefined,
      addr: program.number(DW_AT.addr_base) ?? program.number(DW_AT.GNU_addr_base) ?? table,
      strOffsets: own.number(DW_AT.str_offsets_base) ?? table,
      rnglists: own.number(DW_AT.rnglists_base) ?? lists,
      loclists: own.number(DW_AT.loclists_base) ?? lists,
      ranges: this.skeleton?.own.number(DW_AT.GNU_ranges_base) ?? 0,
    };
    this.#bases = bases;
    // May be an index of the table, of which the place is known now.
    this.#bases = { ...bases, lowPc: program.number(DW_AT.low_pc) };
    return this.#bases;
  }

  /** An address of the program's table: DW_FORM_addrx, DW_OP_addrx. */
  address(index: number): number | undefined {
    const addresses = (this.skeleton ?? this).sections.get("addr");
    const at = this.addrBase + index * this.addressSize;
    if (at + this.addressSize > addresses.length) return undefined;
    const value = unsigned(addresses, at, this.addressSize);
    return Number.isSafeInteger(value) ? value : undefined;
  }

  /** The entry at an offset in the unit's section; undefined outside, and where there is none. */
  entryAt(offset: number): Entry | undefined {
    return offset >= this.first && offset < this.end ? Entry.at(this, offset) : undefined;
  }
}

/** How the header of a unit begins, in all versions: its length (§7.4), its version. */
function readHeader(bytes: Uint8Array, offset: number, ofTypes: boolean): Header | { readonly end: number } {
  let at = offset;
  let length = u32(bytes, at);
  at += 4;
  let offsetSize = 4;
  if (length === 0xffffffff) {
    offsetSize = 8;
    length = unsigned(bytes, at, 8);
    at += 8;
  }
  const end = at + length;
  const version = u16(bytes, at);
  at += 2;
  if (end > bytes.length || version < 2 || version > 5) return { end };
  let kind: number = ofTypes ? DW_UT.type : DW_UT.compile;
  let addressSize: number;
  let abbreviations: number;
  let signature: bigint | undefined;
  let dwoId: bigint | undefined;
  let typeOffset = 0;
  if (version >= 5) {
    kind = bytes[at]!;
    addressSize = bytes[at + 1]!;
    abbreviations = unsigned(bytes, at + 2, offsetSize);
    at += 2 + offsetSize;
  } else {
    abbreviations = unsigned(bytes, at, offsetSize);
    addressSize = bytes[at + offsetSize]!;
    at += offsetSize + 1;
  }
  if (kind === DW_UT.type || kind === DW_UT.split_type) {
    signature = big64(bytes, at);
    typeOffset = unsigned(bytes, at + 8, offsetSize);
    at += 8 + offsetSize;
  } else if (kind === DW_UT.skeleton || kind === DW_UT.split_compile) {
    dwoId = big64(bytes, at);
    at += 8;
  }
  if (at > end || (addressSize !== 8 && addressSize !== 4)) return { end };
  return { offset, end, first: at, encoding: encodingOf(version, addressSize, offsetSize), abbreviations, kind, signature, typeOffset, dwoId };
}

const encodings = new Map<number, Encoding>();

/** One object for each encoding: code that compares them is fast. */
function encodingOf(version: number, addressSize: number, offsetSize: number): Encoding {
  const key = version * 256 + addressSize * 16 + offsetSize;
  let encoding = encodings.get(key);
  if (encoding === undefined) {
    encoding = { version, addressSize, offsetSize };
    encodings.set(key, encoding);
  }
  return encoding;
}

function readUnits(debug: DebugInfo, bytes: Uint8Array, ofTypes: boolean): Unit[] {
  const space = spaces++;
  const units: Unit[] = [];
  for (let at = 0; at + 11 <= bytes.length; ) {
    const header = readHeader(bytes, at, ofTypes);
    if ("offset" in header) {
      if (units.length === MOST_UNITS) throw unreadable(ofTypes ? ".debug_types" : ".debug_info", `it has more than ${MOST_UNITS} units`);
      units.push(new Unit(debug, bytes, header, space));
    }
    at = header.end;
  }
  return units;
}
