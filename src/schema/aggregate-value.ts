/** Aggregates as the host reads them: the slots of all CPUs merged into one, and what the words then say. */
import { bucketCount, bucketRange, HIST_HEAD } from "./aggregate.ts";
import { Histogram, type HistogramBucket } from "./histogram.ts";
import type { AggregateSpec } from "./types.ts";

export interface AvgValue {
  readonly count: bigint;
  readonly sum: bigint;
  readonly avg: number;
}
export interface StatsValue {
  readonly count: bigint;
  readonly sum: bigint;
  readonly min?: bigint;
  readonly max?: bigint;
  readonly avg: number;
}
export type AggregateValue = bigint | undefined | AvgValue | StatsValue | Histogram;

const SIGN = 1n << 63n;

/** Which words are merged by the greater one; the others are added. */
function isExtreme(spec: AggregateSpec, word: number): boolean {
  switch (spec.kind) {
    case "min":
    case "max":
      return word === 1;
    case "stats":
      return word === 2 || word === 3;
    case "hist":
    case "lhist":
      return word === 1 || word === 2;
    default:
      return false;
  }
}

/** Adds the slot `from` to `into`. Slots of several CPUs, or of several hosts. */
export function mergeSlot(spec: AggregateSpec, into: BigUint64Array, from: BigUint64Array): void {
  for (let i = 0; i < into.length; i++) {
    const word = from[i]!;
    if (word === 0n) continue;
    if (!isExtreme(spec, i)) into[i] = into[i]! + word;
    else if (word > into[i]!) into[i] = word;
  }
}

const average = (sum: bigint, count: bigint): number => (count === 0n ? 0 : Number(sum) / Number(count));
const maxOf = (word: bigint): bigint => BigInt.asIntN(64, word ^ SIGN);
const minOf = (word: bigint): bigint => maxOf(BigInt.asUintN(64, ~word));
const extremes = (count: bigint, min: bigint, max: bigint): { min?: bigint; max?: bigint } => (count === 0n ? {} : { min: minOf(min), max: maxOf(max) });

function histogram(spec: AggregateSpec, slot: BigUint64Array): Histogram {
  const buckets: HistogramBucket[] = [];
  let count = 0n;
  for (let i = 0, n = bucketCount(spec); i < n; i++) {
    const inBucket = slot[HIST_HEAD + i]!;
    if (inBucket === 0n) continue;
    count += inBucket;
    buckets.push(Object.freeze({ ...bucketRange(spec, i), count: inBucket }));
  }
  const { min, max } = extremes(count, slot[1]!, slot[2]!);
  return new Histogram(buckets, count, BigInt.asIntN(64, slot[0]!), min, max);
}

/** What a merged slot says. Sums, minima and maxima are signed. */
export function aggregateValue(spec: AggregateSpec, slot: BigUint64Array): AggregateValue {
  const first = slot[0]!;
  switch (spec.kind) {
    case "count":
    case "stacks":
      return first;
    case "sum":
      return BigInt.asIntN(64, first);
    case "avg": {
      const sum = BigInt.asIntN(64, slot[1]!);
      return { count: first, sum, avg: average(sum, first) };
    }
    case "min":
      return first === 0n ? undefined : minOf(slot[1]!);
    case "max":
      return first === 0n ? undefined : maxOf(slot[1]!);
    case "stats": {
      const sum = BigInt.asIntN(64, slot[1]!);
      return { count: first, sum, ...extremes(first, slot[2]!, slot[3]!), avg: average(sum, first) };
    }
    case "hist":
    case "lhist":
      return histogram(spec, slot);
  }
}

/** One number to sort entries by: how much there is. */
export function magnitude(value: AggregateValue): bigint {
  if (value === undefined) return 0n;
  return typeof value === "bigint" ? value : value.count;
}
