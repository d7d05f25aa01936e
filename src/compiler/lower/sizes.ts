/** Sizes that the layout of a session rests on. */
export { aggregateWords, bucketCount, HIST_HEAD } from "../../schema/aggregate.ts";

export function roundUpPow2(n: number): number {
  let p = 1;
  while (p < n) p *= 2;
  return p;
}
