/** The windows of real programs' functions, each executed in place and relocated with a probe in it: both must leave the same behind. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readElf } from "../../src/elf/image.ts";
import { type CodeFunction, FileCode } from "../../src/engines/inline/code/file-code.ts";
import { FileSource } from "../../src/symbols/file-source.ts";
import { SymbolIndex } from "../../src/symbols/symbol-index.ts";
import { isWindow } from "../../src/x86/windows/windows.ts";
import { type Case, isFit, makeCase, serialize } from "./cases.ts";

let folder: string;
let runner: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-windows-"));
  runner = join(folder, "runner");
  execFileSync("cc", ["-O2", "-fno-stack-protector", "-o", runner, join(import.meta.dirname, "runner.c")], { stdio: "pipe" });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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

/** Gives how many runs ended behind the window or at a target of it, and how many of the others' faults were seen in the copy. */
function execute(cases: readonly Case[]): { finished: number; inSlot: number } {
  const sum = { finished: 0, inSlot: 0 };
  for (let from = 0; from < cases.length; from += BATCH) {
    const batch = cases.slice(from, from + BATCH);
    const file = join(folder, "cases");
    writeFileSync(file, serialize(batch));
    const run = spawnSync(runner, [file], { encoding: "utf8" });
    expect([run.stderr, run.signal]).toEqual(["", null]);
    const outcome = JSON.parse(run.stdout) as {
      runs: number;
      finished: number;
      inSlot: number;
      reports: { test: number; state: number; what: string; original: string; slot: string }[];
    };
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
    const shown = outcome.reports.map(({ test: number, state, what, original, slot }) => {
      const one = batch[number] as Case;
      return `${one.name} (${hex(one.original)} → ${hex(one.result.code)}), state ${state}: ${what} is ${slot}, not ${original}`;
    });
    expect(shown).toEqual([]);
    expect(outcome.runs).toBe(batch.reduce((all, one) => all + one.states, 0));
    sum.finished += outcome.finished;
    sum.inSlot += outcome.inSlot;
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
    if ("refused" in made) throw new Error(`${Buffer.from(bytes).toString("hex")}: ${made.refused}`);
    cases.push(made);
  }
  expect(cases.length).toBeGreaterThan(least);
  expect(unfit).toBeLessThan(found.distinct.size / 20);
  const { finished, inSlot } = execute(cases);
  expect(finished).toBeGreaterThan(cases.length / 2);
  expect(inSlot).toBeGreaterThan(cases.length / 10);
});
