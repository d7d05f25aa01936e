/** From where to where registers are needed. */
import { expect, test } from "vitest";
import { Builder } from "../mir/builder.ts";
import { order } from "../passes/flow.ts";
import { type Interval, liveness } from "./liveness.ts";

const intervalOf = (b: Builder, reg: number): Interval => {
  const found = liveness(b.fn, order(b.fn)).intervals.find((interval) => interval.reg === reg);
  if (found === undefined) throw new Error(`r${reg} is needed nowhere`);
  return found;
};

test("from what sets it to what reads it last", () => {
  const b = new Builder();
  const one = b.copy(1n);
  const two = b.binary("add", one, 2n) as number;
  b.exit(b.binary("mul", two, two));
  expect(intervalOf(b, one).end).toBeLessThan(intervalOf(b, two).start);
});

test("what a loop reads that was set before it is needed until its end", () => {
  const b = new Builder();
  const [head, body, after] = [b.block(), b.block(), b.block()];
  const limit = b.copy(5n);
  const i = b.variable();
  b.set(i, 0n);
  b.jump(head);
  b.enter(head);
  b.branch("ult", i, limit, body, after);
  b.enter(body);
  const last = b.copy(7n);
  b.set(i, b.binary("add", i, last));
  b.jump(head);
  b.enter(after);
  b.exit(0n);
  expect(intervalOf(b, limit).end).toBeGreaterThan(intervalOf(b, last).end);
});

test("a register that is read behind a call crosses it; one that the call reads last doesn't", () => {
  const b = new Builder();
  const [kept, handed] = [b.copy(1n), b.copy(2n)];
  b.call("map_lookup_elem", [handed]);
  b.exit(kept);
  expect(intervalOf(b, kept).crossesCall).toBe(true);
  expect(intervalOf(b, handed).crossesCall).toBe(false);
});

test("the scratch slot's address is kept to the end of the last block, as the objects in it are reached through it", () => {
  const b = new Builder();
  const scratch = b.variable();
  b.fn.scratch = scratch;
  b.set(scratch, b.call("map_lookup_elem", []));
  const base = { object: b.object(200) };
  b.call("probe_read_kernel", [{ base, offset: 0 }, 200n, 0n]);
  b.call("probe_read_kernel", [{ base, offset: 0 }, 200n, 0n]);
  const late = b.load(base, 0, 8);
  b.exit(late);
  expect(intervalOf(b, scratch).end).toBeGreaterThanOrEqual(intervalOf(b, late).start);
  expect(intervalOf(b, scratch).crossesCall).toBe(true);
});
