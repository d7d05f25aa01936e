/** Variables at instructions, by our places of the registers and the memory there, against what gdb shows of them. */
import { expect } from "vitest";
import { DW_TAG } from "../../src/dwarf/constants.ts";
import type { DebugInfo } from "../../src/dwarf/entry.ts";
import { stepsOf } from "../../src/dwarf/expression-value.ts";
import { cfaWord, framesOf } from "../../src/dwarf/frames.ts";
import { instancesAt } from "../../src/dwarf/inlined.ts";
import { variablesAt } from "../../src/dwarf/scopes.ts";
import { StructTable, typeOf } from "../../src/dwarf/types.ts";
import type { ElfImage } from "../../src/elf/image.ts";
import { type CPlace, sizeOf } from "../../src/schema/ctypes.ts";
import { absentOf, bytesAt, differences, inGdb, type Stop, type Surroundings, valuesOf } from "./gdb.ts";

interface Seen extends Stop {
  readonly address: number;
  readonly cfa: string | null;
  readonly variables: { readonly [name: string]: { readonly [path: string]: string | null } };
}

/** Where a program is, and how it is run: a file of it that is loaded anywhere, with arguments and surroundings, or nothing. */
export interface Running {
  readonly file?: string;
  readonly arguments?: string;
  readonly around?: Surroundings;
}

function observeAt(program: string, image: ElfImage, addresses: readonly number[], { around, ...running }: Running): readonly Seen[] {
  const kept = image.sections.filter(({ name, size }) => /^\.(data|data\.rel\.ro|bss|rodata)$/.test(name) && size < 65536);
  const ranges = kept.map(({ address, size }) => ({ address, size }));
  return inGdb(program, "locations", { addresses, ranges, ...running }, around) as readonly Seen[];
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

export interface Located {
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

/** `image` has the code, and `debug` is what describes it. */
export function compareAt(program: string, image: ElfImage, debug: DebugInfo, addresses: readonly number[], running: Running = {}): Located {
  const frames = framesOf(image);
  const wrong: string[] = [];
  const names: string[] = [];
  const nowhere = new Map<string, number>();
  let compared = 0;
  let far = 0;
  let pieces = 0;
  let framesSeen = 0;
  const stops = observeAt(program, image, addresses, running);
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
export function expectAgreement({ wrong, names, compared, far, frames }: Located, least: number): void {
  expect(wrong).toEqual([]);
  expect(names).toEqual([]);
  expect(compared).toBeGreaterThanOrEqual(least);
  expect(far).toBeLessThanOrEqual(compared / 50);
  expect(frames).toBeGreaterThan(10);
}
