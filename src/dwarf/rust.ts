/** What rustc writes of enums with data, tuples, strings, slices and vectors. */
import { type CField, type CStruct, type CType, rangesOf } from "../schema/ctypes.ts";
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
 * An enum with data: `variant` says which it is, and a field for each variant overlaps the others: one that it isn't, isn't there.
 * Where a value that can't be stands for a variant (`Option<&T>`: NULL is `None`), every other value is of the variant that has none.
 * `variant` is left out if there is only one.
 */
export function variantFields(part: Entry, outer: string, into: StructTable): readonly CField[] {
  const discriminant = part.reference(DW_AT.discr);
  const found: { readonly field: CField; readonly value: bigint | undefined }[] = [];
  for (const variant of part.children()) {
    if (found.length >= MAX_VARIANTS) break;
    if (variant.tag !== DW_TAG.variant) continue;
    for (const member of variant.children()) {
      const offset = memberOffset(member);
      if (member.tag !== DW_TAG.member || member.name === undefined || offset === undefined) continue;
      const field: CField = { name: member.name, offset, type: typeOf(typeAttribute(member), into, `${outer}::${member.name}`) };
      found.push({ field, value: discriminantOf(variant) });
      break;
    }
  }
  const offset = discriminant && memberOffset(discriminant);
  const { type } = stripped(discriminant && typeAttribute(discriminant));
  // Only one can be: the others have no values (`Result<T, !>`).
  if (found.length === 1 || discriminant === undefined) return found.map(({ field }) => field);
  // Which one it is can't be told: then none is there.
  if (type === undefined || offset === undefined || found.filter(({ value }) => value === undefined).length > 1) return [];
  const encoding = type.number(DW_AT.encoding);
  const signed = encoding === DW_ATE.signed || encoding === DW_ATE.signed_char;
  // Of one of 16 bytes the lower half says it all.
  const size = Math.min(sizeOfEntry(type) || 8, 8);
  const listed = found.flatMap(({ value }) => (value === undefined ? [] : BigInt.asUintN(8 * size, value)));
  const other = found.some(({ value }) => value === undefined) ? firstFree(listed) : undefined;
  const names = found.map(({ field, value }): [string, bigint] => [field.name, value ?? other!]);
  const tag = enumOf(size, signed, names);
  if (tag === undefined) return [];
  const fields = found.map(({ field, value }): CField => {
    const ranges = rangesOf(value === undefined ? listed : [BigInt.asUintN(8 * size, value)]);
    return { ...field, when: { at: offset - field.offset, size: tag.size, ranges, inside: value !== undefined } };
  });
  const otherwise = other === undefined ? undefined : (signed ? BigInt.asIntN : BigInt.asUintN)(8 * size, other);
  return [{ name: "variant", offset, type: { ...tag, ...(otherwise !== undefined && { otherwise }) } }, ...fields];
}

/** What the discriminant is then; of one of 16 bytes, as an enum with i128 has it, the lower half, where that says it all. */
function discriminantOf(variant: Entry): bigint | undefined {
  const bytes = variant.block(DW_AT.discr_value);
  if (bytes === undefined) return variant.big(DW_AT.discr_value);
  const [low, high] = [bytes.subarray(0, 8), bytes.subarray(8)].map((half) => half.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n));
  return high === 0n ? low : undefined;
}

/** The smallest number that isn't among them. */
function firstFree(numbers: readonly bigint[]): bigint {
  const taken = new Set(numbers);
  let free = 0n;
  while (taken.has(free)) free++;
  return free;
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
