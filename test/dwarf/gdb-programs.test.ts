import { describe, expect, test } from "vitest";
import { sizeOf } from "../../src/compiler/lower/typed.ts";
import { DW_LANG } from "../../src/dwarf/constants.ts";
import { entryAddress } from "../../src/dwarf/locations.ts";
import { parametersOf, signatureOf } from "../../src/dwarf/signature.ts";
import { placeAtEntry } from "../../src/dwarf/signature-entry.ts";
import { describe as text } from "../../src/dwarf/signature-text.ts";
import { qualifiedName, typeName } from "../../src/dwarf/type-names.ts";
import { bytesAt, differences, observe, type Seen, type Values, valuesOf } from "./gdb.ts";
import { debugOf, functionsOf, typedC, typedCxx, typedGo, typedRust } from "./typed-programs.ts";

interface Outcome {
  /** Functions that were called. */
  readonly functions: number;
  /** Scalars that were compared. */
  readonly values: number;
  /** Parameters without a place, with the reason. */
  readonly nowhere: readonly string[];
  readonly wrong: readonly string[];
  /** Types that gdb writes in another way. */
  readonly types: readonly string[];
}

/** gdb has the names of tuples' fields as rustc writes them. */
const rustPaths = (values: Values): Values => Object.fromEntries(Object.entries(values).map(([path, value]) => [path.replaceAll(/\.__(\d+)/g, ".$1"), value]));

/** Inside of names gdb writes integers shorter than compilers do. */
const written = (type: string): string => type.replaceAll(/\b(long|short)( unsigned)? int\b/g, "$1$2").replaceAll(/\s/g, "");

/**
 * A program's functions against gdb. Where code isn't optimized, gdb knows the arguments behind the prologue; else at the first
 * instruction, but for those of which it only knows a place in the frame: nothing is there yet.
 */
function compare(program: string, which: RegExp, optimized: boolean): Outcome {
  const debug = debugOf(program);
  const functions = [...functionsOf(debug)].filter((entry) => which.test(qualifiedName(entry)));
  const seen = observe(
    program,
    functions.map((entry) => ({ name: String(entry.key), address: entryAddress(entry)! })),
    !optimized,
  );
  const nowhere: string[] = [];
  const wrong: string[] = [];
  const types: string[] = [];
  let called = 0;
  let values = 0;
  for (const entry of functions) {
    const stop = seen.get(String(entry.key));
    if (stop === undefined) continue;
    called++;
    const signature = signatureOf(debug, entry)!;
    const rust = entry.unit.language === DW_LANG.Rust;
    const parameters = parametersOf(entry).filter((one) => !one.result);
    for (const [i, { name, type, place }] of signature.params.entries()) {
      const parameter = parameters[i]!;
      const where = `${text(entry)}: ${name}`;
      const gdb = (optimized ? stop.entry : (stop.after ?? [])).find((one) => one.name === parameter.name);
      const ours = typeName(parameter.type, entry.unit.language);
      if (gdb !== undefined && written(gdb.type) !== written(ours)) types.push(`${where}: gdb ${gdb.type}, ours ${ours}`);
      if (place!.k === "none") {
        nowhere.push(`${where}: ${place!.why}`);
        continue;
      }
      const bytes = bytesAt(stop, place!, sizeOf(type, signature.structs));
      if (bytes === undefined) wrong.push(`${where} isn't where it should be`);
      const scalar = gdb?.value[""];
      if (bytes === undefined || gdb === undefined || scalar === "optimized out" || scalar?.startsWith("error")) continue;
      if (optimized && parameter.entry && placeAtEntry(parameter.entry, entry).fixed) continue;
      values += Object.keys(gdb.value).length;
      const different = differences(rust ? rustPaths(gdb.value) : gdb.value, valuesOf(type, bytes, signature.structs));
      if (different.length > 0) wrong.push(`${where}: ${different.slice(0, 4).join("; ")}`);
    }
  }
  return { functions: called, values, nowhere, wrong, types };
}

/** Results after the return of functions, as a program's text has them. */
function results(program: string, expected: { readonly [name: string]: Values }): { readonly [name: string]: Values } {
  const debug = debugOf(program);
  const functions = [...functionsOf(debug)].filter((entry) => qualifiedName(entry) in expected);
  const plan = functions.map((entry) => ({ name: qualifiedName(entry), address: entryAddress(entry)!, result: "0" }));
  const seen: Map<string, Seen | undefined> = observe(program, plan, false);
  const found = functions.map((entry): [string, Values] => {
    const name = qualifiedName(entry);
    const { ret, retPlace, structs } = signatureOf(debug, entry)!;
    const bytes = bytesAt(seen.get(name)!.return!, retPlace!, sizeOf(ret, structs));
    const all = valuesOf(ret, bytes!, structs);
    return [name, Object.fromEntries(Object.keys(expected[name]!).map((path) => [path, all.get(path) ?? "no such field"]))];
  });
  return Object.fromEntries(found);
}

describe("what gdb shows of parameters is at our places at the first instruction, as our types have it", { timeout: 200_000 }, () => {
  test("of C without optimization", () => {
    const outcome = compare(typedC("-O0"), /./, false);
    expect(outcome).toMatchObject({ functions: 18, wrong: [], types: [], nowhere: [] });
    expect(outcome.values).toBeGreaterThan(90);
  });

  test("of optimized C, where a parameter that the compiler has removed is nowhere", () => {
    const outcome = compare(typedC("-O2"), /./, true);
    expect(outcome).toMatchObject({ wrong: [], types: [] });
    expect(outcome.nowhere).toHaveLength(1);
    expect(outcome.nowhere[0]).toMatch(/unused_one: /);
    expect(outcome.values).toBeGreaterThan(40);
  });

  test("of C++ without optimization", () => {
    const outcome = compare(typedCxx("-O0"), /^(?!std|__gnu)/, false);
    expect(outcome).toMatchObject({ wrong: [], nowhere: [] });
    // gdb writes the parameter that a method's pointer takes first.
    expect(outcome.types.filter((one) => !one.includes(": method: "))).toEqual([]);
    expect(outcome.values).toBeGreaterThan(80);
  });

  test("of optimized C++", () => {
    const outcome = compare(typedCxx("-O2"), /^(?!std|__gnu)/, true);
    expect(outcome.wrong).toEqual([]);
    expect(outcome.nowhere.length).toBeLessThan(8);
    expect(outcome.values).toBeGreaterThan(40);
  });

  test("of Rust without optimization, but for what is half in a register and half in memory", () => {
    const outcome = compare(typedRust(), /^typed/, false);
    expect(outcome.wrong).toEqual([]);
    expect(outcome.nowhere.map((one) => one.replace(/^.*\): | -> u64/g, ""))).toEqual([expect.stringContaining("its two halves are in different places")]);
    expect(outcome.values).toBeGreaterThan(90);
  });

  test("of optimized Rust, where most functions are called in ways of their own", () => {
    const outcome = compare(typedRust("-O"), /^typed/, true);
    expect(outcome.wrong).toEqual([]);
    // Those that are spilled first thing, and of which nothing says in which registers they come.
    expect(outcome.nowhere.filter((one) => !/the compiler has (changed how this function is called|removed it)$/.test(one))).toEqual([]);
    expect(outcome.nowhere.length).toBeLessThan(23);
    expect(outcome.values).toBeGreaterThan(60);
  });

  test("of Go", () => {
    const outcome = compare(typedGo(), /^main\./, true);
    expect(outcome).toMatchObject({ wrong: [], nowhere: [] });
    expect(outcome.values).toBeGreaterThan(60);
  });

  test("of Go without optimization", () => {
    const outcome = compare(typedGo("-gcflags", "-N -l"), /^main\./, false);
    expect(outcome).toMatchObject({ wrong: [], nowhere: [] });
    expect(outcome.values).toBeGreaterThan(60);
  });
});

describe("results are where the signature says", { timeout: 100_000 }, () => {
  test("of Rust", () => {
    const expected = {
      "typed::gives_triple": { ".0": "4", ".1": "2", ".2": "3" },
      "typed::gives_str": { ".length": "6" },
      "typed::options": { ".variant": "1", ".Some.0": "4" },
      "typed::pairs": { "": "-3" },
      "typed::gives_string": { ".len": "1", ".vec.len": "1" },
    };
    expect(results(typedRust(), expected)).toEqual(expected);
  });

  test("of Go, several together", () => {
    const expected = {
      "main.several": { ".r0": "1", ".r1.len": "7", ".r2.data": "0" },
      "main.named": { ".count": "3", ".err.data": "0" },
      "main.complexes": { "": "f0000000000001040" },
    };
    expect(results(typedGo(), expected)).toEqual(expected);
  });

  test("of C++, whatever it needs for them", () => {
    const expected = { "shop::pair": { ".x": "3", ".z": "f0000000000000040" }, "shop::makes": { ".value": "3" } };
    expect(results(typedCxx("-O0"), expected)).toEqual(expected);
  });
});
