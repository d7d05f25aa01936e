/**
 * The table that Go's own runtime walks stacks by (`.gopclntab`): functions with their names, files and lines, which
 * stripped programs have too. Source: Go's debug/gosym and runtime/symtab.go; the header has had four forms:
 *
 *     magic        since   words behind magic:4 0 0 quantum:1 pointer:1             an entry of the table of functions
 *     0xfffffffb   1.2     functions                                               address:p record:p
 *     0xfffffffa   1.16    functions files names units files' pcs records          address:p record:p
 *     0xfffffff0   1.18    functions files text names units files' pcs records     address - text:4 record:4
 *     0xfffffff1   1.20    the same                                                the same
 *
 * A function ends where the next one begins. Records, names and files are read where they are asked for.
 */
import { type ElfImage, findSection, sectionBytes } from "./image.ts";
import { findRelocations } from "./relocations.ts";

const SECTIONS = [".gopclntab", ".data.rel.ro.gopclntab"];
const R_X86_64_RELATIVE = 8;
const GO_1_2 = 0xfffffffb;
const GO_1_16 = 0xfffffffa;
const GO_1_18 = 0xfffffff0;
const GO_1_20 = 0xfffffff1;
const POINTER = 8;
const MOST_FUNCTIONS = 1 << 22;
const LONGEST_NAME = 1 << 12;
/** A function's line table has an entry a change; more steps than this are no function's. */
const MOST_STEPS = 1 << 20;

export interface GoLine {
  readonly file: string;
  readonly line: number;
}

/** Where the parts begin, from the table's start. */
interface Layout {
  readonly count: number;
  readonly names: number;
  readonly units: number;
  readonly files: number;
  readonly pcs: number;
  readonly records: number;
  /** Size of an address and of a record's place in the table of functions. */
  readonly word: 4 | 8;
  /** What addresses are counted from; undefined: from 0. */
  readonly text: number | undefined;
  readonly old: boolean;
}

export class GoFunctions {
  readonly count: number;
  readonly #bytes: Buffer;
  readonly #layout: Layout;

  private constructor(bytes: Buffer, layout: Layout) {
    this.#bytes = bytes;
    this.#layout = layout;
    this.count = layout.count;
  }

  /** Undefined where the file has no such table, or one of a form that isn't known. */
  static read(image: ElfImage): GoFunctions | undefined {
    const section = SECTIONS.map((name) => findSection(image, name)).find((found) => found !== undefined);
    if (section === undefined) return undefined;
    const all = sectionBytes(image, section);
    const bytes = Buffer.from(all.buffer, all.byteOffset, all.length);
    const layout = layoutOf(bytes, (field) => textStart(image, section.address + field, bytes, field));
    return layout === undefined ? undefined : new GoFunctions(bytes, layout);
  }

  /** Virtual address as linked. */
  address(index: number): number {
    const { records, word, text } = this.#layout;
    return (text ?? 0) + this.#word(records + index * 2 * word);
  }

  /** Up to the next function. */
  size(index: number): number {
    return Math.max(0, this.address(index + 1) - this.address(index));
  }

  name(index: number): string {
    const record = this.#record(index);
    return this.#text(this.#layout.names + this.#int32(record + this.#entrySize));
  }

  /** The functions of exactly this name. */
  find(name: string): number[] {
    const wanted = Buffer.from(`${name}\0`, "utf8");
    const found: number[] = [];
    for (let i = 0; i < this.count; i++) {
      const at = this.#layout.names + this.#int32(this.#record(i) + this.#entrySize);
      if (at >= 0 && at + wanted.length <= this.#bytes.length && this.#bytes.compare(wanted, 0, wanted.length, at, at + wanted.length) === 0) found.push(i);
    }
    return found;
  }

  /** The function that covers an address. */
  at(address: number): number | undefined {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.address(middle) <= address) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    return index >= 0 && address < this.address(index) + this.size(index) ? index : undefined;
  }

  /** The source line of an instruction. */
  line(address: number): GoLine | undefined {
    const index = this.at(address);
    if (index === undefined) return undefined;
    const fields = this.#record(index) + this.#entrySize;
    // name, args, deferreturn (frame), pcsp, pcfile, pcln: four bytes each.
    const offset = address - this.address(index);
    const file = this.#valueAt(this.#int32(fields + 16), offset);
    const line = this.#valueAt(this.#int32(fields + 20), offset);
    if (file === undefined || line === undefined || line < 0) return undefined;
    const name = this.#fileName(file, fields);
    return name === undefined ? undefined : { file: name, line };
  }

  get #entrySize(): number {
    return this.#layout.word === 4 ? 4 : POINTER;
  }

  #record(index: number): number {
    const { records, word } = this.#layout;
    return records + this.#word(records + (index * 2 + 1) * word) - (this.#layout.old ? records : 0);
  }

  #fileName(file: number, fields: number): string | undefined {
    const { files, units, old } = this.#layout;
    if (old) {
      const at = this.#int32(files + file * 4);
      return at <= 0 ? undefined : this.#text(at);
    }
    // name … pcln, number of tables, then the unit.
    const unit = this.#int32(fields + 28);
    const at = this.#int32(units + (unit + file) * 4);
    return at < 0 ? undefined : this.#text(files + at);
  }

  /**
   * A table of values by address: pairs of a value's change (zigzag) and a length, both of 7 bits a byte, until a
   * change of 0 behind the first.
   */
  #valueAt(table: number, offset: number): number | undefined {
    if (table <= 0) return undefined;
    let at = this.#layout.pcs + table;
    let value = -1;
    let pc = 0;
    const bytes = this.#bytes;
    const varint = (): number => {
      let result = 0;
      for (let shift = 0; shift < 35; shift += 7) {
        const byte = bytes[at++] ?? 0;
        result += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) break;
      }
      return result;
    };
    for (let step = 0; step < MOST_STEPS && at < bytes.length; step++) {
      const change = varint();
      if (change === 0 && step > 0) return undefined;
      value += change % 2 === 1 ? -((change + 1) / 2) : change / 2;
      pc += varint();
      if (offset < pc) return value;
    }
    return undefined;
  }

  #word(at: number): number {
    if (at < 0 || at + this.#layout.word > this.#bytes.length) return 0;
    return this.#layout.word === 4 ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32LE(at) + this.#bytes.readUInt32LE(at + 4) * 2 ** 32;
  }

  #int32(at: number): number {
    return at < 0 || at + 4 > this.#bytes.length ? -1 : this.#bytes.readInt32LE(at);
  }

  #text(at: number): string {
    if (at < 0 || at >= this.#bytes.length) return "";
    const end = this.#bytes.indexOf(0, at);
    return this.#bytes.toString("utf8", at, Math.min(end < 0 ? this.#bytes.length : end, at + LONGEST_NAME));
  }
}

function layoutOf(bytes: Buffer, text: (field: number) => number | undefined): Layout | undefined {
  if (bytes.length < 8 + POINTER || bytes[4] !== 0 || bytes[5] !== 0 || bytes[7] !== POINTER) return undefined;
  const magic = bytes.readUInt32LE(0);
  const word = (index: number): number => {
    const at = 8 + index * POINTER;
    if (at + POINTER > bytes.length) return Number.POSITIVE_INFINITY;
    return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
  };
  const count = word(0);
  let layout: Layout;
  if (magic === GO_1_2) {
    const records = 8 + POINTER;
    const filesField = records + (count * 2 + 1) * POINTER;
    if (filesField + 4 > bytes.length) return undefined;
    layout = { count, names: 0, units: 0, files: bytes.readUInt32LE(filesField), pcs: 0, records, word: 8, text: undefined, old: true };
  } else if (magic === GO_1_16) {
    layout = { count, names: word(2), units: word(3), files: word(4), pcs: word(5), records: word(6), word: 8, text: undefined, old: false };
  } else if (magic === GO_1_18 || magic === GO_1_20) {
    const start = text(8 + 2 * POINTER);
    if (start === undefined) return undefined;
    layout = { count, names: word(3), units: word(4), files: word(5), pcs: word(6), records: word(7), word: 4, text: start, old: false };
  } else return undefined;
  const { names, units, files, pcs, records } = layout;
  const isInside = [names, units, files, pcs, records].every((at) => at < bytes.length);
  return isInside && count > 0 && count <= MOST_FUNCTIONS && records + (count * 2 + 1) * layout.word <= bytes.length ? layout : undefined;
}

/** The start of the text: in a position-independent program the loader puts it there, and newest programs leave it out. */
function textStart(image: ElfImage, slot: number, bytes: Buffer, field: number): number | undefined {
  if (field + POINTER > bytes.length) return undefined;
  const written = bytes.readUInt32LE(field) + bytes.readUInt32LE(field + 4) * 2 ** 32;
  if (written > 0) return written;
  let start: number | undefined;
  findRelocations(image, (type, _, addend, at) => {
    if (type === R_X86_64_RELATIVE && at === slot) start = addend;
    return false;
  });
  return start ?? findSection(image, ".text")?.address;
}
