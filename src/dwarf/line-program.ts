/** Reads one unit's table of source lines: its files, and the program that says which instruction comes from which line. */
import { DW_FORM } from "./constants.ts";
import { afterLeb, type Position, textAt, u16, u24, u32, u64, uleb } from "./leb.ts";

/** The sections that a line table's header and program are in. */
export interface LineSections {
  readonly line: Uint8Array;
  readonly str: Uint8Array;
  readonly lineStr: Uint8Array;
}

export interface LineFile {
  readonly name: string;
  /** An index into `directories`. */
  readonly directory: number;
  /** 32 hexadecimal digits, where the table has them. */
  readonly md5?: string;
}

export interface LineHeader {
  readonly version: number;
  readonly addressSize: number;
  readonly minimumInstruction: number;
  readonly maximumOperations: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** How many LEB128 operands each standard opcode has, by its number less one. */
  readonly operands: Uint8Array;
  /** Number 0 is the unit's own directory; "" where the table leaves it to the unit (DWARF 2 to 4). */
  readonly directories: readonly string[];
  /** By the number that the program uses. DWARF 2 to 4 count from 1: their number 0 is undefined. */
  readonly files: readonly (LineFile | undefined)[];
  /** Where the program begins and ends, in .debug_line. */
  readonly start: number;
  readonly end: number;
}

export const IS_STATEMENT = 1;
export const PROLOGUE_END = 2;
export const EPILOGUE_BEGIN = 4;
export const END_SEQUENCE = 8;

/** A run of rows in order of addresses, [low, high). The last of them only ends it. */
export interface LineSequence {
  readonly low: number;
  readonly high: number;
  readonly first: number;
  readonly last: number;
}

/** A matrix of lines as columns, one element a row. Addresses are as linked. */
export interface LineTable {
  readonly header: LineHeader;
  readonly count: number;
  readonly addresses: Float64Array;
  readonly files: Uint32Array;
  /** 0: code that no line stands for. */
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
  /** IS_STATEMENT and so on. */
  readonly flags: Uint8Array;
  /** By address; without those that the linker has discarded. */
  readonly sequences: readonly LineSequence[];
}

/** More than the largest units have; what follows is left out. */
const MOST_ROWS = 1 << 23;
const MOST_FILES = 1 << 18;

/** DWARF 5 §6.2.4.1. */
const DW_LNCT = { path: 1, directory_index: 2, MD5: 5 } as const;

/**
 * Reads the header of the table at `offset` in .debug_line; undefined if it isn't one of DWARF 2 to 5, or is damaged.
 * Source: DWARF 5 §6.2.4, DWARF 4 §6.2.4.
 */
export function readLineHeader(sections: LineSections, offset: number, unitAddressSize = 8): LineHeader | undefined {
  const bytes = sections.line;
  if (!(offset >= 0 && offset + 16 < bytes.length)) return undefined;
  const wide = u32(bytes, offset) === 0xffffffff;
  const length = wide ? u64(bytes, offset + 4) : u32(bytes, offset);
  let at = offset + (wide ? 12 : 4);
  const end = at + length;
  if (!(length >= 10 && end <= bytes.length)) return undefined;
  const version = u16(bytes, at);
  if (version < 2 || version > 5) return undefined;
  at += 2;
  let addressSize = unitAddressSize;
  if (version === 5) {
    addressSize = bytes[at]!;
    at += 2;
  }
  const headerLength = wide ? u64(bytes, at) : u32(bytes, at);
  at += wide ? 8 : 4;
  const start = at + headerLength;
  if (start > end) return undefined;
  const minimumInstruction = bytes[at++]!;
  const maximumOperations = version >= 4 ? bytes[at++]! : 1;
  const defaultIsStatement = bytes[at++] !== 0;
  const lineBase = (bytes[at++]! << 24) >> 24;
  const lineRange = bytes[at++]!;
  const opcodeBase = bytes[at++]!;
  if (lineRange === 0 || maximumOperations === 0 || opcodeBase === 0) return undefined;
  const operands = bytes.subarray(at, at + opcodeBase - 1);
  const reader = { sections, wide, end: start, position: { at: at + opcodeBase - 1 } };
  const { directories, files } = version === 5 ? readTables(reader) : readOldTables(reader);
  return {
    version,
    addressSize,
    minimumInstruction,
    maximumOperations,
    defaultIsStatement,
    lineBase,
    lineRange,
    opcodeBase,
    operands,
    directories,
    files,
    start,
    end,
  };
}

interface TableReader {
  readonly sections: LineSections;
  readonly wide: boolean;
  readonly end: number;
  readonly position: Position;
}
interface Tables {
  readonly directories: string[];
  readonly files: (LineFile | undefined)[];
}

/** Texts up to an empty one, then files up to an empty name. */
function readOldTables({ sections: { line }, end, position }: TableReader): Tables {
  const directories = [""];
  const files: (LineFile | undefined)[] = [undefined];
  for (const name of names(line, position, end)) directories.push(name);
  for (const name of names(line, position, end)) files.push(readOldFile(line, position, name));
  return { directories, files };
}

function* names(bytes: Uint8Array, position: Position, end: number): Generator<string> {
  for (let i = 0; i < MOST_FILES && position.at < end; i++) {
    const terminator = bytes.indexOf(0, position.at);
    const stop = terminator < 0 || terminator > end ? end : terminator;
    const name = textAt(bytes.subarray(0, stop), position.at);
    position.at = stop + 1;
    if (name === "") return;
    yield name;
  }
}

function readOldFile(bytes: Uint8Array, position: Position, name: string): LineFile {
  const directory = uleb(bytes, position);
  // The time of its last change, and its size.
  position.at = afterLeb(bytes, afterLeb(bytes, position.at));
  return { name, directory };
}

/** DWARF 5 §6.2.4.1: each table says which columns it has, and in which forms. */
function readTables(reader: TableReader): Tables {
  const directories = [...readEntries(reader)].map((entry) => entry.name);
  const files = [...readEntries(reader)];
  return { directories, files };
}

function* readEntries(reader: TableReader): Generator<LineFile> {
  const { sections, end, position } = reader;
  const formats: [content: number, form: number][] = [];
  for (let n = sections.line[position.at++]!; n > 0; n--) formats.push([uleb(sections.line, position), uleb(sections.line, position)]);
  const count = Math.min(uleb(sections.line, position), MOST_FILES);
  if (formats.length === 0) return;
  for (let i = 0; i < count && position.at < end; i++) {
    let name = "";
    let directory = 0;
    let md5: string | undefined;
    for (const [content, form] of formats) {
      const value = readForm(reader, form);
      if (value === undefined) {
        position.at = end;
        return;
      }
      if (content === DW_LNCT.path && typeof value === "string") name = value;
      if (content === DW_LNCT.directory_index && typeof value === "number") directory = value;
      if (content === DW_LNCT.MD5 && value instanceof Uint8Array) md5 = Buffer.from(value).toString("hex");
    }
    yield md5 === undefined ? { name, directory } : { name, directory, md5 };
  }
}

/** A value of one of the forms that §6.2.4.2 allows, or of one that a size is known of; undefined for others. */
function readForm({ sections, wide, position }: TableReader, form: number): string | number | Uint8Array | undefined {
  const bytes = sections.line;
  const take = (size: number): number => {
    const at = position.at;
    position.at += size;
    return at;
  };
  const offset = (): number => (wide ? u64(bytes, take(8)) : u32(bytes, take(4)));
  switch (form) {
    case DW_FORM.string: {
      const end = bytes.indexOf(0, position.at);
      return textAt(bytes, take((end < 0 ? bytes.length : end) + 1 - position.at));
    }
    case DW_FORM.line_strp:
      return textAt(sections.lineStr, offset());
    case DW_FORM.strp:
      return textAt(sections.str, offset());
    case DW_FORM.strp_sup:
      take(wide ? 8 : 4);
      return "";
    case DW_FORM.udata:
      return uleb(bytes, position);
    case DW_FORM.data1:
      return bytes[take(1)] ?? 0;
    case DW_FORM.data2:
      return u16(bytes, take(2));
    case DW_FORM.data4:
      return u32(bytes, take(4));
    case DW_FORM.data8:
      return u64(bytes, take(8));
    case DW_FORM.data16: {
      const at = take(16);
      return bytes.subarray(at, at + 16);
    }
    case DW_FORM.block: {
      const length = uleb(bytes, position);
      const at = take(length);
      return bytes.subarray(at, at + length);
    }
    // Numbers of texts, which only a split file's own tables have.
    case DW_FORM.strx:
      uleb(bytes, position);
      return "";
    case DW_FORM.strx1:
      take(1);
      return "";
    case DW_FORM.strx2:
      take(2);
      return "";
    case DW_FORM.strx3:
      u24(bytes, take(3));
      return "";
    case DW_FORM.strx4:
      take(4);
      return "";
    default:
      return undefined;
  }
}

/** Signed LEB128, modulo 2³². */
function sleb32(bytes: Uint8Array, position: Position): number {
  let value = 0;
  let shift = 0;
  let byte: number;
  do {
    byte = bytes[position.at++]!;
    if (shift < 32) value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte & 0x80);
  if (shift < 32 && byte & 0x40) value |= -1 << shift;
  return value;
}

/** The columns of a table while it grows. */
class Rows {
  count = 0;
  addresses: Float64Array;
  files: Uint32Array;
  lines: Uint32Array;
  columns: Uint32Array;
  flags: Uint8Array;

  constructor(capacity: number) {
    this.addresses = new Float64Array(capacity);
    this.files = new Uint32Array(capacity);
    this.lines = new Uint32Array(capacity);
    this.columns = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
  }

  private resized(capacity: number): void {
    const { addresses, files, lines, columns, flags } = this;
    const count = Math.min(this.count, capacity);
    this.addresses = new Float64Array(capacity);
    this.addresses.set(addresses.subarray(0, count));
    this.files = new Uint32Array(capacity);
    this.files.set(files.subarray(0, count));
    this.lines = new Uint32Array(capacity);
    this.lines.set(lines.subarray(0, count));
    this.columns = new Uint32Array(capacity);
    this.columns.set(columns.subarray(0, count));
    this.flags = new Uint8Array(capacity);
    this.flags.set(flags.subarray(0, count));
  }

  push(address: number, file: number, line: number, column: number, flags: number): void {
    if (this.count === this.flags.length) this.resized(Math.max(64, this.count * 2));
    const i = this.count++;
    this.addresses[i] = address;
    this.files[i] = file;
    this.lines[i] = line;
    this.columns[i] = column;
    this.flags[i] = flags;
  }

  /** Rows `first` to `last` by address; those of the same address stay in their order. */
  sort(first: number, last: number): void {
    const order = Array.from({ length: last - first }, (_, i) => first + i).sort((a, b) => this.addresses[a]! - this.addresses[b]! || a - b);
    for (const column of [this.addresses, this.files, this.lines, this.columns, this.flags]) {
      const copy = order.map((i) => column[i]!);
      for (const [i, value] of copy.entries()) column[first + i] = value;
    }
  }

  finish(): void {
    if (this.count < this.flags.length) this.resized(this.count);
  }
}

const DW_LNS = {
  copy: 1,
  advance_pc: 2,
  advance_line: 3,
  set_file: 4,
  set_column: 5,
  negate_stmt: 6,
  set_basic_block: 7,
  const_add_pc: 8,
  fixed_advance_pc: 9,
  set_prologue_end: 10,
  set_epilogue_begin: 11,
  set_isa: 12,
} as const;
const DW_LNE = { end_sequence: 1, set_address: 2, define_file: 3 } as const;

/** Runs a table's program. Time and memory are in proportion to its bytes. Source: DWARF 5 §6.2.5. */
export function runLineProgram(sections: LineSections, header: LineHeader): LineTable {
  const bytes = sections.line;
  const { lineBase, lineRange, opcodeBase, minimumInstruction, maximumOperations, end, operands } = header;
  const firstFlags = header.defaultIsStatement ? IS_STATEMENT : 0;
  const files = header.files.slice();
  const rows = new Rows(Math.min(MOST_ROWS, Math.max(16, (end - header.start) >>> 1)));
  const sequences: LineSequence[] = [];
  const position = { at: header.start };

  let address = 0;
  let operation = 0;
  let file = 1;
  let line = 1;
  let column = 0;
  let flags = firstFlags;
  let first = 0;
  let sorted = true;

  const advance = (by: number): void => {
    if (maximumOperations === 1) {
      address += minimumInstruction * by;
    } else {
      address += minimumInstruction * Math.floor((operation + by) / maximumOperations);
      operation = (operation + by) % maximumOperations;
    }
  };
  const emit = (): void => {
    if (rows.count > first && address < rows.addresses[rows.count - 1]!) sorted = false;
    rows.push(address, file, line, column, flags);
    flags &= IS_STATEMENT;
  };
  const endSequence = (): void => {
    flags |= END_SEQUENCE;
    emit();
    const last = rows.count - 1;
    // A sequence that doesn't go forwards would break every search.
    if (!sorted) rows.sort(first, last);
    const low = rows.addresses[first]!;
    const high = address;
    // Linkers give code that they discard the address 0, or one at the end of all.
    if (low > 0 && high > low && high <= Number.MAX_SAFE_INTEGER && rows.addresses[Math.max(first, last - 1)]! <= high) {
      sequences.push({ low, high, first, last });
    }
    first = rows.count;
    sorted = true;
    address = 0;
    operation = 0;
    file = 1;
    line = 1;
    column = 0;
    flags = firstFlags;
  };
  const extended = (): void => {
    const length = uleb(bytes, position);
    const next = position.at + length;
    const code = bytes[position.at];
    if (length === 0) return;
    if (code === DW_LNE.end_sequence) {
      endSequence();
    } else if (code === DW_LNE.set_address) {
      const at = position.at + 1;
      address = length - 1 >= 8 ? u64(bytes, at) : length - 1 >= 4 ? u32(bytes, at) : u16(bytes, at);
      operation = 0;
    } else if (code === DW_LNE.define_file && files.length < MOST_FILES) {
      const inner = { at: position.at + 1 };
      for (const name of names(bytes, inner, next)) {
        files.push(readOldFile(bytes, inner, name));
        break;
      }
    }
    position.at = next;
  };

  while (position.at < end && rows.count < MOST_ROWS) {
    const opcode = bytes[position.at++]!;
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      advance((adjusted / lineRange) | 0);
      line = (line + lineBase + (adjusted % lineRange)) >>> 0;
      emit();
      continue;
    }
    switch (opcode) {
      case 0:
        extended();
        break;
      case DW_LNS.copy:
        emit();
        break;
      case DW_LNS.advance_pc:
        advance(uleb(bytes, position));
        break;
      case DW_LNS.advance_line:
        line = (line + sleb32(bytes, position)) >>> 0;
        break;
      case DW_LNS.set_file:
        file = uleb(bytes, position);
        break;
      case DW_LNS.set_column:
        column = uleb(bytes, position);
        break;
      case DW_LNS.negate_stmt:
        flags ^= IS_STATEMENT;
        break;
      case DW_LNS.set_basic_block:
        break;
      case DW_LNS.const_add_pc:
        advance(((255 - opcodeBase) / lineRange) | 0);
        break;
      case DW_LNS.fixed_advance_pc:
        address += u16(bytes, position.at);
        operation = 0;
        position.at += 2;
        break;
      case DW_LNS.set_prologue_end:
        flags |= PROLOGUE_END;
        break;
      case DW_LNS.set_epilogue_begin:
        flags |= EPILOGUE_BEGIN;
        break;
      default:
        // set_isa, and those that a later version adds: the header says how many operands they have.
        for (let n = operands[opcode - 1] ?? 0; n > 0; n--) position.at = afterLeb(bytes, position.at);
    }
  }
  rows.finish();
  sequences.sort((a, b) => a.low - b.low);
  const { count, addresses, lines, columns, flags: rowFlags } = rows;
  const complete = files.length === header.files.length ? header : { ...header, files };
  return { header: complete, count, addresses, files: rows.files, lines, columns, flags: rowFlags, sequences };
}

/** The number of the row that stands for the code at an address, the last one of those that begin there; -1 if none does. */
export function rowAt(table: LineTable, address: number): number {
  const { sequences, addresses } = table;
  let low = 0;
  let high = sequences.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sequences[middle]!.low <= address) low = middle + 1;
    else high = middle;
  }
  const sequence = sequences[low - 1];
  if (sequence === undefined || address >= sequence.high) return -1;
  let from = sequence.first;
  let to = sequence.last;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (addresses[middle]! <= address) from = middle + 1;
    else to = middle;
  }
  return from - 1;
}
