/** What `str`, `buf` and `read` are given: an address, an array, a slice that knows its length, or what the handler holds of the target. */
import { sizeOf } from "../../schema/ctypes.ts";
import { notAnAddress, wholeStructure } from "../diagnostics/typed.ts";
import type { Span } from "../hir/types.ts";
import { binary, integer } from "./arithmetic.ts";
import { whenPresent } from "./cells.ts";
import { sliceOf, sliceParts } from "./fields.ts";
import { heldBytes, heldText } from "./held.ts";
import { readArrayText, readBytes, readText } from "./memory.ts";
import type { Program } from "./program.ts";
import { fieldsOfStructure } from "./typed.ts";
import { constant, type HeldValue, type IntValue, isConstant, nameOf, type PlaceValue, type Value } from "./value.ts";

interface Wanted {
  readonly max: number;
  /** As the handler gives it, in bytes. */
  readonly length: Value | undefined;
  readonly span: Span;
}

/** `str(v, max, length)`. */
export function textOf(p: Program, v: Value, { max, length, span }: Wanted): Value {
  return whenPresent(p, v, span, (given) => {
    const of = behind(given, () => true);
    if (of.k !== "place" && of.k !== "held") return readText(p, addressed(p, of, span), max, length, span);
    const slice = sliceOf(of);
    if (slice !== undefined) {
      const parts = slicePartsInBytes(p, of, slice, span);
      return readText(p, parts.address, max, length ?? parts.length, span);
    }
    if (of.type.k === "struct") return p.fail(wholeStructure(p.place(span), "read as text", fieldsOfStructure(of)));
    if (of.k === "held") return heldText(p, of, max, span);
    const { address, type, structs } = of;
    // An array of one is how C writes one of any length at the end of a structure.
    const known = length === undefined && type.k === "array" && type.length > 1 && sizeOf(type.of, structs) === 1;
    return known ? readArrayText(p, address.op, max, type.length) : readText(p, address, max, length, span);
  });
}

/** `buf(v, max, length)`. */
export function bytesOf(p: Program, v: Value, { max, length, span }: Wanted): Value {
  return whenPresent(p, v, span, (given) => {
    const of = behind(given, (place) => sliceOf(place) !== undefined);
    if (of.k !== "place" && of.k !== "held") return readBytes(p, addressed(p, of, span), max, length, span);
    const slice = sliceOf(of);
    if (slice !== undefined) {
      const parts = slicePartsInBytes(p, of, slice, span);
      return readBytes(p, parts.address, max, length ?? parts.length, span);
    }
    return of.k === "held" ? heldBytes(p, of, max, span) : readBytes(p, of.address, max, length, span);
  });
}

/** A number that is too short to be an address, as a `char` is, or an enumerator, isn't meant as one. */
function addressed(p: Program, v: Value, span: Span): Value {
  if (v.k !== "int" || isConstant(v) || (v.names === undefined && v.max - v.min > LARGEST_SHORT)) return v;
  return p.fail(notAnAddress(p.place(span), v.names === undefined ? "a number of 16 bits or less" : nameOf(v)));
}
const LARGEST_SHORT = 0xffffn;

/** A pointer or reference to a structure stands for that, where it is `meant`: its own bytes are no text. */
function behind(v: Value, meant: (place: PlaceValue) => boolean): Value {
  if (v.k !== "int" || v.pointee?.k !== "struct") return v;
  const { pointee: type, structs = {}, ...address } = v;
  const place: PlaceValue = { k: "place", address, type, structs };
  return meant(place) ? place : v;
}

/** What `read(v, type)` reads at. */
export function addressOf(p: Program, v: Value, span: Span): IntValue {
  if (v.k === "place") return v.address;
  return v.k === "held" ? p.fail(wholeStructure(p.place(span), "read by another type", fieldsOfStructure(v))) : integer(p, v, span);
}

function slicePartsInBytes(p: Program, of: PlaceValue | HeldValue, slice: Parameters<typeof sliceParts>[2], span: Span) {
  const { address, length } = sliceParts(p, of, slice, span);
  const pointer = address.k === "maybe" ? address.value : address;
  const size = pointer.k === "int" && pointer.pointee !== undefined ? sizeOf(pointer.pointee, pointer.structs ?? {}) : 1;
  return { address, length: size > 1 ? binary(p, "*", length, constant(BigInt(size)), span, [span, span]) : length };
}
