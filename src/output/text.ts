/** Maps, aggregates and variables as a terminal shows them. */
import { type AggregateValue, magnitude, type StatsValue } from "../schema/aggregate-value.ts";
import { Histogram } from "../schema/histogram.ts";
import { frameText, Stack } from "../schema/stack.ts";
import type { AggregateSpec, Schema } from "../schema/types.ts";
import { bar, padEnd, padStart, shorten, width } from "./columns.ts";
import { histogramHead, histogramRows } from "./histogram.ts";
import { amountText, averageText, type Unit, unitOf } from "./numbers.ts";
import type { Palette } from "./palette.ts";
import { plainText, stackLines, valueText } from "./value.ts";
import type { View } from "./view.ts";

export interface TextOptions {
  /** Columns of the terminal. */
  readonly columns: number;
  readonly paint: Palette;
  /** Entries of a map at most. */
  readonly top?: number | undefined;
}

type Entry = readonly [key: unknown, value: unknown];

const isEmpty = (value: unknown): boolean => value === undefined || magnitude(value as AggregateValue) === 0n;

/** What sorts an entry: the amount for counts, sums and extremes, else how many values there were. */
function weight(spec: AggregateSpec, value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (spec.kind === "avg" && value) return (value as StatsValue).sum;
  return magnitude(value as AggregateValue);
}

function aggregateText(spec: AggregateSpec, value: unknown, unit: Unit): string {
  if (value === undefined) return "-";
  if (typeof value === "bigint") return amountText(value, spec.kind === "count" ? "none" : unit);
  const { count, sum, avg, min, max } = value as StatsValue;
  if (spec.kind === "avg") return `${averageText(avg, unit)} (${count} values, sum ${amountText(sum, unit)})`;
  if (count === 0n) return "no values";
  return `count ${count}, avg ${averageText(avg, unit)}, min ${amountText(min ?? 0n, unit)}, max ${amountText(max ?? 0n, unit)}, sum ${amountText(sum, unit)}`;
}

const partsOf = (schema: Schema, key: unknown): readonly unknown[] => (schema.kind === "struct" && schema.tuple ? (key as unknown[]) : [key]);

/** Tuples have a column for each part. A stack has lines of its own below, and its innermost function's name here. */
const keyCells = (schema: Schema, key: unknown): string[] => partsOf(schema, key).map((part) => (part instanceof Stack ? leafOf(part) : valueText(part)));

const leafOf = ({ frames: [first] }: Stack): string => plainText(first === undefined ? "<no stack>" : (first.name ?? frameText(first)));

/** What stands below an entry: the frames of the stacks in its key. */
const below = (schema: Schema, [key]: Entry, paint: Palette): string[] =>
  partsOf(schema, key).flatMap((part) => (part instanceof Stack ? stackLines(part).map((line) => `      ${paint.dim(line)}`) : []));

/** Numbers line up at their right end. */
function rightAligned(schema: Schema): boolean[] {
  const parts = schema.kind === "struct" && schema.tuple ? schema.fields.map((field) => field.schema) : [schema];
  return parts.map((part) => part.kind === "int");
}

function keyColumns(schema: Schema, entries: readonly Entry[], room: number): string[] {
  const rows = entries.map(([key]) => keyCells(schema, key));
  const right = rightAligned(schema);
  const most = Math.max(8, Math.floor(room / Math.max(1, right.length)));
  const widths = right.map((_, i) => Math.min(most, Math.max(0, ...rows.map((row) => width(row[i]!)))));
  return rows.map((row) => row.map((cell, i) => (right[i] ? padStart : padEnd)(shorten(cell, widths[i]!), widths[i]!)).join("  "));
}

function more(all: number, shown: number, paint: Palette): string[] {
  return shown < all ? [paint.dim(`  … ${all - shown} more`)] : [];
}

/** Rows of which each, behind the first `heads`, is followed by what stands below its entry. */
const interleaved = (rows: readonly string[], heads: number, schema: Schema, entries: readonly Entry[], paint: Palette): string[] =>
  rows.flatMap((row, i) => (i < heads ? [row] : [row, ...below(schema, entries[i - heads]!, paint)]));

/** Keys whose values are one number: sorted, in columns, with a bar. */
function numberRows(keys: readonly string[], amounts: readonly bigint[], texts: readonly string[], options: TextOptions): string[] {
  const keyWidth = Math.max(0, ...keys.map(width));
  const textWidth = Math.max(0, ...texts.map(width));
  const room = Math.min(40, options.columns - keyWidth - textWidth - 5);
  let most = 0n;
  for (const amount of amounts) if (amount > most) most = amount;
  return keys.map((key, i) => {
    const bars = room >= 8 ? bar(amounts[i]!, most, room) : "";
    return `  ${padEnd(key, keyWidth)}  ${padStart(texts[i]!, textWidth)}${bars === "" ? "" : ` ${options.paint.bar(bars)}`}`;
  });
}

/** Keys whose values have columns of their own: avg and stats, structs. */
function table(keys: readonly string[], heads: readonly string[], rows: readonly (readonly string[])[], options: TextOptions): string[] {
  const keyWidth = Math.max(0, ...keys.map(width));
  const widths = heads.map((head, i) => Math.max(width(head), ...rows.map((row) => width(row[i]!))));
  const line = (key: string, cells: readonly string[]): string =>
    `  ${padEnd(key, keyWidth)}  ${cells.map((cell, i) => padStart(cell, widths[i]!)).join("  ")}`;
  return [options.paint.dim(line("", heads)), ...keys.map((key, i) => line(key, rows[i]!))];
}

function aggregateEntries(spec: AggregateSpec, keySchema: Schema, entries: readonly Entry[], options: TextOptions, unit: Unit): string[] {
  const amount = (value: bigint | undefined): string => (value === undefined ? "-" : amountText(value, unit));
  const keys = keyColumns(keySchema, entries, options.columns - 20);
  if (spec.kind === "hist" || spec.kind === "lhist") {
    return entries.flatMap(([, value], i) => [
      `  ${options.paint.strong(keys[i]!.trim())}  ${options.paint.dim(histogramHead(value as Histogram, unit))}`,
      ...below(keySchema, entries[i]!, options.paint),
      ...histogramRows(spec, value as Histogram, options.columns - 4, options.paint, unit).map((row) => `    ${row}`),
    ]);
  }
  if (spec.kind === "avg") {
    const rows = entries.map(([, value]) => {
      const v = value as StatsValue;
      return [String(v.count), amount(v.sum), averageText(v.avg, unit)];
    });
    return interleaved(table(keys, ["count", "sum", "avg"], rows, options), 1, keySchema, entries, options.paint);
  }
  if (spec.kind === "stats") {
    const rows = entries.map(([, value]) => {
      const v = value as StatsValue;
      return [String(v.count), amount(v.sum), averageText(v.avg, unit), amount(v.min), amount(v.max)];
    });
    return interleaved(table(keys, ["count", "sum", "avg", "min", "max"], rows, options), 1, keySchema, entries, options.paint);
  }
  const rows = numberRows(
    keys,
    entries.map(([, value]) => (typeof value === "bigint" ? value : 0n)),
    entries.map(([, value]) => aggregateText(spec, value, unit)),
    options,
  );
  return interleaved(rows, 0, keySchema, entries, options.paint);
}

function byKey(a: unknown, b: unknown): number {
  const left = Array.isArray(a) ? a : [a];
  const right = Array.isArray(b) ? b : [b];
  for (let i = 0; i < left.length; i++) {
    const x = left[i];
    const y = right[i];
    if (x === y) continue;
    if ((typeof x === "number" || typeof x === "bigint") && (typeof y === "number" || typeof y === "bigint")) return x < y ? -1 : 1;
    const order = valueText(x) < valueText(y) ? -1 : valueText(x) > valueText(y) ? 1 : 0;
    if (order !== 0) return order;
  }
  return 0;
}

/** Entries as they are shown: greatest first, arrays by index, empty slots of arrays left out. */
export function sortedEntries(view: View & { readonly kind: "hash" | "array" }): readonly Entry[] {
  const { cell } = view;
  if (view.kind === "array") return cell.of === "aggregate" ? view.entries.filter(([, value]) => !isEmpty(value)) : view.entries;
  if (cell.of === "aggregate") {
    return [...view.entries].sort(([keyA, a], [keyB, b]) => {
      const x = weight(cell.spec, a);
      const y = weight(cell.spec, b);
      return x > y ? -1 : x < y ? 1 : byKey(keyA, keyB);
    });
  }
  const isInt = cell.schema.kind === "int";
  return [...view.entries].sort(([keyA, a], [keyB, b]) => (isInt && a !== b ? ((a as bigint) > (b as bigint) ? -1 : 1) : byKey(keyA, keyB)));
}

function valueEntries(schema: Schema, keySchema: Schema, entries: readonly Entry[], options: TextOptions): string[] {
  const keys = keyColumns(keySchema, entries, options.columns - 20);
  if (schema.kind === "int") {
    const amounts = entries.map(([, value]) => BigInt(value as bigint));
    return interleaved(numberRows(keys, amounts, amounts.map(String), options), 0, keySchema, entries, options.paint);
  }
  if (schema.kind === "struct") {
    const rows = entries.map(([, value]) => schema.fields.map((field) => valueText((value as { readonly [name: string]: unknown })[field.name])));
    const heads = schema.fields.map((field) => field.name);
    return interleaved(table(keys, heads, rows, options), 1, keySchema, entries, options.paint);
  }
  const keyWidth = Math.max(0, ...keys.map(width));
  const rows = entries.map(([, value], i) => `  ${padEnd(keys[i]!, keyWidth)}  ${valueText(value)}`);
  return interleaved(rows, 0, keySchema, entries, options.paint);
}

/** The lines of a map, an aggregate or a variable, its name first. */
export function viewLines(view: View, options: TextOptions): string[] {
  const { paint } = options;
  const name = paint.name(view.name);
  const unit = unitOf(view.name);
  if (view.kind === "variable") return [`${name}  ${valueText(view.value)}`];
  if (view.kind === "aggregate") {
    if (!(view.value instanceof Histogram)) return [`${name}  ${aggregateText(view.spec, view.value, unit)}`];
    return [
      `${name}  ${paint.dim(histogramHead(view.value, unit))}`,
      ...histogramRows(view.spec, view.value, options.columns - 2, paint, unit).map((row) => `  ${row}`),
    ];
  }
  const all = sortedEntries(view);
  if (all.length === 0) return [`${name}  ${paint.dim("empty")}`];
  const shown = options.top === undefined ? all : all.slice(0, options.top);
  const rows =
    view.cell.of === "aggregate" ? aggregateEntries(view.cell.spec, view.key, shown, options, unit) : valueEntries(view.cell.schema, view.key, shown, options);
  return [name, ...rows, ...more(all.length, shown.length, paint)];
}
