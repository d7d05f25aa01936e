/**
 * Reads the tables that say how frames are laid out: .eh_frame with its header, and .debug_frame. A table is entries of two kinds:
 * what a whole file's functions have in common (CIE), and one function's own (FDE).
 *
 * Source: DWARF 5 §6.4.1; the Linux Standard Base 5, "Exception Frames".
 */
import { bigSleb, type Position, textAt, u16, u32, u64, uleb } from "./leb.ts";

/** What the functions of a table have in common. */
export interface FrameCommon {
  readonly codeAlign: number;
  readonly dataAlign: number;
  /** The column of the return address. */
  readonly returnRegister: number;
  /** Frames that the kernel has made for a signal: what they return to wasn't called, so its address isn't behind a call. */
  readonly signal: boolean;
  /** How addresses are written; undefined in .debug_frame: plainly. */
  readonly encoding: number | undefined;
  readonly augmented: boolean;
  readonly addressSize: number;
  /** The first instructions of each program, as a part of the section. */
  readonly start: number;
  readonly end: number;
}

/** How the frame of one function is laid out, [low, high) as linked. */
export interface FrameEntry {
  readonly table: FrameSection;
  readonly common: FrameCommon;
  readonly low: number;
  readonly high: number;
  readonly start: number;
  readonly end: number;
}

export interface FrameSection {
  readonly bytes: Uint8Array;
  /** As linked; what relative addresses count from. */
  readonly address: number;
  /** .eh_frame, or .debug_frame. */
  readonly exceptions: boolean;
  /** .eh_frame_hdr, where there is one. */
  readonly header?: { readonly bytes: Uint8Array; readonly address: number };
}

const ABSENT = 0xff;
const INDIRECT = 0x80;

/** An address in one of the encodings of DW_EH_PE; undefined for an absent one and for those that only a running process can resolve. */
function encoded(table: Pick<FrameSection, "bytes" | "address">, position: Position, encoding: number, dataBase: number): number | undefined {
  if (encoding === ABSENT) return undefined;
  const { bytes, address } = table;
  const at = position.at;
  let value: number;
  switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
      value = u64(bytes, at);
      position.at += 8;
      break;
    case 0x01:
      value = uleb(bytes, position);
      break;
    case 0x02:
      value = u16(bytes, at);
      position.at += 2;
      break;
    case 0x03:
      value = u32(bytes, at);
      position.at += 4;
      break;
    case 0x09:
      value = Number(bigSleb(bytes, position));
      break;
    case 0x0a:
      value = (u16(bytes, at) << 16) >> 16;
      position.at += 2;
      break;
    case 0x0b:
      value = u32(bytes, at) | 0;
      position.at += 4;
      break;
    case 0x0c:
      value = Number(BigInt.asIntN(64, BigInt(u32(bytes, at)) | (BigInt(u32(bytes, at + 4)) << 32n)));
      position.at += 8;
      break;
    default:
      return undefined;
  }
  if (encoding & INDIRECT) return undefined;
  switch (encoding & 0x70) {
    case 0x00:
      return value;
    case 0x10:
      return address + at + value;
    case 0x30:
      return dataBase + value;
    default:
      return undefined;
  }
}

interface Raw {
  /** Where the entry's contents begin, behind its length, and where it ends. */
  readonly at: number;
  readonly end: number;
  readonly wide: boolean;
  /** Of the common entry, if it isn't one itself. */
  readonly common: number | undefined;
  /** Behind the common entry's offset. */
  readonly body: number;
}

/** The entry at an offset; undefined at the terminator and outside. */
function rawEntry(table: FrameSection, offset: number): Raw | undefined {
  const { bytes, exceptions } = table;
  if (!(offset >= 0 && offset + 4 <= bytes.length)) return undefined;
  const wide = u32(bytes, offset) === 0xffffffff;
  const length = wide ? u64(bytes, offset + 4) : u32(bytes, offset);
  const at = offset + (wide ? 12 : 4);
  const end = at + length;
  if (length < 4 || end > bytes.length) return undefined;
  const size = wide && !exceptions ? 8 : 4;
  const id = size === 8 ? u64(bytes, at) : u32(bytes, at);
  const isCommon = exceptions ? id === 0 : size === 8 ? u32(bytes, at) === 0xffffffff && u32(bytes, at + 4) === 0xffffffff : id === 0xffffffff;
  return { at, end, wide, common: isCommon ? undefined : exceptions ? at - id : id, body: at + size };
}

/** Null: it is damaged, or has an augmentation that changes what follows in a way that isn't known. */
function readCommon(table: FrameSection, offset: number): FrameCommon | null {
  const raw = rawEntry(table, offset);
  if (raw === undefined || raw.common !== undefined) return null;
  const { bytes } = table;
  const position = { at: raw.body };
  const version = bytes[position.at++]!;
  if (version !== 1 && version !== 3 && version !== 4) return null;
  const augmentation = textAt(bytes.subarray(0, raw.end), position.at);
  position.at += augmentation.length + 1;
  let addressSize = 8;
  if (version === 4) {
    addressSize = bytes[position.at]!;
    if ((addressSize !== 4 && addressSize !== 8) || bytes[position.at + 1] !== 0) return null;
    position.at += 2;
  }
  // Of GCC before 3.0: the address of its own exception table.
  if (augmentation.startsWith("eh")) position.at += 8;
  const codeAlign = uleb(bytes, position);
  const dataAlign = Number(bigSleb(bytes, position));
  const returnRegister = version === 1 ? bytes[position.at++]! : uleb(bytes, position);
  const augmented = augmentation.startsWith("z");
  let encoding: number | undefined;
  let signal = false;
  if (augmented) {
    const size = uleb(bytes, position);
    const start = position.at + size;
    for (const letter of augmentation.slice(1)) {
      if (letter === "R") encoding = bytes[position.at++]!;
      else if (letter === "S") signal = true;
      else if (letter === "L") position.at++;
      else if (letter === "P") {
        const personality = bytes[position.at++]!;
        encoded(table, position, personality & ~INDIRECT, 0);
      } else if (letter !== "B" && letter !== "G") break;
    }
    position.at = start;
  } else if (augmentation !== "" && augmentation !== "eh" && augmentation !== "armcc+") {
    return null;
  }
  if (position.at > raw.end) return null;
  return { codeAlign, dataAlign, returnRegister, signal, encoding, augmented, addressSize, start: position.at, end: raw.end };
}

/** One function's entry at an offset; undefined if there isn't one, or it is damaged. */
function readEntry(table: FrameSection, offset: number, commons: Map<number, FrameCommon | null>): FrameEntry | undefined {
  const raw = rawEntry(table, offset);
  if (raw?.common === undefined) return undefined;
  let common = commons.get(raw.common);
  if (common === undefined) {
    common = readCommon(table, raw.common);
    commons.set(raw.common, common);
  }
  if (common === null) return undefined;
  const { bytes } = table;
  const position = { at: raw.body };
  let low: number | undefined;
  let size: number | undefined;
  if (common.encoding === undefined) {
    const plain = common.addressSize === 4 ? 0x03 : 0x04;
    low = encoded(table, position, plain, 0);
    size = encoded(table, position, plain, 0);
  } else {
    low = encoded(table, position, common.encoding, table.header?.address ?? 0);
    size = encoded(table, position, common.encoding & 0x0f, 0);
  }
  if (common.augmented) {
    const length = uleb(bytes, position);
    position.at += length;
  }
  if (low === undefined || size === undefined || position.at > raw.end) return undefined;
  const high = low + size;
  if (!(size > 0 && low > 0 && high <= Number.MAX_SAFE_INTEGER)) return undefined;
  return { table, common, low, high, start: position.at, end: raw.end };
}

/** Finds the entry of the function that encloses an address. */
export interface FrameTable {
  find(address: number): FrameEntry | undefined;
  /** All entries, in the order of the section. */
  entries(): Generator<FrameEntry>;
}

/** Where .eh_frame_hdr's entries are: the common encoding, a table of pairs of 32 bits that count from the header. */
interface SearchTable {
  readonly view: DataView;
  readonly base: number;
  readonly start: number;
  readonly count: number;
}

function searchTable({ header }: FrameSection): SearchTable | undefined {
  if (header === undefined || header.bytes.length < 12 || header.bytes[0] !== 1) return undefined;
  const { bytes, address } = header;
  const position = { at: 4 };
  if (encoded(header, position, bytes[1]!, address) === undefined) return undefined;
  const count = encoded(header, position, bytes[2]!, address);
  if (count === undefined || bytes[3] !== 0x3b || count === 0) return undefined;
  const most = Math.floor((bytes.length - position.at) / 8);
  return {
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    base: address,
    start: position.at,
    count: Math.max(0, Math.min(count, most)),
  };
}

export function frameTable(table: FrameSection): FrameTable {
  const commons = new Map<number, FrameCommon | null>();
  const search = table.exceptions ? searchTable(table) : undefined;
  let index: { readonly lows: Float64Array; readonly offsets: Float64Array } | undefined;

  function* offsets(): Generator<number> {
    for (let at = 0; at < table.bytes.length; ) {
      const raw = rawEntry(table, at);
      // A length of 0 ends .eh_frame, but the linker may have put more tables behind it.
      if (raw === undefined && u32(table.bytes, at) === 0) {
        at += 4;
        continue;
      }
      if (raw === undefined) return;
      if (raw.common !== undefined) yield at;
      at = raw.end;
    }
  }
  function* entries(): Generator<FrameEntry> {
    for (const offset of offsets()) {
      const entry = readEntry(table, offset, commons);
      if (entry !== undefined) yield entry;
    }
  }
  /** Without a header: all entries by address, made when the first is asked for. */
  function allEntries(): { readonly lows: Float64Array; readonly offsets: Float64Array } {
    const list: [low: number, offset: number][] = [];
    for (const offset of offsets()) {
      const entry = readEntry(table, offset, commons);
      if (entry !== undefined) list.push([entry.low, offset]);
    }
    list.sort((a, b) => a[0] - b[0]);
    return { lows: Float64Array.from(list, (one) => one[0]), offsets: Float64Array.from(list, (one) => one[1]) };
  }
  const covering = (offset: number, address: number): FrameEntry | undefined => {
    const entry = readEntry(table, offset, commons);
    return entry !== undefined && address >= entry.low && address < entry.high ? entry : undefined;
  };
  return {
    entries,
    find(address) {
      if (search !== undefined) {
        const { view, base, start, count } = search;
        const at = lastBelow(count, (i) => view.getInt32(start + i * 8, true) + base <= address);
        return at < 0 ? undefined : covering(view.getInt32(start + at * 8 + 4, true) + base - table.address, address);
      }
      index ??= allEntries();
      const { lows, offsets } = index;
      const at = lastBelow(lows.length, (i) => lows[i]! <= address);
      return at < 0 ? undefined : covering(offsets[at]!, address);
    },
  };
}

/** The last of `count` for which `holds`, where it holds for a beginning of them; -1 if for none. */
function lastBelow(count: number, holds: (i: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
