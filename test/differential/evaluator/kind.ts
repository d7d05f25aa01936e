/** What the evaluator knows of an expression before it runs: whether an integer reads as signed or unsigned. */
import { type Shape, shapeOfInt } from "./shape.ts";

/** `either`: a constant that isn't negative counts as both. */
export type Kind = "i64" | "u64" | "either";

/** The static type: only integers' kinds matter, and the way to them through objects. */
export type Type = { readonly k: "int"; readonly kind: Kind } | { readonly k: "object"; readonly fields: ReadonlyMap<string, Type> } | { readonly k: "other" };

export const OTHER: Type = { k: "other" };
export const int = (kind: Kind): Type => ({ k: "int", kind });
export const ofConstant = (value: bigint): Type => int(value < 0n ? "i64" : value >= 2n ** 63n ? "u64" : "either");

/** The type of what is read from a place of this shape. */
export function ofShape(shape: Shape): Type {
  if (shape.t === "int") return int(shapeOfInt(shape));
  if (shape.t === "struct") return { k: "object", fields: new Map(shape.fields.map(([name, s]) => [name, ofShape(s)])) };
  return OTHER;
}

/** The type of a value that comes from either. i64 with u64 can't meet: the compiler refuses it. */
export function join(a: Type | undefined, b: Type | undefined): Type {
  if (a === undefined || a.k === "other") return b ?? OTHER;
  if (b === undefined || b.k === "other") return a;
  if (a.k === "int" && b.k === "int") {
    if (a.kind === b.kind || b.kind === "either") return a;
    if (a.kind === "either") return b;
    throw new Error("a signed and an unsigned integer meet in one place");
  }
  if (a.k === "object" && b.k === "object") {
    const names = new Set([...a.fields.keys(), ...b.fields.keys()]);
    return { k: "object", fields: new Map([...names].map((name) => [name, join(a.fields.get(name), b.fields.get(name))])) };
  }
  return OTHER;
}

export function same(a: Type | undefined, b: Type): boolean {
  if (a === undefined || a.k !== b.k) return false;
  if (a.k === "int") return b.k === "int" && a.kind === b.kind;
  if (a.k === "object")
    return (
      b.k === "object" &&
      a.fields.size === b.fields.size &&
      [...a.fields].every(([name, type]) => {
        const other = b.fields.get(name);
        return other !== undefined && same(type, other);
      })
    );
  return true;
}

/** Cuts a number to 64 bits of this kind. */
export const cut = (kind: Kind, value: bigint): bigint => (kind === "u64" ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value));
