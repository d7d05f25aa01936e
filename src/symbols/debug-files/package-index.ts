/** The index of a package of split debug information: .debug_cu_index and .debug_tu_index of a .dwp. */
import { big64, u16, u32 } from "../../dwarf/leb.ts";
import type { SectionName } from "../../dwarf/sections.ts";

/** A unit's part of one of the package's sections. */
export interface Contribution {
  readonly offset: number;
  readonly size: number;
}
/** By section; what isn't in it is shared by all units (.debug_str.dwo), or not there. */
export type Contributions = ReadonlyMap<SectionName, Contribution>;

/** DW_SECT_… of the extension of DWARF 4 (version 2), and of DWARF 5 (§7.3.5.3). Macros aren't read. */
const SECTIONS: { readonly [version: number]: { readonly [column: number]: SectionName } } = {
  2: { 1: "info", 2: "types", 3: "abbrev", 4: "line", 5: "loc", 6: "str_offsets" },
  5: { 1: "info", 3: "abbrev", 4: "line", 5: "loclists", 6: "str_offsets", 8: "rnglists" },
};
const HEADER_SIZE = 16;
const MOST_COLUMNS = 16;

/**
 * A table by hash, with open addressing (DWARF 5 §7.3.5.3):
 *
 *     version:4, or version:2 and 2 of padding | columns:4 | units:4 | slots:4
 *     slots × id:8 | slots × row:4 | columns × section:4 | units × columns × offset:4 | units × columns × size:4
 *
 * The first row is 1; an empty slot has row 0.
 */
export class PackageIndex {
  readonly #bytes: Uint8Array;
  readonly #slots: number;
  readonly #units: number;
  readonly #columns: readonly (SectionName | undefined)[];
  readonly #rows: number;
  readonly #offsets: number;

  private constructor(bytes: Uint8Array, slots: number, units: number, columns: readonly (SectionName | undefined)[]) {
    this.#bytes = bytes;
    this.#slots = slots;
    this.#units = units;
    this.#columns = columns;
    this.#rows = HEADER_SIZE + slots * 8;
    this.#offsets = this.#rows + slots * 4 + columns.length * 4;
  }

  /** Undefined: it isn't one of a known version, or is cut short. */
  static read(bytes: Uint8Array): PackageIndex | undefined {
    if (bytes.length < HEADER_SIZE) return undefined;
    const sections = SECTIONS[u32(bytes, 0) === 2 ? 2 : u16(bytes, 0)];
    const columns = u32(bytes, 4);
    const units = u32(bytes, 8);
    const slots = u32(bytes, 12);
    if (sections === undefined || columns > MOST_COLUMNS || (slots & (slots - 1)) !== 0) return undefined;
    const names = HEADER_SIZE + slots * 12;
    if (names + columns * 4 + units * columns * 8 > bytes.length) return undefined;
    return new PackageIndex(
      bytes,
      slots,
      units,
      Array.from({ length: columns }, (_, i) => sections[u32(bytes, names + i * 4)]),
    );
  }

  /** The parts that belong to a unit, by the number of its skeleton, or a type's signature. */
  find(id: bigint): Contributions | undefined {
    if (this.#slots === 0) return undefined;
    const mask = this.#slots - 1;
    const step = (Number((id >> 32n) & 0xffffffffn) & mask) | 1;
    let slot = Number(id & 0xffffffffn) & mask;
    for (let left = this.#slots; left > 0; left--, slot = (slot + step) & mask) {
      const row = u32(this.#bytes, this.#rows + slot * 4);
      if (row === 0) return undefined;
      if (big64(this.#bytes, HEADER_SIZE + slot * 8) === id) return row <= this.#units ? this.#row(row - 1) : undefined;
    }
    return undefined;
  }

  #row(row: number): Contributions {
    const count = this.#columns.length;
    const parts = new Map<SectionName, Contribution>();
    for (const [column, name] of this.#columns.entries()) {
      if (name === undefined) continue;
      const at = this.#offsets + (row * count + column) * 4;
      parts.set(name, { offset: u32(this.#bytes, at), size: u32(this.#bytes, at + this.#units * count * 4) });
    }
    return parts;
  }
}
