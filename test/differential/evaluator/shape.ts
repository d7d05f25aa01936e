/** Schemas as the evaluator sees them, and how values lie in bytes: written from the layout's description, not from its code. */
import { Bytes, Fields, Text, type Value } from "./value.ts";

export type Shape =
  | { readonly t: "int"; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly t: "bool" }
  | { readonly t: "cstring"; readonly length: number }
  | { readonly t: "bytes"; readonly length: number }
  | { readonly t: "func" }
  | { readonly t: "struct"; readonly fields: readonly (readonly [name: string, shape: Shape])[] };

export const shapeOfInt = (shape: { readonly bits: number; readonly signed: boolean }): "i64" | "u64" => (shape.bits === 64 && !shape.signed ? "u64" : "i64");

const up = (n: number, to: number): number => Math.ceil(n / to) * to;

export function alignOf(shape: Shape): number {
  switch (shape.t) {
    case "int":
      return shape.bits / 8;
    case "bool":
      return 1;
    case "func":
      return 4;
    case "struct":
      return shape.fields.reduce((most, [, s]) => Math.max(most, alignOf(s)), 1);
    default:
      return 8;
  }
}

export function sizeOf(shape: Shape): number {
  switch (shape.t) {
    case "int":
      return shape.bits / 8;
    case "bool":
      return 1;
    case "func":
      return 4;
    case "cstring":
      return up(shape.length + 1, 8);
    case "bytes":
      return up(up(shape.length, 4) + 4, 8);
    case "struct": {
      let end = 0;
      for (const [, s] of shape.fields) end = up(end, alignOf(s)) + sizeOf(s);
      return up(end, alignOf(shape));
    }
  }
}

/** A value as it stays when it is stored in a place of this shape: low bits, cut text, fields one by one. `undefined` in it makes it undefined. */
export function stored(shape: Shape, value: Value): Value {
  if (value === undefined) return undefined;
  switch (shape.t) {
    case "int": {
      const n = typeof value === "boolean" ? (value ? 1n : 0n) : value;
      if (typeof n !== "bigint") throw new Error("an integer was expected");
      return shape.signed ? BigInt.asIntN(shape.bits, n) : BigInt.asUintN(shape.bits, n);
    }
    case "bool":
      return truthy(value);
    case "func":
      return value;
    case "cstring": {
      if (!(value instanceof Text)) throw new Error("text was expected");
      return value.bytes.length > shape.length ? new Text(value.bytes.slice(0, shape.length), true) : value;
    }
    case "bytes": {
      if (!(value instanceof Bytes)) throw new Error("bytes were expected");
      return new Bytes(value.bytes.slice(0, shape.length));
    }
    case "struct": {
      if (!(value instanceof Fields)) throw new Error("an object was expected");
      const result = new Fields(shape);
      for (const [name, s] of shape.fields) {
        const field = stored(s, value.get(name));
        if (field === undefined) return undefined;
        result.values.set(name, field);
      }
      return result;
    }
  }
}

export function truthy(value: Value): boolean {
  if (value === undefined || value === false || value === 0n) return false;
  return !(value instanceof Text && value.bytes.length === 0);
}

/** The bytes of a stored value. */
export function encode(shape: Shape, value: Value, functions: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(sizeOf(shape));
  put(shape, value, bytes, 0, functions);
  return bytes;
}

function put(shape: Shape, value: Value, bytes: Uint8Array, at: number, functions: readonly string[]): void {
  switch (shape.t) {
    case "int":
      for (let i = 0; i < shape.bits / 8; i++) bytes[at + i] = Number((BigInt.asUintN(64, value as bigint) >> BigInt(8 * i)) & 0xffn);
      return;
    case "bool":
      bytes[at] = value === true ? 1 : 0;
      return;
    case "func": {
      const index = functions.indexOf(Buffer.from((value as Text).bytes).toString());
      for (let i = 0; i < 4; i++) bytes[at + i] = (index >> (8 * i)) & 0xff;
      return;
    }
    case "cstring": {
      const text = value as Text;
      bytes.set(text.bytes, at);
      if (text.cut) bytes[at + shape.length] = 1;
      return;
    }
    case "bytes": {
      const data = (value as Bytes).bytes;
      bytes.set(data, at);
      const count = at + up(shape.length, 4);
      for (let i = 0; i < 4; i++) bytes[count + i] = (data.length >> (8 * i)) & 0xff;
      return;
    }
    case "struct": {
      let offset = at;
      for (const [name, s] of shape.fields) {
        offset = at + up(offset - at, alignOf(s));
        put(s, (value as Fields).get(name), bytes, offset, functions);
        offset += sizeOf(s);
      }
    }
  }
}
