/** Methods of maps, aggregates, arrays, variables and events in a handler. */

import { UpdateFlag } from "../../bpf/helpers.ts";
import { stack as stackSchema } from "../../schema/layout.ts";
import { isAggregate, type Schema, type StateSpec } from "../../schema/types.ts";
import * as problem from "../diagnostics/lowering.ts";
import type { Expr, Span } from "../hir/types.ts";
import type { Base, Operand } from "../mir/types.ts";
import { addTo } from "./aggregates.ts";
import { integer } from "./arithmetic.ts";
import { whenPresentSink } from "./assignment.ts";
import { borrow, evaluate } from "./expression.ts";
import { copyStructWords, loadAt, loadSchema, presences, storeField } from "./memory-layout.ts";
import { emitEvent } from "./output.ts";
import type { Program } from "./program.ts";
import { aggregateWords } from "./sizes.ts";
import { bool, constant, isConstant, maybe, numberOf, UNDEFINED, type Value } from "./value.ts";

const roundUp8 = (n: number): number => Math.ceil(n / 8) * 8;
const hostMethods = new Set(["read", "entries", "clear", "on"]);

type State = Extract<Value, { k: "state" }>;

export function stateMethod(p: Program, o: State, name: string, args: readonly Expr[], span: Span): Value {
  const { spec, name: stateName } = p.state(o.state);
  if (hostMethods.has(name)) p.fail(problem.hostMethod(p.place(span), name, describe(spec)));
  const none = (): never => p.fail(problem.noMember(p.place(span), describe(spec), name, methodsOf(spec)));
  switch (spec.kind) {
    case "aggregate":
      if (name !== "add") return none();
      if (spec.aggregate.kind === "stacks") return addStack(p, o.state, args, span);
      return addAll(p, spec.aggregate, args, span, (value) => {
        const place = p.session.places[o.state];
        addTo(p, spec.aggregate, { reg: p.cpu }, place?.in === "cpuRegion" ? place.offset : 0, value, args[0]?.span ?? span);
      });
    case "variable":
      return variable(p, o.state, spec.schema, name, args, span) ?? none();
    case "events":
      if (name !== "emit") return none();
      return emitEvent(p, o.state, spec.schema, argument(p, args, 0, span), span);
    case "hash":
      return hash(p, o, spec, stateName, name, args, span) ?? none();
    case "array":
      return array(p, o, spec, name, args, span) ?? none();
  }
}

const describe = (spec: StateSpec): string =>
  spec.kind === "aggregate"
    ? `a ${spec.aggregate.kind}()`
    : spec.kind === "events"
      ? "events()"
      : spec.kind === "variable"
        ? "a variable"
        : `${spec.kind === "hash" ? "a hash" : "an array"} of ${isAggregate(spec.value) ? `${spec.value.kind}()` : "values"}`;

function methodsOf(spec: StateSpec): string[] {
  switch (spec.kind) {
    case "aggregate":
      return ["add"];
    case "variable":
      return ["get", "set"];
    case "events":
      return ["emit"];
    case "hash":
      return isAggregate(spec.value) ? ["at"] : ["get", "getOrInsert", "set", "has", "delete"];
    case "array":
      return isAggregate(spec.value) ? ["at", "length"] : ["get", "set", "length"];
  }
}

function argument(p: Program, args: readonly Expr[], i: number, span: Span): Expr {
  return args[i] ?? p.fail(problem.wrongValue(p.place(span), "another argument", "nothing"));
}

/** The one value that an aggregate is given; absent, nothing is added. */
function addAll(p: Program, spec: { readonly kind: string }, args: readonly Expr[], span: Span, add: (value: Value | undefined) => void): Value {
  if (spec.kind === "count") {
    if (args.length > 0) p.fail(problem.wrongValue(p.place((args[0] as Expr).span), "no amount (a count has none; sum() has)", "one"));
    add(undefined);
    return UNDEFINED;
  }
  const value = evaluate(p, argument(p, args, 0, span));
  if (value.k === "unknown") return UNDEFINED;
  return whenPresentSink(p, value, span, (v) => {
    add(v);
    return UNDEFINED;
  });
}

/** The key in memory, and whether all of it is there. */
function key(p: Program, schema: Schema, e: Expr): { base: Base; present: Operand } {
  const b = p.b;
  const value = borrow(p, e);
  if (value.k === "unknown") return { base: p.zeroed(roundUp8(schema.size)), present: 1n };
  const base: Base = { object: b.object(roundUp8(schema.size)) };
  const all = presences(value);
  if (all.some((x) => x === 0n)) {
    p.warn(problem.undefinedSink(p.place(e.span)));
    return { base: p.zeroed(roundUp8(schema.size)), present: 0n };
  }
  const asked = all.filter((x): x is number => typeof x === "number");
  if (asked.length === 0) {
    storeKey(p, base, schema, value, e.span);
    return { base, present: 1n };
  }
  for (let i = 0; i < roundUp8(schema.size); i += 8) b.store(base, i, 8, 0n);
  const present = b.variable();
  const absent = b.block();
  b.set(present, 0n);
  for (const x of asked) {
    const there = b.block();
    b.branch("ne", x, 0n, there, absent);
    b.enter(there);
  }
  storeKey(p, base, schema, value, e.span);
  b.set(present, 1n);
  b.jump(absent);
  b.enter(absent);
  return { base, present };
}

function storeKey(p: Program, base: Base, schema: Schema, value: Value, span: Span): void {
  storeField(p, base, 0, schema, value, span);
}

/** `stacks().add(c.ustack(), n)`: the stack is the key of a sum. */
function addStack(p: Program, state: number, args: readonly Expr[], span: Span): Value {
  const { base, present } = key(p, stackSchema, argument(p, args, 0, span));
  const amount = args[1] === undefined ? constant(1n) : evaluate(p, args[1]);
  if (amount.k === "unknown") return UNDEFINED;
  return whenPresentSink(p, amount, span, (v) => {
    p.at(span);
    const n = integer(p, v, args[1]?.span ?? span);
    withKey(p, present, span, () => {
      const pointer = lookupOrMake(p, state, base, 8);
      whenPointer(p, pointer, () => p.b.atomic("add", { reg: pointer }, 0, 8, n.op));
    });
    return UNDEFINED;
  });
}

/** Runs `inside` where the key is there; else the miss is counted. */
function withKey(p: Program, present: Operand, span: Span, inside: () => void, otherwise?: () => void): void {
  const b = p.b;
  const there = b.block();
  const absent = b.block();
  const after = b.block();
  b.branch("ne", present, 0n, there, absent);
  b.enter(absent);
  if (!b.dead) {
    p.countMiss(span);
    otherwise?.();
  }
  b.jump(after);
  b.enter(there);
  if (!b.dead) inside();
  b.jump(after);
  b.enter(after);
}

function mapOf(p: Program, state: number): number {
  const place = p.session.places[state];
  return place?.in === "map" ? place.map : 0;
}

/** The entry's address in a register; made with zeros if it isn't there. 0 if the map is full. */
function lookupOrMake(p: Program, state: number, base: Base, bytes: number): number {
  const b = p.b;
  const map = { map: mapOf(p, state) };
  const pointer = b.variable();
  const make = b.block();
  const full = b.block();
  const after = b.block();
  b.set(pointer, b.call("map_lookup_elem", [map, { base, offset: 0 }]));
  b.branch("ne", pointer, 0n, after, make);
  b.enter(make);
  b.call("map_update_elem", [map, { base, offset: 0 }, b.mapValue(p.session.zeros(bytes), 0), BigInt(UpdateFlag.noExist)]);
  b.set(pointer, b.call("map_lookup_elem", [map, { base, offset: 0 }]));
  b.branch("ne", pointer, 0n, after, full);
  b.enter(full);
  p.count(p.session.counter({ kind: "full", state }));
  b.jump(after);
  b.enter(after);
  return pointer;
}

function whenPointer(p: Program, pointer: number, inside: () => void): void {
  const b = p.b;
  const there = b.block();
  const after = b.block();
  b.branch("ne", pointer, 0n, there, after);
  b.enter(there);
  inside();
  b.jump(after);
  b.enter(after);
}

/** `size.at(key).add(n)`. */
export function slotMethod(p: Program, o: Extract<Value, { k: "slot" }>, name: string, args: readonly Expr[], span: Span): Value {
  const { spec } = p.state(o.state);
  if (name !== "add" || (spec.kind !== "hash" && spec.kind !== "array") || !isAggregate(spec.value))
    return p.fail(problem.noMember(p.place(span), "an aggregate", name, ["add"]));
  const aggregate = spec.value;
  return addAll(p, aggregate, args, span, (value) => {
    p.at(span);
    withKey(p, o.present, span, () => {
      if ("index" in o.key) {
        const { base } = indexKey(p, o.key.index);
        const pointer = p.b.call("map_lookup_elem", [{ map: mapOf(p, o.state) }, { base, offset: 0 }]);
        whenPointer(p, pointer, () => addTo(p, aggregate, { reg: pointer }, 0, value, args[0]?.span ?? span));
        return;
      }
      const pointer = lookupOrMake(p, o.state, o.key, aggregateWords(aggregate) * 8);
      whenPointer(p, pointer, () => addTo(p, aggregate, { reg: pointer }, 0, value, args[0]?.span ?? span));
    });
  });
}

function indexKey(p: Program, index: Operand): { base: Base } {
  const base: Base = { object: p.b.object(8) };
  p.b.store(base, 0, 8, 0n);
  p.b.store(base, 0, 4, index);
  return { base };
}

/** What a looked-up value is in a handler: absent where the address is 0; a scalar is read at once. */
function found(p: Program, pointer: number, schema: Schema): Value {
  const b = p.b;
  if (schema.kind === "struct") return { k: "maybe", present: pointer, value: { k: "entry", pointer, offset: 0, schema } };
  const present = b.variable();
  const there = b.block();
  const after = b.block();
  b.set(present, 0n);
  if (schema.kind === "cstring" || schema.kind === "bytes") {
    const side = b.variable();
    b.set(side, 0n);
    b.branch("ne", pointer, 0n, there, after);
    b.enter(there);
    const value = copied(p, { reg: pointer }, schema);
    b.set(side, value.k === "string" ? value.cut : value.length);
    b.set(present, 1n);
    b.jump(after);
    b.enter(after);
    return maybe(present, value.k === "string" ? { ...value, cut: side } : { ...value, length: side });
  }
  const op = b.variable();
  b.set(op, 0n);
  b.branch("ne", pointer, 0n, there, after);
  b.enter(there);
  const value = loadSchema(p, pointer, 0, schema) as Extract<Value, { k: "int" | "bool" | "float" | "stack" | "func" }>;
  b.set(op, value.op);
  b.set(present, 1n);
  b.jump(after);
  b.enter(after);
  return maybe(present, { ...value, op });
}

/** Text or bytes of a map as they are now: the entry may change before they are used. */
function copied(p: Program, from: Base, schema: Extract<Schema, { kind: "cstring" | "bytes" }>): Extract<Value, { k: "string" | "bytes" }> {
  const object = p.b.object(roundUp8(schema.size));
  copyStructWords(p, from, 0, { object }, 0, roundUp8(schema.size));
  return loadAt(p, { object }, 0, schema) as Extract<Value, { k: "string" | "bytes" }>;
}

function hash(
  p: Program,
  o: State,
  spec: Extract<StateSpec, { kind: "hash" }>,
  stateName: string,
  name: string,
  args: readonly Expr[],
  span: Span,
): Value | undefined {
  const b = p.b;
  if (isAggregate(spec.value)) {
    if (name !== "at") return undefined;
    const k = key(p, spec.key, argument(p, args, 0, span));
    return { k: "slot", state: o.state, key: k.base, present: k.present };
  }
  const schema = spec.value;
  if (!["get", "has", "delete", "set", "getOrInsert"].includes(name)) return undefined;
  const map = { map: mapOf(p, o.state) };
  const k = key(p, spec.key, argument(p, args, 0, span));
  const keyArg = { base: k.base, offset: 0 };
  switch (name) {
    case "get": {
      const pointer = b.variable();
      withKey(
        p,
        k.present,
        span,
        () => b.set(pointer, b.call("map_lookup_elem", [map, keyArg])),
        () => b.set(pointer, 0n),
      );
      if (k.present === 0n) return UNDEFINED;
      return found(p, pointer, schema);
    }
    case "has": {
      const flag = b.variable();
      b.set(flag, 0n);
      withKey(p, k.present, span, () => {
        const yes = b.block();
        const after = b.block();
        b.branch("ne", b.call("map_lookup_elem", [map, keyArg]), 0n, yes, after);
        b.enter(yes);
        b.set(flag, 1n);
        b.jump(after);
        b.enter(after);
      });
      return bool(flag);
    }
    case "delete": {
      const flag = b.variable();
      b.set(flag, 0n);
      withKey(p, k.present, span, () => {
        const yes = b.block();
        const after = b.block();
        b.branch("eq", b.call("map_delete_elem", [map, keyArg]), 0n, yes, after);
        b.enter(yes);
        b.set(flag, 1n);
        b.jump(after);
        b.enter(after);
      });
      return bool(flag);
    }
    default: {
      const valueExpr = argument(p, args, 1, span);
      if (name === "set" && addsToItself(valueExpr, p, o.state)) p.warn(problem.lostUpdate(p.place(span), stateName));
      const value = borrow(p, valueExpr);
      p.at(span);
      if (value.k === "unknown") return { k: "unknown" };
      const memory: Base = { object: b.object(roundUp8(schema.size)) };
      const pointer = b.variable();
      b.set(pointer, 0n);
      withKey(p, k.present, span, () => {
        sink(
          p,
          value,
          span,
          () => {
            if (name === "set") {
              store(p, memory, schema, value, valueExpr.span);
              const full = b.block();
              const after = b.block();
              b.branch("slt", b.call("map_update_elem", [map, keyArg, { base: memory, offset: 0 }, BigInt(UpdateFlag.any)]), 0n, full, after);
              b.enter(full);
              p.count(p.session.counter({ kind: "full", state: o.state }));
              b.jump(after);
              b.enter(after);
              return;
            }
            const make = b.block();
            const full = b.block();
            const after = b.block();
            b.set(pointer, b.call("map_lookup_elem", [map, keyArg]));
            b.branch("ne", pointer, 0n, after, make);
            b.enter(make);
            store(p, memory, schema, value, valueExpr.span);
            b.call("map_update_elem", [map, keyArg, { base: memory, offset: 0 }, BigInt(UpdateFlag.noExist)]);
            b.set(pointer, b.call("map_lookup_elem", [map, keyArg]));
            b.branch("ne", pointer, 0n, after, full);
            b.enter(full);
            p.count(p.session.counter({ kind: "full", state: o.state }));
            b.jump(after);
            b.enter(after);
          },
          name === "getOrInsert",
        );
      });
      return name === "set" ? UNDEFINED : found(p, pointer, schema);
    }
  }
}

/** Padding behind a small value is zero, as the map's value is a multiple of 8 bytes. */
function store(p: Program, memory: Base, schema: Schema, value: Value, span: Span): void {
  if (schema.size % 8 !== 0) p.b.store(memory, roundUp8(schema.size) - 8, 8, 0n);
  storeField(p, memory, 0, schema, value, span);
}

/** Runs `inside` where every part of the value is there. For `getOrInsert` absent parts of the first value count as nothing stored, too. */
function sink(p: Program, value: Value, span: Span, inside: () => void, lenient = false): void {
  const b = p.b;
  const all = presences(value);
  if (all.every((x) => typeof x === "bigint" && x !== 0n)) {
    inside();
    return;
  }
  if (lenient && value.k === "record") {
    // A struct's fields that are absent become zeros: the entry is there to be filled.
    inside();
    return;
  }
  const absent = b.block();
  const after = b.block();
  for (const present of all) {
    const there = b.block();
    b.branch("ne", present, 0n, there, absent);
    b.enter(there);
  }
  if (!b.dead) inside();
  b.jump(after);
  b.enter(absent);
  if (!b.dead) p.countMiss(span);
  b.jump(after);
  b.enter(after);
}

/** `m.set(k, (m.get(k) ?? 0) + n)`. */
function addsToItself(e: Expr, p: Program, state: number): boolean {
  if (e.k !== "binary" || (e.op !== "+" && e.op !== "-")) return false;
  const gets = (x: Expr): boolean => {
    if (x.k === "call")
      return x.callee.k === "member" && x.callee.name === "get" && x.callee.object.k === "capture" && stateIndex(p, x.callee.object.id) === state;
    if (x.k === "logical" && x.op === "??") return gets(x.left);
    if (x.k === "default") return gets(x.value);
    return false;
  };
  return gets(e.left) || gets(e.right);
}

function stateIndex(p: Program, capture: number): number | undefined {
  const value = p.probe.captures[capture];
  return value?.kind === "state" ? value.state : undefined;
}

function array(p: Program, o: State, spec: Extract<StateSpec, { kind: "array" }>, name: string, args: readonly Expr[], span: Span): Value | undefined {
  const b = p.b;
  if (!(isAggregate(spec.value) ? ["at"] : ["get", "set"]).includes(name)) return undefined;
  const e = argument(p, args, 0, span);
  const value = evaluate(p, e);
  if (value.k === "unknown") return { k: "unknown" };
  if (value.k === "undefined") {
    p.countMiss(span);
    return UNDEFINED;
  }
  const index = integer(p, value.k === "maybe" ? value.value : value, e.span);
  if (isConstant(index) && (numberOf(index) < 0n || numberOf(index) >= BigInt(spec.length)) && name !== "get") {
    p.warn(problem.alwaysComparison(p.place(e.span), false, `The array has ${spec.length} elements.`));
  }
  // Present where the index is there and within.
  const present = b.variable();
  b.set(present, 0n);
  const inside = b.block();
  const after = b.block();
  if (value.k === "maybe") {
    const there = b.block();
    b.branch("ne", value.present, 0n, there, after);
    b.enter(there);
  }
  b.branch("ult", index.op, BigInt(spec.length), inside, after);
  b.enter(inside);
  b.set(present, 1n);
  b.jump(after);
  b.enter(after);
  if (isAggregate(spec.value)) return { k: "slot", state: o.state, key: { index: index.op }, present };
  const schema = spec.value;
  const map = { map: mapOf(p, o.state) };
  if (name === "get") {
    const { base } = indexKey(p, index.op);
    const pointer = b.variable();
    b.set(pointer, 0n);
    const look = b.block();
    const done = b.block();
    b.branch("ne", present, 0n, look, done);
    b.enter(look);
    b.set(pointer, b.call("map_lookup_elem", [map, { base, offset: 0 }]));
    b.jump(done);
    b.enter(done);
    return found(p, pointer, schema);
  }
  const valueExpr = argument(p, args, 1, span);
  const stored = borrow(p, valueExpr);
  if (stored.k === "unknown") return UNDEFINED;
  withKey(p, present, span, () =>
    sink(p, stored, span, () => {
      const memory: Base = { object: b.object(roundUp8(schema.size)) };
      store(p, memory, schema, stored, valueExpr.span);
      const { base } = indexKey(p, index.op);
      b.call("map_update_elem", [map, { base, offset: 0 }, { base: memory, offset: 0 }, BigInt(UpdateFlag.any)]);
    }),
  );
  return UNDEFINED;
}

function variable(p: Program, state: number, schema: Schema, name: string, args: readonly Expr[], span: Span): Value | undefined {
  const place = p.session.places[state];
  const offset = place?.in === "sharedRegion" ? place.offset : 0;
  if (name === "get") {
    const at: Base = { reg: p.b.mapValue(p.session.sharedMap, offset) };
    return schema.kind === "cstring" || schema.kind === "bytes" ? copied(p, at, schema) : loadAt(p, at, 0, schema);
  }
  if (name !== "set") return undefined;
  const e = argument(p, args, 0, span);
  const value = borrow(p, e);
  if (value.k === "unknown") return UNDEFINED;
  sink(p, value, span, () => storeField(p, { reg: p.b.mapValue(p.session.sharedMap, offset) }, 0, schema, value, e.span));
  return UNDEFINED;
}
