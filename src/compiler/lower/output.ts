/** What a handler sends to the host, as records of the ring: prints, events, requests. */
import { bool as boolSchema, bytes as bytesSchema, cstring, f64, func, ints, stack, struct } from "../../schema/layout.ts";
import type { Schema, StructSchema } from "../../schema/types.ts";
import * as problem from "../diagnostics/lowering.ts";
import { wholeStructure } from "../diagnostics/typed.ts";
import type { Expr, Span } from "../hir/types.ts";
import type { PrintPart } from "../image.ts";
import type { Base } from "../mir/types.ts";
import { presence } from "./cells.ts";
import { borrow, evaluate } from "./expression.ts";
import { member } from "./members.ts";
import { presences, storeField } from "./memory-layout.ts";
import type { Program } from "./program.ts";
import { fieldsOfStructure } from "./typed.ts";
import { bool, type IntValue, isConstant, nameOf, numberOf, UNDEFINED, type Value } from "./value.ts";
import { quiet } from "./walk.ts";

/** BPF_RB_NO_WAKEUP: the reader looks by itself. */
const QUIET = 1n;
/** BPF_RB_FORCE_WAKEUP: a request is to be seen at once. */
export const WAKE = 2n;
/** A record begins with its format and an unused word. */
const RECORD_HEAD = 8;

/** Reserves a record and fills it; what doesn't fit is counted as lost. */
export function record(p: Program, format: number, bytes: number, fill: (base: Base, offset: number) => void, flags = QUIET): void {
  const b = p.b;
  const ring = p.session.ringMap();
  const pointer = b.call("ringbuf_reserve", [{ map: ring }, BigInt(RECORD_HEAD + bytes), 0n]);
  const there = b.block();
  const lost = b.block();
  const after = b.block();
  b.branch("ne", pointer, 0n, there, lost);
  b.enter(lost);
  p.count(p.session.counter({ kind: "lost", probe: p.probeIndex }));
  b.jump(after);
  b.enter(there);
  b.store({ reg: pointer }, 0, 8, BigInt(format));
  fill({ reg: pointer }, RECORD_HEAD);
  b.call("ringbuf_submit", [pointer, flags]);
  b.jump(after);
  b.enter(after);
}

export function emitEvent(p: Program, state: number, schema: StructSchema, e: Expr, span: Span): Value {
  const b = p.b;
  const value = borrow(p, e);
  if (value.k === "unknown") return UNDEFINED;
  const place = p.session.places[state];
  const format = place?.in === "ring" ? place.format : 0;
  const absent = b.block();
  const after = b.block();
  for (const present of presences(value)) {
    const there = b.block();
    b.branch("ne", present, 0n, there, absent);
    b.enter(there);
  }
  if (!b.dead) {
    p.at(span);
    record(p, format, schema.size, (base) => storeField(p, base, RECORD_HEAD, schema, value, e.span));
  }
  b.jump(after);
  b.enter(absent);
  if (!b.dead) p.countMiss(span);
  b.jump(after);
  b.enter(after);
  return UNDEFINED;
}

/** `` print`…` ``. */
export function tagged(p: Program, e: Extract<Expr, { k: "tagged" }>): Value {
  if (e.tag.k !== "builtin" || e.tag.name !== "print")
    return p.fail(problem.notSupported(p.place(e.span), "this template", "Only print`…` takes a template in a handler."));
  const parts: PrintPart[] = [];
  const fields: [string, Schema][] = [];
  const values: { name: string; value: Value; present: number | bigint; span: Span }[] = [];
  const text = (t: string): void => {
    const last = parts[parts.length - 1];
    if (last?.kind === "text") parts[parts.length - 1] = { kind: "text", text: last.text + t };
    else if (t !== "") parts.push({ kind: "text", text: t });
  };
  text(e.texts[0] ?? "");
  for (const [i, inner] of e.values.entries()) {
    const got = e.values.slice(i + 1).every(quiet) ? borrow(p, inner) : evaluate(p, inner);
    const { value, as } = got.k === "formatted" ? { value: got.value, as: got.as } : { value: got, as: "plain" as const };
    const bare = value.k === "maybe" ? value.value : value;
    if (value.k === "undefined") text("<unreadable>");
    else if (bare.k === "text") text(bare.text);
    else if (as === "plain" && isConstant(bare) && value.k !== "maybe") text(numberOf(bare).toString());
    else if (bare.k === "bool" && typeof bare.op === "bigint" && value.k !== "maybe") text(bare.op === 0n ? "false" : "true");
    else if (bare.k !== "unknown") {
      const name = `v${fields.length}`;
      fields.push([name, printable(p, bare, inner.span)]);
      if (value.k === "maybe") fields.push([`${name}?`, boolSchema]);
      if (as === "sym") {
        fields.push([`${name}@pid`, ints.u32]);
        values.push({ name: `${name}@pid`, value: member(p, { k: "context", phase: p.phase }, "pid", inner.span), present: 1n, span: inner.span });
      }
      values.push({ name, value, present: presence(p, value), span: inner.span });
      const names = as === "plain" && bare.k === "int" && bare.names !== undefined ? { names: namesByValue(bare.names) } : {};
      parts.push({ kind: "value", field: name, as, optional: value.k === "maybe", ...names });
    }
    text(e.texts[i + 1] ?? "");
  }
  p.at(e.span);
  const schema = struct(fields);
  const format = p.session.format({ kind: "print", schema, parts });
  record(p, format, schema.size, (base) => {
    for (const { name, value, present, span } of values) {
      const field = schema.fields.find((f) => f.name === name) as StructSchema["fields"][number];
      const flag = schema.fields.find((f) => f.name === `${name}?`);
      if (!flag) {
        storeField(p, base, RECORD_HEAD + field.offset, field.schema, value, span);
        continue;
      }
      const b = p.b;
      const there = b.block();
      const after = b.block();
      b.store(base, RECORD_HEAD + flag.offset, 1, 0n);
      b.branch("ne", present, 0n, there, after);
      b.enter(there);
      storeField(p, base, RECORD_HEAD + flag.offset, boolSchema, bool(1n), span);
      storeField(p, base, RECORD_HEAD + field.offset, field.schema, value, span);
      b.jump(after);
      b.enter(after);
    }
  });
  return UNDEFINED;
}

/** Of several enumerators with one value the first gives its name. */
const namesByValue = (names: NonNullable<IntValue["names"]>): { readonly [value: string]: string } =>
  Object.fromEntries([...names].reverse().map(([name, value]) => [String(value), name]));

/** The schema in which a printed value travels. */
function printable(p: Program, v: Value, span: Span): Schema {
  switch (v.k) {
    case "int":
      return v.kind === "u64" ? ints.u64 : ints.i64;
    case "place":
    case "held":
      if (v.k === "place" && v.type.k === "array") return ints.u64;
      return p.fail(wholeStructure(p.place(span), "printed", fieldsOfStructure(v)));
    case "bool":
      return boolSchema;
    case "string":
      return cstring(v.cap);
    case "bytes":
      return bytesSchema(v.cap);
    case "float":
      return f64;
    case "stack":
      return stack;
    case "func":
      return func;
    default:
      return p.fail(problem.notPrintable(p.place(span), nameOf(v)));
  }
}

/** `hex(x)`, `duration(x)`, `sym(x)`. */
export function formatted(p: Program, as: "hex" | "duration" | "sym", value: Value, span: Span): Value {
  const bare = value.k === "maybe" ? value.value : value;
  if (bare.k !== "int" && bare.k !== "undefined" && bare.k !== "unknown" && !(as === "hex" && bare.k === "bytes") && bare.k !== "place")
    p.fail(problem.wrongValue(p.place(span), "an integer", nameOf(bare)));
  return { k: "formatted", as, value };
}

/** `exit`, `clear`, `show`, `probe.detach()`: carried out by the host, in order with prints and events. */
export function request(p: Program, name: "exit" | "clear" | "show", args: readonly Expr[], span: Span): Value {
  const b = p.b;
  const states = (es: readonly Expr[]): number[] =>
    es.map((e) => {
      const v = evaluate(p, e);
      if (v.k === "unknown") return 0;
      return v.k === "state" ? v.state : p.fail(problem.wrongValue(p.place(e.span), "a map or an aggregate", nameOf(v)));
    });
  if (name === "exit") {
    const schema = struct([["status", ints.i64]]);
    const status = args[0] ? evaluate(p, args[0]) : undefined;
    p.at(span);
    record(
      p,
      p.session.format({ kind: "exit", schema }),
      schema.size,
      (base) => {
        if (status) storeField(p, base, RECORD_HEAD, ints.i64, status, span);
        else b.store(base, RECORD_HEAD, 8, 0n);
      },
      WAKE,
    );
    b.store({ reg: b.mapValue(p.session.sharedMap, 0) }, 0, 8, 1n);
    return UNDEFINED;
  }
  if (name === "clear") {
    record(p, p.session.format({ kind: "clear", states: states(args) }), 0, () => {}, WAKE);
    return UNDEFINED;
  }
  const [state] = states(args.slice(0, 1));
  if (state === undefined) return p.fail(problem.wrongValue(p.place(span), "a map or an aggregate", "nothing"));
  const options = args[1] ? evaluate(p, args[1]) : undefined;
  const top = options?.k === "record" ? options.fields.get("top") : undefined;
  if (top && !isConstant(top)) p.fail(problem.notConstant(p.place(span), "`top`"));
  record(p, p.session.format({ kind: "show", state, top: top && isConstant(top) ? Number(numberOf(top)) : undefined }), 0, () => {}, WAKE);
  return UNDEFINED;
}

export function detachRequest(p: Program, probe: number): Value {
  record(p, p.session.format({ kind: "detach", probe }), 0, () => {}, WAKE);
  return UNDEFINED;
}
