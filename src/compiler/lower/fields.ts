/** Fields and elements of what the program's own types describe: behind a pointer, embedded, or held in registers. */
import { type CField, type CStruct, type CType, sizeOf } from "../../schema/ctypes.ts";
import * as problem from "../diagnostics/typed.ts";
import type { Span } from "../hir/types.ts";
import type { Operand } from "../mir/types.ts";
import { heldElement, heldField, heldWord } from "./held.ts";
import { readTyped, readWord } from "./memory.ts";
import type { Program } from "./program.ts";
import { bitBytes, bitField, fieldNames, findField, inRanges, lessThan, scalar, structOf } from "./typed.ts";
import { constant, type HeldValue, type IntValue, isConstant, maybe, numberOf, type PlaceValue, type Structs, UNDEFINED, u64, type Value } from "./value.ts";

/** A pointer with what it points to, an embedded structure or array, a held one. */
export type Typed = (IntValue & { readonly pointee: CType }) | PlaceValue | HeldValue;

export const isTyped = (v: Value): v is Typed => v.k === "place" || v.k === "held" || (v.k === "int" && v.pointee !== undefined);

const typeOf = (o: Typed): CType => (o.k === "int" ? o.pointee : o.type);
const structsOf = (o: Typed): Structs => o.structs ?? {};
const addressOf = (o: PlaceValue | IntValue): IntValue => (o.k === "place" ? o.address : o);

/** `o.name`: a field behind a pointer is a checked read, unless it is embedded. */
export function fieldOf(p: Program, o: Typed, name: string, span: Span): Value {
  const type = typeOf(o);
  const structs = structsOf(o);
  if (type.k === "array" && o.k !== "int") {
    if (name === "length") return constant(BigInt(type.length));
    return p.fail(problem.noField(p.place(span), "an array of the target", name, ["length"]));
  }
  const struct = structOf(type, structs);
  if (struct === undefined) return p.fail(problem.noFields(p.place(span), whatPoints(type), name));
  const field = findField(struct, name, structs);
  if (field !== undefined) return fieldAt(p, o, field, span);
  if (struct.slice !== undefined && name === "length") return fieldOf(p, o, struct.slice.length, span);
  return p.fail(problem.noField(p.place(span), described(struct), name, fieldNames(struct, structs)));
}

const described = ({ name }: CStruct): string => `\`${name}\``;

function whatPoints(type: CType): string {
  switch (type.k) {
    case "void":
      return "a pointer to void";
    case "struct":
      return `\`${type.name}\`, of which only the name is known,`;
    case "pointer":
      return "a pointer to a pointer";
    case "unknown":
      return `a pointer to ${type.what}`;
    default:
      return "a pointer to a number";
  }
}

/** Of a variant that the discriminant doesn't name, nothing is there. */
function fieldAt(p: Program, o: Typed, { when, ...field }: CField, span: Span): Value {
  if (when === undefined) return placedField(p, o, field, span);
  const at = field.offset + when.at;
  const { op, present } =
    o.k === "held" ? heldWord(p, o, at, when.size, `\`${field.name}\``, span) : readWord(p, p.b.binary("add", addressOf(o).op, BigInt(at)), when.size);
  const is = inRanges(p, op, when.ranges);
  const there = p.b.binary("and", present, when.inside ? is : p.b.binary("xor", is, 1n));
  const value = placedField(p, o, field, span);
  return maybe(p.b.binary("and", there, presentOf(value)), bare(value));
}

function placedField(p: Program, o: Typed, field: CField, span: Span): Value {
  const structs = structsOf(o);
  const what = `\`${field.name}\``;
  if (o.k === "held") return heldField(p, o, field, what, span);
  const at: IntValue = { ...u64(p.b.binary("add", addressOf(o).op, BigInt(field.offset))), structs };
  const { bits, type } = field;
  if (bits === undefined) return readTyped(p, at, type, { structs, what, span });
  const bytes = bitBytes(bits);
  if (bytes === undefined) return p.fail(problem.unreadableType(p.place(span), what, "a bit-field over more than 8 bytes", "buf(address, n)"));
  const word = readWord(p, p.b.binary("add", at.op, BigInt(bytes.first)), bytes.size);
  return maybe(word.present, scalar(p, bitField(p, word.op, bytes.shift, bits.size, type), type, structs));
}

/** `o[i]`: a pointer goes on by the size of what it points to; a slice ends at its length; a tuple's fields are called by their numbers. */
export function elementOf(p: Program, o: Typed, index: IntValue, span: Span): Value {
  const structs = structsOf(o);
  const type = typeOf(o);
  const slice = structOf(type, structs)?.slice;
  if (slice !== undefined && o.k !== "int") return sliceElement(p, o, slice, index, span);
  if (o.k !== "int" && type.k === "struct") {
    const struct = structOf(type, structs);
    const field = struct && isConstant(index) ? findField(struct, String(numberOf(index)), structs) : undefined;
    if (field !== undefined) return fieldAt(p, o, field, span);
    return p.fail(problem.noFields(p.place(span), "a structure of the target", "[…]"));
  }
  if (hasEnd(type) && o.k !== "int" && isConstant(index) && (numberOf(index) < 0n || numberOf(index) >= BigInt(type.length)))
    p.fail(problem.beyondArray(p.place(span), numberOf(index), type.length));
  if (o.k === "held") return heldElement(p, { ...o, type: type as Extract<CType, { k: "array" }> }, index, span);
  const of = o.k === "place" && type.k === "array" ? type.of : type;
  const size = sizeOf(of, structs);
  const first = isConstant(index) && numberOf(index) === 0n;
  if (size === 0 && !first) p.fail(problem.noSize(p.place(span), of.k === "struct" ? `\`${of.name}\`` : "what this points to"));
  const at = p.b.binary("add", addressOf(o).op, p.b.binary("mul", index.op, BigInt(size)));
  const element = u64(o.k === "place" && hasEnd(type) ? within(p, at, index, type.length) : at);
  return readTyped(p, { ...element, structs }, of, { structs, what: "an element", span });
}

/** Arrays of one element or none stand at the ends of structures for as many as there are. */
const hasEnd = (type: CType): type is Extract<CType, { k: "array" }> => type.k === "array" && type.length > 1;

/** The address of an array's element: NULL, of which nothing can be read, for an index that no element has. */
function within(p: Program, at: Operand, index: IntValue, length: number): Operand {
  if (isConstant(index)) return at;
  const { b } = p;
  const inside = lessThan(p, index.op, BigInt(length));
  return b.binary("and", at, b.binary("sub", 0n, inside));
}

type Slice = NonNullable<CStruct["slice"]>;

function sliceElement(p: Program, o: PlaceValue | HeldValue, slice: Slice, index: IntValue, span: Span): Value {
  const parts = sliceParts(p, o, slice, span);
  const pointer = bare(parts.address);
  const length = bare(parts.length);
  // The compiler has removed one of them.
  if (pointer.k === "undefined" || length.k === "undefined") return UNDEFINED;
  if (pointer.k !== "int" || pointer.pointee === undefined || length.k !== "int") return p.fail(problem.noFields(p.place(span), "a pointer to void", "[…]"));
  const element = elementOf(p, { ...pointer, pointee: pointer.pointee }, index, span);
  // Unsigned, so that a negative index is behind every end.
  const inside = lessThan(p, index.op, length.op);
  const there = [parts.address, parts.length, element].map(presentOf).reduce((all, one) => p.b.binary("and", all, one), inside);
  return maybe(there, bare(element));
}

const bare = (v: Value): Value => (v.k === "maybe" ? v.value : v);
const presentOf = (v: Value): number | bigint => (v.k === "maybe" ? v.present : v.k === "undefined" ? 0n : 1n);

/** A slice's address and its length in elements. */
export function sliceParts(p: Program, o: PlaceValue | HeldValue, slice: Slice, span: Span): { readonly address: Value; readonly length: Value } {
  return { address: fieldOf(p, o, slice.address, span), length: fieldOf(p, o, slice.length, span) };
}

export const sliceOf = (o: PlaceValue | HeldValue): Slice | undefined => structOf(o.type, o.structs)?.slice;
