/** What a run left behind, in one form for every way of running, so that two of them can be compared. */

import type { SessionImage } from "../../../src/compiler/image.ts";
import { bytesCountOffset } from "../../../src/schema/layout.ts";
import { isAggregate, type Schema, type StructSchema } from "../../../src/schema/types.ts";
import type { Outcome as Evaluated } from "../evaluator/evaluate.ts";
import type { Output } from "../evaluator/run.ts";
import type { Value } from "../evaluator/value.ts";
import { Bytes, Formatted, Text } from "../evaluator/value.ts";

/** Everything as text: states by name and key, outputs in order, losses. */
export interface Outcome {
  readonly states: { readonly [name: string]: { readonly [key: string]: string } };
  readonly outputs: readonly string[];
  readonly misses: number;
  readonly full: number;
}

/** What a session's memory and ring hold, as an engine (or the interpreter) gives it. */
export interface Memories {
  /** All entries; for per-CPU maps one value for each CPU. */
  entries(map: number): readonly { readonly key: Uint8Array; readonly values: readonly Uint8Array[] }[];
  readonly cpuRegion: Uint8Array;
  readonly sharedRegion: Uint8Array;
  readonly records: readonly Uint8Array[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Slots that were never added to are as good as none. */
const isEmpty = (words: string): boolean => /^0(,0)*$/.test(words);

export function fromEvaluator(evaluated: Evaluated, states: readonly string[]): Outcome {
  const contents: { [name: string]: { [key: string]: string } } = {};
  let full = 0;
  for (const name of states) {
    const state = evaluated.states.get(name)!;
    full += state.full;
    if (state.shape.s === "events") continue;
    contents[name] = Object.fromEntries([...state.contents()].filter(([, value]) => !isEmpty(value)).sort());
  }
  const outputs = evaluated.outputs.map(outputText);
  return { states: contents, outputs, misses: evaluated.misses, full };
}

function outputText(output: Output): string {
  switch (output.o) {
    case "print":
      return `print ${output.texts.map((t, i) => t + (i < output.values.length ? shown(output.values[i]) : "")).join("")}`;
    case "event":
      return `event ${output.state} ${output.bytes}`;
    case "show":
      return `show ${output.state} ${output.top ?? "all"}`;
    case "clear":
      return `clear ${output.states.join(" ")}`;
    case "exit":
      return `exit ${output.status}`;
    case "detach":
      return `detach ${output.probe}`;
  }
}

function shown(value: Value): string {
  if (value === undefined) return "<unreadable>";
  if (value instanceof Formatted)
    return value.value === undefined
      ? "<unreadable>"
      : `${value.as}(${value.value instanceof Bytes ? hex(value.value.bytes) : BigInt.asUintN(64, value.value as bigint)})`;
  if (value instanceof Text) return hex(value.bytes) === "" && !value.cut ? "" : `${Buffer.from(value.bytes).toString("latin1")}${value.cut ? "…" : ""}`;
  if (value instanceof Bytes) return `<${hex(value.bytes)}>`;
  return String(value);
}

export function fromMemories(image: SessionImage, memories: Memories): Outcome {
  const states: { [name: string]: { [key: string]: string } } = {};
  const words = (bytes: Uint8Array, at: number, count: number): bigint[] => Array.from({ length: count }, (_, i) => view(bytes).getBigUint64(at + 8 * i, true));
  image.states.forEach(({ name, spec, place }) => {
    const found: { [key: string]: string } = {};
    if (place.in === "ring") return;
    if (place.in === "cpuRegion" && spec.kind === "aggregate") {
      found[""] = oneOf(
        Array.from({ length: image.cpuRegion.cpus }, (_, cpu) =>
          words(memories.cpuRegion, cpu * image.cpuRegion.stride + place.offset, slotWords(spec.aggregate)),
        ),
      );
    } else if (place.in === "sharedRegion" && spec.kind === "variable") {
      found[""] = hex(memories.sharedRegion.subarray(place.offset, place.offset + spec.schema.size));
    } else if (place.in === "map" && (spec.kind === "hash" || spec.kind === "array")) {
      for (const { key, values } of memories.entries(place.map)) {
        const keyText = spec.kind === "array" ? String(view(key).getUint32(0, true)) : hex(key);
        if (isAggregate(spec.value)) {
          const count = slotWords(spec.value);
          found[keyText] = oneOf(values.map((value) => words(value, 0, count)));
        } else
          found[keyText] =
            hex(values[0]!.subarray(0, spec.value.size)) + (values[0]!.subarray(spec.value.size).some((byte) => byte !== 0) ? " and something behind it" : "");
      }
    }
    states[name] = Object.fromEntries(
      Object.entries(found)
        .filter(([, value]) => !isEmpty(value))
        .sort(),
    );
  });
  const counted = (kind: string): number =>
    image.counters
      .filter((counter) => counter.kind === kind)
      .reduce(
        (sum, counter) =>
          sum +
          Array.from({ length: image.cpuRegion.cpus }, (_, cpu) =>
            Number(words(memories.cpuRegion, cpu * image.cpuRegion.stride + counter.offset, 1)[0]),
          ).reduce((a, b) => a + b, 0),
        0,
      );
  return { states, outputs: memories.records.map((record) => recordText(image, record)), misses: counted("miss"), full: counted("full") };
}

/** Hits run on one CPU at a time here, so at most one CPU's slot holds anything. */
function oneOf(slots: readonly (readonly bigint[])[]): string {
  const filled = slots.map((slot) => slot.join(",")).filter((slot) => !isEmpty(slot));
  return filled.length > 1 ? `${filled.length} CPUs: ${filled.join("; ")}` : (filled[0] ?? slots[0]!.join(","));
}

function slotWords(spec: { readonly kind: string; readonly bits?: number; readonly min?: bigint; readonly max?: bigint; readonly step?: bigint }): number {
  switch (spec.kind) {
    case "count":
    case "sum":
      return 1;
    case "stats":
      return 4;
    case "hist":
      return 3 + 1 + (65 - spec.bits!) * 2 ** spec.bits!;
    case "lhist":
      return 3 + 2 + Number((spec.max! - spec.min! + spec.step! - 1n) / spec.step!);
    default:
      return 2;
  }
}

function recordText(image: SessionImage, record: Uint8Array): string {
  const format = image.formats[view(record).getUint32(0, true)]!;
  const payload = record.subarray(8);
  const states = (indices: readonly number[]): string => indices.map((index) => image.states[index]!.name).join(" ");
  switch (format.kind) {
    case "walk":
      return "a copy of a stack";
    case "print": {
      const parts = format.parts.map((part) => {
        if (part.kind === "text") return part.text;
        if (part.optional && payload[fieldOf(format.schema, `${part.field}?`).offset] === 0) return "<unreadable>";
        const { schema, offset } = fieldOf(format.schema, part.field);
        const value = decode(schema, payload, offset);
        return part.as === "plain"
          ? (part.names?.[value] ?? value)
          : `${part.as}(${schema.kind === "bytes" ? value.slice(1, -1) : BigInt.asUintN(64, BigInt(value))})`;
      });
      return `print ${parts.join("")}`;
    }
    case "event":
      return `event ${states([format.state])} ${hex(payload.subarray(0, format.schema.size))}`;
    case "show":
      return `show ${states([format.state])} ${format.top ?? "all"}`;
    case "clear":
      return `clear ${states(format.states)}`;
    case "exit":
      return `exit ${view(payload).getBigInt64(fieldOf(format.schema, "status").offset, true)}`;
    case "detach":
      return `detach ${format.probe}`;
    case "stack":
      return "stack";
  }
}

const fieldOf = (schema: StructSchema, name: string): { readonly schema: Schema; readonly offset: number } =>
  schema.fields.find((field) => field.name === name)!;

/** A field of a print, as text. */
function decode(schema: Schema, bytes: Uint8Array, at: number): string {
  switch (schema.kind) {
    case "int": {
      let value = 0n;
      for (let i = schema.size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
      return String(schema.signed ? BigInt.asIntN(schema.size * 8, value) : value);
    }
    case "bool":
      return String(bytes[at] !== 0);
    case "cstring": {
      const text = bytes.subarray(at, at + schema.length);
      const nul = text.indexOf(0);
      return `${Buffer.from(nul < 0 ? text : text.subarray(0, nul)).toString("latin1")}${bytes[at + schema.length] === 1 ? "…" : ""}`;
    }
    case "bytes": {
      const count = view(bytes).getUint32(at + bytesCountOffset(schema), true);
      return `<${hex(bytes.subarray(at, at + count))}>`;
    }
    default:
      return hex(bytes.subarray(at, at + schema.size));
  }
}
