/** Assignments and updates: locals, fields of local objects, and fields of entries (atomic where the language says so). */
import type { IntSchema } from "../../schema/types.ts";
import * as problem from "../diagnostics/lowering.ts";
import type { BinaryOp, Expr, Span } from "../hir/types.ts";
import type { AtomicFn } from "../mir/types.ts";
import { binary, integer } from "./arithmetic.ts";
import { assignCell, join, joinShapes, shapeOf, whenPresent } from "./cells.ts";
import { truth } from "./condition.ts";
import { borrow, evaluate, orElse, ownerOf } from "./expression.ts";
import { member } from "./members.ts";
import { storeField } from "./memory-layout.ts";
import type { Program } from "./program.ts";
import { aliases, isTracked } from "./snapshot.ts";
import { constant, type EntryValue, nameOf, ofWidth, type RecordValue, UNDEFINED, type Value } from "./value.ts";

type Assign = Extract<Expr, { k: "assign" }>;
type Update = Extract<Expr, { k: "update" }>;

export function assign(p: Program, e: Assign, unused = false): Value {
  const target = e.target;
  if (e.op === "&&" || e.op === "||" || e.op === "??") return logicalAssign(p, e);
  if (target.k === "local") {
    const value = e.op === "=" ? evaluate(p, e.value) : combine(p, e.op, evaluate(p, target), e);
    p.at(e.span);
    ownable(p, value, e.value, target.name, e.span);
    setLocal(p, target.id, value, e.span);
    return value;
  }
  if (target.k === "member" || target.k === "index") {
    const object = borrow(p, target.object);
    const name = target.k === "member" ? target.name : constantIndex(p, target.index);
    const nameSpan = target.k === "member" ? target.nameSpan : target.span;
    return whenPresent(p, object, e.span, (o) => {
      if (o.k === "entry") return assignEntry(p, o, name, nameSpan, e.op as BinaryOp | "=", e.value, e.span, unused);
      if (o.k === "record") {
        const value = e.op === "=" ? evaluate(p, e.value) : combine(p, e.op as BinaryOp, member(p, o, name, nameSpan), e);
        ownable(p, value, e.value, name, e.span);
        setField(p, o, name, value, e.span);
        return value;
      }
      return refuse(p, o, name, e.span);
    });
  }
  if (target.k === "capture") return p.fail(problem.capturedAssignment(p.place(target.span), p.probe.handler.captures[target.id]?.name ?? "it"));
  return p.fail(problem.notAssignable(p.place(target.span), "this"));
}

function combine(p: Program, op: BinaryOp, before: Value, e: Assign): Value {
  const value = evaluate(p, e.value);
  p.at(e.span);
  return binary(p, op, before, value, e.span, [e.target.span, e.value.span]);
}

function logicalAssign(p: Program, e: Assign): Value {
  const b = p.b;
  const before = evaluate(p, e.target);
  if (e.op === "??") {
    if (before.k !== "maybe" && before.k !== "undefined") return before;
    const set = (): Value => assign(p, { ...e, op: "=" });
    return before.k === "undefined" ? set() : orElse(p, before, set, e.span);
  }
  const run = b.block();
  const skip = b.block();
  if (e.op === "&&") truth(p, before, e.target.span, run, skip);
  else truth(p, before, e.target.span, skip, run);
  b.enter(run);
  const value = b.dead ? UNDEFINED : assign(p, { ...e, op: "=" });
  return join(
    p,
    [
      { value: before, block: skip },
      { value, block: b.current },
    ],
    e.span,
  );
}

export function update(p: Program, e: Update, valueUsed: boolean): Value {
  const op: BinaryOp = e.op === "++" ? "+" : "-";
  const target = e.target;
  if (target.k === "local") {
    const before = evaluate(p, target);
    const after = binary(p, op, before, constant(1n), e.span, [target.span, target.span]);
    setLocal(p, target.id, after, e.span);
    return e.prefix ? after : before;
  }
  if (target.k === "member" || target.k === "index") {
    const object = borrow(p, target.object);
    const name = target.k === "member" ? target.name : constantIndex(p, target.index);
    const nameSpan = target.k === "member" ? target.nameSpan : target.span;
    return whenPresent(p, object, e.span, (o) => {
      if (o.k === "entry") {
        const field = fieldOf(p, o, name, nameSpan);
        const atomic = atomicField(field.schema);
        if (atomic) {
          if (!valueUsed) {
            p.b.atomic("add", { reg: o.pointer as number }, o.offset + field.offset, atomic.size, op === "+" ? 1n : -1n);
            return UNDEFINED;
          }
          const old = read(atomic.schema, p.b.fetch("add", { reg: o.pointer as number }, o.offset + field.offset, atomic.size, op === "+" ? 1n : -1n), p);
          return e.prefix ? binary(p, op, old, constant(1n), e.span, [e.span, e.span]) : old;
        }
      }
      if (o.k !== "entry" && o.k !== "record") return refuse(p, o, name, e.span);
      const before = member(p, o, name, nameSpan);
      const after = binary(p, op, before, constant(1n), e.span, [target.span, target.span]);
      if (o.k === "entry") {
        const field = fieldOf(p, o, name, nameSpan);
        storeField(p, { reg: o.pointer as number }, o.offset + field.offset, field.schema, after, e.span);
      } else setField(p, o, name, after, e.span);
      return e.prefix ? after : before;
    });
  }
  if (target.k === "capture") return p.fail(problem.capturedAssignment(p.place(target.span), p.probe.handler.captures[target.id]?.name ?? "it"));
  return p.fail(problem.notAssignable(p.place(target.span), "this"));
}

/** The value that a 4-byte atomic gives back has no upper half; one of a signed field is widened by its sign. */
function read(schema: IntSchema, reg: number, p: Program): Value {
  if (schema.size === 8) return ofWidth(reg, 8, schema.signed);
  return ofWidth(p.b.extend(reg, 32, schema.signed), 4, schema.signed);
}

const atomicField = (schema: { kind: string }): { schema: IntSchema; size: 4 | 8 } | undefined => {
  const int = schema as IntSchema;
  return schema.kind === "int" && (int.size === 4 || int.size === 8) ? { schema: int, size: int.size } : undefined;
};

/** A field that is written to. */
function fieldOf(p: Program, entry: EntryValue, name: string, span: Span) {
  if (entry.carried === true) p.warn(problem.carriedWrite(p.place(span)));
  const field = entry.schema.fields.find((f) => f.name === name);
  if (!field)
    return p.fail(
      problem.noMember(
        p.place(span),
        "the entry",
        name,
        entry.schema.fields.map((f) => f.name),
      ),
    );
  return field;
}

function assignEntry(p: Program, o: EntryValue, name: string, nameSpan: Span, op: BinaryOp | "=", valueExpr: Expr, span: Span, unused: boolean): Value {
  const b = p.b;
  const field = fieldOf(p, o, name, nameSpan);
  const base = { reg: o.pointer as number };
  const offset = o.offset + field.offset;
  if (op === "=") {
    const value = evaluate(p, valueExpr);
    p.at(span);
    storeField(p, base, offset, field.schema, value, span);
    return value;
  }
  const atomic = atomicField(field.schema);
  const fns: { readonly [op: string]: AtomicFn } = { "+": "add", "-": "add", "|": "or", "&": "and", "^": "xor" };
  const fn = fns[op];
  if (atomic && fn) {
    const value = evaluate(p, valueExpr);
    p.at(span);
    return whenPresentSink(p, value, span, (v) => {
      const n = integer(p, v, valueExpr.span);
      const amount = op === "-" ? b.binary("sub", 0n, n.op) : n.op;
      if (unused) {
        b.atomic(fn, base, offset, atomic.size, amount);
        return UNDEFINED;
      }
      const old = read(atomic.schema, b.fetch(fn, base, offset, atomic.size, amount), p);
      return binary(p, op, old, n, span, [nameSpan, valueExpr.span]);
    });
  }
  const before = member(p, o, name, nameSpan);
  const value = evaluate(p, valueExpr);
  const after = binary(p, op, before, value, span, [nameSpan, valueExpr.span]);
  storeField(p, base, offset, field.schema, after, span);
  return after;
}

/** A sink: given what is absent it does nothing, and the miss is counted. */
export function whenPresentSink(p: Program, v: Value, span: Span, inside: (v: Value) => Value): Value {
  if (v.k === "undefined") {
    p.warn(problem.undefinedSink(p.place(span)));
    p.countMiss(span);
    return UNDEFINED;
  }
  if (v.k !== "maybe") return inside(v);
  const b = p.b;
  const there = b.block();
  const absent = b.block();
  b.branch("ne", v.present, 0n, there, absent);
  b.enter(absent);
  p.countMiss(span);
  const absentEnd = b.current;
  b.enter(there);
  const value = inside(v.value);
  return join(
    p,
    [
      { value, block: b.current },
      { value: UNDEFINED, block: absentEnd },
    ],
    span,
  );
}

/** A place that is assigned to holds its own copy of an object: it can't stand for one that is assigned to by another name. */
export function ownable(p: Program, value: Value, e: Expr, name: string, span: Span): void {
  if (isTracked(p, value) && aliases(e))
    p.fail(
      problem.notSupported(p.place(span), `\`${name}\`, which changes and stands for an object whose fields change,`, "Give the object one name, by const."),
    );
}

/** Sets a local; if its registers don't fit the value, the program is lowered again with wider ones. */
export function setLocal(p: Program, id: number, value: Value, span: Span): void {
  const { frame, id: own } = ownerOf(p, p.frame, id);
  const cell = frame.locals.get(own);
  if (cell) setCell(p, `${frame.key}:${own}`, cell, value, span, frame.hir.locals[own]?.name ?? "it");
}

function setCell(p: Program, key: string, cell: Value, value: Value, span: Span, name: string): void {
  const shape = p.knowledge.shapes.get(key) ?? shapeOf(cell);
  const joined = joinShapes(shape, shapeOf(value));
  if (joined === "signs") p.fail(problem.mixedKinds(p.place(span), `\`${name}\``));
  if (joined === undefined) p.fail(problem.noJoin(p.place(span), nameOf(cell), nameOf(value)));
  if (sizeKey(joined) !== sizeKey(shape)) {
    p.knowledge.shapes.set(key, joined);
    p.restart();
  }
  assignCell(p, cell, value);
}

/** What decides about a cell's registers: ranges don't. */
const sizeKey = (shape: unknown): string =>
  JSON.stringify(shape, (key, value) => (key === "min" || key === "max" || key === "key" ? undefined : typeof value === "bigint" ? `${value}n` : value));

function setField(p: Program, o: RecordValue, name: string, value: Value, span: Span): void {
  const cell = o.fields.get(name);
  if (!cell) p.fail(problem.noMember(p.place(span), "the object", name, [...o.fields.keys()]));
  if (o.key === undefined) p.fail(problem.notAssignable(p.place(span), "a field of an object that was made on several ways"));
  if (!p.knowledge.assignedObjects.has(o.key as string)) {
    p.knowledge.assignedObjects.add(o.key as string);
    p.restart();
  }
  setCell(p, `${o.key}.${name}`, cell as Value, value, span, name);
}

function refuse(p: Program, o: Value, name: string, span: Span): never {
  if (o.k === "context" || o.k === "args" || o.k === "regs") return p.fail(problem.contextAssigned(p.place(span), name));
  if (o.k === "constant" || o.k === "state") return p.fail(problem.capturedAssignment(p.place(span), name));
  return p.fail(problem.notAssignable(p.place(span), `\`${name}\` of ${nameOf(o)}`));
}

function constantIndex(p: Program, e: Expr): string {
  const v = evaluate(p, e);
  if (v.k === "text") return v.text;
  if (v.k === "int" && typeof v.op === "bigint") return v.min.toString();
  return p.fail(problem.notConstant(p.place(e.span), "the index of an assignment"));
}
