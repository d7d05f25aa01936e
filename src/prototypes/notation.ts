/**
 * Reads the short notation in which prototypes are kept here, one function at a time, when it is asked for.
 *
 *     open(file s, flags i32, mode u32) i32        a function: parameters, result
 *     timespec { tv_sec i64; tv_nsec i64 }         a structure, laid out as the x86-64 ABI does; "packed" before the brace: without gaps
 *
 * Types: u8 … i64, f32, f64, bool, void; `s` a C string, `*` a pointer to anything, `T*` a pointer to a T, `T[n]` an array, a structure's name.
 * Parameters in floating-point registers are left out: what is listed are those in integer registers, in their order.
 */

import { SondeBug } from "../errors/error.ts";
import type { CField, CStruct, CType, Signature } from "../schema/ctypes.ts";

export interface PrototypeTable {
  readonly functions: string;
  readonly structs: string;
}

const INT = /^[ui](?:8|16|32|64)$/;
type IntName = Extract<CType, { k: "int" }>["name"];

/** The signature of a function; undefined if the table doesn't have it. */
export function readSignature(table: PrototypeTable, name: string): Signature | undefined {
  const line = findLine(table.functions, `${name}(`);
  if (line === undefined) return undefined;
  const close = line.lastIndexOf(")");
  const inside = line.slice(name.length + 1, close).trim();
  const params =
    inside === ""
      ? []
      : inside.split(",").map((part) => {
          const [parameter = "", type = ""] = part.trim().split(" ");
          return { name: parameter, type: readType(type) };
        });
  const ret = readType(line.slice(close + 1).trim());
  const structs: { [struct: string]: CStruct } = {};
  for (const type of [ret, ...params.map((parameter) => parameter.type)]) gatherStructs(table, type, structs);
  return { params, ret, structs };
}

/** The names of all functions of a table, in its order. */
export function functionNames(table: PrototypeTable): string[] {
  return table.functions
    .split("\n")
    .filter((line) => line.includes("("))
    .map((line) => line.slice(0, line.indexOf("(")));
}

export function readType(text: string): CType {
  if (text === "*") return { k: "pointer", to: undefined };
  if (text === "s") return { k: "pointer", to: { k: "int", name: "u8" } };
  if (text.endsWith("*")) return { k: "pointer", to: readType(text.slice(0, -1)) };
  const array = /^(.+)\[(\d+)\]$/.exec(text);
  if (array !== null) return { k: "array", of: readType(array[1] as string), length: Number(array[2]) };
  if (text === "void") return { k: "void" };
  if (text === "bool") return { k: "bool" };
  if (text === "f64") return { k: "float", size: 8 };
  if (text === "f32") return { k: "float", size: 4 };
  if (INT.test(text)) return { k: "int", name: text as IntName };
  if (/^[A-Za-z_]\w*$/.test(text)) return { k: "struct", name: text };
  throw new SondeBug(`a shipped prototype has the type ${JSON.stringify(text)}`);
}

function gatherStructs(table: PrototypeTable, type: CType, into: { [struct: string]: CStruct }): void {
  if (type.k === "pointer") {
    if (type.to !== undefined) gatherStructs(table, type.to, into);
  } else if (type.k === "array") gatherStructs(table, type.of, into);
  else if (type.k === "struct" && into[type.name] === undefined) readStruct(table, type.name, into);
}

function readStruct(table: PrototypeTable, name: string, into: { [struct: string]: CStruct }): CStruct {
  const known = into[name];
  if (known !== undefined) return known;
  const line = findLine(table.structs, `${name} `);
  if (line === undefined) throw new SondeBug(`a shipped prototype mentions the structure ${name}, which isn't there`);
  const packed = line.includes(" packed {");
  const fields: CField[] = [];
  let offset = 0;
  let align = 1;
  // Pointers to this structure in its own fields find this entry, by name.
  into[name] = { name, size: 0, fields };
  for (const part of line.slice(line.indexOf("{") + 1, line.lastIndexOf("}")).split(";")) {
    const [field = "", text = ""] = part.trim().split(" ");
    if (field === "") continue;
    const type = readType(text);
    const measure = measureType(table, type, into);
    if (!packed) {
      offset = Math.ceil(offset / measure.align) * measure.align;
      align = Math.max(align, measure.align);
    }
    fields.push({ name: field, offset, type });
    offset += measure.size;
  }
  const struct = { name, size: Math.ceil(offset / align) * align, fields };
  into[name] = struct;
  for (const field of fields) gatherStructs(table, field.type, into);
  return struct;
}

function measureType(table: PrototypeTable, type: CType, into: { [struct: string]: CStruct }): { size: number; align: number } {
  switch (type.k) {
    case "void":
      return { size: 0, align: 1 };
    case "unknown":
      return { size: type.size, align: 1 };
    case "bool":
      return { size: 1, align: 1 };
    case "int": {
      const size = Number(type.name.slice(1)) / 8;
      return { size, align: size };
    }
    case "enum":
    case "float":
      return { size: type.size, align: type.size };
    case "pointer":
      return { size: 8, align: 8 };
    case "array": {
      const one = measureType(table, type.of, into);
      return { size: one.size * type.length, align: one.align };
    }
    case "struct": {
      const struct = readStruct(table, type.name, into);
      return { size: struct.size, align: Math.max(1, ...struct.fields.map((field) => measureType(table, field.type, into).align)) };
    }
  }
}

/** The line that begins with `start`. */
function findLine(text: string, start: string): string | undefined {
  const at = text.startsWith(start) ? 0 : text.indexOf(`\n${start}`) + 1;
  if (at === 0 && !text.startsWith(start)) return undefined;
  const end = text.indexOf("\n", at);
  return text.slice(at, end < 0 ? undefined : end);
}
