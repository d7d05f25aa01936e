/** A histogram as rows of bars. */

import { bucketCount, bucketIndex, bucketRange } from "../schema/aggregate.ts";
import type { Histogram, HistogramBucket } from "../schema/histogram.ts";
import type { AggregateSpec } from "../schema/types.ts";
import { bar, padEnd, padStart, width } from "./columns.ts";
import { amountText, averageText, edgeText, type Unit } from "./numbers.ts";
import type { Palette } from "./palette.ts";

/** More rows than this, and neighbouring buckets are shown as one. */
const MOST_ROWS = 36;
/** This many empty rows or more in a run are shown as one gap. */
const GAP = 4;

type Row = HistogramBucket | "gap";

/** The same values in buckets of whole powers of two, or of as few sub-buckets as fit. */
function coarser(spec: AggregateSpec & { kind: "hist" }, buckets: readonly HistogramBucket[], bits: number): HistogramBucket[] {
  const to = { ...spec, bits };
  const merged = new Map<number, bigint>();
  for (const bucket of buckets) {
    const index = bucket.max < 0n ? 0 : bucketIndex(to, bucket.min);
    merged.set(index, (merged.get(index) ?? 0n) + bucket.count);
  }
  return [...merged].map(([index, count]) => ({ ...bucketRange(to, index), count }));
}

/** Every bucket from the first to the last that holds anything, long empty runs as gaps. */
function rowsOf(spec: AggregateSpec, buckets: readonly HistogramBucket[]): Row[] {
  const index = (bucket: HistogramBucket): number => (bucket.min < -(2n ** 62n) ? 0 : bucketIndex(spec, bucket.min));
  const rows: Row[] = [];
  let next = -1;
  for (const bucket of buckets) {
    const here = index(bucket);
    if (next >= 0 && here - next >= GAP) rows.push("gap");
    else if (next >= 0) for (let i = next; i < here; i++) rows.push({ ...bucketRange(spec, i), count: 0n });
    rows.push(bucket);
    next = here + 1;
  }
  return rows;
}

function label(spec: AggregateSpec, bucket: HistogramBucket, unit: Unit): string {
  const edge = (value: bigint): string => (unit === "none" && spec.kind === "hist" ? edgeText(value) : amountText(value, unit));
  if (bucket.min < -(2n ** 62n)) return spec.kind === "lhist" ? `(…, ${edge(bucket.max + 1n)})` : "(…, 0)";
  if (spec.kind === "lhist" && bucketIndex(spec, bucket.min) === bucketCount(spec) - 1) return `[${edge(bucket.min)}, …)`;
  return bucket.min === bucket.max ? `[${edge(bucket.min)}]` : `[${edge(bucket.min)}, ${edge(bucket.max + 1n)})`;
}

/** What is known besides the buckets, in one line: `1204 values, avg 87, min 1, max 65536`. */
export function histogramHead(value: Histogram, unit: Unit = "none"): string {
  if (value.count === 0n) return "no values";
  return `${value.count} ${value.count === 1n ? "value" : "values"}, avg ${averageText(value.avg, unit)}, min ${amountText(value.min ?? 0n, unit)}, max ${amountText(value.max ?? 0n, unit)}`;
}

export function histogramRows(spec: AggregateSpec, value: Histogram, columns: number, paint: Palette, unit: Unit = "none"): string[] {
  let shownSpec = spec;
  let rows = rowsOf(spec, value.buckets);
  for (let bits = spec.kind === "hist" ? spec.bits - 1 : -1; bits >= 0 && rows.length > MOST_ROWS; bits--) {
    const from = spec as AggregateSpec & { kind: "hist" };
    shownSpec = { ...from, bits };
    rows = rowsOf(shownSpec, coarser(from, value.buckets, bits));
  }
  const labels = rows.map((row) => (row === "gap" ? "…" : label(shownSpec, row, unit)));
  const counts = rows.map((row) => (row === "gap" ? "" : String(row.count)));
  const labelWidth = Math.max(0, ...labels.map(width));
  const countWidth = Math.max(0, ...counts.map(width));
  const most = rows.reduce((top, row) => (row !== "gap" && row.count > top ? row.count : top), 0n);
  const room = Math.max(8, Math.min(columns - labelWidth - countWidth - 4, 60));
  return rows.map((row, i) => {
    if (row === "gap") return paint.dim("…");
    const bars = bar(row.count, most, room);
    return `${padEnd(labels[i]!, labelWidth)}  ${padStart(counts[i]!, countWidth)} ${paint.dim("│")}${bars === "" ? "" : paint.bar(bars)}`;
  });
}
