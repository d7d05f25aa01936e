/**
 * Where exceptions land: the places in functions to which unwinding goes, from `.eh_frame` and `.gcc_except_table`.
 * Sources: the Linux Standard Base, "Exception Frames"; the Itanium C++ ABI, "Exception Handling Tables".
 */
import { addressToOffset, type ElfImage, findSection, sectionBytes } from "./image.ts";

/** Encodings of pointers (DW_EH_PE_…): the format, and what it is relative to. */
const OMITTED = 0xff;
const FORMAT = 0x0f;
const RELATIVE = 0x70;
const PC_RELATIVE = 0x10;
const INDIRECT = 0x80;

interface Parent {
  /** Of the function's address. */
  readonly pointers: number;
  /** Of the address of its table of exceptions; OMITTED: it has none. */
  readonly table: number;
}

class Reader {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  at: number;
  /** The address of the first byte. */
  readonly address: number;

  constructor(bytes: Uint8Array, address: number, at = 0) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.address = address;
    this.at = at;
  }
  byte(): number {
    return this.view.getUint8(this.at++);
  }
  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
  /** Undefined for encodings that compilers for x86-64 don't write here. */
  pointer(encoding: number): number | undefined {
    const from = this.address + this.at;
    const value = this.value(encoding & FORMAT);
    if (value === undefined || (encoding & INDIRECT) !== 0) return undefined;
    const relative = encoding & RELATIVE;
    if (relative !== 0 && relative !== PC_RELATIVE) return undefined;
    return value === 0 ? 0 : relative === PC_RELATIVE ? from + value : value;
  }
  value(format: number): number | undefined {
    const { at, view } = this;
    switch (format) {
      case 0x00:
      case 0x04:
      case 0x0c:
        this.at += 8;
        return Number(view.getBigInt64(at, true));
      case 0x01:
        return this.uleb();
      case 0x02:
        this.at += 2;
        return view.getUint16(at, true);
      case 0x03:
        this.at += 4;
        return view.getUint32(at, true);
      case 0x0a:
        this.at += 2;
        return view.getInt16(at, true);
      case 0x0b:
        this.at += 4;
        return view.getInt32(at, true);
      default:
        return undefined;
    }
  }
}

/** All landing pads of a file, by address as linked; undefined if there is something that can't be read: then they aren't known. */
export function landingPads(image: ElfImage): number[] | undefined {
  const frames = findSection(image, ".eh_frame");
  if (frames === undefined) return [];
  const bytes = sectionBytes(image, frames);
  const section = findSection(image, ".gcc_except_table");
  const table = section === undefined ? undefined : new Reader(sectionBytes(image, section), section.address);
  const pads: number[] = [];
  const parents = new Map<number, Parent | undefined>();
  const reader = new Reader(bytes, frames.address);
  try {
    for (let at = 0; at + 8 <= bytes.length; ) {
      const length = reader.view.getUint32(at, true);
      // The end; an extended length is a file's of more than 4 GiB.
      if (length === 0) break;
      if (length === 0xffffffff) return undefined;
      const id = reader.view.getUint32(at + 4, true);
      if (id !== 0) {
        const parentAt = at + 4 - id;
        if (!parents.has(parentAt)) parents.set(parentAt, parentOf(reader, parentAt));
        const parent = parents.get(parentAt);
        if (parent === undefined) return undefined;
        if (parent.table !== OMITTED) {
          reader.at = at + 8;
          const start = reader.pointer(parent.pointers);
          reader.value(parent.pointers & FORMAT);
          reader.uleb();
          const where = reader.pointer(parent.table);
          if (start === undefined || where === undefined) return undefined;
          if (where !== 0 && !readTable(image, table, where, start, pads)) return undefined;
        }
      }
      at += 4 + length;
    }
  } catch (error) {
    // It ends in the middle of something.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return pads.sort((a, b) => a - b);
}

function parentOf(reader: Reader, at: number): Parent | undefined {
  reader.at = at + 8;
  const version = reader.byte();
  let augmentation = "";
  for (let byte = reader.byte(); byte !== 0; byte = reader.byte()) augmentation += String.fromCharCode(byte);
  reader.uleb();
  reader.uleb();
  if (version === 1) reader.byte();
  else reader.uleb();
  let pointers = 0;
  let table = OMITTED;
  if (augmentation === "") return { pointers, table };
  if (!augmentation.startsWith("z")) return undefined;
  reader.uleb();
  for (const letter of augmentation.slice(1)) {
    if (letter === "R") pointers = reader.byte();
    else if (letter === "L") table = reader.byte();
    else if (letter === "P") {
      const encoding = reader.byte();
      if (reader.value(encoding & FORMAT) === undefined) return undefined;
    } else if (letter !== "S" && letter !== "B") return undefined;
  }
  return { pointers, table };
}

/** The table of one function: encodings, then for each range of calls where it lands. */
function readTable(image: ElfImage, section: Reader | undefined, address: number, start: number, pads: number[]): boolean {
  let reader = section;
  if (reader === undefined || address < reader.address || address >= reader.address + reader.bytes.length) {
    const offset = addressToOffset(image, address);
    if (offset === undefined) return false;
    reader = new Reader(image.source.read(offset, 1 << 16), address);
  }
  reader.at = address - reader.address;
  const startEncoding = reader.byte();
  const base = startEncoding === OMITTED ? start : reader.pointer(startEncoding);
  if (reader.byte() !== OMITTED) reader.uleb();
  const encoding = reader.byte();
  const end = reader.uleb() + reader.at;
  if (base === undefined) return false;
  while (reader.at < end) {
    reader.value(encoding & FORMAT);
    reader.value(encoding & FORMAT);
    const pad = reader.value(encoding & FORMAT);
    if (pad === undefined) return false;
    reader.uleb();
    if (pad !== 0) pads.push(base + pad);
  }
  return true;
}
