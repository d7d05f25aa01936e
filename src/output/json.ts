/** JSON lines: one object a line, 64-bit integers in full digits. */
import { Histogram } from "../schema/histogram.ts";
import { Stack } from "../schema/stack.ts";
import { hexText } from "./numbers.ts";
import { sortedEntries } from "./text.ts";
import type { View } from "./view.ts";

/** Like JSON.stringify, but a bigint is a number of as many digits as it has, and bytes are a hexadecimal text. */
export function jsonText(value: unknown): string {
  switch (typeof value) {
    case "bigint":
      return value.toString();
    case "number":
      return Number.isFinite(value) ? String(value) : "null";
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    case "object":
      break;
    default:
      return "null";
  }
  if (value === null) return "null";
  if (value instanceof Uint8Array) return JSON.stringify(hexText(value));
  if (value instanceof Stack) return jsonText(value.frames);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  const fields = Object.entries(value as object).filter(([, field]) => field !== undefined && typeof field !== "function");
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${jsonText(field)}`).join(",")}}`;
}

export const jsonLine = (type: string, fields: object): string => jsonText({ type, ...fields });

const histogramFields = ({ count, sum, min, max, avg, buckets }: Histogram): object => ({ count, sum, min, max, avg, buckets });

/** An aggregate's value where it stands alone: counts and the like as `value`, the others by their fields. */
function aggregateFields(value: unknown): object {
  if (value instanceof Histogram) return histogramFields(value);
  return typeof value === "object" ? (value as object) : { value: value ?? null };
}
const entryValue = (value: unknown): unknown => (value instanceof Histogram ? histogramFields(value) : (value ?? null));

/** The fields of a `map` line. */
export function viewFields(view: View, top?: number): object {
  switch (view.kind) {
    case "aggregate":
      return { name: view.name, kind: view.spec.kind, ...aggregateFields(view.value) };
    case "variable":
      return { name: view.name, kind: "variable", value: view.value };
    default: {
      const entries = sortedEntries(view).slice(0, top ?? Infinity);
      return {
        name: view.name,
        kind: view.kind,
        ...(view.cell.of === "aggregate" ? { of: view.cell.spec.kind } : {}),
        entries: entries.map(([key, value]) => ({ key, value: entryValue(value) })),
      };
    }
  }
}
