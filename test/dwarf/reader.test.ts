/** The reader and the index on programs of several compilers, entry by entry and function by function as readelf has them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { DW_AT, DW_TAG } from "../../src/dwarf/constants.ts";
import type { Entry } from "../../src/dwarf/entry.ts";
import { decodeIndex, encodeIndex, type FunctionIndex, indexFunctions } from "../../src/dwarf/index.ts";
import { debugSections, type SectionName, sectionsInMemory } from "../../src/dwarf/sections.ts";
import { DebugInfo, type Unit } from "../../src/dwarf/units.ts";
import { readElf } from "../../src/elf/image.ts";
import { buildId } from "../../src/elf/notes.ts";
import { memorySource } from "../../src/elf/source.ts";
import { type DumpedEntry, dump, referred, tagName } from "./readelf.ts";
import { typedC, typedCxx, typedGo, typedRust } from "./typed-programs.ts";

const read = (path: string, objects = false) => readElf(memorySource(readFileSync(path), path), objects);
const split = (unit: Unit) => {
  const path = unit.dwoName!.startsWith("/") ? unit.dwoName! : join(unit.compDir!, unit.dwoName!);
  return existsSync(path) ? debugSections(read(path, true), true) : undefined;
};
const debugOf = (path: string): DebugInfo => new DebugInfo({ sections: debugSections(read(path))!, split });

const TAGS = new Map<number, string>(Object.entries(DW_TAG).map(([name, tag]) => [tag, name]));

function* walk(entry: Entry, depth: number): Generator<readonly [Entry, number]> {
  yield [entry, depth];
  for (const child of entry.children()) yield* walk(child, depth + 1);
}

/** Offset, depth, tag and name of each; and how many. `names` false: readelf 2.40 misreads those of a .dwo. */
async function compareEntries(path: string, units: readonly Unit[], names = true): Promise<number> {
  const ours = (function* () {
    for (const unit of units) yield* walk(unit.own, 0);
  })();
  let count = 0;
  for await (const theirs of dump(path)) {
    const { value } = ours.next();
    if (value === undefined) throw new Error(`readelf has more than ${count} entries`);
    const [entry, depth] = value;
    const got = `${entry.offset} ${depth} ${TAGS.get(entry.tag)} ${names && entry.text(DW_AT.name)}`;
    const want = `${theirs.offset} ${theirs.depth} ${tagName(theirs.tag)} ${names && theirs.attributes.get("name")}`;
    // One at a time: vitest's own comparison of a hundred thousand takes minutes.
    if (got !== want) expect(got).toBe(want);
    count++;
  }
  expect(ours.next().done).toBe(true);
  return count;
}

interface TheirFunction {
  readonly low: number;
  readonly name: string | undefined;
  readonly parameters: readonly (string | undefined)[];
}

/** Functions with a low_pc that isn't 0, by offset. */
async function theirFunctions(path: string): Promise<Map<number, TheirFunction>> {
  const entries = new Map<number, { readonly name: string | undefined; readonly to: number | undefined }>();
  const functions: { readonly entry: DumpedEntry; readonly parameters: DumpedEntry[] }[] = [];
  const open: ((typeof functions)[number] | undefined)[] = [];
  for await (const entry of dump(path)) {
    const { attributes, depth } = entry;
    entries.set(entry.offset, { name: attributes.get("name"), to: referred(entry, "specification") ?? referred(entry, "abstract_origin") });
    open.length = depth;
    if (entry.tag === "formal_parameter") open[depth - 1]?.parameters.push(entry);
    const low = Number(attributes.get("low_pc"));
    // What is in a pack is the function's.
    open[depth] = entry.tag === "GNU_formal_parameter_pack" ? open[depth - 1] : undefined;
    if (entry.tag !== "subprogram" || !(low > 0)) continue;
    open[depth] = { entry, parameters: [] };
    functions.push(open[depth]);
  }
  const nameOf = (offset: number): string | undefined => {
    let entry = entries.get(offset);
    while (entry !== undefined && entry.name === undefined && entry.to !== undefined) entry = entries.get(entry.to);
    return entry?.name;
  };
  return new Map(
    functions.map(({ entry, parameters }) => [
      entry.offset,
      { low: Number(entry.attributes.get("low_pc")), name: nameOf(entry.offset), parameters: parameters.map((one) => nameOf(one.offset)) },
    ]),
  );
}

function compareFunctions(debug: DebugInfo, index: FunctionIndex, theirs: ReadonlyMap<number, TheirFunction>): void {
  let seen = 0;
  for (let i = 0; i < index.count; i++) {
    const entry = index.entry(debug, i)!;
    const want = theirs.get(entry.offset);
    if (want === undefined) {
      // In several ranges, or without code.
      if (index.low(i) !== undefined && !entry.has(DW_AT.ranges)) throw new Error(`readelf has no ${index.name(i)} at ${index.low(i)}`);
      continue;
    }
    seen++;
    const parameters = Array.from({ length: index.parameters(i) }, (_, j) => index.parameterName(i, j));
    const got = JSON.stringify([index.low(i), index.name(i), parameters]);
    const wanted = JSON.stringify([want.low, want.name ?? "", want.parameters.map((name) => name ?? "")]);
    if (got !== wanted) expect(got).toBe(wanted);
    if (!index.named(index.name(i)).includes(i) && index.name(i) !== "") throw new Error(`${index.name(i)} isn't found by its name`);
    expect(index.at(want.low)).toBeDefined();
  }
  expect(seen).toBe(theirs.size);
}

/** Copies of inlined functions by the slow way: entry by entry. */
function slowCopies(units: readonly Unit[]): Map<number, number[]> {
  const copies = new Map<number, number[]>();
  const visit = (entry: Entry): void => {
    if (entry.tag === DW_TAG.subprogram && entry.number(DW_AT.low_pc) === 0) return;
    if (entry.tag === DW_TAG.inlined_subroutine) {
      const [first] = entry.ranges();
      const at = entry.form(DW_AT.entry_pc) === "address" ? entry.number(DW_AT.entry_pc) : first && first.low + (entry.number(DW_AT.entry_pc) ?? 0);
      const origin = entry.reference(DW_AT.abstract_origin);
      if (at && origin) copies.set(origin.key, [...(copies.get(origin.key) ?? []), at]);
    }
    for (const child of entry.children()) visit(child);
  };
  for (const unit of units) visit(unit.root);
  return copies;
}

const PROGRAMS: readonly (readonly [string, () => string])[] = [
  ["C, DWARF 5", () => typedC()],
  ["C, DWARF 4, optimised", () => typedC("-gdwarf-4", "-O2")],
  ["C, DWARF 5, optimised", () => typedC("-gdwarf-5", "-O2")],
  ["C, the 64-bit format", () => typedC("-gdwarf64", "-O2")],
  ["C, DWARF 3", () => typedC("-gdwarf-3", "-gstrict-dwarf", "-O1")],
  ["C, DWARF 2", () => typedC("-gdwarf-2", "-gstrict-dwarf")],
  ["C, compressed", () => typedC("-gz=zlib")],
  ["C, compressed the old way", () => typedC("-gz=zlib-gnu")],
  ["C++, DWARF 5", () => typedCxx()],
  ["C++, DWARF 4, optimised", () => typedCxx("-gdwarf-4", "-O2")],
  ["C++, types in units of their own, DWARF 5", () => typedCxx("-gdwarf-5", "-O2", "-fdebug-types-section")],
  ["Rust", () => typedRust()],
  ["Rust, optimised", () => typedRust("-O")],
  ["Go", () => typedGo()],
];

describe.each(PROGRAMS)("%s", { timeout: 180_000 }, (_, build) => {
  let path: string;
  let debug: DebugInfo;
  let index: FunctionIndex;
  beforeAll(() => {
    path = build();
    debug = debugOf(path);
    index = indexFunctions(debug);
  }, 180_000);

  test("every entry is where readelf has it, with its tag and name", async () => {
    expect(await compareEntries(path, debug.units)).toBeGreaterThan(50);
  });
  test("every function has the address, name and parameters that readelf has", async () => {
    compareFunctions(debug, index, await theirFunctions(path));
  });
  test("every inlined copy is in the index", () => {
    const rows = new Map(Array.from({ length: index.count }, (_, i) => [index.entry(debug, i)!.key, i]));
    for (const [key, addresses] of slowCopies(debug.units)) {
      const row = rows.get(key);
      if (row === undefined) throw new Error(`no row for the origin at ${key}`);
      expect([...index.inlined(row)]).toEqual(addresses);
    }
  });
  test("every parameter's type is the one that its entry refers to", () => {
    for (let i = 0; i < index.count; i++) {
      const own = [...index.entry(debug, i)!.children()].filter((child) => child.tag === DW_TAG.formal_parameter);
      if (own.length !== index.parameters(i)) continue;
      for (const [j, parameter] of own.entries()) {
        const want = parameter.reference(DW_AT.type) ?? parameter.reference(DW_AT.abstract_origin)?.reference(DW_AT.type);
        if (index.parameterType(debug, i, j)?.key !== want?.key) throw new Error(`${index.name(i)}: parameter ${j} has another type`);
      }
    }
  });
});

test("units of types of DWARF 4 are reached by their signatures", { timeout: 120_000 }, () => {
  const debug = debugOf(typedCxx("-gdwarf-4", "-fdebug-types-section"));
  expect(debug.oldTypeUnits.length).toBeGreaterThan(5);
  for (const unit of debug.oldTypeUnits) expect(debug.typeUnit(unit.signature!)?.unit).toBe(unit);
  const index = indexFunctions(debug);
  let reached = 0;
  for (let i = 0; i < index.count; i++)
    for (let j = 0; j < index.parameters(i); j++) if (debug.oldTypeUnits.includes(index.parameterType(debug, i, j)?.unit as Unit)) reached++;
  expect(reached).toBeGreaterThan(0);
});

describe.each(["-gdwarf-4", "-gdwarf-5"])("split by %s", { timeout: 120_000 }, (version) => {
  test("the entries are the .dwo's, with the addresses of the program", async () => {
    const whole = indexFunctions(debugOf(typedC(version, "-O1")));
    const path = typedC(version, "-O1", "-gsplit-dwarf");
    const debug = debugOf(path);
    expect(debug.units.some((unit) => unit.split !== undefined)).toBe(true);
    const index = indexFunctions(debug);
    const shown = (of: FunctionIndex) =>
      Array.from({ length: of.count }, (_, i) => [
        of.name(i),
        of.low(i),
        of.ranges(i),
        [...of.inlined(i)],
        Array.from({ length: of.parameters(i) }, (_, j) => of.parameterName(i, j)),
      ]);
    expect(shown(index)).toEqual(shown(whole));
    const unit = debug.units.find((each) => each.split !== undefined)!;
    expect(unit.compDir).toBe(process.cwd());
    const own = join(dirname(path), unit.dwoName!.slice(unit.dwoName!.lastIndexOf("/") + 1));
    expect(await compareEntries(own, [unit.split!], false)).toBeGreaterThan(50);
  });
  test("without the .dwo there are no functions, and no error", () => {
    const image = read(typedC(version, "-O1", "-gsplit-dwarf"));
    const debug = new DebugInfo({ sections: debugSections(image)! });
    expect(indexFunctions(debug).count).toBe(0);
    expect(debug.units.find((unit) => unit.isSkeleton)?.dwoName).toMatch(/\.dwo$/);
  });
});

test("all functions of the C library have the names and addresses that readelf gives", { timeout: 300_000 }, async () => {
  const id = buildId(read("/lib/x86_64-linux-gnu/libc.so.6"))!;
  const path = `/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`;
  if (!existsSync(path))
    execFileSync("apt-get", ["install", "-y", "-qq", "libc6-dbg"], { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  const debug = debugOf(path);
  const index = decodeIndex(encodeIndex(indexFunctions(debug)))!;
  const theirs = await theirFunctions(path);
  expect(theirs.size).toBeGreaterThan(2000);
  compareFunctions(debug, index, theirs);
});

describe("damaged debug information is read, in part or not at all", { timeout: 300_000 }, () => {
  const NAMES: readonly SectionName[] = ["info", "abbrev", "str", "line_str", "rnglists", "ranges", "addr", "str_offsets", "types"];
  const bytesOf = (path: string) => {
    const sections = debugSections(read(path))!;
    return Object.fromEntries(NAMES.map((name) => [name, sections.get(name)])) as { readonly [name in SectionName]?: Uint8Array };
  };
  /** All that there is to ask. */
  const exercise = (sections: { readonly [name in SectionName]?: Uint8Array }): void => {
    const before = process.cpuUsage();
    try {
      const debug = new DebugInfo({ sections: sectionsInMemory(sections) });
      const index = indexFunctions(debug);
      for (let i = 0; i < index.count; i += 7) {
        const entry = index.entry(debug, i);
        entry?.ranges();
        entry?.parent();
        for (const child of entry?.children() ?? [])
          for (const at of child.attributes()) [child.form(at), child.big(at), child.text(at), child.block(at), child.reference(at)?.name];
      }
      expect(decodeIndex(encodeIndex(index))?.count).toBe(index.count);
    } catch (error) {
      expect((error as { readonly code?: string }).code).toMatch(/^SONDE_DWARF_/);
    }
    const { user } = process.cpuUsage(before);
    expect(user / 1e6).toBeLessThan(10);
  };
  const PARTS = [
    ["C", () => typedC("-O2")],
    ["C, DWARF 4", () => typedC("-gdwarf-4", "-O2")],
    ["C++ with units of types", () => typedCxx("-gdwarf-4", "-fdebug-types-section")],
  ] as const;
  test.each(PARTS)("%s: some bytes changed", (_, build) => {
    const whole = bytesOf(build());
    const full = NAMES.filter((name) => whole[name]!.length > 0);
    const change = fc.tuple(fc.constantFrom(...full), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
        const sections = { ...whole };
        for (const name of new Set(changes.map(([name]) => name))) sections[name] = whole[name]!.slice();
        for (const [name, place, value] of changes) sections[name]![Math.floor(place * sections[name]!.length)] = value;
        exercise(sections);
      }),
      { numRuns: 150 },
    );
  });
  test.each(PARTS)("%s: a section cut off, or all of one byte", (_, build) => {
    const whole = bytesOf(build());
    for (const name of NAMES) {
      if (whole[name]!.length === 0) continue;
      for (const share of [0, 0.1, 0.5, 0.9]) exercise({ ...whole, [name]: whole[name]!.subarray(0, Math.floor(whole[name]!.length * share)) });
      for (const byte of [0, 1, 0x7f, 0x80, 0xff]) exercise({ ...whole, [name]: new Uint8Array(whole[name]!.length).fill(byte) });
    }
  });
});
