/** The tables of abbreviations (DWARF 5 §7.5.3): which tag, children, attributes and forms each kind of entry has. */
import { SondeError } from "../errors/error.ts";
import { DW_FORM } from "./constants.ts";
import { bigSleb, type Position, uleb } from "./leb.ts";

/** All numbers of a table lie flat: abbreviation `i` has attributes `starts[i]` to `starts[i + 1]`. */
export interface Abbreviations {
  readonly count: number;
  readonly tags: Uint16Array;
  readonly children: Uint8Array;
  readonly starts: Uint32Array;
  readonly attributes: Uint16Array;
  readonly forms: Uint16Array;
  /** Values of DW_FORM_implicit_const, by the number of the attribute. */
  readonly constants: ReadonlyMap<number, bigint>;
  /** The first code and all after it up to `count` of them in order, as every compiler numbers them: the index is code - 1. */
  readonly dense: number;
  /** Codes that are out of order. */
  readonly sparse: ReadonlyMap<number, number>;
}

/** The abbreviation of a code; -1 without one. */
export function abbreviationOf(table: Abbreviations, code: number): number {
  return code <= table.dense ? code - 1 : (table.sparse.get(code) ?? -1);
}

/** Tags and attributes have 16 bits (§7.5.4, §7.5.5): what is larger becomes one that nothing knows. */
const UNKNOWN = 0xffff;
const number16 = (value: number): number => (value < UNKNOWN ? value : UNKNOWN);

/** Compilers write up to 40. With thousands in no bytes each, small files would take long. */
const MOST_ATTRIBUTES = 1000;

function parse(bytes: Uint8Array, position: Position): Abbreviations {
  const tags: number[] = [];
  const children: number[] = [];
  const starts: number[] = [];
  const attributes: number[] = [];
  const forms: number[] = [];
  const constants = new Map<number, bigint>();
  const sparse = new Map<number, number>();
  let dense = 0;
  while (position.at < bytes.length) {
    const code = uleb(bytes, position);
    if (code === 0) break;
    const index = tags.length;
    if (code === dense + 1 && dense === index) dense++;
    else if (!sparse.has(code) && code > dense) sparse.set(code, index);
    tags.push(number16(uleb(bytes, position)));
    children.push(bytes[position.at++] === 1 ? 1 : 0);
    starts.push(attributes.length);
    while (position.at < bytes.length) {
      const attribute = uleb(bytes, position);
      const form = uleb(bytes, position);
      if (form === DW_FORM.implicit_const) constants.set(attributes.length, bigSleb(bytes, position));
      if (attribute === 0 && form === 0) break;
      const taken = attributes.length - starts[index]!;
      if (taken > MOST_ATTRIBUTES) continue;
      attributes.push(number16(attribute));
      // No form: nothing behind it can be read.
      forms.push(taken === MOST_ATTRIBUTES ? 0 : number16(form));
    }
  }
  starts.push(attributes.length);
  return {
    count: tags.length,
    tags: Uint16Array.from(tags),
    children: Uint8Array.from(children),
    starts: Uint32Array.from(starts),
    attributes: Uint16Array.from(attributes),
    forms: Uint16Array.from(forms),
    constants,
    dense,
    sparse,
  };
}

/** The tables of one .debug_abbrev, each read when it is first asked for. Throws SONDE_DWARF_UNREADABLE where they overlap without end. */
export class AbbreviationTables {
  readonly #bytes: Uint8Array;
  readonly #tables = new Map<number, Abbreviations>();
  #left: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    // Units share tables, and tables don't overlap: more than this is read only of a file that is made to take time.
    this.#left = bytes.length * 4 + 4096;
  }

  at(offset: number): Abbreviations {
    const known = this.#tables.get(offset);
    if (known !== undefined) return known;
    const position = { at: offset };
    if (this.#left < 0)
      throw new SondeError("SONDE_DWARF_UNREADABLE", "the debug information is unreadable: its tables of abbreviations overlap", {
        where: ".debug_abbrev",
        mend: "Build the program or its debug information again.",
      });
    const table = parse(this.#bytes, position);
    this.#left -= position.at - offset + 16;
    this.#tables.set(offset, table);
    return table;
  }
}
