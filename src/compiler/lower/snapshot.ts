/**
 * What a variable, or a field that is assigned to, is worth at the moment it is read: later assignments don't change it.
 * Scalars are copied into a register, texts and bytes into memory of their own; an object whose fields are assigned to
 * is a thing with an identity, and stays itself.
 */
import type { Expr } from "../hir/types.ts";
import type { Operand } from "../mir/types.ts";
import { copyBytes } from "./cells.ts";
import type { Program } from "./program.ts";
import { copyText, copyWords } from "./text.ts";
import { heldSize, type Value } from "./value.ts";

const roundUp8 = (n: number): number => Math.ceil(n / 8) * 8;

export function snapshot(p: Program, v: Value): Value {
  const b = p.b;
  const now = (op: Operand): Operand => (typeof op === "number" && b.fn.variables.has(op) ? b.copy(op) : op);
  switch (v.k) {
    case "int":
    case "bool":
    case "float":
    case "stack":
    case "func":
      return { ...v, op: now(v.op) };
    case "maybe":
      return { ...v, present: now(v.present), value: snapshot(p, v.value) };
    case "string": {
      if (v.own !== true) return v;
      const base = { object: b.object(roundUp8(v.cap + 1)) };
      copyText(p, v, base, 0, v.cap);
      return { k: "string", base, offset: 0, cap: v.cap, cut: now(v.cut) };
    }
    case "bytes": {
      if (v.own !== true) return v;
      const base = { object: b.object(roundUp8(v.cap)) };
      copyBytes(p, v, base, v.cap);
      return { k: "bytes", base, offset: 0, cap: v.cap, length: now(v.length) };
    }
    case "record":
      if (isTracked(p, v)) return v;
      return { ...v, fields: new Map([...v.fields].map(([name, field]) => [name, snapshot(p, field)])) };
    case "entry":
      return { ...v, pointer: now(v.pointer) };
    case "held": {
      if (v.own !== true) return v;
      const base = { object: b.object(heldSize(v)) };
      copyWords(p, v.base, 0, base, 0, heldSize(v));
      const { own: _, ...copy } = v;
      return { ...copy, base };
    }
    case "place":
      return { ...v, address: { ...v.address, op: now(v.address.op) } };
    default:
      return v;
  }
}

/** The handler assigns to fields of this object, or of one inside it. */
export function isTracked(p: Program, v: Value): boolean {
  if (v.k === "maybe") return isTracked(p, v.value);
  if (v.k !== "record") return false;
  return (v.key !== undefined && p.knowledge.assignedObjects.has(v.key)) || [...v.fields.values()].some((field) => isTracked(p, field));
}

/** Is the value of this expression an object that has another name already? */
export function aliases(e: Expr): boolean {
  switch (e.k) {
    case "local":
    case "member":
    case "index":
      return true;
    case "chain":
      return aliases(e.inner);
    case "cast":
    case "default":
      return aliases(e.value);
    case "comma":
      return aliases(e.second);
    case "assign":
      return aliases(e.target);
    case "conditional":
      return aliases(e.then) || aliases(e.else);
    case "logical":
      return aliases(e.left) || aliases(e.right);
    default:
      return false;
  }
}
