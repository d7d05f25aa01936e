/** The target's own types: what a word means as a value of one, how large each is, which fields structures have. */
import { type CField, type CStruct, type CType, rangesOf, type ValueRange } from "../../schema/ctypes.ts";
import type { Operand } from "../mir/types.ts";
import { widened } from "./floats.ts";
import type { Program } from "./program.ts";
import { bool, type IntValue, ofWidth, type Structs, UNDEFINED, u64, type Value } from "./value.ts";

type Width = 1 | 2 | 4 | 8;

export const widthOf = (type: Extract<CType, { k: "int" }>): Width => (Number(type.name.slice(1)) / 8) as Width;
export const isSigned = (type: CType): boolean => (type.k === "int" && type.name.startsWith("i")) || (type.k === "enum" && type.signed);

/** The value of a scalar type whose bytes are the lowest of `op`; what is above them doesn't count. */
export function scalar(p: Program, op: Operand, type: CType, structs: Structs): Value {
  switch (type.k) {
    case "int":
      return narrowed(p, op, widthOf(type), isSigned(type));
    case "bool":
      return bool(p.b.binary("and", op, 1n));
    case "enum":
      return { ...narrowed(p, enumerator(p, op, type), type.size, type.signed), names: type.names };
    case "pointer":
      return { ...u64(op), pointee: type.to, structs };
    case "float":
      return { k: "float", op: type.size === 8 ? op : widened(p, op) };
    default:
      return UNDEFINED;
  }
}

/** A value that isn't listed becomes the one that stands for all such. */
function enumerator(p: Program, op: Operand, { size, names, otherwise }: Extract<CType, { k: "enum" }>): Operand {
  if (otherwise === undefined) return op;
  const { b } = p;
  const listed = names.filter(([, value]) => value !== otherwise).map(([, value]) => BigInt.asUintN(8 * size, value));
  const word = size === 8 ? op : b.extend(op, (8 * size) as 8 | 16 | 32, false);
  const is = inRanges(p, word, rangesOf(listed));
  const other = BigInt.asIntN(64, otherwise);
  return b.binary("xor", other, b.binary("and", b.binary("xor", other, word), b.binary("sub", 0n, is)));
}

/** 1 where an unsigned word is in one of the ranges, else 0. */
export function inRanges(p: Program, word: Operand, ranges: readonly ValueRange[]): Operand {
  const each = ranges.map(([first, last]) => lessThan(p, p.b.binary("sub", word, BigInt.asIntN(64, first)), BigInt.asIntN(64, last - first + 1n)));
  return each.reduce<Operand>((any, one) => (any === 0n ? one : p.b.binary("or", any, one)), 0n);
}

/** 1 where a < b as unsigned words, else 0: without a branch, as all that is known of a read. */
export function lessThan({ b }: Program, left: Operand, right: Operand): Operand {
  const equal = b.binary("xor", b.binary("xor", left, right), -1n);
  const less = b.binary("or", b.binary("and", b.binary("xor", left, -1n), right), b.binary("and", equal, b.binary("sub", left, right)));
  return b.binary("shr", less, 63n);
}

const narrowed = (p: Program, op: Operand, size: Width, signed: boolean): IntValue =>
  ofWidth(size === 8 ? op : p.b.extend(op, (size * 8) as 8 | 16 | 32, signed), size, signed);

/** `size` bits of a word from bit `offset`, widened as the type's sign says. */
export function bitField(p: Program, word: Operand, offset: number, size: number, type: CType): Operand {
  const left = p.b.binary("shl", word, BigInt(64 - offset - size));
  return p.b.binary(isSigned(type) ? "sar" : "shr", left, BigInt(64 - size));
}

/** The bytes that hold a bit-field, counted from its field's offset, and where in their little-endian word it is; undefined if they don't fit in one. */
export function bitBytes({ offset, size }: NonNullable<CField["bits"]>): { readonly first: number; readonly size: number; readonly shift: number } | undefined {
  const first = offset >> 3;
  const count = ((offset + size + 7) >> 3) - first;
  return size < 1 || count > 8 ? undefined : { first, size: count, shift: offset & 7 };
}

export const structOf = (type: CType, structs: Structs | undefined): CStruct | undefined =>
  type.k === "struct" && structs !== undefined && Object.hasOwn(structs, type.name) ? structs[type.name] : undefined;

/** Structures without a name may be inside of such ones. */
const DEEPEST = 8;

/** A field by its name, also one of a structure or union inside that has none itself; its offset is from the outermost's start. */
export function findField(struct: CStruct, name: string, structs: Structs, depth = 0): CField | undefined {
  const own = struct.fields.find((field) => field.name === name);
  if (own !== undefined || depth >= DEEPEST) return own;
  for (const field of struct.fields) {
    const inner = field.name === "" ? structOf(field.type, structs) : undefined;
    const found = inner && findField(inner, name, structs, depth + 1);
    if (found !== undefined) return { ...found, offset: field.offset + found.offset };
  }
  return undefined;
}

export function fieldNames(struct: CStruct, structs: Structs, depth = 0): string[] {
  return struct.fields.flatMap((field) => {
    if (field.name !== "") return [field.name];
    const inner = depth < DEEPEST ? structOf(field.type, structs) : undefined;
    return inner === undefined ? [] : fieldNames(inner, structs, depth + 1);
  });
}

/** The names of a structure's fields, for messages: none of an array. */
export function fieldsOfStructure({ type, structs }: { readonly type: CType; readonly structs: Structs }): string[] {
  const struct = structOf(type, structs);
  return struct === undefined ? [] : fieldNames(struct, structs);
}

/** Bytes from `from` to `to` are among the ranges. */
export function covers(ranges: readonly { readonly offset: number; readonly size: number }[], from: number, to: number): boolean {
  let at = from;
  for (let more = true; more && at < to; ) {
    more = false;
    for (const { offset, size } of ranges) {
      if (offset > at || offset + size <= at) continue;
      at = offset + size;
      more = true;
    }
  }
  return at >= to;
}

/** Plain data with the same content: types of the target, captured values. */
export const sameData = (a: unknown, b: unknown): boolean => a === b || textOf(a) === textOf(b);

const textOf = (data: unknown): string => JSON.stringify(data, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)) ?? "";
