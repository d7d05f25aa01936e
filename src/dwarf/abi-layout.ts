/** What conventions of calling need to know of a type: its scalars, its alignment, and whether C++ passes it by its address. */
import type { AbiLeaf, AbiType } from "./abi.ts";
import { DW_AT, DW_ATE, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { bitOffset, isStructure, memberOffset } from "./structs.ts";
import { declared } from "./type-names.ts";
import { memberPointerSize, type StructTable, sizeOfEntry } from "./types.ts";
import { dimensions, stripped, typeAttribute } from "./types-strip.ts";

/** More scalars than any convention has registers for. */
const MAX_LEAVES = 64;
const MAX_DEPTH = 32;
/** Entries looked at for one type. */
const MAX_LOOKS = 2_000;

/** DWARF 5 §3.3.1.1, DW_CC_. */
const PASS_BY_REFERENCE = 4;
const PASS_BY_VALUE = 5;

interface Walk {
  readonly leaves: AbiLeaf[];
  readonly into: StructTable;
  /** Arrays of more elements aren't spread over registers. */
  readonly arrays: number;
  align: number;
  tooMany: boolean;
  unclear: string | undefined;
  left: number;
}

/** @param arrays of how many elements the convention spreads over registers: all in C, one in Go, none in Rust */
export function abiTypeOf(entry: Entry | undefined, into: StructTable, arrays: number): AbiType {
  const type = whole(entry, into);
  if (type === undefined) return { size: 0, align: 1, aggregate: false, leaves: [] };
  const walk: Walk = { leaves: [], into, arrays, align: 1, tooMany: false, unclear: undefined, left: MAX_LOOKS };
  const size = visit(type, 0, walk, 0);
  const aggregate = isStructure(type) || type.tag === DW_TAG.array_type;
  // What is larger than 64 bytes is in memory, whatever it consists of.
  const unclear = walk.unclear ?? (walk.left < 0 && size <= 64 ? "a type that has too many parts" : undefined);
  return {
    size,
    align: walk.align,
    aggregate,
    leaves: walk.tooMany ? undefined : walk.leaves,
    ...(isStructure(type) && passedByReference(type, into, { left: MAX_LOOKS }, 0) && { byReference: true }),
    ...(unclear !== undefined && { unclear }),
  };
}

function whole(entry: Entry | undefined, into: StructTable): Entry | undefined {
  const { type } = stripped(entry);
  return type !== undefined && (isStructure(type) || type.tag === DW_TAG.enumeration_type) ? (into.definition(type) ?? type) : type;
}

const powerOfTwoIn = (value: number): number => (value === 0 ? 1 << 16 : value & -value);

function leaf(walk: Walk, kind: AbiLeaf["kind"], offset: number, size: number, align = size): void {
  if (size === 0) return;
  if (walk.leaves.length >= MAX_LEAVES) walk.tooMany = true;
  else walk.leaves.push({ kind, offset, size });
  walk.align = Math.max(walk.align, Math.min(align, powerOfTwoIn(offset)));
}

/** Adds a type's scalars, and gives its size. */
function visit(type: Entry | undefined, offset: number, walk: Walk, depth: number): number {
  if (type === undefined || depth > MAX_DEPTH) {
    walk.unclear ??= type === undefined ? "a value of no type" : "a type that contains itself";
    return 0;
  }
  walk.left--;
  const size = sizeOfEntry(type);
  switch (type.tag) {
    case DW_TAG.base_type:
      base(type, size, offset, walk);
      return size;
    case DW_TAG.pointer_type:
    case DW_TAG.reference_type:
    case DW_TAG.rvalue_reference_type:
    case DW_TAG.subroutine_type:
      leaf(walk, "integer", offset, 8);
      return 8;
    case DW_TAG.unspecified_type:
      if (!/nullptr/.test(type.name ?? "")) walk.unclear ??= type.name ?? "a value of a type that isn't said";
      leaf(walk, "integer", offset, 8);
      return 8;
    case DW_TAG.ptr_to_member_type: {
      const pointer = memberPointerSize(type);
      for (let i = 0; i < pointer; i += 8) leaf(walk, "integer", offset + i, 8);
      return pointer;
    }
    case DW_TAG.enumeration_type: {
      const of = size || sizeOfEntry(whole(typeAttribute(type), walk.into) ?? type) || 4;
      leaf(walk, "integer", offset, of);
      return of;
    }
    case DW_TAG.subrange_type:
      return visit(whole(typeAttribute(type), walk.into), offset, walk, depth + 1);
    case DW_TAG.array_type:
      return array(type, offset, walk, depth);
    default:
      if (isStructure(type)) return structure(type, size, offset, walk, depth);
      walk.unclear ??= type.name ?? "a type of a kind that isn't known";
      return size;
  }
}

function base(type: Entry, size: number, offset: number, walk: Walk): void {
  const quad = /float128/i.test(type.name ?? "");
  const add = (kind: AbiLeaf["kind"], count = 1): void => {
    for (let i = 0; i < count; i++) leaf(walk, kind, offset + (i * size) / count, size / count);
  };
  switch (type.number(DW_AT.encoding)) {
    case DW_ATE.float:
      add(size <= 8 ? "float" : quad ? "vector" : "x87");
      break;
    case DW_ATE.decimal_float:
      add(size <= 8 ? "float" : "vector");
      break;
    case DW_ATE.complex_float:
      if (size === 32 && !quad) leaf(walk, "complex-x87", offset, size, 16);
      else add(quad ? "vector" : "float", 2);
      break;
    default:
      if (size > 16 || (size & (size - 1)) !== 0) walk.unclear ??= type.name ?? "a type without a name";
      // GNU's complex integers are pairs.
      add("integer", /^complex /.test(type.name ?? "") ? 2 : 1);
  }
}

function array(type: Entry, offset: number, walk: Walk, depth: number): number {
  const count = dimensions(type).reduce((all, length) => all * length, 1);
  const element = whole(typeAttribute(type), walk.into);
  if (type.flag(DW_AT.GNU_vector)) {
    const of = { ...walk, leaves: [] };
    const size = sizeOfEntry(type) || count * visit(element, 0, of, depth + 1);
    if (size < 8 || (size & (size - 1)) !== 0) walk.unclear ??= "a short vector";
    leaf(walk, size === 8 ? "float" : "vector", offset, size);
    return size;
  }
  const before = walk.leaves.length;
  const size = visit(element, offset, walk, depth + 1);
  if (count === 0) walk.leaves.length = before;
  if (count > walk.arrays) walk.tooMany = true;
  if (count * (walk.leaves.length - before) > MAX_LEAVES) walk.tooMany = true;
  for (let i = 1; i < count && !walk.tooMany && walk.leaves.length > before && walk.left > 0; i++) visit(element, offset + i * size, walk, depth + 1);
  return count * size;
}

function structure(type: Entry, size: number, offset: number, walk: Walk, depth: number): number {
  if (type.flag(DW_AT.declaration)) walk.unclear ??= `${type.name ?? "a structure"}, which the debug information only declares,`;
  const members = (of: Entry): void => {
    for (const child of of.children()) {
      if (--walk.left < 0) return;
      if (child.tag === DW_TAG.variant_part || child.tag === DW_TAG.variant) {
        const discriminant = child.reference(DW_AT.discr);
        if (discriminant !== undefined) field(discriminant);
        members(child);
      } else if (child.tag === DW_TAG.member || child.tag === DW_TAG.inheritance) {
        if (of.tag === DW_TAG.variant_part) continue;
        field(child);
      }
    }
  };
  const field = (member: Entry): void => {
    if (member.flag(DW_AT.external) || member.flag(DW_AT.declaration)) return;
    if (member.number(DW_AT.virtuality)) return;
    const bits = member.number(DW_AT.bit_size);
    const of = whole(typeAttribute(member), walk.into);
    if (bits !== undefined) {
      const first = bitOffset(member, bits, sizeOfEntry(of ?? member));
      if (first === undefined || first < 0 || bits > 128) {
        walk.unclear ??= "a bit-field that lies nowhere";
        return;
      }
      const at = Math.floor(first / 8);
      walk.leaves.push({ kind: "integer", offset: offset + at, size: Math.ceil((first + bits) / 8) - at, bits: true });
      walk.align = Math.max(walk.align, Math.min(8, sizeOfEntry(of ?? member) || 1));
      return;
    }
    const at = memberOffset(member);
    if (at === undefined) walk.unclear ??= "a structure whose layout is known at run time only";
    else visit(of, offset + at, walk, depth + 1);
  };
  members(type);
  const said = declared(type, (one) => one.number(DW_AT.alignment));
  if (said !== undefined && said > 0 && (said & (said - 1)) === 0) walk.align = Math.max(walk.align, said);
  // A structure's size is a multiple of its alignment: a packed one's scalars say too much.
  if (depth === 0 && size > 0) walk.align = Math.min(walk.align, powerOfTwoIn(size));
  return size;
}

/**
 * Whether a class isn't trivial for the purposes of calls (Itanium C++ ABI §1.1): the compiler says so in DWARF 5; else it has a
 * destructor or a copy or move constructor that somebody wrote, virtual functions or bases, or such a member or base.
 */
function passedByReference(type: Entry, into: StructTable, looks: { left: number }, depth: number): boolean {
  const said = type.number(DW_AT.calling_convention);
  if (said === PASS_BY_REFERENCE || said === PASS_BY_VALUE) return said === PASS_BY_REFERENCE;
  if (depth > MAX_DEPTH) return false;
  for (const child of type.children()) {
    if (--looks.left < 0) return false;
    if (child.tag === DW_TAG.subprogram) {
      if (child.number(DW_AT.virtuality)) return true;
      if (child.flag(DW_AT.artificial) || child.number(DW_AT.defaulted) === 1) continue;
      if (child.name?.startsWith("~") || (child.name !== undefined && child.name === type.name?.replace(/<.*$/s, "") && copies(child, type))) return true;
    } else if (child.tag === DW_TAG.inheritance || child.tag === DW_TAG.member) {
      if (child.tag === DW_TAG.inheritance && child.number(DW_AT.virtuality)) return true;
      if (child.flag(DW_AT.external) || child.flag(DW_AT.declaration)) continue;
      let { type: of } = stripped(typeAttribute(child));
      for (let steps = 0; of?.tag === DW_TAG.array_type && steps < MAX_DEPTH; steps++) of = stripped(typeAttribute(of)).type;
      const inner = of && isStructure(of) ? into.definition(of) : undefined;
      if (inner !== undefined && passedByReference(inner, into, looks, depth + 1)) return true;
    }
  }
  return false;
}

/** Whether a constructor's only parameter besides `this` is a reference to its class. */
function copies(candidate: Entry, type: Entry): boolean {
  const parameters: Entry[] = [];
  for (const child of candidate.children()) if (child.tag === DW_TAG.formal_parameter && !child.flag(DW_AT.artificial)) parameters.push(child);
  const [only] = parameters;
  if (parameters.length !== 1 || only === undefined) return false;
  const { type: reference } = stripped(typeAttribute(only));
  if (reference?.tag !== DW_TAG.reference_type && reference?.tag !== DW_TAG.rvalue_reference_type) return false;
  return stripped(typeAttribute(reference)).type?.key === type.key;
}
