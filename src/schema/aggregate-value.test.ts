import fc from "fast-check";
import { expect, test } from "vitest";
import { aggregateWords, bucketIndex, HIST_HEAD } from "./aggregate.ts";
import { type AvgValue, aggregateValue, mergeSlot, type StatsValue } from "./aggregate-value.ts";
import type { Histogram } from "./histogram.ts";
import type { AggregateSpec } from "./types.ts";

const SIGN = 1n << 63n;

/** What compiled code does to a slot for one value, written down a second time. */
function add(spec: AggregateSpec, slot: BigUint64Array, value: bigint): void {
  const max = BigInt.asUintN(64, value) ^ SIGN;
  const min = BigInt.asUintN(64, ~max);
  const plus = (i: number, n: bigint): void => {
    slot[i] = slot[i]! + BigInt.asUintN(64, n);
  };
  const most = (i: number, n: bigint): void => {
    if (n > slot[i]!) slot[i] = n;
  };
  switch (spec.kind) {
    case "count":
      plus(0, 1n);
      break;
    case "sum":
      plus(0, value);
      break;
    case "avg":
      plus(0, 1n);
      plus(1, value);
      break;
    case "min":
      plus(0, 1n);
      most(1, min);
      break;
    case "max":
      plus(0, 1n);
      most(1, max);
      break;
    case "stats":
      plus(0, 1n);
      plus(1, value);
      most(2, min);
      most(3, max);
      break;
    case "hist":
    case "lhist":
      plus(0, value);
      most(1, min);
      most(2, max);
      plus(HIST_HEAD + bucketIndex(spec, value), 1n);
      break;
    case "stacks":
      return;
  }
}

function gathered(spec: AggregateSpec, values: readonly bigint[], cpus = 3): ReturnType<typeof aggregateValue> {
  const slots = Array.from({ length: cpus }, () => new BigUint64Array(aggregateWords(spec)));
  for (const [i, value] of values.entries()) add(spec, slots[i % cpus]!, value);
  const merged = new BigUint64Array(aggregateWords(spec));
  for (const slot of slots) mergeSlot(spec, merged, slot);
  return aggregateValue(spec, merged);
}

const values = fc.array(fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }), { minLength: 1, maxLength: 60 });
const sumOf = (list: readonly bigint[]): bigint => list.reduce((a, b) => a + b, 0n);
const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : 1);
const minOf = (list: readonly bigint[]): bigint => list.reduce((a, b) => [a, b].toSorted(ascending)[0]!);
const maxOf = (list: readonly bigint[]): bigint => list.reduce((a, b) => [a, b].toSorted(ascending)[1]!);

test("slots of several CPUs merge to what one would have gathered", () => {
  fc.assert(
    fc.property(values, (list) => {
      expect(gathered({ kind: "count" }, list)).toBe(BigInt(list.length));
      expect(gathered({ kind: "sum" }, list)).toBe(sumOf(list));
      expect(gathered({ kind: "min" }, list)).toBe(minOf(list));
      expect(gathered({ kind: "max" }, list)).toBe(maxOf(list));
      expect(gathered({ kind: "avg" }, list)).toEqual({
        count: BigInt(list.length),
        sum: sumOf(list),
        avg: Number(sumOf(list)) / list.length,
      } satisfies AvgValue);
      const stats = gathered({ kind: "stats" }, list) as StatsValue;
      expect([stats.count, stats.min, stats.max]).toEqual([BigInt(list.length), minOf(list), maxOf(list)]);
      for (const spec of [
        { kind: "hist", bits: 0 },
        { kind: "hist", bits: 3 },
        { kind: "lhist", min: -100n, max: 1000n, step: 7n },
      ] as const) {
        const hist = gathered(spec, list) as Histogram;
        expect(hist.count).toBe(BigInt(list.length));
        expect(sumOf(hist.buckets.map((bucket) => bucket.count))).toBe(hist.count);
        expect([hist.min, hist.max, hist.sum]).toEqual([minOf(list), maxOf(list), sumOf(list)]);
        for (const value of list) expect(hist.buckets.some((bucket) => bucket.min <= value && value <= bucket.max)).toBe(true);
      }
    }),
    { numRuns: 100 },
  );
});

test("an empty aggregate has no minimum, and the least integer is one", () => {
  expect(gathered({ kind: "min" }, [])).toBeUndefined();
  expect(gathered({ kind: "min" }, [-(2n ** 63n)])).toBe(-(2n ** 63n));
  expect(gathered({ kind: "max" }, [-(2n ** 63n)])).toBe(-(2n ** 63n));
  expect(gathered({ kind: "stats" }, [])).toEqual({ count: 0n, sum: 0n, avg: 0 });
});

test("percentile is the upper edge of the bucket where the rank lies", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => BigInt(i + 1));
  const fine = gathered({ kind: "lhist", min: 0n, max: 200n, step: 1n }, hundred) as Histogram;
  expect([0, 1, 50, 99, 99.1, 100].map((p) => fine.percentile(p))).toEqual([1, 1, 50, 99, 100, 100]);
  const coarse = gathered({ kind: "hist", bits: 0 }, hundred) as Histogram;
  expect([50, 99].map((p) => coarse.percentile(p))).toEqual([63, 127]);
});

test("percentiles of hist({ bits: 3 }) are within an eighth of the exact ones", () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 50n }), { minLength: 1, maxLength: 200 }), fc.integer({ min: 0, max: 100 }), (list, p) => {
      const sorted = list.toSorted((a, b) => (a < b ? -1 : 1));
      const exact = Number(sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)]);
      const got = (gathered({ kind: "hist", bits: 3 }, list) as Histogram).percentile(p);
      expect(got).toBeGreaterThanOrEqual(exact);
      expect(got).toBeLessThanOrEqual(exact * 1.125 + 1);
    }),
    { numRuns: 200 },
  );
});

test("beyond the last step of lhist the greatest value seen is the edge; an empty histogram gives NaN", () => {
  expect((gathered({ kind: "lhist", min: 0n, max: 10n, step: 5n }, [3n, 77n]) as Histogram).percentile(99)).toBe(77);
  expect((gathered({ kind: "hist", bits: 0 }, []) as Histogram).percentile(50)).toBeNaN();
  expect(() => (gathered({ kind: "hist", bits: 0 }, [1n]) as Histogram).percentile(101)).toThrow(RangeError);
});
