/** Makes schemas: sizes, alignments and offsets are decided here and nowhere else. */
import type { BoolSchema, BytesSchema, CStringSchema, Field, FloatSchema, FuncSchema, IntSchema, Schema, StackSchema, StructSchema } from "./types.ts";

const int = (name: IntSchema["name"]): IntSchema => {
  const size = (Number(name.slice(1)) / 8) as IntSchema["size"];
  return Object.freeze({ kind: "int", name, signed: name.startsWith("i"), size, align: size });
};

/** The eight integer types by name. */
export const ints: { readonly [N in IntSchema["name"]]: IntSchema } = Object.freeze({
  u8: int("u8"),
  u16: int("u16"),
  u32: int("u32"),
  u64: int("u64"),
  i8: int("i8"),
  i16: int("i16"),
  i32: int("i32"),
  i64: int("i64"),
});
export const f64: FloatSchema = Object.freeze({ kind: "f64", size: 8, align: 8 });
export const bool: BoolSchema = Object.freeze({ kind: "bool", size: 1, align: 1 });
export const func: FuncSchema = Object.freeze({ kind: "func", size: 4, align: 4 });
export const stack: StackSchema = Object.freeze({ kind: "stack", size: 8, align: 8 });

export const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Text of at most `length` bytes (1 to 4096). */
export function cstring(length: number): CStringSchema {
  return Object.freeze({ kind: "cstring", length, size: roundUp(length + 1, 8), align: 8 });
}
/** At most `length` bytes (1 to 4096). */
export function bytes(length: number): BytesSchema {
  return Object.freeze({ kind: "bytes", length, size: roundUp(roundUp(length, 4) + 4, 8), align: 8 });
}
/** Where the u32 count of a `bytes` value lies in it. */
export const bytesCountOffset = (schema: BytesSchema): number => roundUp(schema.length, 4);
/** A process's name: 15 bytes and the (always zero) mark. */
export const comm: CStringSchema = cstring(15);

export function struct(fields: readonly (readonly [name: string, schema: Schema])[], tuple = false): StructSchema {
  let offset = 0;
  let align = 1;
  const placed: Field[] = [];
  for (const [name, schema] of fields) {
    offset = roundUp(offset, schema.align);
    placed.push(Object.freeze({ name, schema, offset }));
    offset += schema.size;
    align = Math.max(align, schema.align);
  }
  return Object.freeze({ kind: "struct", fields: Object.freeze(placed), tuple, size: roundUp(offset, align), align });
}
export const tuple = (parts: readonly Schema[]): StructSchema =>
  struct(
    parts.map((schema, i) => [String(i), schema] as const),
    true,
  );

/** As a person writes it: for messages and `explain`. */
export function describe(schema: Schema): string {
  switch (schema.kind) {
    case "int":
      return schema.name;
    case "cstring":
      return schema.length === 15 ? "comm" : `cstring(${schema.length})`;
    case "bytes":
      return `bytes(${schema.length})`;
    case "struct":
      return schema.tuple
        ? `[${schema.fields.map((f) => describe(f.schema)).join(", ")}]`
        : `struct({ ${schema.fields.map((f) => `${f.name}: ${describe(f.schema)}`).join(", ")} })`;
    default:
      return schema.kind;
  }
}
