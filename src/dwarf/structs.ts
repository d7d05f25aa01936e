/** Structures, unions and classes: their members, base classes and bit-fields. DWARF 5 §5.7. */
import type { CField, CStruct, CType } from "../schema/ctypes.ts";
import { DW_AT, DW_LANG, DW_OP, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { goSlice } from "./go-types.ts";
import { rustSlice, tupleField, variantFields } from "./rust.ts";
import { languageOf } from "./type-names.ts";
import { intType, type StructTable, sizeOfEntry, typeOf } from "./types.ts";
import { stripped, typeAttribute } from "./types-strip.ts";

/** Fields of one structure, those of anonymous members and base classes included; further ones are left out. */
const MAX_FIELDS = 4_096;
const MAX_LIFTED = 16;
const MAX_ENTRIES = 20_000;

/** Fields by name, in order; the first of a name stays. */
export class Fields {
  readonly #byName = new Map<string, CField>();
  readonly #size: number;
  readonly #into: StructTable;

  constructor(size: number, into: StructTable) {
    this.#size = size;
    this.#into = into;
  }

  /** Whether it was free. A field that hangs over the end is a lie of the debug information, and is left out. */
  add(field: CField): boolean {
    if (this.#byName.has(field.name) || this.#byName.size >= MAX_FIELDS) return false;
    const end = field.bits === undefined ? this.#into.sizeOf(field.type) : Math.ceil((field.bits.offset + field.bits.size) / 8);
    if (field.offset < 0 || field.offset + end > this.#size) return false;
    this.#byName.set(field.name, field);
    return true;
  }

  get full(): boolean {
    return this.#byName.size >= MAX_FIELDS;
  }

  all(): CField[] {
    return [...this.#byName.values()];
  }
}

/** What is being converted, and how many more entries are looked at for it: base classes of base classes multiply. */
interface Conversion {
  readonly name: string;
  readonly rust: boolean;
  readonly into: StructTable;
  left: number;
}

/** @param name the structure's in the table: anonymous structures inside of it are called after it */
export function structOf(entry: Entry, name: string, into: StructTable): CStruct {
  const size = sizeOfEntry(entry);
  const fields = new Fields(size, into);
  const language = languageOf(entry.unit);
  const rust = language === DW_LANG.Rust;
  lift(entry, 0, fields, { name, rust, into, left: MAX_ENTRIES }, 0);
  const slice = language === DW_LANG.Go ? goSlice(entry.name, fields.all()) : rust ? rustSlice(entry, fields, into) : undefined;
  return { name, size, fields: fields.all(), ...(slice && { slice }) };
}

/** Adds an entry's members to an outer structure's, in which it lies at an offset. */
function lift(entry: Entry, at: number, fields: Fields, of: Conversion, depth: number): void {
  const bases: Entry[] = [];
  for (const child of entry.children()) {
    if (fields.full || --of.left < 0 || --of.into.left < 0) return;
    if (child.tag === DW_TAG.inheritance) bases.push(child);
    else if (child.tag === DW_TAG.variant_part) for (const field of variantFields(child, of.name, of.into)) fields.add({ ...field, offset: at + field.offset });
    else if (child.tag === DW_TAG.member) member(child, at, at + sizeOfEntry(entry), fields, of, depth);
  }
  for (const base of bases) inherit(base, at, fields, of, depth);
}

/** @param end of the structure that it is a member of */
function member(entry: Entry, at: number, end: number, fields: Fields, of: Conversion, depth: number): void {
  // Static members: they have no place inside.
  if (entry.flag(DW_AT.external) || entry.flag(DW_AT.declaration)) return;
  const type = typeAttribute(entry);
  const offset = memberOffset(entry);
  const own = entry.text(DW_AT.name);
  // Its name may be in a file that isn't there: it isn't anonymous then.
  if (own === undefined && entry.has(DW_AT.name)) return;
  if (!own) {
    const inner = stripped(type).type;
    const whole = inner && isStructure(inner) && depth < MAX_LIFTED ? of.into.definition(inner) : undefined;
    if (whole !== undefined && offset !== undefined) lift(whole, at + offset, fields, of, depth + 1);
    return;
  }
  const name = of.rust ? tupleField(own) : own;
  const converted = typeOf(type, of.into, `${of.name}.${name}`);
  const bits = entry.number(DW_AT.bit_size);
  if (bits !== undefined) {
    const first = bitOffset(entry, bits, of.into.sizeOf(converted));
    if (first !== undefined) fields.add(bitField(name, 8 * at + first, bits, converted, end, of.into));
  } else if (offset !== undefined) {
    fields.add({ name, offset: at + offset, type: converted });
  }
}

const STRUCTURES: ReadonlySet<number> = new Set([DW_TAG.structure_type, DW_TAG.class_type, DW_TAG.union_type, DW_TAG.interface_type]);
export const isStructure = (entry: Entry): boolean => STRUCTURES.has(entry.tag);

/** A base class's fields belong to the class, but for those whose names it has itself: then the base is a field too. Where a virtual base lies only the object knows. */
function inherit(entry: Entry, at: number, fields: Fields, of: Conversion, depth: number): void {
  if (entry.number(DW_AT.virtuality) || depth >= MAX_LIFTED) return;
  const offset = memberOffset(entry);
  const { type } = stripped(typeAttribute(entry));
  const base = type && isStructure(type) ? of.into.definition(type) : undefined;
  if (base === undefined || offset === undefined) return;
  const own = new Fields(sizeOfEntry(base), of.into);
  lift(base, 0, own, of, depth + 1);
  const hidden = own.all().filter((field) => !fields.add({ ...field, offset: at + offset + field.offset }));
  if (hidden.length > 0 && base.name !== undefined) fields.add({ name: base.name, offset: at + offset, type: typeOf(base, of.into) });
}

/** In bytes from the structure's start; undefined if that is only known at run time. */
export function memberOffset(entry: Entry): number | undefined {
  const offset = entry.number(DW_AT.data_member_location);
  if (offset !== undefined) return Number.isSafeInteger(offset) && offset >= 0 ? offset : undefined;
  const expression = entry.block(DW_AT.data_member_location);
  if (expression === undefined) return 0;
  if (expression[0] !== DW_OP.plus_uconst) return undefined;
  let value = 0;
  for (let i = 1, scale = 1; i < expression.length; i++, scale *= 128) {
    value += (expression[i]! & 0x7f) * scale;
    if (expression[i]! < 0x80) return i === expression.length - 1 && Number.isSafeInteger(value) ? value : undefined;
  }
  return undefined;
}

/** A bit-field's storage unit has so many bytes at most. */
const LARGEST_UNIT = 16;
const FAR = 1n << 40n;

/** The first bit of a bit-field, from the structure's lowest. */
export function bitOffset(entry: Entry, bits: number, typeSize: number): number | undefined {
  const first = entry.number(DW_AT.data_bit_offset);
  if (first !== undefined) return first;
  const offset = memberOffset(entry);
  if (offset === undefined) return undefined;
  // DWARF 3 §5.5.6 counts from the highest bit of a storage unit.
  if (!entry.has(DW_AT.bit_offset)) return 8 * offset;
  // It is negative where the field goes on behind the unit, as a packed one does: clang writes that as 64 bits.
  const fromTop = Number(BigInt.asIntN(64, entry.big(DW_AT.bit_offset) ?? FAR));
  return Math.abs(fromTop) > 8 * LARGEST_UNIT ? undefined : 8 * offset + 8 * (entry.number(DW_AT.byte_size) ?? typeSize) - fromTop - bits;
}

/** Widened or narrowed, as far as the type of a bit-field allows it. */
function resized(type: CType, size: number): CType | undefined {
  if (type.k === "int") return intType(size, type.name.startsWith("i"));
  if (type.k === "bool") return size === 1 ? type : intType(size, false);
  if (type.k === "enum" && (size === 1 || size === 2 || size === 4 || size === 8)) return { ...type, size };
  return undefined;
}

/**
 * A bit-field as bits of an integer that holds all of it and ends before the structure does (`end`, in bytes): one of its own
 * type where it is aligned in it, else a smaller or an unaligned one, else just the bytes that it is in.
 */
function bitField(name: string, first: number, bits: number, type: CType, end: number, into: StructTable): CField {
  const own = into.sizeOf(type);
  const natural = own > 0 ? Math.floor(first / (8 * own)) * own : 0;
  const tries = [{ size: own, offset: natural }, ...[1, 2, 4, 8].map((size) => ({ size, offset: Math.floor(first / 8) }))];
  for (const { size, offset } of tries) {
    const of = resized(type, size);
    const start = first - 8 * offset;
    if (of !== undefined && start >= 0 && bits > 0 && start + bits <= 8 * size && offset + size <= end) {
      return { name, offset, type: of, bits: { offset: start, size: bits } };
    }
  }
  const offset = Math.floor(first / 8);
  const last = Math.ceil((first + bits) / 8);
  // Packed, over the end of what its type would take there: the bytes that it is in are enough.
  if (bits > 0 && bits <= 8 * own && last - offset <= 8 && last <= end && resized(type, own) !== undefined)
    return { name, offset, type, bits: { offset: first - 8 * offset, size: bits } };
  return { name, offset, type: { k: "unknown", size: Math.max(0, Math.ceil((first + bits) / 8) - offset), what: "a bit-field that no integer holds" } };
}
