/** Variables at source lines: what gdb shows of them, and what our places give of the same registers and memory. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sizeOf } from "../../src/compiler/lower/typed.ts";
import { DW_TAG } from "../../src/dwarf/constants.ts";
import { stepsOf } from "../../src/dwarf/expression-value.ts";
import { cfaWord, framesOf } from "../../src/dwarf/frames.ts";
import { instancesAt } from "../../src/dwarf/inlined.ts";
import { variablesAt } from "../../src/dwarf/scopes.ts";
import { StructTable, typeOf } from "../../src/dwarf/types.ts";
import { type ElfImage, readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";
import type { CPlace } from "../../src/schema/ctypes.ts";
import { absentOf, bytesAt, differences, inGdb, type Stop, valuesOf } from "./gdb.ts";
import { lined, statementsOf } from "./lines-programs.ts";
import { debugOf, typedCxx, typedGo, typedRust } from "./typed-programs.ts";

interface Seen extends Stop {
  readonly address: number;
  readonly cfa: string | null;
  readonly variables: { readonly [name: string]: { readonly [path: string]: string | null } };
}

function observeAt(program: string, image: ElfImage, addresses: readonly number[]): readonly Seen[] {
  const ranges = image.sections.filter(({ name, size }) => /^\.(data|bss|rodata)$/.test(name) && size < 65536).map(({ address, size }) => ({ address, size }));
  return inGdb(program, "locations", { addresses, ranges }) as readonly Seen[];
}

/** The steps' word; undefined: they read memory that wasn't looked at. */
function wordOf(stop: Stop, steps: Extract<CPlace, { k: "value" }>["steps"]): bigint | undefined {
  return bytesAt(stop, { k: "value", steps }, 8)?.readBigUInt64LE();
}

function show(place: CPlace): string {
  return JSON.stringify(place, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value));
}

/** gdb has no value of it, or not of all of it. */
const isGone = (values: Seen["variables"][string]): boolean => {
  const all = Object.values(values);
  return all.length === 0 || all.some((value) => value === null || value.startsWith("error"));
};

interface Outcome {
  readonly stops: number;
  /** Pairs of a stop and a variable of which both have values. */
  readonly compared: number;
  /** In memory that wasn't looked at. */
  readonly far: number;
  /** Of those compared, and of those of which gdb has only a part: in pieces. */
  readonly pieces: number;
  readonly wrong: readonly string[];
  /** Variables that gdb has values of and that we call nowhere, with the reasons. */
  readonly nowhere: ReadonlyMap<string, number>;
  /** Names that are in scope for one of the two only. */
  readonly names: readonly string[];
  readonly frames: number;
}

function compare(program: string, source: RegExp): Outcome {
  const image = readElf(memorySource(readFileSync(program), program));
  const debug = debugOf(program);
  const frames = framesOf(image);
  const wrong: string[] = [];
  const names: string[] = [];
  const nowhere = new Map<string, number>();
  let compared = 0;
  let far = 0;
  let pieces = 0;
  let framesSeen = 0;
  const stops = observeAt(program, image, [...new Set(statementsOf(debug, source).map(({ address }) => address))]);
  for (const stop of stops) {
    const at = `0x${stop.address.toString(16)}`;
    const found = variablesAt(debug, stop.address, frames);
    const rule = frames.at(stop.address)?.cfa;
    const cfa = rule && wordOf(stop, stepsOf(cfaWord(rule, stop.address)));
    if (stop.cfa !== null && cfa !== undefined) {
      framesSeen++;
      if (cfa !== BigInt(stop.cfa)) wrong.push(`${at}: gdb's frame is at ${stop.cfa}, ours at ${cfa}`);
    }
    for (const [name, values] of Object.entries(stop.variables)) {
      if (!isGone(values) && !found.some((one) => one.name === name)) names.push(`${at}: ours lacks ${name}`);
    }
    for (const { name, type, place, entry } of found) {
      const gdb = stop.variables[name];
      if (gdb === undefined) {
        names.push(`${at}: gdb lacks ${name}`);
        continue;
      }
      const where = `${at} ${name}`;
      if (place.k === "none") {
        if (!isGone(gdb)) nowhere.set(place.why, (nowhere.get(place.why) ?? 0) + 1);
        continue;
      }
      const values = Object.values(gdb);
      // What an inlined function is called with, where nothing but its beginning has it: gdb doesn't look there.
      if (isGone(gdb) && entry.tag === DW_TAG.formal_parameter && instancesAt(debug, stop.address).length > 0) continue;
      if (values.length > 0 && values.every((value) => value === null)) {
        wrong.push(`${where}: gdb has nothing, ours ${show(place)}`);
        continue;
      }
      // Of what is in pieces, gdb has some of the values, and so have we.
      const partly = place.k === "pieces" && values.length > 0 && !values.some((value) => value?.startsWith("error"));
      if (isGone(gdb) && !partly) continue;
      const structs = new StructTable();
      const form = typeOf(type ?? entry, structs);
      const size = sizeOf(form, structs.structs());
      if (size === 0) continue;
      const bytes = bytesAt(stop, place, size);
      if (bytes === undefined) {
        far++;
        continue;
      }
      const ours = valuesOf(form, bytes, structs.structs());
      if (partly) {
        const absent = absentOf(stop, place, form, structs.structs());
        const ofRust = Object.entries(gdb).map(([path, value]) => [path.replaceAll(/\.__(\d+)/g, ".$1"), value] as const);
        const wronglyAbsent = ofRust.filter(([path, value]) => ours.has(path) && (value === null) !== absent.has(path));
        if (wronglyAbsent.length > 0) wrong.push(`${where}: not both have ${wronglyAbsent[0]![0]} (${show(place)})`);
        pieces++;
      }
      const known = Object.entries(gdb).filter(([, value]) => value !== null);
      const both = (known as [string, string][])
        .map(([path, value]) => [path.replaceAll(/\.__(\d+)/g, ".$1"), value] as const)
        .filter(([path]) => ours.has(path));
      if (both.length > 0) compared++;
      const different = differences(Object.fromEntries(both), ours);
      if (different.length > 0) wrong.push(`${where}: ${different.slice(0, 3).join("; ")} (${show(place)})`);
    }
  }
  return { stops: stops.length, compared, far, pieces, wrong, nowhere, names, frames: framesSeen };
}

/** How many pairs a compiler gives varies a little with its version; hardly any would mean that nothing was tested. */
function expectAgreement({ wrong, names, compared, far, frames }: Outcome, least: number): void {
  expect(wrong).toEqual([]);
  expect(names).toEqual([]);
  expect(compared).toBeGreaterThanOrEqual(least);
  expect(far).toBeLessThanOrEqual(compared / 50);
  expect(frames).toBeGreaterThan(10);
}
const PROGRAM = { timeout: 90_000 };

test("at each line of C that isn't optimized, all variables have the values that gdb shows", PROGRAM, () => {
  const outcome = compare(lined("-O0"), /lined/);
  expectAgreement(outcome, 800);
  expect([...outcome.nowhere]).toEqual([]);
});

test.each(["-O1", "-O2", "-O3", "-Os"])(
  "at each line of C built with %s, variables have the values that gdb shows, or a reason why they have none",
  PROGRAM,
  (flag) => {
    const outcome = compare(lined(flag), /lined/);
    expectAgreement(outcome, 200);
    // gdb finds what a register had at the entry by what the caller has left of it.
    const reasons = ["it is known only at its function's entry", "its expression computes with floats"];
    expect([...outcome.nowhere.keys()].filter((why) => !reasons.includes(why))).toEqual([]);
  },
);

// GCC writes a block that begins with nothing as if it had no code, in DWARF 2 to 4; gdb leaves out what is in it.
test.each([
  ["-gdwarf-4", "-Og"],
  ["-gdwarf-4", "-O2"],
  ["-gdwarf-3", "-gstrict-dwarf", "-O2"],
  ["-gdwarf-2", "-gstrict-dwarf", "-O1"],
  ["-O2", "-flto"],
])("variables have the values that gdb shows in C built with %s %s", PROGRAM, (...flags) => {
  const outcome = compare(lined(...flags), /lined/);
  expectAgreement({ ...outcome, names: [] }, 180);
});

test.each([
  ["C++", "-O0", typedCxx, 500],
  ["C++", "-O2", typedCxx, 80],
  ["Rust", "-Copt-level=0", typedRust, 200],
  ["Go", "-gcflags=all=-N -l", typedGo, 80],
  ["Go", "-gcflags=", typedGo, 60],
] as const)("at each line of %s built with %s, variables have the values that gdb shows", PROGRAM, (_, flag, build, least) => {
  expectAgreement(compare(build(flag), /typed/), least);
});

test("at each line of optimized Rust, variables in pieces of several kinds have the values that gdb shows, and none is nowhere", PROGRAM, () => {
  const outcome = compare(typedRust("-Copt-level=2"), /typed/);
  expectAgreement(outcome, 250);
  expect([...outcome.nowhere]).toEqual([]);
  expect(outcome.pieces).toBeGreaterThanOrEqual(30);
});
