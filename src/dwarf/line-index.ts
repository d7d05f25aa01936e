/** The line tables of a file's units: whole names of their source files, and the tables themselves while they are in use. */

import { DW_TAG } from "./constants.ts";
import { type LineFile, type LineHeader, type LineSections, type LineTable, readLineHeader, runLineProgram } from "./line-program.ts";
import type { DebugInfo, Unit } from "./units.ts";

/** A unit with its table of lines. */
export interface UnitLines {
  readonly unit: Unit;
  readonly header: LineHeader;
  /** The same for units that share a table. */
  readonly offset: number;
}

/** Rows of all tables that are remembered: some 180 MB. */
const MOST_ROWS = 1 << 23;

export class LineIndex {
  private readonly debug: DebugInfo;
  private readonly headers = new Map<Unit, UnitLines | null>();
  private readonly tables = new Map<LineHeader, LineTable>();
  private rows = 0;
  private names: ReadonlyMap<string, readonly UnitLines[]> | undefined;

  constructor(debug: DebugInfo) {
    this.debug = debug;
  }

  /** Undefined: the unit has no table, or one that can't be read. */
  of(unit: Unit): UnitLines | undefined {
    let lines = this.headers.get(unit);
    if (lines === undefined) {
      const offset = unit.lineOffset;
      const header = offset === undefined ? undefined : readLineHeader(sectionsOf(unit), offset, unit.addressSize);
      lines = header === undefined || offset === undefined ? null : { unit, header, offset };
      this.headers.set(unit, lines);
    }
    return lines ?? undefined;
  }

  table({ unit, header }: UnitLines): LineTable {
    const known = this.tables.get(header);
    if (known !== undefined) {
      // The one that was used last is forgotten last.
      this.tables.delete(header);
      this.tables.set(header, known);
      return known;
    }
    const table = runLineProgram(sectionsOf(unit), header);
    this.tables.set(header, table);
    this.rows += table.count;
    for (const [oldest, { count }] of this.tables) {
      if (this.rows <= MOST_ROWS || oldest === header) break;
      this.tables.delete(oldest);
      this.rows -= count;
    }
    return table;
  }

  /** The units by the last parts of their source files' names; each table once. */
  byName(): ReadonlyMap<string, readonly UnitLines[]> {
    if (this.names === undefined) {
      const names = new Map<string, UnitLines[]>();
      const seen = new Set<number>();
      for (const unit of this.debug.units) {
        if (unit.signature !== undefined || unit.own.tag === DW_TAG.partial_unit) continue;
        const lines = this.of(unit);
        if (lines === undefined || seen.has(lines.offset)) continue;
        seen.add(lines.offset);
        for (const name of new Set(lines.header.files.map((file) => baseName(file?.name ?? "")))) {
          const units = names.get(name);
          if (units === undefined) names.set(name, [lines]);
          else units.push(lines);
        }
      }
      names.delete("");
      this.names = names;
    }
    return this.names;
  }
}

const remembered = new WeakMap<DebugInfo, LineIndex>();

export function lineIndex(debug: DebugInfo): LineIndex {
  let index = remembered.get(debug);
  if (index === undefined) {
    index = new LineIndex(debug);
    remembered.set(debug, index);
  }
  return index;
}

function sectionsOf(unit: Unit): LineSections {
  const { lineSections } = unit;
  return { line: lineSections.get("line"), str: lineSections.get("str"), lineStr: lineSections.get("line_str") };
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The whole name of a file by its number in a unit's table, without "." and ".." in it; undefined for a number that it doesn't have. */
export function fileName({ unit, header }: UnitLines, number: number): string | undefined {
  const file = header.files[number];
  return file === undefined || file.name === "" ? undefined : wholeName(unit, header, file);
}

/** Names are relative to their directory, directories to the unit's (DWARF 5 §6.2.4). */
function wholeName(unit: Unit, header: LineHeader, file: LineFile): string {
  let path = file.name;
  if (path.startsWith("/")) return plain(path);
  const directory = header.directories[file.directory] ?? "";
  if (directory !== "") path = `${directory}/${path}`;
  const compDir = unit.compDir;
  if (!path.startsWith("/") && compDir !== undefined) path = `${compDir}/${path}`;
  return plain(path);
}

/** Without ".", ".." and empty parts. */
export function plain(path: string): string {
  if (!/(^|\/)\.{0,2}(\/|$)/.test(path.slice(1))) return path;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".." || !path.startsWith("/")) parts.push(part);
  }
  return (path.startsWith("/") ? "/" : "") + parts.join("/");
}
