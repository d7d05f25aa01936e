/** The vocabulary's types as values: `u32`, `comm`, `cstring(64)`, `struct({ … })`. They belong to no session. */
import { SondeError } from "../../errors/error.ts";
import * as layout from "../../schema/layout.ts";
import type { IntSchema, Schema } from "../../schema/types.ts";

const SCHEMA = Symbol("sonde.schema");

/** A type as the script holds it. Integer types can be called, to convert. */
export interface TypeValue {
  readonly size: number;
  readonly [SCHEMA]: Schema;
}

export interface IntTypeValue extends TypeValue {
  (value: unknown): number | bigint;
}

export function schemaOf(value: unknown): Schema | undefined {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  return (value as Partial<TypeValue>)[SCHEMA];
}

function type(schema: Schema, more: object = {}): TypeValue {
  return Object.freeze({ size: schema.size, [SCHEMA]: schema, ...more });
}

function convert(schema: IntSchema, value: unknown): number | bigint {
  const whole = typeof value === "bigint" || typeof value === "boolean" || (typeof value === "number" && Number.isInteger(value)) ? BigInt(value) : undefined;
  if (whole === undefined)
    throw new SondeError("SONDE_VALUE", `${schema.name}(${String(value)}): not a whole number`, { mend: "Give a whole number, a bigint or a boolean." });
  const kept = schema.signed ? BigInt.asIntN(schema.size * 8, whole) : BigInt.asUintN(schema.size * 8, whole);
  const small = Number(kept);
  return Number.isSafeInteger(small) ? small : kept;
}

function intType(schema: IntSchema): IntTypeValue {
  const converter = (value: unknown): number | bigint => convert(schema, value);
  Object.defineProperty(converter, "name", { value: schema.name });
  return Object.freeze(Object.assign(converter, { size: schema.size, [SCHEMA]: schema as Schema })) as IntTypeValue;
}

const MOST_BYTES = 4096;

function lengthOf(name: string, n: unknown): number {
  if (typeof n === "number" && Number.isInteger(n) && n >= 1 && n <= MOST_BYTES) return n;
  throw new SondeError("SONDE_OPTION", `${name}(${String(n)}): the length is a whole number from 1 to ${MOST_BYTES}`);
}

/** The schema of a type that may stand here. */
export function requireSchema(value: unknown, what: string): Schema {
  const schema = schemaOf(value);
  if (schema === undefined) {
    throw new SondeError("SONDE_SCHEMA", `${what} is ${value === undefined ? "undefined" : typeof value === "function" ? "a function" : "no type"}`, {
      mend: "Give a type such as u32, comm, cstring(64) or struct({ … }).",
    });
  }
  return schema;
}

/** Struct fields in the order written. */
export function structSchema(fields: unknown, what: string): ReturnType<typeof layout.struct> {
  const known = schemaOf(fields);
  if (known?.kind === "struct" && !known.tuple) return known;
  if (typeof fields !== "object" || fields === null || Array.isArray(fields) || known !== undefined) {
    throw new SondeError("SONDE_SCHEMA", `${what} takes an object of named types`, { mend: `Write ${what.replace(/\(.*$/, "")}({ pid: u32, name: comm }).` });
  }
  const entries = Object.entries(fields);
  if (entries.length === 0) throw new SondeError("SONDE_SCHEMA", `${what} needs at least one field`);
  return layout.struct(entries.map(([name, value]) => [name, requireSchema(value, `${what}: the field ${name}`)] as const));
}

export const schemas = Object.freeze({
  u8: intType(layout.ints.u8),
  u16: intType(layout.ints.u16),
  u32: intType(layout.ints.u32),
  u64: intType(layout.ints.u64),
  i8: intType(layout.ints.i8),
  i16: intType(layout.ints.i16),
  i32: intType(layout.ints.i32),
  i64: intType(layout.ints.i64),
  f64: type(layout.f64),
  bool: type(layout.bool),
  comm: type(layout.comm),
  func: type(layout.func),
  stack: type(layout.stack),
  cstring: (n: unknown) => type(layout.cstring(lengthOf("cstring", n))),
  bytes: (n: unknown) => type(layout.bytes(lengthOf("bytes", n))),
  struct: (fields: unknown) => type(structSchema(fields, "struct()"), { fields: Object.freeze({ ...(fields as object) }) }),
});
