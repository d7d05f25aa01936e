/** How frames are laid out, against what readelf makes of the same tables. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { FrameEntry } from "../../src/dwarf/frame-table.ts";
import { type FrameRow, frameRows, framesOf } from "../../src/dwarf/frames.ts";
import { readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";
import { lined } from "./lines-programs.ts";
import { typedCxx, typedGo, typedRust } from "./typed-programs.ts";

/** By DWARF's numbers, as readelf writes them. */
const NAMES = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "ra"];
const nameOf = (number: number): string => NAMES[number] ?? (number >= 17 && number <= 32 ? `xmm${number - 17}` : `r${number}`);
const plus = (offset: number): string => `${offset < 0 ? "" : "+"}${offset}`;

function show(row: FrameRow, columns: readonly string[]): string {
  const { cfa } = row;
  const rules = new Map<string, string>();
  for (const [number, rule] of row.rules) {
    const text = { undefined: "u", same: "s", expression: "exp", "value-expression": "vexp" };
    const shown =
      rule.k === "saved"
        ? `c${plus(rule.offset)}`
        : rule.k === "value"
          ? `v${plus(rule.offset)}`
          : rule.k === "register"
            ? nameOf(rule.register)
            : text[rule.k];
    rules.set(nameOf(number), shown);
  }
  const address = cfa.k === "register" ? `${nameOf(cfa.register)}${plus(cfa.offset)}` : cfa.k === "expression" ? "exp" : "?";
  return [row.address.toString(16).padStart(16, "0"), address, ...columns.map((column) => rules.get(column) ?? "u")].join(" ");
}

/** The rows of each function's table by its range, with the columns that readelf gives them. */
function* readelfTables(path: string): Generator<{ readonly range: string; readonly columns: readonly string[]; readonly rows: readonly string[] }> {
  let range: string | undefined;
  let columns: string[] = [];
  let rows: string[] = [];
  const text = execFileSync("readelf", ["-W", "--debug-dump=frames-interp,no-follow-links", path], {
    encoding: "utf8",
    maxBuffer: 1 << 30,
    stdio: ["pipe", "pipe", "ignore"],
  });
  for (const line of text.split("\n")) {
    const header = /^[0-9a-f]+ [0-9a-f]+ [0-9a-f]+ (CIE|FDE).*?(?:pc=(\S+))?$/.exec(line);
    if (header !== null) {
      if (range !== undefined && rows.length > 0) yield { range, columns, rows };
      range = header[1] === "FDE" ? header[2] : undefined;
      rows = [];
    } else if (/^\s+LOC\s+CFA/.test(line)) {
      columns = line.trim().split(/\s+/).slice(2);
    } else if (/^[0-9a-f]{16} /.test(line)) {
      // A register that holds another's value has both names: "r9 (r9)".
      rows.push(
        line
          .trim()
          .replaceAll(/\br\d+ \((\w+)\)/g, "$1")
          .split(/\s+/)
          .join(" "),
      );
    }
  }
  if (range !== undefined && rows.length > 0) yield { range, columns, rows };
}

const libc = (): string => execFileSync("cc", ["-print-file-name=libc.so.6"], { encoding: "utf8" }).trim();
const libstdcxx = (): string => execFileSync("c++", ["-print-file-name=libstdc++.so.6"], { encoding: "utf8" }).trim();

test.each([
  ["a C program", () => lined("-O2"), 4],
  ["a C program with .debug_frame alone", () => lined("-O1", "-fno-asynchronous-unwind-tables", "-fno-exceptions"), 4],
  ["a C++ program", () => typedCxx("-O2"), 8],
  ["a Go program", () => typedGo(), 1000],
  ["a Rust program", () => typedRust("-Copt-level=1"), 300],
  ["libc", libc, 2000],
  ["libstdc++", libstdcxx, 3000],
] as const)("frames of %s are those of readelf, and are found from every row's address", { timeout: 120_000 }, (_, program, least) => {
  const path = program();
  const image = readElf(memorySource(readFileSync(path), path));
  const frames = framesOf(image);
  const entries = new Map<string, FrameEntry>();
  const hex = (address: number): string => address.toString(16).padStart(16, "0");
  for (const table of frames.tables) for (const entry of table.entries()) entries.set(`${hex(entry.low)}..${hex(entry.high)}`, entry);
  const wrong: string[] = [];
  let tables = 0;
  for (const { range, columns, rows } of readelfTables(path)) {
    const entry = entries.get(range);
    if (entry === undefined) {
      wrong.push(`${range} isn't there`);
      continue;
    }
    tables++;
    const ours = frameRows(entry).map((row) => show(row, columns));
    // Go's programs end by going forward by nothing, for which readelf has a row.
    const theirs = rows.filter((row, i) => row !== rows[i - 1]);
    if (ours.join("\n") !== theirs.join("\n")) wrong.push(`${range} ${columns.join(" ")}\nreadelf\n${rows.join("\n")}\nours\n${ours.join("\n")}`);
    for (const row of frameRows(entry)) {
      const found = frames.at(row.address);
      if (found?.low !== entry.low || show(found, columns) !== show(row, columns)) wrong.push(`${hex(row.address)} isn't found`);
    }
  }
  expect(wrong.slice(0, 4)).toEqual([]);
  expect(tables).toBeGreaterThan(least);
});
