/**
 * Values that are set on more than one way: the shape that all of them fit, registers for it, and the copying into them.
 * A `let` that is assigned and the result of `a ? b : c` are both made of this.
 */
import type { CType } from "../../schema/ctypes.ts";
import type { StructSchema } from "../../schema/types.ts";
import * as problem from "../diagnostics/lowering.ts";
import type { Span } from "../hir/types.ts";
import type { Base, Block } from "../mir/types.ts";
import type { Program } from "./program.ts";
import { isTracked } from "./snapshot.ts";
import { copyText, copyWords, textBytes, textToMemory } from "./text.ts";
import { sameData } from "./typed.ts";
import {
  type BytesValue,
  type HeldValue,
  heldSize,
  I64_MAX,
  I64_MIN,
  type IntValue,
  type Kind,
  nameOf,
  type Structs,
  U64_MAX,
  UNDEFINED,
  type Value,
} from "./value.ts";

export type Shape =
  | {
      readonly s: "int";
      readonly kind: Kind;
      readonly min: bigint;
      readonly max: bigint;
      readonly pointee: CType | undefined;
      readonly structs: Structs | undefined;
      readonly names: IntValue["names"];
    }
  | { readonly s: "bool" }
  | { readonly s: "undefined" }
  | { readonly s: "float" }
  | { readonly s: "stack" }
  | { readonly s: "func" }
  | { readonly s: "maybe"; readonly of: Shape }
  | { readonly s: "text"; readonly text: string }
  | { readonly s: "string"; readonly cap: number }
  | { readonly s: "bytes"; readonly cap: number }
  | { readonly s: "record"; readonly fields: readonly (readonly [string, Shape])[]; readonly tuple: boolean; readonly key: string | undefined }
  | { readonly s: "entry"; readonly schema: StructSchema }
  | { readonly s: "place"; readonly type: CType; readonly structs: Structs }
  | { readonly s: "held"; readonly type: CType; readonly structs: Structs; readonly offset: number; readonly known: HeldValue["known"] }
  /** Only there at compile time: the same on all ways. */
  | { readonly s: "static"; readonly value: Value };

export function shapeOf(v: Value): Shape {
  switch (v.k) {
    case "int":
      return { s: "int", kind: v.kind, min: v.min, max: v.max, pointee: v.pointee, structs: v.structs, names: v.names };
    case "bool":
    case "undefined":
    case "float":
    case "stack":
    case "func":
      return { s: v.k };
    case "maybe":
      return { s: "maybe", of: shapeOf(v.value) };
    case "text":
      return { s: "text", text: v.text };
    case "string":
    case "bytes":
      return { s: v.k, cap: v.cap };
    case "record":
      return { s: "record", fields: [...v.fields].map(([name, field]) => [name, shapeOf(field)] as const), tuple: v.tuple, key: v.key };
    case "entry":
      return { s: "entry", schema: v.schema };
    case "place":
      return { s: "place", type: v.type, structs: v.structs };
    case "held":
      return { s: "held", type: v.type, structs: v.structs, offset: v.offset, known: v.known };
    default:
      return { s: "static", value: v };
  }
}

/** What both fit; undefined if nothing does. "signs": signed on one side, unsigned on the other. */
export function joinShapes(a: Shape, b: Shape): Shape | "signs" | undefined {
  if (a.s === "undefined" && b.s === "undefined") return a;
  if (a.s === "undefined") return b.s === "maybe" ? b : { s: "maybe", of: b };
  if (b.s === "undefined") return a.s === "maybe" ? a : { s: "maybe", of: a };
  if (a.s === "maybe" || b.s === "maybe") {
    const of = joinShapes(a.s === "maybe" ? a.of : a, b.s === "maybe" ? b.of : b);
    return of === undefined || of === "signs" ? of : of.s === "maybe" ? of : { s: "maybe", of };
  }
  const capOf = (shape: Shape): number | undefined =>
    shape.s === "string" ? shape.cap : shape.s === "text" ? Math.max(1, textBytes(shape.text).length) : undefined;
  if (a.s === "text" && b.s === "text" && a.text === b.text) return a;
  const [capA, capB] = [capOf(a), capOf(b)];
  if (capA !== undefined && capB !== undefined) return { s: "string", cap: Math.max(capA, capB) };
  if (a.s !== b.s) return undefined;
  switch (a.s) {
    case "int": {
      const other = b as typeof a;
      const kind = a.kind === "either" ? other.kind : other.kind === "either" || other.kind === a.kind ? a.kind : undefined;
      if (kind === undefined) return "signs";
      const same = sameData(a.pointee, other.pointee);
      return {
        s: "int",
        kind,
        min: a.min < other.min ? a.min : other.min,
        max: a.max > other.max ? a.max : other.max,
        pointee: same ? a.pointee : undefined,
        structs: same ? a.structs : undefined,
        names: a.names === other.names ? a.names : undefined,
      };
    }
    case "bytes":
      return { s: "bytes", cap: Math.max(a.cap, (b as typeof a).cap) };
    case "record": {
      const other = b as typeof a;
      if (a.fields.length !== other.fields.length) return undefined;
      const fields: (readonly [string, Shape])[] = [];
      for (const [name, shape] of a.fields) {
        const match = other.fields.find(([n]) => n === name);
        if (!match) return undefined;
        const joined = joinShapes(shape, match[1]);
        if (joined === undefined || joined === "signs") return joined;
        fields.push([name, joined]);
      }
      return { s: "record", fields, tuple: a.tuple, key: a.key === other.key ? a.key : undefined };
    }
    case "entry":
      return a.schema === (b as typeof a).schema ? a : undefined;
    case "place":
      return sameData(a.type, (b as typeof a).type) ? a : undefined;
    case "held": {
      const other = b as typeof a;
      const same = a.offset === other.offset && sameData(a.type, other.type) && sameData(a.known, other.known);
      return same ? a : undefined;
    }
    case "static":
      return sameStatic(a.value, (b as typeof a).value) ? a : undefined;
    default:
      return a;
  }
}

function sameStatic(a: Value, b: Value): boolean {
  return a === b || (a.k !== "method" && a.k !== "function" && a.k !== "formatted" && sameData(a, b));
}

/** Registers for a shape. `own`: texts and bytes are copied into it, so that it outlives what it was set from. */
export function newCell(p: Program, shape: Shape, own: boolean): Value {
  const b = p.b;
  switch (shape.s) {
    case "int": {
      const [min, max] = own ? rangeOf(shape.kind) : [shape.min, shape.max];
      return {
        k: "int",
        op: b.variable(),
        kind: shape.kind === "either" && own ? "i64" : shape.kind,
        min,
        max,
        pointee: shape.pointee,
        structs: shape.structs,
        names: shape.names,
      };
    }
    case "bool":
    case "float":
    case "stack":
    case "func":
      return { k: shape.s, op: b.variable() };
    case "undefined":
      return UNDEFINED;
    case "maybe":
      return { k: "maybe", present: b.variable(), value: newCell(p, shape.of, own) };
    case "text":
      return { k: "text", text: shape.text };
    case "string":
      return own
        ? { k: "string", base: p.zeroed(roundUp8(shape.cap + 1)), offset: 0, cap: shape.cap, cut: b.variable(), own }
        : { k: "string", base: { reg: b.variable() }, offset: 0, cap: shape.cap, cut: b.variable() };
    case "bytes":
      return own
        ? { k: "bytes", base: p.zeroed(roundUp8(shape.cap)), offset: 0, cap: shape.cap, length: b.variable(), own }
        : { k: "bytes", base: { reg: b.variable() }, offset: 0, cap: shape.cap, length: b.variable() };
    case "record":
      return { k: "record", fields: new Map(shape.fields.map(([name, of]) => [name, newCell(p, of, own)])), tuple: shape.tuple, key: shape.key };
    case "entry":
      return { k: "entry", pointer: b.variable(), offset: 0, schema: shape.schema };
    case "place":
      return { k: "place", address: { k: "int", op: b.variable(), kind: "u64", min: 0n, max: U64_MAX }, type: shape.type, structs: shape.structs };
    case "held": {
      const { type, structs, offset, known } = shape;
      if (!own) return { k: "held", base: { reg: b.variable() }, offset, type, structs, known };
      return { k: "held", base: p.zeroed(heldSize(shape)), offset, type, structs, known, own };
    }
    case "static":
      return shape.value;
  }
}

const roundUp8 = (n: number): number => Math.ceil(n / 8) * 8;
const rangeOf = (kind: Kind): [bigint, bigint] => (kind === "u64" ? [0n, U64_MAX] : [I64_MIN, I64_MAX]);

/** Copies bytes to where `cap` of them fit, with zeros behind. */
export function copyBytes(p: Program, v: BytesValue, to: Base, cap: number): void {
  const words = roundUp8(Math.min(v.cap, cap));
  copyWords(p, v.base, v.offset, to, 0, words);
  for (let i = words; i < roundUp8(cap); i += 8) p.b.store(to, i, 8, 0n);
}

/** Sets a cell's registers from a value that fits its shape. */
export function assignCell(p: Program, cell: Value, v: Value): void {
  const b = p.b;
  const set = (target: unknown, op: number | bigint): void => b.set(target as number, op);
  switch (cell.k) {
    case "maybe":
      if (v.k === "undefined") {
        set(cell.present, 0n);
        if (!isTracked(p, cell.value)) clearCell(p, cell.value);
      } else if (v.k === "maybe") {
        set(cell.present, v.present);
        assignCell(p, cell.value, v.value);
      } else {
        set(cell.present, 1n);
        assignCell(p, cell.value, v);
      }
      return;
    case "int":
    case "bool":
    case "float":
    case "stack":
    case "func":
      if (v.k === cell.k) set(cell.op, v.op);
      return;
    case "string": {
      if (v.k !== "text" && v.k !== "string") return;
      const own = "object" in cell.base;
      if (v.k === "string" && !own && v.cap === cell.cap) set((cell.base as { reg: number }).reg, b.address(v.base, v.offset));
      else if (own) {
        if (v.k === "text") textToMemory(p, v.text, cell.base, 0, cell.cap);
        else copyText(p, v, cell.base, 0, cell.cap);
      } else {
        const base = p.zeroed(roundUp8(cell.cap + 1));
        if (v.k === "text") textToMemory(p, v.text, base, 0, cell.cap);
        else copyText(p, v, base, 0, cell.cap);
        set((cell.base as { reg: number }).reg, b.address(base, 0));
      }
      set(cell.cut, v.k === "string" ? v.cut : 0n);
      return;
    }
    case "bytes": {
      if (v.k !== "bytes") return;
      const own = "object" in cell.base;
      if (!own && v.cap === cell.cap) set((cell.base as { reg: number }).reg, b.address(v.base, v.offset));
      else {
        const base = own ? cell.base : p.zeroed(roundUp8(cell.cap));
        copyBytes(p, v, base, cell.cap);
        if (!own) set((cell.base as { reg: number }).reg, b.address(base, 0));
      }
      set(cell.length, v.length);
      return;
    }
    case "record":
      if (v.k === "record" && v.fields !== cell.fields) for (const [name, field] of cell.fields) assignCell(p, field, v.fields.get(name) as Value);
      return;
    case "entry":
      if (v.k === "entry") set(cell.pointer, v.offset === 0 ? v.pointer : b.binary("add", v.pointer, BigInt(v.offset)));
      return;
    case "place":
      if (v.k === "place") set(cell.address.op, v.address.op);
      return;
    case "held":
      if (v.k !== "held") return;
      if ("object" in cell.base) copyWords(p, v.base, 0, cell.base, 0, heldSize(cell));
      else set(cell.base.reg, b.address(v.base, 0));
      return;
    default:
  }
}

/** Gives every register of a cell something on a way on which it is absent: the kernel wants no register unset. */
function clearCell(p: Program, cell: Value): void {
  const clear = (op: unknown): void => {
    if (typeof op === "number") p.b.set(op, 0n);
  };
  switch (cell.k) {
    case "int":
    case "bool":
    case "float":
    case "stack":
    case "func":
      clear(cell.op);
      break;
    case "maybe":
      clear(cell.present);
      clearCell(p, cell.value);
      break;
    case "string":
      if ("reg" in cell.base) clear(cell.base.reg);
      clear(cell.cut);
      break;
    case "bytes":
      if ("reg" in cell.base) clear(cell.base.reg);
      clear(cell.length);
      break;
    case "record":
      for (const field of cell.fields.values()) clearCell(p, field);
      break;
    case "entry":
      clear(cell.pointer);
      break;
    case "place":
      clear(cell.address.op);
      break;
    case "held":
      if ("reg" in cell.base) clear(cell.base.reg);
      break;
    default:
  }
}

export interface Arm {
  readonly value: Value;
  readonly block: Block;
}

/** Goes on in one block with the value of whichever way was taken. */
export function join(p: Program, arms: readonly Arm[], span: Span): Value {
  const b = p.b;
  const live = arms.filter((arm) => arm.block.end === undefined && arm.block.entries > 0);
  const after = b.block();
  if (live.length === 0) {
    b.enter(after);
    return UNDEFINED;
  }
  let shape = shapeOf((live[0] as Arm).value);
  for (const arm of live.slice(1)) {
    const next = joinShapes(shape, shapeOf(arm.value));
    if (next === "signs") p.fail(problem.mixedKinds(p.place(span), "this"));
    if (next === undefined) p.fail(problem.noJoin(p.place(span), nameOf((live[0] as Arm).value), nameOf(arm.value)));
    shape = next;
  }
  if (live.length === 1) {
    const [only] = live as [Arm];
    b.enter(only.block);
    b.jump(after);
    b.enter(after);
    return only.value;
  }
  const cell = sameObject(p, shape, live) ?? newCell(p, withoutIdentity(p, shape), false);
  for (const arm of live) {
    b.enter(arm.block);
    assignCell(p, cell, arm.value);
    b.jump(after);
  }
  b.enter(after);
  return cell;
}

/** An object whose fields are assigned to stays itself, where it is the same on all ways that have one. */
function sameObject(p: Program, shape: Shape, live: readonly Arm[]): Value | undefined {
  const objects = live.map(({ value }) => (value.k === "maybe" ? value.value : value)).filter((value) => value.k !== "undefined");
  const [first] = objects;
  if (first?.k !== "record" || first.key === undefined || !p.knowledge.assignedObjects.has(first.key)) return undefined;
  if (objects.some((value) => value.k !== "record" || value.fields !== first.fields)) return undefined;
  return shape.s === "maybe" ? { k: "maybe", present: p.b.variable(), value: first } : first;
}

/** A copy can't be assigned to in place of the object that it was made of. */
function withoutIdentity(p: Program, shape: Shape): Shape {
  if (shape.s === "maybe") return { s: "maybe", of: withoutIdentity(p, shape.of) };
  if (shape.s !== "record") return shape;
  const tracked = shape.key !== undefined && p.knowledge.assignedObjects.has(shape.key);
  return { ...shape, key: tracked ? undefined : shape.key, fields: shape.fields.map(([name, of]) => [name, withoutIdentity(p, of)] as const) };
}

/** What is left of `v` where its presence is decided at run time: `inside` runs only if it is there. */
export function whenPresent(p: Program, v: Value, span: Span, inside: (value: Value) => Value): Value {
  if (v.k === "undefined") return UNDEFINED;
  if (v.k !== "maybe") return inside(v);
  const b = p.b;
  const there = b.block();
  const absent = b.block();
  b.branch("ne", v.present, 0n, there, absent);
  b.enter(there);
  const value = inside(v.value);
  const done = b.current;
  return join(
    p,
    [
      { value, block: done },
      { value: UNDEFINED, block: absent },
    ],
    span,
  );
}

/** 1 where both are there; absent as soon as one is known to be. */
export function bothPresent(p: Program, a: Value, c: Value): number | bigint {
  const one = presence(p, a);
  const two = presence(p, c);
  return p.b.binary("and", one, two);
}

/** 1 if it is there, else 0. */
export function presence(p: Program, v: Value): number | bigint {
  if (v.k === "undefined") return 0n;
  if (v.k !== "maybe") return 1n;
  if (v.value.k !== "entry") return v.present;
  const b = p.b;
  const flag = b.variable();
  const yes = b.block();
  const after = b.block();
  b.set(flag, 0n);
  b.branch("ne", v.present, 0n, yes, after);
  b.enter(yes);
  b.set(flag, 1n);
  b.jump(after);
  b.enter(after);
  return flag;
}
