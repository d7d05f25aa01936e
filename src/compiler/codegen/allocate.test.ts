/** Homes of registers: nobody's is anybody else's while both are needed, and what is needed behind a call survives it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { allocate, type Home } from "./allocate.ts";
import type { Interval } from "./liveness.ts";

const interval = (reg: number, start: number, length: number, uses: number, crossesCall: boolean): Interval => ({
  reg,
  start,
  end: start + length,
  uses,
  crossesCall,
});
const intervals = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 9 }), fc.boolean()), { maxLength: 40 })
  .map((all) =>
    all.map(([start, length, uses, crosses], reg) => interval(reg, start, length, uses, crosses)).sort((a, b) => a.start - b.start || a.end - b.end),
  );
const nameOf = (home: Home | undefined): string => (home === undefined ? "none" : home.in === "register" ? `r${home.register}` : `slot ${home.slot}`);

test("two registers that are needed at the same time never share a home", () => {
  fc.assert(
    fc.property(intervals, (all) => {
      const { homes, slots } = allocate(all);
      for (const a of all) {
        const home = homes.get(a.reg);
        expect(home).toBeDefined();
        if (home?.in === "slot") expect(home.slot).toBeLessThan(slots);
        for (const b of all) if (a.reg < b.reg && a.start <= b.end && b.start <= a.end) expect(nameOf(home)).not.toBe(nameOf(homes.get(b.reg)));
      }
    }),
    { numRuns: 1000 },
  );
});

test("what is needed behind a call is in r6 to r9 or in the frame, and nothing is in r0, r4, r5 or r10", () => {
  fc.assert(
    fc.property(intervals, (all) => {
      const { homes } = allocate(all);
      for (const { reg, crossesCall } of all) {
        const home = homes.get(reg);
        if (home?.in === "register") expect(crossesCall ? [6, 7, 8, 9] : [1, 2, 3, 6, 7, 8, 9]).toContain(home.register);
      }
    }),
  );
});

test("of more registers than there are, the one that is used least goes to the frame", () => {
  const all = [0, 1, 2, 3, 4].map((reg) => interval(reg, reg, 50, reg === 2 ? 1 : 9, true));
  expect([...allocate(all).homes].filter(([, home]) => home.in === "slot").map(([reg]) => reg)).toEqual([2]);
});

test("a slot whose register is needed no more is used again", () => {
  const busy = [0, 1, 2, 3].map((reg) => interval(reg, 0, 100, 90, true));
  const { homes, slots } = allocate([...busy, interval(4, 5, 10, 1, true), interval(5, 30, 10, 1, true)]);
  expect(slots).toBe(1);
  expect(nameOf(homes.get(4))).toBe(nameOf(homes.get(5)));
});
