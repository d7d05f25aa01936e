/** Tables of lines and what is found by them, against what readelf, addr2line and gdb make of the same files. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { framesOf } from "../../src/dwarf/frames.ts";
import { inlinedPlaces } from "../../src/dwarf/inlined.ts";
import { baseName, lineIndex } from "../../src/dwarf/line-index.ts";
import { END_SEQUENCE, IS_STATEMENT } from "../../src/dwarf/line-program.ts";
import { findLine, type LinePlace, lineAt, type SourceFrame } from "../../src/dwarf/lines.ts";
import { variablesAt } from "../../src/dwarf/scopes.ts";
import type { DebugInfo } from "../../src/dwarf/units.ts";
import { readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";
import { inGdb } from "./gdb.ts";
import { libcDebug, lined, sourceLines, statementsOf } from "./lines-programs.ts";
import { debugOf, typedCxx, typedGo, typedRust } from "./typed-programs.ts";

const PROGRAM = { timeout: 120_000 };
const run = (command: string, args: readonly string[], input?: string): string =>
  execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 30, stdio: ["pipe", "pipe", "ignore"], ...(input !== undefined && { input }) });

/** "file:line address statement" of all rows, as readelf decodes them. */
function readelfRows(program: string): string[] {
  const rows: string[] = [];
  for (const line of run("readelf", ["-W", "--debug-dump=decodedline,no-follow-links", program]).split("\n")) {
    const found = /^(\S.*?)\s+(\d+|-)\s+(0x[0-9a-f]+|0)(?:\[\d+\])?(?:\s+\d+)?(\s+x)?(\s+END)?\s*$/.exec(line);
    if (found === null) continue;
    const [, file, at, address, statement] = found;
    rows.push(at === "-" ? `end ${BigInt(address!)}` : `${baseName(file!)}:${at} ${BigInt(address!)}${statement ? " x" : ""}`);
  }
  return rows;
}

function ourRows(debug: DebugInfo): string[] {
  const index = lineIndex(debug);
  const rows: string[] = [];
  const seen = new Set<number>();
  for (const unit of debug.units) {
    const lines = index.of(unit);
    if (lines === undefined || seen.has(lines.offset)) continue;
    seen.add(lines.offset);
    const { count, addresses, files, lines: numbers, flags } = index.table(lines);
    for (let row = 0; row < count; row++) {
      const name = baseName(lines.header.files[files[row]!]?.name ?? "");
      const ends = (flags[row]! & END_SEQUENCE) !== 0;
      rows.push(ends ? `end ${addresses[row]}` : `${name}:${numbers[row]} ${addresses[row]}${flags[row]! & IS_STATEMENT ? " x" : ""}`);
    }
  }
  return rows;
}

describe("tables of lines", () => {
  test.each([
    ["C of DWARF 2", () => lined("-O2", "-gdwarf-2"), 300],
    ["C of DWARF 3", () => lined("-O2", "-gdwarf-3"), 300],
    ["C of DWARF 4", () => lined("-O2", "-gdwarf-4"), 300],
    ["C of DWARF 5", () => lined("-O2", "-gdwarf-5"), 300],
    ["C of DWARF 5 in the format of 64 bits", () => lined("-O2", "-gdwarf64"), 300],
    ["C without the assembler's help", () => lined("-O1", "-gno-as-loc-support"), 200],
    ["C++", () => typedCxx("-O2"), 300],
    ["Rust", () => typedRust("-Copt-level=1"), 10_000],
    ["Go", () => typedGo(), 10_000],
    ["libc", libcDebug, 100_000],
  ] as const)("have the rows that readelf has, in %s", PROGRAM, (_, program, least) => {
    const path = program();
    const ours = ourRows(debugOf(path)).sort();
    const theirs = readelfRows(path).sort();
    const missing = new Set(theirs);
    for (const row of ours) missing.delete(row);
    const more = new Set(ours);
    for (const row of theirs) more.delete(row);
    expect([...missing].slice(0, 5)).toEqual([]);
    expect([...more].slice(0, 5)).toEqual([]);
    expect(ours.length).toBe(theirs.length);
    expect(ours.length).toBeGreaterThan(least);
  });
});

/**
 * As `addr2line -afi` writes it: the address, then a function and "file:line" for each frame. Function names are the symbols', of
 * which clones have more than the debug information does.
 */
function addr2line(program: string, addresses: readonly number[]): Map<number, string[]> {
  const found = new Map<number, string[]>();
  let frames: string[] = [];
  const lines = run("addr2line", ["-afi", "-e", program], addresses.map((address) => `0x${address.toString(16)}\n`).join("")).split("\n");
  for (let i = 0; i < lines.length; ) {
    const line = lines[i]!;
    if (/^0x[0-9a-f]{16}$/.test(line)) {
      frames = [];
      found.set(Number(line), frames);
      i++;
    } else if (line === "") {
      i++;
    } else {
      const place = /^(.*):(\d+|\?)/.exec(lines[i + 1] ?? "");
      frames.push(`${line} ${baseName(place?.[1] ?? "")}:${place?.[2]}`);
      i += 2;
    }
  }
  return found;
}

/** binutils 2.40 takes wrong files for the innermost frame in DWARF 5: its rows are compared with readelf's instead. */
function isFrame({ name, linkageName, file, line }: SourceFrame, expected: string, comparesFile: boolean): boolean {
  const [, symbol, at, number] = /^(.*) ([^ ]*):(\d+|\?)$/.exec(expected) ?? [];
  const plainSymbol = symbol?.replace(/\.(cold|part|constprop|isra|lto_priv)\b.*/, "");
  const isNamed = plainSymbol === (linkageName ?? name ?? "??") || (linkageName === undefined && plainSymbol?.includes(name ?? "??"));
  return isNamed === true && number === (line === 0 ? "?" : String(line)) && (!comparesFile || at === baseName(file ?? "??"));
}

/** Addresses of rows and between them, `most` spread over all. */
function spread(debug: DebugInfo, source: RegExp, most: number): number[] {
  const all = [...new Set(statementsOf(debug, source).flatMap(({ address }) => [address, address + 1, address + 3]))].sort((a, b) => a - b);
  const step = Math.max(1, Math.floor(all.length / most));
  return all.filter((_, i) => i % step === 0);
}

describe("the line of an address", () => {
  test.each([
    ["C, -O2", () => lined("-O2"), /lined/, 3000, 0],
    ["C, -O3, DWARF 4", () => lined("-O3", "-gdwarf-4"), /lined/, 3000, 0],
    ["C, -O2 -flto", () => lined("-O2", "-flto"), /lined/, 3000, 0],
    ["C++, -O2", () => typedCxx("-O2"), /./, 3000, 0],
    ["Rust", () => typedRust("-Copt-level=3"), /./, 4000, 0.01],
    ["libc", libcDebug, /./, 6000, 0.01],
  ] as const)("and the functions that are inlined there are those of addr2line, in %s", PROGRAM, (_, program, source, most, tolerated) => {
    const path = program();
    const debug = debugOf(path);
    const addresses = spread(debug, source, most);
    const theirs = addr2line(path, addresses);
    const wrong: string[] = [];
    let inlined = 0;
    for (const address of addresses) {
      const frames = lineAt(debug, address)?.frames ?? [];
      const expected = theirs.get(address)!;
      if (frames.length === 0) continue;
      if (frames.length > 1) inlined++;
      const ours = frames.map(({ name, linkageName, file, line }) => `${linkageName ?? name ?? "??"} ${baseName(file ?? "??")}:${line || "?"}`);
      const agrees = expected.length === ours.length && frames.every((frame, i) => isFrame(frame, expected[i]!, i > 0 || frame.function.unit.version < 5));
      if (!agrees) wrong.push(`0x${address.toString(16)}: ours ${ours.join(", ")}; addr2line ${expected.join(", ")}`);
    }
    expect(inlined).toBeGreaterThan(addresses.length / 50);
    expect(addresses.length).toBeGreaterThan(100);
    if (wrong.length > addresses.length * tolerated) expect(wrong.slice(0, 8)).toEqual([]);
  });
});

/** The addresses that gdb takes for breakpoints at lines: "file:line". */
function breakpoints(program: string, lines: readonly string[]): { readonly [line: string]: readonly number[] } {
  return inGdb(program, "lines", lines) as { readonly [line: string]: readonly number[] };
}

describe("the places of a line", () => {
  // gdb leaves out lines that stand for no byte of their own, as some calls of inlined functions, and takes the next one.
  test.each([
    ["C, -O0", () => lined("-O0"), /lined/, 0],
    ["C, -O1", () => lined("-O1"), /lined/, 0.02],
    ["C, -O2", () => lined("-O2"), /lined/, 0.02],
    ["C, -O3, DWARF 4", () => lined("-O3", "-gdwarf-4"), /lined/, 0.02],
    ["C++, -O0", () => typedCxx("-O0"), /typed/, 0],
    ["C++, -O2", () => typedCxx("-O2"), /typed/, 0.06],
    ["Rust", () => typedRust("-Copt-level=0"), /typed/, 0],
    ["Rust, optimized", () => typedRust("-Copt-level=2"), /typed/, 0.04],
    ["Go", () => typedGo(), /typed\.go/, 0],
  ] as const)("are those of gdb's breakpoints, in %s", PROGRAM, (_, program, source, tolerated) => {
    const path = program();
    const debug = debugOf(path);
    const statements = statementsOf(debug, source);
    const lines = [...new Set(statements.map(({ file, line }) => `${baseName(file)}:${line}`))];
    const theirs = breakpoints(path, lines);
    const wrong: string[] = [];
    let moved = 0;
    for (const where of lines) {
      const [file, line] = where.split(":") as [string, string];
      const found = findLine(debug, { file, line: Number(line) });
      const ours = found.k === "found" && found.exact ? found.places.map(({ address }) => address) : [];
      const expected = theirs[where]!;
      const hex = (list: readonly number[]): string => list.map((address) => address.toString(16)).join(" ");
      if (hex(ours) === hex(expected)) continue;
      if (expected.every((address) => !statements.some((one) => one.address === address && `${baseName(one.file)}:${one.line}` === where))) moved++;
      else wrong.push(`${where}: ours ${hex(ours)}; gdb ${hex(expected)}`);
    }
    expect(lines.length).toBeGreaterThan(25);
    expect(moved).toBeLessThanOrEqual(lines.length / 8);
    if (wrong.length > lines.length * tolerated) expect(wrong).toEqual([]);
  });

  const debug = debugOf(lined("-O2"));
  const frames = framesOf(readElf(memorySource(readFileSync(lined("-O2")))));
  const places = (query: Parameters<typeof findLine>[1]): readonly LinePlace[] => {
    const found = findLine(debug, query);
    return found.k === "found" ? found.places : [];
  };
  const lineOf = (file: string, text: string): number => sourceLines(file).findIndex((line) => line.includes(text)) + 1;

  test("are in all functions that a line of an inlined one is in", () => {
    const line = lineOf("lined.h", "sink += result");
    const inside = new Set(places({ file: "lined.h", line }).map((place) => `${place.function?.name} in ${place.inlinedIn?.name}`));
    expect([...inside].sort()).toEqual(["square in main", "square in more", "square in outside"]);
    const instances = inlinedPlaces(debug, "square", frames);
    expect(new Set(instances.map((one) => one.function.name))).toEqual(new Set(["main", "more", "outside"]));
    expect(instances.every((one) => one.parameters.length === 1 && one.parameters[0]!.name === "of")).toBe(true);
    for (const place of places({ file: "lined.h", line })) expect(instances.some((one) => one.entry.key === place.function?.key)).toBe(true);
  });

  test("are the caller's for the line of a call of which nothing but the inlined function is left", () => {
    const line = lineOf("lined-more.c", "return both(sum, from)");
    const [place] = places({ file: "lined-more.c", line });
    expect([place?.function?.name, place?.inlinedIn]).toEqual(["more", undefined]);
    const names = variablesAt(debug, place!.address, frames, place!.function).map((one) => one.name);
    expect(names.sort()).toEqual(["from", "list", "sum"]);
  });

  test("are those of the next line that has code, if a line has none; behind the last one there are none", () => {
    const comment = lineOf("lined.c", "No code between here");
    const found = findLine(debug, { file: "lined.c", line: comment });
    expect(found).toMatchObject({ k: "found", exact: false, line: lineOf("lined.c", "KEPT long grown") });
    const last = lineOf("lined.c", "return argv == 0");
    expect(findLine(debug, { file: "lined.c", line: 9999 })).toMatchObject({ k: "no line", before: last });
  });

  test("are found by a file's name, by the end of its path and by all of it, but not by a part of a name", () => {
    const line = lineOf("lined.c", "int result = value");
    const [{ address, file }] = places({ file: "lined.c", line }) as [LinePlace];
    for (const name of ["programs/lined.c", "fixtures/./programs/lined.c", "other/../programs/lined.c", file]) {
      expect(places({ file: name, line }).map((one) => one.address)).toEqual([address]);
    }
    expect(findLine(debug, { file: "/programs/lined.c", line })).toMatchObject({ k: "no file" });
    expect(findLine(debug, { file: "ined.c", line })).toEqual({ k: "no file", near: ["lined.c", "lined.h"] });
  });

  test("can be asked for by a column: the next one if it has no code, the last if there is none behind it", () => {
    const line = lineOf("lined.c", "for (int i = 0; i < times; i++)");
    const columns = [
      ...new Set(
        statementsOf(debug, /lined\.c$/)
          .filter((one) => one.line === line)
          .map((one) => one.column),
      ),
    ].sort((a, b) => a - b);
    expect(columns.length).toBeGreaterThan(1);
    const found = (column: number): unknown => findLine(debug, { file: "lined.c", line, column });
    expect(found(columns[1]!)).toMatchObject({ exact: true, column: columns[1] });
    expect(found(columns[0]! + 1)).toMatchObject({ exact: false, column: columns[1] });
    expect(found(999)).toMatchObject({ exact: false, column: columns.at(-1) });
  });
});
