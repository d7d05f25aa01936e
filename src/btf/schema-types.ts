/** Schemas as BTF types, so that whoever dumps a map sees its fields. */
import { bytesCountOffset } from "../schema/layout.ts";
import type { Schema } from "../schema/types.ts";
import type { BtfWriter } from "./writer.ts";

/** The number of the type; it has the schema's size. */
export function schemaType(btf: BtfWriter, schema: Schema, name = "sonde_value"): number {
  switch (schema.kind) {
    case "int":
      return btf.int(schema.name, schema.size, schema.signed);
    case "f64":
      return btf.float("f64", 8);
    case "bool":
      return btf.int("bool", 1, false, true);
    case "func":
      return btf.typedef("func", btf.int("u32", 4, false));
    case "cstring":
      return btf.array(btf.int("char", 1, true), schema.size);
    case "bytes": {
      const count = bytesCountOffset(schema);
      return btf.struct(`bytes_${schema.length}`, schema.size, [
        { name: "bytes", type: btf.array(btf.int("u8", 1, false), count), offset: 0 },
        { name: "length", type: btf.int("u32", 4, false), offset: count },
      ]);
    }
    case "stack":
      return btf.struct(
        "stack",
        8,
        ["user", "kernel"].map((part, i) => ({ name: part, type: btf.int("u32", 4, false), offset: i * 4 })),
      );
    case "struct":
      return btf.struct(
        name,
        schema.size,
        schema.fields.map((field) => ({
          name: schema.tuple ? `part${field.name}` : field.name,
          type: schemaType(btf, field.schema, `${name}_${field.name}`),
          offset: field.offset,
        })),
      );
  }
}

/** A type for bytes that have no schema: words where that fits. */
export function opaqueType(btf: BtfWriter, bytes: number): number {
  if (bytes === 4) return btf.int("u32", 4, false);
  if (bytes === 8) return btf.int("u64", 8, false);
  return bytes % 8 === 0 ? btf.array(btf.int("u64", 8, false), bytes / 8) : btf.array(btf.int("u8", 1, false), bytes);
}
