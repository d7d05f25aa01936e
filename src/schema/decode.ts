/** Values out of bytes: for each schema a closure is generated once, with every offset a constant in it. */
import { bytesCountOffset } from "./layout.ts";
import { type StackReader, unknownStack } from "./stack.ts";
import { textReader } from "./text.ts";
import type { Schema } from "./types.ts";

/** Gives the host's form of the value at `at`: 64-bit integers as bigint, tuples as arrays, structs as plain objects. */
export type Decoder = (view: DataView, at: number) => unknown;

/** Names of functions by index: the session's table. It may grow after the decoder was made. */
export type FunctionNames = readonly string[];

const readers = {
  u8: "getUint8",
  i8: "getInt8",
  u16: "getUint16",
  i16: "getInt16",
  u32: "getUint32",
  i32: "getInt32",
  u64: "getBigUint64",
  i64: "getBigInt64",
} as const;

function readBytes(view: DataView, at: number, count: number): Uint8Array {
  const length = Math.min(view.getUint32(at + count, true), count);
  return new Uint8Array(view.buffer.slice(view.byteOffset + at, view.byteOffset + at + length) as ArrayBuffer);
}

/** An expression over `v`, `o` and the entries of `uses`. */
function expression(schema: Schema, offset: number, uses: unknown[]): string {
  const at = offset === 0 ? "o" : `o + ${offset}`;
  const use = (value: unknown): string => `u${uses.push(value) - 1}`;
  switch (schema.kind) {
    case "int":
      return `v.${readers[schema.name]}(${at}${schema.size > 1 ? ", true" : ""})`;
    case "f64":
      return `v.getFloat64(${at}, true)`;
    case "bool":
      return `v.getUint8(${at}) !== 0`;
    case "cstring":
      return `${use(textReader(schema))}(v, ${at})`;
    case "bytes":
      return `${use(readBytes)}(v, ${at}, ${bytesCountOffset(schema)})`;
    case "func":
      return `(names[v.getUint32(${at}, true)] ?? "?")`;
    case "stack":
      return `stacks(v.getBigUint64(${at}, true))`;
    case "struct": {
      const parts = schema.fields.map((field) => {
        const value = expression(field.schema, offset + field.offset, uses);
        if (schema.tuple) return value;
        // A plain key lets V8 make all objects in one step; only a field called __proto__ must be a computed one.
        const key = JSON.stringify(field.name);
        return field.name === "__proto__" ? `[${key}]: ${value}` : `${key}: ${value}`;
      });
      return schema.tuple ? `[${parts.join(", ")}]` : `({ ${parts.join(", ")} })`;
    }
  }
}

/** Field names are quoted as JSON, everything else is ours: nothing of the script becomes code. */
export function decoder(schema: Schema, names: FunctionNames, stacks: StackReader = unknownStack): Decoder {
  const uses: unknown[] = [];
  const body = expression(schema, 0, uses);
  const parameters = uses.map((_, i) => `u${i}`);
  return new Function("names", "stacks", ...parameters, `return (v, o) => ${body};`)(names, stacks, ...uses) as Decoder;
}
