/** Keys with stacks in them: hits whose stacks had to be copied have a number each, though their stacks are the same (reading/stacks.ts). */
import type { Schema } from "../../schema/types.ts";

type Entry = readonly [key: Uint8Array, value: Uint8Array];

/** Where in a key's bytes the numbers of stacks are. */
export function stacksIn(schema: Schema): readonly number[] {
  if (schema.kind === "stack") return [0];
  return schema.kind === "struct" ? schema.fields.flatMap((field) => stacksIn(field.schema).map((at) => field.offset + at)) : [];
}

export const keyText = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");

/**
 * Entries by their keys, each stack under one number. Of those that fall together `join` is told: parts of aggregates stand one
 * behind the other, as those of several CPUs do; of values the last one stays.
 */
export function joined(entries: Iterable<Entry>, at: readonly number[], numberOf: (id: bigint) => bigint, join: boolean): Map<string, Entry> {
  const result = new Map<string, Entry>();
  for (const [bytes, value] of entries) {
    // A copy also of a Buffer, whose own slice() is none.
    const key = new Uint8Array(bytes);
    const view = new DataView(key.buffer);
    for (const offset of at) view.setBigUint64(offset, numberOf(view.getBigUint64(offset, true)), true);
    const text = keyText(key);
    const before = result.get(text);
    result.set(text, [key, before === undefined || !join ? value : Buffer.concat([before[1], value])]);
  }
  return result;
}
