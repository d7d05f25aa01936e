/**
 * Linear scan: virtual registers get r1–r3 (gone at calls), r6–r9 (kept), or a slot of the frame.
 * r0, r4 and r5 are left to the emitter: r0 takes results, r4 and r5 hold what was in slots while one instruction runs.
 */
import type { Reg } from "../mir/types.ts";
import type { Interval } from "./liveness.ts";

export type Home = { readonly in: "register"; readonly register: number } | { readonly in: "slot"; readonly slot: number };
export interface Allocation {
  readonly homes: ReadonlyMap<Reg, Home>;
  readonly slots: number;
}

const SCRATCHED = [3, 2, 1];
const KEPT = [6, 7, 8, 9];

export function allocate(intervals: readonly Interval[]): Allocation {
  const homes = new Map<Reg, Home>();
  const active: { interval: Interval; register: number }[] = [];
  const freeSlots: { slot: number; from: number }[] = [];
  let slots = 0;
  const weight = (i: Interval): number => i.uses / (i.end - i.start + 4);
  const spill = (interval: Interval): void => {
    const free = freeSlots.findIndex((f) => f.from <= interval.start);
    const slot = free >= 0 ? (freeSlots.splice(free, 1)[0] as { slot: number }).slot : slots++;
    freeSlots.push({ slot, from: interval.end + 1 });
    homes.set(interval.reg, { in: "slot", slot });
  };
  for (const interval of intervals) {
    for (let i = active.length - 1; i >= 0; i--) if ((active[i] as { interval: Interval }).interval.end < interval.start) active.splice(i, 1);
    const taken = new Set(active.map((a) => a.register));
    const wanted = interval.crossesCall ? KEPT : [...SCRATCHED, ...KEPT];
    const register = wanted.find((r) => !taken.has(r));
    if (register !== undefined) {
      homes.set(interval.reg, { in: "register", register });
      active.push({ interval, register });
      continue;
    }
    // The least used of those that could give its register up goes to the frame.
    const victims = active.filter((a) => wanted.includes(a.register));
    const victim = victims.reduce((low, a) => (weight(a.interval) < weight(low.interval) ? a : low), victims[0] as (typeof victims)[number]);
    if (victim && weight(victim.interval) < weight(interval)) {
      active.splice(active.indexOf(victim), 1);
      slots = spillWhole(victim.interval, homes, slots);
      homes.set(interval.reg, { in: "register", register: victim.register });
      active.push({ interval, register: victim.register });
    } else spill(interval);
  }
  return { homes, slots };
}

/** A register that gives way after it began needs a slot that nobody had in the meantime: a new one. */
function spillWhole(interval: Interval, homes: Map<Reg, Home>, slots: number): number {
  homes.set(interval.reg, { in: "slot", slot: slots });
  return slots + 1;
}
