/** Source lines: the places in the code that stand for one, and the line that an address stands for. */
import { DW_AT, DW_OP, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { functionsAt } from "./inlined.ts";
import { baseName, fileName, type LineIndex, lineIndex, plain, type UnitLines } from "./line-index.ts";
import { END_SEQUENCE, IS_STATEMENT, type LineTable, PROLOGUE_END, rowAt } from "./line-program.ts";
import { entryAddress } from "./locations.ts";
import { holds, type Scope, scopesAt, unitOf } from "./scopes.ts";
import type { DebugInfo } from "./units.ts";

export interface LineQuery {
  /** "file.c", "dir/file.c", or a whole name: what a file's name ends with, from a "/" on. */
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

/** An instruction to probe for a line. */
export interface LinePlace {
  /** As linked. Where the line opens a function, behind what sets up its frame. */
  readonly address: number;
  readonly file: string;
  readonly line: number;
  /** 0: not known. */
  readonly column: number;
  /**
   * The function whose source the line is in: the instance, if it is inlined here. The variables that the line can name are this
   * one's: see `variablesAt`. Undefined: the debug information has none.
   */
  readonly function: Entry | undefined;
  /** The function whose code it is part of, if `function` is inlined in it. */
  readonly inlinedIn: Entry | undefined;
}

export type LineResult =
  /** `line`: the one that was asked for, or if that has no code the next one that has. `column` likewise. */
  | { readonly k: "found"; readonly line: number; readonly column: number | undefined; readonly exact: boolean; readonly places: readonly LinePlace[] }
  /** No such line has code, nor has one after it: `before` is the last that has. */
  | { readonly k: "no line"; readonly files: readonly string[]; readonly before: number | undefined }
  /** No file is called so: names that are like it. */
  | { readonly k: "no file"; readonly near: readonly string[] };

/** More than anybody would probe. */
const MOST_PLACES = 1 << 16;
const MOST_NEAR = 8;

/** A row of a table that stands for the line that is asked for. */
interface Row {
  readonly lines: UnitLines;
  readonly table: LineTable;
  readonly row: number;
  /** The file's numbers in the table. */
  readonly numbers: ReadonlySet<number>;
}

/**
 * Finds the places of a line, as a debugger chooses them: of the statements that stand for exactly this line, the first one in each
 * function, inlined instance or block of it. Files of one name and headers are looked for in all units.
 * Throws SONDE_DWARF_UNREADABLE.
 */
export function findLine(debug: DebugInfo, query: LineQuery): LineResult {
  const index = lineIndex(debug);
  const wanted = plain(query.file);
  const files = new Set<string>();
  const sources: { readonly lines: UnitLines; readonly numbers: ReadonlySet<number> }[] = [];
  for (const lines of index.byName().get(baseName(wanted)) ?? []) {
    const numbers = new Set<number>();
    for (const [number, file] of lines.header.files.entries()) {
      if (file === undefined || baseName(file.name) !== baseName(wanted)) continue;
      const name = fileName(lines, number);
      if (name === undefined || !isCalled(name, wanted)) continue;
      numbers.add(number);
      files.add(name);
    }
    if (numbers.size > 0) sources.push({ lines, numbers });
  }
  if (sources.length === 0) return { k: "no file", near: nearNames(index, baseName(wanted)) };

  let line = Number.POSITIVE_INFINITY;
  let before: number | undefined;
  let rows: Row[] = [];
  for (const { lines, numbers } of sources) {
    const table = index.table(lines);
    for (const { first, last } of table.sequences) {
      for (let row = first; row < last; row++) {
        const at = table.lines[row]!;
        if (at === 0 || (table.flags[row]! & IS_STATEMENT) === 0 || !numbers.has(table.files[row]!)) continue;
        if (at < query.line) before = Math.max(before ?? 0, at);
        else if (at <= line) {
          if (at < line) rows = [];
          line = at;
          rows.push({ lines, table, row, numbers });
        }
      }
    }
  }
  if (rows.length === 0) return { k: "no line", files: [...files], before };
  rows = withCode(rows);
  const column = columnOf(rows, line === query.line ? query.column : undefined);
  if (column !== undefined) rows = rows.filter(({ table, row }) => table.columns[row] === column);
  const exact = line === query.line && (query.column === undefined || column === query.column);
  return { k: "found", line, column, exact, places: placesOf(debug, rows) };
}

/**
 * Without those that another file's row at the same address takes the code from: there, what is inlined begins already. They count
 * if nothing else stands for the line.
 */
function withCode(rows: readonly Row[]): Row[] {
  const some = rows.filter(({ table, row, numbers }) => {
    for (let next = row + 1; next < table.count && table.addresses[next] === table.addresses[row]; next++) {
      const takes = (table.flags[next]! & (IS_STATEMENT | END_SEQUENCE)) === IS_STATEMENT && table.lines[next] !== 0;
      if (takes && !numbers.has(table.files[next]!)) return false;
    }
    return true;
  });
  return some.length > 0 ? some : [...rows];
}

const isCalled = (name: string, wanted: string): boolean => name === wanted || (!wanted.startsWith("/") && name.endsWith(`/${wanted}`));

/** The column that is asked for, or the next one, or the last; undefined if none is asked for. */
function columnOf(rows: readonly Row[], wanted: number | undefined): number | undefined {
  if (wanted === undefined) return undefined;
  const columns = [...new Set(rows.map(({ table, row }) => table.columns[row]!))].sort((a, b) => a - b);
  return columns.find((column) => column >= wanted) ?? columns.at(-1);
}

/** The first place in each block, by address. */
function placesOf(debug: DebugInfo, rows: readonly Row[]): readonly LinePlace[] {
  const taken = new Set<number>();
  const places: LinePlace[] = [];
  const seen = new Set<number>();
  for (const one of rows.toSorted((a, b) => addressOf(a) - addressOf(b))) {
    const address = addressOf(one);
    if (seen.has(address) || places.length >= MOST_PLACES) continue;
    seen.add(address);
    const scopes = withoutCallees(scopesAt(debug, address), one);
    const block = blockOf(scopes);
    if (block !== undefined && taken.has(block.entry.key)) continue;
    if (block !== undefined) taken.add(block.entry.key);
    const [inner, ...outer] = functionsAt(scopes);
    const { table, row, lines } = one;
    const opens = inner !== undefined && outer.length === 0;
    places.push({
      address: opens ? behindPrologue(table, row, inner, scopes[0]!) : address,
      file: fileName(lines, table.files[row]!)!,
      line: table.lines[row]!,
      column: table.columns[row]!,
      function: inner,
      inlinedIn: outer.at(-1),
    });
  }
  return places.sort((a, b) => a.address - b.address);
}
const addressOf = ({ table, row }: Row): number => table.addresses[row]!;

/** Where a call's first instruction is already the first one of what is inlined for it, the line of the call is the caller's. */
function withoutCallees(scopes: readonly Scope[], { lines, table, row }: Row): readonly Scope[] {
  const calls = scopes.findIndex(({ entry }) => {
    if (entry.tag !== DW_TAG.inlined_subroutine || entry.number(DW_AT.call_line) !== table.lines[row]) return false;
    const file = entry.number(DW_AT.call_file);
    return file !== undefined && fileName(lines, file) === fileName(lines, table.files[row]!) && isFirst(entry, table.addresses[row]!);
  });
  return calls < 0 ? scopes : scopes.slice(0, calls);
}
const isFirst = (entry: Entry, address: number): boolean => entryAddress(entry) === address || entry.ranges().some(({ low }) => low === address);

/** The innermost scope that is one in the source. */
const blockOf = (scopes: readonly Scope[]): Scope | undefined => scopes.findLast((scope) => !scope.bare);

/**
 * Where a function's parameters and variables have their places, if the row is the function's first: in code that isn't optimized
 * they are written to the frame at first. There the compiler says where that is done (prologue_end), or it is the second row.
 * Optimized code of GCC has lists of locations that hold everywhere.
 */
function behindPrologue(table: LineTable, row: number, entry: Entry, { ranges }: Scope): number {
  const address = table.addresses[row]!;
  if (address !== entryAddress(entry)) return address;
  const producer = entry.unit.producer ?? "";
  const isGcc = producer.startsWith("GNU ");
  if (isGcc && (/\s-O(?!0\b)/.test(producer) || keepsParameters(entry))) return address;
  let second: number | undefined;
  for (let i = row; i < table.count && (table.flags[i]! & END_SEQUENCE) === 0; i++) {
    const at = table.addresses[i]!;
    if (!holds(ranges, at)) break;
    if (at === address && i !== row && !(table.flags[i]! & PROLOGUE_END)) continue;
    if (table.flags[i]! & PROLOGUE_END) return at;
    if (at > address && table.lines[i] !== 0) second ??= at;
  }
  return (isGcc ? second : undefined) ?? address;
}

/** One function may be optimized where the others of its unit aren't: none of its parameters is in the frame. */
function keepsParameters(entry: Entry): boolean {
  let count = 0;
  for (const child of entry.children()) {
    if (child.tag !== DW_TAG.formal_parameter) continue;
    if (child.form(DW_AT.location) === "exprloc" && child.block(DW_AT.location)?.[0] === DW_OP.fbreg) return false;
    count++;
  }
  return count > 0;
}

/** Names of files that are much like one: few letters differ. */
function nearNames(index: LineIndex, wanted: string): string[] {
  const most = Math.max(1, Math.floor(wanted.length / 3));
  const near: [distance: number, name: string][] = [];
  for (const name of index.byName().keys()) {
    if (Math.abs(name.length - wanted.length) > most) continue;
    const distance = differences(name.toLowerCase(), wanted.toLowerCase());
    if (distance <= most) near.push([distance, name]);
  }
  return near
    .sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))
    .slice(0, MOST_NEAR)
    .map(([, name]) => name);
}

/** Levenshtein's distance of names; long ones are infinitely far. */
function differences(a: string, b: string): number {
  if (a.length > 128 || b.length > 128) return Number.POSITIVE_INFINITY;
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    above = row;
  }
  return above[b.length]!;
}

/** A function at an address, and the line in it that is run there. */
export interface SourceFrame {
  /** As the source has it; undefined if the debug information doesn't say. */
  readonly name: string | undefined;
  /** As the linker has it, where that differs. */
  readonly linkageName: string | undefined;
  readonly function: Entry;
  readonly file: string | undefined;
  /** 0: none. */
  readonly line: number;
  readonly column: number;
  /** It is inlined in the next one. */
  readonly inlined: boolean;
}

export interface SourcePlace {
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
  /** The innermost first: its line is the place's own, that of each other one is where it calls the one before. Empty: no function is known. */
  readonly frames: readonly SourceFrame[];
}

/**
 * The line of an address, and the functions it belongs to. For the caller of a frame, ask for the byte before the one that is
 * returned to. Undefined: no unit has the address. Throws SONDE_DWARF_UNREADABLE.
 */
export function lineAt(debug: DebugInfo, address: number): SourcePlace | undefined {
  const unit = unitOf(debug, address);
  if (unit === undefined) return undefined;
  const index = lineIndex(debug);
  const lines = index.of(unit);
  const table = lines === undefined ? undefined : index.table(lines);
  const row = table === undefined ? -1 : rowAt(table, address);
  const fileOf = (number: number | undefined): string | undefined => (lines === undefined || number === undefined ? undefined : fileName(lines, number));
  const place =
    table === undefined || row < 0
      ? { file: undefined, line: 0, column: 0 }
      : { file: fileOf(table.files[row]!), line: table.lines[row]!, column: table.columns[row]! };
  let at: { readonly file: string | undefined; readonly line: number; readonly column: number } = place;
  const frames: SourceFrame[] = [];
  for (const entry of functionsAt(scopesAt(debug, address))) {
    const inlined = entry.tag === DW_TAG.inlined_subroutine;
    frames.push({ name: entry.name, linkageName: entry.linkageName, function: entry, ...at, inlined });
    if (!inlined) break;
    at = { file: fileOf(entry.number(DW_AT.call_file)), line: entry.number(DW_AT.call_line) ?? 0, column: entry.number(DW_AT.call_column) ?? 0 };
  }
  return { ...place, frames };
}
