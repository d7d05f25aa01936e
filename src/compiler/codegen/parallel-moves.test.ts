/** Moves at once, one after the other. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Move, parallelMoves } from "./parallel-moves.ts";

const SPARE = 9;

/** What each register holds at the end, if each held its own number. */
function run(moves: readonly Move[]): number[] {
  const registers = Array.from({ length: 10 }, (_, i) => i);
  for (const { from, to } of moves) registers[to] = registers[from]!;
  return registers;
}

test.each<[string, Move[], number]>([
  ["nothing to do", [{ from: 1, to: 1 }], 0],
  [
    "a chain is done from its end",
    [
      { from: 1, to: 2 },
      { from: 2, to: 3 },
    ],
    2,
  ], // prettier-ignore
  [
    "a swap goes through the spare register",
    [
      { from: 1, to: 2 },
      { from: 2, to: 1 },
    ],
    3,
  ], // prettier-ignore
  [
    "a cycle of three",
    [
      { from: 1, to: 2 },
      { from: 2, to: 3 },
      { from: 3, to: 1 },
    ],
    4,
  ], // prettier-ignore
  [
    "one source for two",
    [
      { from: 1, to: 2 },
      { from: 1, to: 3 },
      { from: 2, to: 1 },
    ],
    4,
  ], // prettier-ignore
])("%s", (_, moves, count) => {
  const done = parallelMoves(moves, SPARE);
  expect(done).toHaveLength(count);
  const result = run(done);
  for (const { from, to } of moves) expect(result[to]).toBe(from);
});

test("every target gets what its source held before, and nothing else changes", () => {
  const targets = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 6 });
  fc.assert(
    fc.property(targets, fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 6, maxLength: 6 }), (to, from) => {
      const moves = to.map((target, i) => ({ from: from[i]!, to: target }));
      const result = run(parallelMoves(moves, SPARE));
      for (let r = 1; r < 9; r++) expect(result[r]).toBe(moves.find((move) => move.to === r)?.from ?? r);
    }),
  );
});
