/** The windows of real programs' functions, each executed in place and relocated with a probe in it: both must leave the same behind. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readElf } from "../../src/elf/image.ts";
import { type CodeFunction, FileCode } from "../../src/engines/inline/code/file-code.ts";
import { FileSource } from "../../src/symbols/file-source.ts";
import { SymbolIndex } from "../../src/symbols/symbol-index.ts";
import { isWindow } from "../../src/x86/windows/windows.ts";
import { type Case, isFit, makeCase } from "./cases.ts";
import { hex, type Outcome, useRunner } from "./execute.ts";

const execute = useRunner();

/** What this process has mapped: programs that nobody wrote for this test. */
function mapped(name: RegExp): string {
  const lines = readFileSync("/proc/self/maps", "utf8").split("\n");
  const path = lines.map((line) => line.slice(73)).find((line) => name.test(line));
  if (path === undefined) throw new Error(`no ${name} is mapped`);
  return path;
}

interface Found {
  readonly functions: number;
  readonly windows: number;
  /** Each of different bytes or probes once. */
  readonly distinct: Map<string, { readonly bytes: Uint8Array; readonly probes: ReadonlySet<number> }>;
}

function windowsOf(path: string): Found {
  const source = new FileSource(path);
  try {
    const image = readElf(source);
    const index = new SymbolIndex(image);
    const sizes = new Map<number, number>();
    for (const table of index.tables)
      for (let i = 0; i < table.count; i++) if (table.isFunction(i)) sizes.set(table.address(i), Math.max(sizes.get(table.address(i)) ?? 0, table.size(i)));
    const functions: CodeFunction[] = [...sizes].map(([address, size]) => ({ address, size }));
    const segments = image.segments
      .filter(({ flags }) => (flags & 1) !== 0)
      .map((segment) => ({ segment, bytes: source.read(segment.offset, segment.fileSize) }));
    const distinct: Found["distinct"] = new Map();
    let windows = 0;
    for (const [i, found] of new FileCode(image, index).windows(functions).entries()) {
      if (found === undefined) continue;
      const { address } = functions[i] as CodeFunction;
      const { segment, bytes } = segments.find(({ segment: one }) => address >= one.address && address < one.address + one.fileSize)!;
      const all = new Set([found.entry, ...found.exits.map(({ window }) => window)].filter(isWindow));
      for (const window of all) {
        windows++;
        const at = address + window.start - segment.address;
        const own = bytes.subarray(at, at + window.length);
        const probes = new Set(window.probes.map(({ offset }) => offset - window.start));
        distinct.set(`${Buffer.from(own).toString("latin1")} ${[...probes].join()}`, { bytes: own, probes });
      }
    }
    return { functions: functions.length, windows, distinct };
  } finally {
    source.close();
  }
}

const BATCH = 8000;

function executeAll(cases: readonly Case[]): Pick<Outcome, "finished" | "inSlot"> {
  const sum = { finished: 0, inSlot: 0 };
  for (let from = 0; from < cases.length; from += BATCH) {
    const { finished, inSlot } = execute(cases.slice(from, from + BATCH));
    sum.finished += finished;
    sum.inSlot += inSlot;
  }
  return sum;
}

const PROGRAMS: readonly (readonly [name: string, path: () => string, windows: number, distinct: number])[] = [
  ["libc", () => mapped(/\/libc[.-][^/]*$/), 4000, 2000],
  ["libstdc++", () => mapped(/\/libstdc\+\+[^/]*$/), 7000, 2000],
  ["node", () => process.execPath, 150_000, 30_000],
];

test.each(PROGRAMS)("every window of %s does elsewhere what it does in place", { timeout: 120_000 }, (name, path, most, least) => {
  const found = windowsOf(path());
  expect(found.windows).toBeGreaterThan(most);
  const cases: Case[] = [];
  let unfit = 0;
  for (const { bytes, probes } of found.distinct.values()) {
    if (!isFit(bytes)) {
      unfit++;
      continue;
    }
    const made = makeCase(name, bytes, { states: 2, window: bytes.length, probes });
    // What was found to be movable is.
    if ("refused" in made) throw new Error(`${hex(bytes)}: ${made.refused}`);
    cases.push(made);
  }
  expect(cases.length).toBeGreaterThan(least);
  expect(unfit).toBeLessThan(found.distinct.size / 20);
  const { finished, inSlot } = executeAll(cases);
  expect(finished).toBeGreaterThan(cases.length / 2);
  expect(inSlot).toBeGreaterThan(cases.length / 10);
});
