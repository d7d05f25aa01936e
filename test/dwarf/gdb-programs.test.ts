import { describe, expect, test } from "vitest";
import { entryAddress } from "../../src/dwarf/locations.ts";
import { signatureOf } from "../../src/dwarf/signature.ts";
import { qualifiedName } from "../../src/dwarf/type-names.ts";
import { sizeOf } from "../../src/schema/ctypes.ts";
import { clangProgram } from "../fixtures/build.ts";
import { compare, type Outcome, planOf } from "./compare.ts";
import { bytesAt, observe, type Seen, type Values, valuesOf } from "./gdb.ts";
import { debugOf, functionsOf, typedC, typedCxx, typedGo, typedRust } from "./typed-programs.ts";

/** A program that has its debug information itself; `which` by qualified names. */
function compareProgram(program: string, which: RegExp, optimized: boolean): Outcome {
  const debug = debugOf(program);
  const functions = [...functionsOf(debug)].filter((entry) => which.test(qualifiedName(entry)));
  return compare(debug, functions, observe(program, planOf(functions), !optimized), optimized);
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
    const outcome = compareProgram(typedC("-O0"), /./, false);
    expect(outcome).toMatchObject({ functions: 18, wrong: [], types: [], nowhere: [] });
    expect(outcome.values).toBeGreaterThan(90);
  });

  test("of optimized C, where a parameter that the compiler has removed is nowhere", () => {
    const outcome = compareProgram(typedC("-O2"), /./, true);
    expect(outcome).toMatchObject({ wrong: [], types: [] });
    expect(outcome.nowhere).toHaveLength(1);
    expect(outcome.nowhere[0]).toMatch(/unused_one: /);
    expect(outcome.values).toBeGreaterThan(40);
  });

  test("of C that clang has optimized, which takes small structures apart", () => {
    const outcome = compareProgram(clangProgram(), /./, true);
    expect(outcome).toMatchObject({ functions: 5, wrong: [], types: [] });
    expect(outcome.nowhere.filter((one) => !one.includes("hidden("))).toEqual([]);
    expect(outcome.values).toBeGreaterThan(14);
  });

  test("of C++ without optimization", () => {
    const outcome = compareProgram(typedCxx("-O0"), /^(?!std|__gnu)/, false);
    expect(outcome).toMatchObject({ wrong: [], nowhere: [] });
    // gdb writes the parameter that a method's pointer takes first.
    expect(outcome.types.filter((one) => !one.includes(": method: "))).toEqual([]);
    expect(outcome.values).toBeGreaterThan(80);
  });

  test("of optimized C++", () => {
    const outcome = compareProgram(typedCxx("-O2"), /^(?!std|__gnu)/, true);
    expect(outcome.wrong).toEqual([]);
    expect(outcome.nowhere.length).toBeLessThan(8);
    expect(outcome.values).toBeGreaterThan(40);
  });

  test("of Rust without optimization, but for what is half in a register and half in memory", () => {
    const outcome = compareProgram(typedRust(), /^typed/, false);
    expect(outcome.wrong).toEqual([]);
    expect(outcome.nowhere.map((one) => one.replace(/^.*\): | -> u64/g, ""))).toEqual([expect.stringContaining("its two halves are in different places")]);
    expect(outcome.values).toBeGreaterThan(90);
  });

  test("of optimized Rust, where most functions are called in ways of their own", () => {
    const outcome = compareProgram(typedRust("-O"), /^typed/, true);
    expect(outcome.wrong).toEqual([]);
    // Those that are spilled first thing, and of which nothing says in which registers they come.
    expect(outcome.nowhere.filter((one) => !/the compiler has (changed how this function is called|removed it)$/.test(one))).toEqual([]);
    expect(outcome.nowhere.length).toBeLessThan(28);
    expect(outcome.values).toBeGreaterThan(60);
  });

  test("of Go", () => {
    const outcome = compareProgram(typedGo(), /^main\./, true);
    expect(outcome).toMatchObject({ wrong: [], nowhere: [] });
    expect(outcome.values).toBeGreaterThan(60);
  });

  test("of Go without optimization", () => {
    const outcome = compareProgram(typedGo("-gcflags", "-N -l"), /^main\./, false);
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
