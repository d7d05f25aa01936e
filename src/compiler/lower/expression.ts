/** Expressions: one case for each kind of node; what they do lives beside. */
import { SondeBug } from "../../errors/error.ts";
import type { CType } from "../../schema/ctypes.ts";
import { ints } from "../../schema/layout.ts";
import * as problem from "../diagnostics/lowering.ts";
import { unknownPointee } from "../diagnostics/typed.ts";
import type { Expr, Span } from "../hir/types.ts";
import { binary, unary } from "./arithmetic.ts";
import { assign, update } from "./assignment.ts";
import { call } from "./calls.ts";
import { captured, fromCapture } from "./captured.ts";
import { assignCell, join, joinShapes, newCell, shapeOf, whenPresent } from "./cells.ts";
import { condition, conditionValue, narrowed, truth } from "./condition.ts";
import { element, member } from "./members.ts";
import { tagged } from "./output.ts";
import type { Frame, Program } from "./program.ts";
import { snapshot } from "./snapshot.ts";
import { bool, constant, I64_MIN, isConstant, nameOf, numberOf, type Structs, U64_MAX, UNDEFINED, type Value } from "./value.ts";

export function evaluate(p: Program, e: Expr): Value {
  p.at(e.span);
  const b = p.b;
  switch (e.k) {
    case "int": {
      const value = BigInt(e.value);
      if (value > U64_MAX || value < I64_MIN) p.fail(problem.integerTooLarge(p.place(e.span), e.value));
      return constant(value);
    }
    case "bigint": {
      const value = BigInt(e.value);
      if (value > U64_MAX || value < I64_MIN) p.fail(problem.integerTooLarge(p.place(e.span), `${e.value}n`));
      return { ...constant(value), big: true };
    }
    case "float":
      return p.fail(problem.floatOperand(p.place(e.span), e.text));
    case "bool":
      return bool(e.value ? 1n : 0n);
    case "string":
      return { k: "text", text: e.value };
    case "undefined":
      return UNDEFINED;
    case "local":
      return local(p, e.id, e.name);
    case "capture":
      return captured(p, e.id, e.span);
    case "builtin":
      return { k: "builtin", name: e.name };
    case "function":
      return functionValue(p, e.id);
    case "unary":
      if (e.op === "!") return conditionValue(p, e);
      return negated(p, e);
    case "binary": {
      if (["<", "<=", ">", ">=", "===", "!=="].includes(e.op)) return conditionValue(p, e);
      const left = evaluate(p, e.left);
      const right = evaluate(p, e.right);
      p.at(e.span);
      if (e.left.k === "bigint" || e.right.k === "bigint") p.fail(problem.bigintArithmetic(p.place(e.span)));
      return binary(p, e.op, left, right, e.span, [e.left.span, e.right.span]);
    }
    case "logical":
      return logical(p, e);
    case "conditional": {
      const yes = b.block();
      const no = b.block();
      condition(p, e.test, yes, no);
      b.enter(yes);
      const one = b.dead ? UNDEFINED : narrowed(p, e.test, true, () => evaluate(p, e.then));
      const oneBlock = b.current;
      b.enter(no);
      const two = b.dead ? UNDEFINED : narrowed(p, e.test, false, () => evaluate(p, e.else));
      return join(
        p,
        [
          { value: one, block: oneBlock },
          { value: two, block: b.current },
        ],
        e.span,
      );
    }
    case "assign":
      return assign(p, e);
    case "update":
      return update(p, e, true);
    case "member": {
      const object = borrow(p, e.object);
      p.at(e.span);
      return whenPresent(p, object, e.span, (o) => member(p, o, e.name, e.nameSpan));
    }
    case "index": {
      const object = evaluate(p, e.object);
      return whenPresent(p, object, e.span, (o) => element(p, o, e.index, e.span));
    }
    case "call":
      return call(p, e);
    case "chain":
      return evaluate(p, e.inner);
    case "object": {
      const fields = new Map<string, Value>();
      for (const { name, value } of e.properties) fields.set(name, evaluate(p, value));
      return record(p, fields, false, `${p.frame.key}@${e.span[0]}`);
    }
    case "spread": {
      const base = evaluate(p, e.base);
      const over = evaluate(p, e.over);
      if (base.k === "undefined") return over;
      const fields = new Map<string, Value>();
      for (const [name, value] of [...fieldsOf(p, base, e.base), ...fieldsOf(p, over, e.over)]) fields.set(name, snapshot(p, value));
      return record(p, fields, false, `${p.frame.key}@${e.span[0]}`);
    }
    case "array":
      return record(p, new Map(e.items.map((item, i) => [String(i), evaluate(p, item)])), true, `${p.frame.key}@${e.span[0]}`);
    case "tagged":
      return tagged(p, e);
    case "template":
      return template(p, e);
    case "comma":
      discard(p, e.first);
      return evaluate(p, e.second);
    case "default": {
      const value = evaluate(p, e.value);
      if (value.k === "undefined") return evaluate(p, e.otherwise);
      if (value.k !== "maybe") return value;
      return orElse(p, value, () => evaluate(p, e.otherwise), e.span);
    }
    case "void":
      discard(p, e.operand);
      return UNDEFINED;
    case "cast":
      return pointing(p, evaluate(p, e.value), e.type, e.span);
  }
}

/** As `evaluate`, for a value that is used up before anything else runs: a variable's text needn't be copied for it. */
export function borrow(p: Program, e: Expr): Value {
  if (e.k !== "local") return evaluate(p, e);
  p.at(e.span);
  return local(p, e.id, e.name, true);
}

/** For what it does; its value is thrown away. */
export function discard(p: Program, e: Expr): void {
  const b = p.b;
  if (b.dead) return;
  switch (e.k) {
    case "logical": {
      if (e.op === "??") break;
      const right = b.block();
      const after = b.block();
      if (e.op === "&&") condition(p, e.left, right, after);
      else condition(p, e.left, after, right);
      b.enter(right);
      narrowed(p, e.left, e.op === "&&", () => discard(p, e.right));
      b.jump(after);
      b.enter(after);
      return;
    }
    case "conditional": {
      const yes = b.block();
      const no = b.block();
      const after = b.block();
      condition(p, e.test, yes, no);
      b.enter(yes);
      narrowed(p, e.test, true, () => discard(p, e.then));
      b.jump(after);
      b.enter(no);
      narrowed(p, e.test, false, () => discard(p, e.else));
      b.jump(after);
      b.enter(after);
      return;
    }
    case "comma":
      discard(p, e.first);
      discard(p, e.second);
      return;
    case "void":
      discard(p, e.operand);
      return;
    case "update":
      update(p, e, false);
      return;
    case "assign":
      assign(p, e, true);
      return;
    case "chain":
      discard(p, e.inner);
      return;
    default:
  }
  evaluate(p, e);
}

/** A plain object; if the handler assigns to its fields, they are registers of their own. */
export function record(p: Program, fields: Map<string, Value>, tuple: boolean, key: string): Value {
  if (!p.knowledge.assignedObjects.has(key)) return { k: "record", fields, tuple, key };
  const cells = new Map<string, Value>();
  for (const [name, value] of fields) cells.set(name, cellFor(p, `${key}.${name}`, value));
  return { k: "record", fields: cells, tuple, key };
}

/** Registers for a place that is assigned to more than once, set to its first value. */
export function cellFor(p: Program, key: string, initial: Value): Value {
  const shape = p.knowledge.shapes.get(key) ?? shapeOf(initial);
  const joined = joinShapes(shape, shapeOf(initial));
  const fit = joined === undefined || joined === "signs" ? shape : joined;
  p.knowledge.shapes.set(key, fit);
  const cell = newCell(p, fit, true);
  assignCell(p, cell, initial);
  return cell;
}

function fieldsOf(p: Program, v: Value, e: Expr): Iterable<[string, Value]> {
  if (v.k === "record") return v.fields;
  if (v.k === "entry") return v.schema.fields.map((f): [string, Value] => [f.name, member(p, v, f.name, e.span)]);
  if (v.k === "constant" && v.value.kind === "object")
    return Object.entries(v.value.properties).map(([name, c]): [string, Value] => [name, fromCapture(p, c, name, e.span)]);
  return p.fail(problem.notSupported(p.place(e.span), `spreading ${nameOf(v)}`, "Name its fields one by one."));
}

function local(p: Program, id: number, name: string, borrowed = false): Value {
  const owner = ownerOf(p, p.frame, id);
  const found = owner.frame.locals.get(owner.id);
  if (!found) throw new SondeBug(`the local \`${name}\` has no value`);
  const mutable = owner.frame.hir.locals[owner.id]?.mutable ?? true;
  return mutable && !borrowed ? snapshot(p, found) : found;
}

/** Whose local it is: a function literal's own, or one of a function that is running around it. */
export function ownerOf(p: Program, frame: Frame, id: number): { readonly frame: Frame; readonly id: number } {
  const outer = frame.hir.outer?.find((o) => o.local === id);
  if (!outer) return { frame, id };
  const hir = p.probe.handler.functions[outer.function];
  for (let f = frame.scope; f; f = f.scope) if (f.hir === hir) return ownerOf(p, f, outer.outer);
  throw new SondeBug("a function literal runs outside of the function that holds it");
}

/** The same address, to another type. */
function pointing(p: Program, v: Value, type: string, span: Span): Value {
  if (v.k === "maybe") return { ...v, value: pointing(p, v.value, type, span) };
  const address = v.k === "place" ? v.address : v;
  if (address.k !== "int") return v;
  return { ...address, names: undefined, kind: "u64", min: 0n, max: U64_MAX, ...pointeeOf(p, type, span) };
}

/** An integer or the like, or a structure that the function's own types lead to. */
function pointeeOf(p: Program, type: string, span: Span): { readonly pointee: CType | undefined; readonly structs: Structs } {
  const structs = p.probe.signature?.structs ?? {};
  const name = type.replace(/^\*+/, "");
  let pointee: CType | undefined;
  if (name in ints) pointee = { k: "int", name: name as keyof typeof ints };
  else if (name === "f64") pointee = { k: "float", size: 8 };
  else if (name === "bool" || name === "boolean") pointee = { k: "bool" };
  else if (Object.hasOwn(structs, name)) pointee = { k: "struct", name };
  else if (name !== "unknown" && name !== "any" && name !== "void") p.fail(unknownPointee(p.place(span), name, Object.keys(structs)));
  for (let i = name.length; i < type.length; i++) pointee = { k: "pointer", to: pointee };
  return { pointee, structs };
}

function functionValue(p: Program, id: number): Value {
  const hir = p.probe.handler.functions[id];
  if (!hir) throw new SondeBug(`no function ${id}`);
  return { k: "function", fn: hir, id, scope: p.frame };
}

function negated(p: Program, e: Extract<Expr, { k: "unary" }>): Value {
  if (e.op === "!") return conditionValue(p, e);
  if (e.op === "-" && e.operand.k === "bigint") {
    const value = -BigInt(e.operand.value);
    if (value < I64_MIN) p.fail(problem.integerTooLarge(p.place(e.span), `${value}n`));
    return { ...constant(value), big: true };
  }
  if (e.op === "-" && e.operand.k === "float") p.fail(problem.floatOperand(p.place(e.span), `-${e.operand.text}`));
  const value = evaluate(p, e.operand);
  p.at(e.span);
  return unary(p, e.op, value, e.operand.span);
}

/** `v ?? otherwise()`. */
export function orElse(p: Program, v: Extract<Value, { k: "maybe" }>, otherwise: () => Value, span: Expr["span"]): Value {
  const b = p.b;
  const there = b.block();
  const absent = b.block();
  b.branch("ne", v.present, 0n, there, absent);
  b.enter(absent);
  const other = otherwise();
  const otherBlock = b.current;
  return join(
    p,
    [
      { value: v.value, block: there },
      { value: other, block: otherBlock },
    ],
    span,
  );
}

function logical(p: Program, e: Extract<Expr, { k: "logical" }>): Value {
  const b = p.b;
  if (e.op === "??") {
    const left = evaluate(p, e.left);
    if (left.k === "undefined") return evaluate(p, e.right);
    if (left.k !== "maybe") return left;
    return orElse(p, left, () => evaluate(p, e.right), e.span);
  }
  const left = evaluate(p, e.left);
  // Two booleans, or a value that isn't wanted where the left decides: the left side's own value is the result there.
  const right = b.block();
  const short = b.block();
  if (e.op === "&&") truth(p, left, e.left.span, right, short);
  else truth(p, left, e.left.span, short, right);
  b.enter(right);
  const value = b.dead ? UNDEFINED : narrowed(p, e.left, e.op === "&&", () => evaluate(p, e.right));
  const rightBlock = b.current;
  const kept = e.op === "&&" ? whenFalse(left) : whenTrue(left);
  return join(
    p,
    [
      { value: kept, block: short },
      { value, block: rightBlock },
    ],
    e.span,
  );
}

/** What a value is where it is false: the one falsy value of its kind, so that more kinds can meet. */
function whenFalse(v: Value): Value {
  if (v.k === "bool") return bool(0n);
  if (v.k === "int") return { ...constant(0n), pointee: v.pointee, structs: v.structs };
  if (v.k === "maybe" && (v.value.k === "entry" || v.value.k === "record" || v.value.k === "bytes")) return UNDEFINED;
  return v;
}
function whenTrue(v: Value): Value {
  if (v.k === "bool") return bool(1n);
  if (v.k === "maybe") return v.value;
  return v;
}

/** An untagged template: text, if all of it is constant. */
function template(p: Program, e: Extract<Expr, { k: "template" }>): Value {
  let text = e.texts[0] ?? "";
  for (const [i, inner] of e.values.entries()) {
    const v = evaluate(p, inner);
    if (v.k === "text") text += v.text;
    else if (isConstant(v)) text += numberOf(v).toString();
    else if (v.k === "bool" && typeof v.op === "bigint") text += v.op === 0n ? "false" : "true";
    else p.fail(problem.textConcatenation(p.place(e.span)));
    text += e.texts[i + 1] ?? "";
  }
  return { k: "text", text };
}
