/**
 * The layout of aggregates, shared by the compiler, which fills them, and the reader, which merges them.
 *
 * A slot is a row of 64-bit words, one slot per CPU. All zeros is the empty slot, so fresh map memory is a valid one.
 * Minimum and maximum are kept *biased* so that zero is the neutral element and an update is an unsigned maximum:
 *
 *     max word = v ^ 2^63            (greater v, greater word)
 *     min word = ~(v ^ 2^63)         (smaller v, greater word)
 *
 *     count  [n]                    sum    [sum]
 *     avg    [n, sum]               min    [n, min word]        max [n, max word]
 *     stats  [n, sum, min word, max word]
 *     hist   [sum, min word, max word, bucket 0, bucket 1, …]   lhist likewise; n is the sum of the buckets
 *
 * Buckets of `hist` with `bits` b (2^b sub-buckets per power of two): bucket 0 holds negative values; v < 2^b is in
 * bucket 1 + v; else with e = floor(log2 v) in bucket 1 + (e - b) * 2^b + (v >> (e - b)). 1 + (65 - b) * 2^b in all.
 * Buckets of `lhist`: 0 below `min`; 1 + (v - min) / step; the last at or above `max`.
 */
import type { AggregateSpec } from "./types.ts";

/** How many words stand before the buckets of a histogram. */
export const HIST_HEAD = 3;

export function bucketCount(spec: AggregateSpec): number {
  if (spec.kind === "hist") return 1 + (65 - spec.bits) * 2 ** spec.bits;
  if (spec.kind === "lhist") return Number((spec.max - spec.min + spec.step - 1n) / spec.step) + 2;
  return 0;
}

/** Words of one slot. */
export function aggregateWords(spec: AggregateSpec): number {
  switch (spec.kind) {
    case "count":
    case "sum":
      return 1;
    case "avg":
    case "min":
    case "max":
      return 2;
    case "stats":
      return 4;
    case "hist":
    case "lhist":
      return HIST_HEAD + bucketCount(spec);
    case "stacks":
      return 1;
  }
}

export interface Bucket {
  readonly min: bigint;
  readonly max: bigint;
}

const MIN = -(2n ** 63n);
const MAX = 2n ** 64n - 1n;

/** The values that fall into bucket `index`; `max` is inclusive. */
export function bucketRange(spec: AggregateSpec, index: number): Bucket {
  if (spec.kind === "lhist") {
    const last = bucketCount(spec) - 1;
    if (index === 0) return { min: MIN, max: spec.min - 1n };
    if (index === last) return { min: spec.max, max: 2n ** 63n - 1n };
    const min = spec.min + BigInt(index - 1) * spec.step;
    const top = min + spec.step - 1n;
    return { min, max: top < spec.max ? top : spec.max - 1n };
  }
  const bits = spec.kind === "hist" ? spec.bits : 0;
  if (index === 0) return { min: MIN, max: -1n };
  const sub = 2 ** bits;
  const i = index - 1;
  if (i < 2 * sub) return { min: BigInt(i), max: BigInt(i) };
  const shift = BigInt(Math.floor(i / sub) - 1);
  const min = BigInt((i % sub) + sub) << shift;
  const max = min + (1n << shift) - 1n;
  return { min, max: max > MAX ? MAX : max };
}

/** The bucket of a value: what the compiled code computes, for the reader and the tests. */
export function bucketIndex(spec: AggregateSpec, value: bigint): number {
  if (spec.kind === "lhist") {
    if (value < spec.min) return 0;
    if (value >= spec.max) return bucketCount(spec) - 1;
    return 1 + Number((value - spec.min) / spec.step);
  }
  const bits = BigInt(spec.kind === "hist" ? spec.bits : 0);
  if (value < 0n) return 0;
  if (value < 1n << bits) return 1 + Number(value);
  const e = BigInt(value.toString(2).length - 1);
  return 1 + Number(((e - bits) << bits) + (value >> (e - bits)));
}
