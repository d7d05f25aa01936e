/** The model of costs: what a handler does is counted, weighed and added up. */
import { expect, test } from "vitest";
import { CostWatch, percent } from "./budget.ts";
import { type CostModel, foretell, NO_CALLS, workOf } from "./model.ts";

const MODEL: CostModel = {
  entry: { emulated: 600, stepped: 9000 },
  leave: 500,
  event: 100,
  host: 20_000,
  instruction: 0.5,
  calls: { map: 60, read: 40, text: 100, record: 80, comm: 30, stack: 700 },
};

test("helpers are counted by what they are for; others as some instructions", () => {
  const calls = new Map([
    ["map_lookup_elem", 2],
    ["map_update_elem", 1],
    ["probe_read_user_str", 1],
    ["get_smp_processor_id", 2],
  ]);
  expect(workOf(50, calls)).toEqual({ instructions: 80, calls: { ...NO_CALLS, map: 3, text: 1 } });
});

test("a hit costs its way to the handler, the return where it is awaited, and the handler", () => {
  const work = workOf(20, new Map([["map_lookup_elem", 1]]));
  expect(foretell(MODEL, { at: "emulated", leaves: false, work })).toBe(670);
  expect(foretell(MODEL, { at: "stepped", leaves: true, work })).toBe(9570);
  expect(foretell(MODEL, { at: "event", leaves: false, work: workOf(0, new Map()) })).toBe(100);
});

test("what a session takes is counted anew each time that it is asked for", async () => {
  let hits = [7n, 0n];
  const watch = new CostWatch([1000, 10_000], (kind) => hits[kind]!);
  hits = [1007n, 5n];
  await new Promise((next) => setTimeout(next, 20));
  const first = watch.spent();
  expect(first.ns).toBeCloseTo((1000 * 1000 + 5 * 10_000) / 1005, 6);
  expect(first.share).toBeGreaterThan(0);
  expect(watch.spent()).toMatchObject({ share: 0, hitsPerSecond: 0, ns: 0 });
  expect([percent(0.0512), percent(0.5)]).toEqual(["5.1 %", "50 %"]);
});
