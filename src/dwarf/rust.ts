/** What rustc writes of enums with data, tuples, strings, slices and vectors. */
import type { CField, CStruct, CType } from "../schema/ctypes.ts";
import { DW_AT, DW_ATE, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { enumOf } from "./enums.ts";
import { type Fields, memberOffset } from "./structs.ts";
import { type StructTable, sizeOfEntry, typeOf } from "./types.ts";
import { stripped, typeAttribute } from "./types-strip.ts";

const MAX_VARIANTS = 1_000;
/** How deep in a vector its pointer lies: RawVec, RawVecInner, Unique, NonNull. */
const MAX_WRAPPED = 8;

/** The fields of tuples are "0", "1", … as programs write them. */
export const tupleField = (name: string): string => /^__(\d+)$/.exec(name)?.[1] ?? name;

/**
 * An enum with data: `variant` says which it is, and a field for each variant overlaps the others. Where a value that no variant
 * has stands for one (`Option<&T>`: any address is `Some`), `variant` has no name then. It is left out if there is only one variant.
 */
export function variantFields(part: Entry, outer: string, into: StructTable): readonly CField[] {
  const discriminant = part.reference(DW_AT.discr);
  const names: [string, bigint][] = [];
  const fields: CField[] = [];
  for (const variant of part.children()) {
    if (fields.length >= MAX_VARIANTS) break;
    if (variant.tag !== DW_TAG.variant) continue;
    for (const member of variant.children()) {
      const offset = memberOffset(member);
      if (member.tag !== DW_TAG.member || member.name === undefined || offset === undefined) continue;
      fields.push({ name: member.name, offset, type: typeOf(typeAttribute(member), into, `${outer}::${member.name}`) });
      const value = variant.big(DW_AT.discr_value);
      if (value !== undefined) names.push([member.name, value]);
      break;
    }
  }
  const { type } = stripped(discriminant && typeAttribute(discriminant));
  const offset = discriminant && memberOffset(discriminant);
  const encoding = type?.number(DW_AT.encoding);
  const signed = encoding === DW_ATE.signed || encoding === DW_ATE.signed_char;
  const tag = type && names.length > 0 ? enumOf(sizeOfEntry(type) || 8, signed, names) : undefined;
  return tag === undefined || offset === undefined ? fields : [{ name: "variant", offset, type: tag }, ...fields];
}

/** What holds the address and the length: of `&str`, `&[T]`, `Box<[T]>`, and of `Vec<T>` and `String`, to which a field `data_ptr` is added. */
export function rustSlice(entry: Entry, fields: Fields, into: StructTable): CStruct["slice"] {
  const all = fields.all();
  const length = all.find((field) => field.name === "length");
  if (length !== undefined && all.some((field) => field.name === "data_ptr" && field.type.k === "pointer")) return { address: "data_ptr", length: "length" };
  const string = entry.name === "String";
  if (!string && !entry.name?.startsWith("Vec<")) return undefined;
  const vector = string ? memberNamed(entry, "vec") : undefined;
  const inner = string ? stripped(vector && typeAttribute(vector)).type : entry;
  const buffer = inner && memberNamed(inner, "buf");
  const count = inner && memberNamed(inner, "len");
  const base = string ? vector && memberOffset(vector) : 0;
  if (inner === undefined || buffer === undefined || count === undefined || base === undefined) return undefined;
  const pointer = pointerIn(buffer, { left: 100 }, 0);
  const counted = memberOffset(count);
  if (pointer === undefined || counted === undefined) return undefined;
  const of: CType = typeOf(elementOf(inner), into);
  const added = fields.add({ name: "data_ptr", offset: base + pointer, type: { k: "pointer", to: of.k === "void" ? undefined : of } });
  if (!added) return undefined;
  if (!string) return { address: "data_ptr", length: "len" };
  return fields.add({ name: "len", offset: base + counted, type: typeOf(typeAttribute(count), into) }) ? { address: "data_ptr", length: "len" } : undefined;
}

function memberNamed(entry: Entry, name: string): Entry | undefined {
  for (const child of entry.children()) if (child.tag === DW_TAG.member && child.name === name) return child;
  return undefined;
}

/** The type parameter `T` of a vector. */
function elementOf(entry: Entry): Entry | undefined {
  for (const child of entry.children()) if (child.tag === DW_TAG.template_type_parameter) return typeAttribute(child);
  return undefined;
}

/** The offset of the first pointer in a member. */
function pointerIn(member: Entry, looks: { left: number }, depth: number): number | undefined {
  const offset = memberOffset(member);
  const { type } = stripped(typeAttribute(member));
  if (offset === undefined || type === undefined || depth > MAX_WRAPPED) return undefined;
  if (type.tag === DW_TAG.pointer_type) return offset;
  for (const child of type.children()) {
    if (--looks.left < 0) return undefined;
    const inner = child.tag === DW_TAG.member ? pointerIn(child, looks, depth + 1) : undefined;
    if (inner !== undefined) return offset + inner;
  }
  return undefined;
}
