/** A histogram as the host sees it. */

/** `max` is inclusive. */
export interface HistogramBucket {
  readonly min: bigint;
  readonly max: bigint;
  readonly count: bigint;
}

const LAST = 2n ** 63n - 1n;

export class Histogram {
  /** The buckets that hold anything, in ascending order. */
  readonly buckets: readonly HistogramBucket[];
  readonly count: bigint;
  readonly sum: bigint;
  readonly min?: bigint;
  readonly max?: bigint;
  readonly avg: number;

  constructor(buckets: readonly HistogramBucket[], count: bigint, sum: bigint, min: bigint | undefined, max: bigint | undefined) {
    this.buckets = buckets;
    this.count = count;
    this.sum = sum;
    if (min !== undefined) this.min = min;
    if (max !== undefined) this.max = max;
    this.avg = count === 0n ? 0 : Number(sum) / Number(count);
  }

  /**
   * The upper edge of the bucket in which the value of this rank lies (nearest rank: of 100 values the 99th for 99).
   * A bucket without an upper edge (the last of `lhist`) gives the greatest value seen; an empty histogram gives NaN.
   */
  percentile(p: number): number {
    if (!(p >= 0 && p <= 100)) throw new RangeError(`percentile(${p}): give a number from 0 to 100`);
    if (this.count === 0n) return Number.NaN;
    // In 1e-9 of a percent, so that 99.9 isn't rounded on the way to an exact rank.
    const scaled = BigInt(Math.round(p * 1e9)) * this.count;
    const rank = (scaled + 99_999_999_999n) / 100_000_000_000n;
    let below = 0n;
    for (const bucket of this.buckets) {
      below += bucket.count;
      if (below >= rank) return Number(bucket.max >= LAST ? (this.max ?? bucket.max) : bucket.max);
    }
    return Number(this.max);
  }
}
