import { beforeAll, describe, expect, test } from "vitest";
import { signatureOf } from "../../src/dwarf/signature.ts";
import { describe as text } from "../../src/dwarf/signature-text.ts";
import { sizeOf } from "../../src/schema/ctypes.ts";
import { bytesAt, differences, observe, type Seen, valuesOf } from "./gdb.ts";
import { randomProgram } from "./random-program.ts";
import { debugOf, functionsOf, randomC, randomCxx } from "./typed-programs.ts";

const FUNCTIONS = 150;
const random = randomProgram(4, FUNCTIONS);
const planned = new Map(random.functions.map((one) => [one.name, one]));

const builds = [
  { name: "C -O0", path: () => randomC(random.text, "-O0") },
  { name: "C -O2", path: () => randomC(random.text, "-O2") },
  { name: "C -O1, DWARF 4", path: () => randomC(random.text, "-O1", "-gdwarf-4") },
  { name: "C++ -O2", path: () => randomCxx(random.text, "-O2", "-fpermissive") },
] as const;

describe.each(builds)("random functions in $name", ({ path }) => {
  let program: string;
  let seen: Map<string, Seen | undefined>;
  const functions = () => [...functionsOf(debugOf(program))].filter((one) => planned.has(one.name ?? ""));

  beforeAll(() => {
    program = path();
    const plan = functions().map((entry) => {
      const name = entry.name!;
      const { parameters, result } = planned.get(name)!;
      const truth = Object.fromEntries(parameters.map((global, i) => [`p${i}`, global]));
      return { name, address: entry.ranges()[0]!.low, truth, ...(result !== undefined && { result }) };
    });
    seen = observe(program, plan, false);
  }, 200_000);

  test("each parameter has at the first instruction, at its place and as its type, the value that was passed", () => {
    const debug = debugOf(program);
    const wrong: string[] = [];
    let compared = 0;
    for (const entry of functions()) {
      const stop = seen.get(entry.name!)!;
      const signature = signatureOf(debug, entry)!;
      expect(signature.params.map((one) => one.name)).toEqual(planned.get(entry.name!)!.parameters.map((_, i) => `p${i}`));
      for (const { name, type, place } of signature.params) {
        const bytes = bytesAt(stop, place!, sizeOf(type, signature.structs));
        if (bytes === undefined) {
          wrong.push(`${text(entry)}: ${name}: ${JSON.stringify(place)}`);
          continue;
        }
        const ours = valuesOf(type, bytes, signature.structs);
        compared += ours.size;
        // A value that gdb couldn't give would agree with everything that is unknown.
        if (/^(error|optimized)/.test(stop.truth![name]![""] ?? "")) wrong.push(`${text(entry)}: ${name}: gdb: ${stop.truth![name]![""]}`);
        const different = differences(stop.truth![name]!, ours);
        if (different.length > 0) wrong.push(`${text(entry)}: ${name}: ${JSON.stringify(place)}: ${different.slice(0, 3).join("; ")}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(2 * FUNCTIONS);
  });

  test("each result is after the return where the signature says, if it isn't in a register of the x87 unit", () => {
    const debug = debugOf(program);
    const wrong: string[] = [];
    let compared = 0;
    for (const entry of functions()) {
      const stop = seen.get(entry.name!)!.return;
      if (stop === undefined) continue;
      const { ret, retPlace, structs } = signatureOf(debug, entry)!;
      const bytes = retPlace && bytesAt(stop, retPlace, sizeOf(ret, structs));
      if (retPlace?.k === "none" && /x87/.test(retPlace.why)) continue;
      if (bytes === undefined) {
        wrong.push(`${text(entry)}: ${JSON.stringify(retPlace)}`);
        continue;
      }
      compared++;
      const different = differences(stop.truth, valuesOf(ret, bytes, structs));
      if (different.length > 0) wrong.push(`${text(entry)}: ${JSON.stringify(retPlace)}: ${different.slice(0, 3).join("; ")}`);
    }
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(FUNCTIONS / 2);
  });
});
