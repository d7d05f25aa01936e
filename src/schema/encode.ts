/** Values into bytes: what the host puts into maps and variables, and the first values of both. */
import { SondeError } from "../errors/error.ts";
import { bytesCountOffset, describe } from "./layout.ts";
import { Stack } from "./stack.ts";
import { encodeText } from "./text.ts";
import type { IntSchema, Schema } from "./types.ts";

function refuse(schema: Schema, value: unknown, path: string): never {
  const shown =
    typeof value === "string"
      ? JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
      : Array.isArray(value)
        ? "an array"
        : typeof value === "object"
          ? "an object"
          : String(value);
  throw new SondeError("SONDE_VALUE", `${path}: ${shown} is no value for ${describe(schema)}`, { mend: `Give ${expected(schema)}.` });
}

function expected(schema: Schema): string {
  switch (schema.kind) {
    case "int":
      return "a whole number or a bigint";
    case "f64":
      return "a number";
    case "bool":
      return "true or false";
    case "cstring":
    case "func":
      return "a text";
    case "bytes":
      return "a Uint8Array";
    case "stack":
      return "a stack that a handler captured";
    case "struct":
      return schema.tuple ? `an array of ${schema.fields.length} values` : `an object with the fields ${schema.fields.map((f) => f.name).join(", ")}`;
  }
}

function encodeInt(schema: IntSchema, value: unknown, view: DataView, at: number, path: string): void {
  const whole =
    typeof value === "bigint"
      ? value
      : typeof value === "boolean"
        ? BigInt(value)
        : typeof value === "number" && Number.isInteger(value)
          ? BigInt(value)
          : refuse(schema, value, path);
  switch (schema.size) {
    case 1:
      view.setUint8(at, Number(BigInt.asUintN(8, whole)));
      break;
    case 2:
      view.setUint16(at, Number(BigInt.asUintN(16, whole)), true);
      break;
    case 4:
      view.setUint32(at, Number(BigInt.asUintN(32, whole)), true);
      break;
    case 8:
      view.setBigUint64(at, BigInt.asUintN(64, whole), true);
      break;
  }
}

/**
 * Writes `value` at `at`; the bytes there must be zero. Integers keep their low bits, texts and bytes that are too long are cut.
 * Gives false where a part of it is `undefined` (nothing may then be stored) or names a function that isn't probed.
 */
export function encode(schema: Schema, value: unknown, view: DataView, at: number, names: readonly string[], path = "value"): boolean {
  if (value === undefined) return false;
  switch (schema.kind) {
    case "int":
      encodeInt(schema, value, view, at, path);
      return true;
    case "f64":
      if (typeof value !== "number") refuse(schema, value, path);
      view.setFloat64(at, value, true);
      return true;
    case "bool":
      view.setUint8(at, value ? 1 : 0);
      return true;
    case "cstring":
      if (typeof value !== "string") refuse(schema, value, path);
      encodeText(schema, value, view, at);
      return true;
    case "bytes": {
      if (!(value instanceof Uint8Array)) refuse(schema, value, path);
      const kept = value.subarray(0, schema.length);
      new Uint8Array(view.buffer, view.byteOffset + at, schema.size).set(kept);
      view.setUint32(at + bytesCountOffset(schema), kept.length, true);
      return true;
    }
    case "func": {
      if (typeof value !== "string") refuse(schema, value, path);
      const index = names.indexOf(value);
      if (index < 0) return false;
      view.setUint32(at, index, true);
      return true;
    }
    case "stack":
      if (!(value instanceof Stack)) refuse(schema, value, path);
      view.setBigUint64(at, Stack.idOf(value), true);
      return true;
    case "struct": {
      if (typeof value !== "object" || value === null || (schema.tuple && (!Array.isArray(value) || value.length !== schema.fields.length)))
        refuse(schema, value, path);
      let whole = true;
      for (const field of schema.fields) {
        if (!schema.tuple && !(field.name in value)) {
          throw new SondeError("SONDE_VALUE", `${path}: the field ${field.name} is missing`, { mend: `Give ${expected(schema)}.` });
        }
        const inner = schema.tuple ? `${path}[${field.name}]` : `${path}.${field.name}`;
        whole = encode(field.schema, (value as { readonly [name: string]: unknown })[field.name], view, at + field.offset, names, inner) && whole;
      }
      return whole;
    }
  }
}

/** The bytes of a value, or undefined where `encode` gives false. */
export function toBytes(schema: Schema, value: unknown, names: readonly string[], path?: string): Uint8Array | undefined {
  const bytes = new Uint8Array(schema.size);
  return encode(schema, value, new DataView(bytes.buffer), 0, names, path) ? bytes : undefined;
}
