/** Folding gives what the instruction would give, for every operation and at every edge. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { evaluate, fold } from "./fold.ts";
import type { BinaryFn, Operand } from "./types.ts";

const FNS: readonly BinaryFn[] = ["add", "sub", "mul", "udiv", "sdiv", "umod", "smod", "and", "or", "xor", "shl", "shr", "sar"];
const EDGES = [0n, 1n, -1n, 2n, 7n, 63n, 64n, 2n ** 31n, -(2n ** 31n), 2n ** 63n - 1n, -(2n ** 63n)];
const word = fc.oneof(fc.constantFrom(...EDGES), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));

test.each(FNS)("%s of two constants fits into 64 signed bits", (fn) => {
  for (const a of EDGES)
    for (const b of EDGES) {
      const value = evaluate(fn, a, b);
      expect(BigInt.asIntN(64, value)).toBe(value);
      expect(fold(fn, a, b)).toBe(value);
    }
});

test("what is folded although a side is only known at run time is what the instruction gives, whatever that side is", () => {
  const X = 1;
  fc.assert(
    fc.property(fc.constantFrom(...FNS), word, word, fc.constantFrom("left", "right", "both"), (fn, x, constant, where) => {
      const a: Operand = where === "right" ? constant : X;
      const b: Operand = where === "left" ? constant : X;
      const known = fold(fn, a, b);
      if (known === undefined) return;
      expect(known === X ? x : known).toBe(evaluate(fn, a === X ? x : (a as bigint), b === X ? x : (b as bigint)));
    }),
    { numRuns: 3000 },
  );
});

test.each([
  ["udiv", 7n, 0n, 0n],
  ["sdiv", 7n, 0n, 0n],
  ["umod", 7n, 0n, 7n],
  ["smod", -7n, 0n, -7n],
  ["sdiv", -(2n ** 63n), -1n, -(2n ** 63n)],
  ["smod", -7n, 2n, -1n],
  ["shl", 1n, 64n, 1n],
  ["sar", -8n, 1n, -4n],
  ["shr", -1n, 63n, 1n],
] as const)("%s of %s and %s is %s", (fn, a, b, result) => expect(evaluate(fn, a, b)).toBe(result));
