/** Loops: each has a bound that is found here, and that the kernel can see. */
import type { CType } from "../../schema/ctypes.ts";
import { ints } from "../../schema/layout.ts";
import * as problem from "../diagnostics/lowering.ts";
import type { Expr, Stmt } from "../hir/types.ts";
import type { Block } from "../mir/types.ts";
import { fromCapture } from "./captured.ts";
import { condition, narrowed } from "./condition.ts";
import { discard, evaluate } from "./expression.ts";
import { elementOf } from "./fields.ts";
import type { Program } from "./program.ts";
import { snapshot } from "./snapshot.ts";
import { declare, statements } from "./statements.ts";
import { constant, type HeldValue, nameOf, type PlaceValue, u64, type Value } from "./value.ts";
import { walkExpr, walkStatements } from "./walk.ts";

/** Rounds that a loop may run at most: the kernel walks each of them. */
const MAX_ROUNDS = 4096;

/** A bound above this is only that of the integers' width. */
const NO_BOUND = 2n ** 31n;

type Loop = Extract<Stmt, { k: "loop" }>;

export function loop(p: Program, s: Loop): void {
  const b = p.b;
  statements(p, s.init);
  const bound = boundOf(p, s);
  if (bound === undefined || bound > NO_BOUND) p.fail(problem.unbounded(p.place(s.span)));
  if (bound > BigInt(MAX_ROUNDS)) p.fail(problem.loopTooLong(p.place(s.span), bound, MAX_ROUNDS));
  // A counter of our own: whatever the handler's own counter does, this one ends the loop, and the kernel sees that.
  const rounds = b.variable();
  b.set(rounds, 0n);
  const head = b.block();
  const body = b.block();
  const next = b.block();
  const after = b.block();
  p.frame.labels.set(s.label, { break: after, continue: next });
  if (s.doFirst) b.jump(body);
  else b.jump(head);
  b.enter(head);
  if (s.doFirst) head.entries++; // reached from `next`
  const within = b.block();
  b.branch("ult", rounds, bound + 1n, within, after);
  b.enter(within);
  if (s.test) condition(p, s.test, body, after);
  else b.jump(body);
  b.enter(body);
  if (s.test && !s.doFirst) narrowed(p, s.test, true, () => statements(p, s.body));
  else statements(p, s.body);
  b.jump(next);
  b.enter(next);
  if (!b.dead) {
    b.set(rounds, b.binary("add", rounds, 1n));
    if (s.update) discard(p, s.update);
    b.jump(head);
  }
  b.enter(after);
}

/** How often the body can run at most; undefined if that can't be told. */
function boundOf(p: Program, s: Loop): bigint | undefined {
  const tests: { test: Expr; holds: boolean }[] = [];
  const collect = (e: Expr, holds: boolean): void => {
    if (e.k === "logical" && ((e.op === "&&" && holds) || (e.op === "||" && !holds))) {
      collect(e.left, holds);
      collect(e.right, holds);
    } else if (e.k === "unary" && e.op === "!") collect(e.operand, !holds);
    else tests.push({ test: e, holds });
  };
  if (s.test) collect(s.test, true);
  // `if (i >= 64) break;` at the body's own level holds as a test.
  for (const stmt of s.body) {
    if (stmt.k === "if" && leaves(stmt.then, s.label)) collect(stmt.test, false);
    if (containsContinue(stmt, s.label)) break;
  }
  let best: bigint | undefined;
  for (const { test, holds } of tests) {
    const bound = boundByTest(p, s, test, holds);
    if (bound !== undefined && (best === undefined || bound < best)) best = bound;
  }
  return best;
}

const leaves = (body: readonly Stmt[], label: number): boolean => {
  const last = body[body.length - 1];
  if (!last) return false;
  if (last.k === "block") return leaves(last.body, label);
  return last.k === "return" || (last.k === "break" && last.label === label);
};

/** `i < limit` with `i` only counted up, or `i > limit` with `i` only counted down. */
function boundByTest(p: Program, s: Loop, test: Expr, holds: boolean): bigint | undefined {
  if (test.k === "local" || (test.k === "binary" && (test.op === "!==" || test.op === "===") && holds)) return countdown(p, s, test);
  if (test.k !== "binary") return undefined;
  const flip: { readonly [op: string]: string } = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };
  const negate: { readonly [op: string]: string } = { "<": ">=", "<=": ">", ">": "<=", ">=": "<", "===": "!==", "!==": "===" };
  let op = holds ? test.op : (negate[test.op] as string);
  let { left, right } = test;
  const counted = (e: Expr): Expr => (e.k === "update" ? e.target : e);
  if (!isCounterOf(p, counted(left))) {
    [left, right] = [right, left];
    op = (flip[op] as string) ?? op;
  }
  // `i++ < n` tests before it counts, `++i < n` behind: taken as the former, the bound is right for both.
  left = counted(left);
  if (left.k !== "local" || !isCounter(p, left)) return undefined;
  const start = startOf(p, s, left.id);
  const step = stepOf(s, left.id);
  const limit = rangeOfExpr(p, right);
  if (!start || step === undefined || !limit) return undefined;
  if (step > 0n && (op === "<" || op === "<=")) {
    const span = limit.max - start.min + (op === "<=" ? 1n : 0n);
    return span <= 0n ? 0n : (span + step - 1n) / step;
  }
  if (step < 0n && (op === ">" || op === ">=")) {
    const span = start.max - limit.min + (op === ">=" ? 1n : 0n);
    return span <= 0n ? 0n : (span - step - 1n) / -step;
  }
  return undefined;
}

/** `while (n)`, `n !== 0` with `n` counted down from a known start. */
function countdown(p: Program, s: Loop, test: Expr): bigint | undefined {
  const local =
    test.k === "local"
      ? test
      : test.k === "binary" && test.left.k === "local" && test.op === "!==" && test.right.k === "int" && test.right.value === "0"
        ? test.left
        : undefined;
  if (!local || !isCounter(p, local)) return undefined;
  const start = startOf(p, s, local.id);
  return start && stepOf(s, local.id) === -1n && start.min >= 0n ? start.max : undefined;
}

const isCounterOf = (p: Program, e: Expr): boolean => e.k === "local" && isCounter(p, e);

const isCounter = (p: Program, e: Extract<Expr, { k: "local" }>): boolean =>
  p.frame.hir.locals[e.id]?.mutable === true && p.frame.locals.get(e.id)?.k === "int" && !assignedInside(p, e.id);

interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

/** What the counter can be when the loop begins: its initialiser, if nothing else assigned it before. */
function startOf(p: Program, s: Loop, id: number): Range | undefined {
  const init = s.init.find((stmt) => stmt.k === "let" && stmt.local === id);
  if (init?.k === "let" && init.init) return rangeOfExpr(p, init.init);
  const found = findLet(p.frame.hir.body, id);
  return found?.init && assignments(p.frame.hir.body, id) === assignments([s], id) ? rangeOfExpr(p, found.init) : undefined;
}

/** A local's `let`, wherever it stands. */
function findLet(body: readonly Stmt[], id: number): { readonly init: Expr | undefined } | undefined {
  let found: { readonly init: Expr | undefined } | undefined;
  walkStatements(
    body,
    (stmt) => {
      if (stmt.k === "let" && stmt.local === id) found = stmt;
    },
    () => {},
  );
  return found;
}

/** How many places assign a local. */
function assignments(body: readonly Stmt[], id: number): number {
  let count = 0;
  walkStatements(
    body,
    () => {},
    (e) => {
      if ((e.k === "update" || e.k === "assign") && e.target.k === "local" && e.target.id === id) count++;
    },
  );
  return count;
}

/** Does a function inside this one assign to its local? It could do so anywhere. */
const assignedInside = (p: Program, id: number): boolean =>
  p.probe.handler.functions.some((fn) =>
    fn.outer?.some(
      (outer) =>
        p.probe.handler.functions[outer.function] === p.frame.hir &&
        outer.outer === id &&
        fn.locals[outer.local]?.mutable !== false &&
        assignments(fn.body, outer.local) > 0,
    ),
  );

/** By how much each round moves the counter at least (all steps in one direction, one of them in every round). */
function stepOf(s: Loop, id: number): bigint | undefined {
  let direction = 0n;
  let valid = true;
  const amount = (e: Expr): bigint | undefined => {
    if (e.k === "update" && e.target.k === "local" && e.target.id === id) return e.op === "++" ? 1n : -1n;
    if (e.k !== "assign" || e.target.k !== "local" || e.target.id !== id) return undefined;
    if ((e.op === "+" || e.op === "-") && e.value.k === "int" && e.value.value !== "0") return e.op === "+" ? BigInt(e.value.value) : -BigInt(e.value.value);
    if (
      e.op === "=" &&
      e.value.k === "binary" &&
      (e.value.op === "+" || e.value.op === "-") &&
      e.value.left.k === "local" &&
      e.value.left.id === id &&
      e.value.right.k === "int" &&
      e.value.right.value !== "0"
    ) {
      return e.value.op === "+" ? BigInt(e.value.right.value) : -BigInt(e.value.right.value);
    }
    valid = false;
    return undefined;
  };
  const check = (e: Expr): void => {
    const n = amount(e);
    if (n === undefined) return;
    if (direction !== 0n && n > 0n !== direction > 0n) valid = false;
    direction = direction === 0n || (n > 0n ? n < direction : n > direction) ? n : direction;
  };
  walkStatements(s.body, () => {}, check);
  if (s.update) walkExpr(s.update, check);
  if (s.test) walkExpr(s.test, check);
  if (!valid || direction === 0n) return undefined;
  // In every round: in the update or the test, or at the body's own level before anything that goes on with the next round.
  let always = false;
  const certain = (e: Expr): void => {
    const inner = e.k === "comma" ? [e.first, e.second] : [e];
    for (const x of inner) if (amount(x) !== undefined) always = true;
  };
  if (s.update) certain(s.update);
  if (s.test) {
    let first: Expr = s.test;
    while (first.k === "logical") first = first.left;
    walkExpr(first, certain);
  }
  for (const stmt of s.body) {
    if (containsContinue(stmt, s.label)) break;
    if (stmt.k === "expr") certain(stmt.expr);
  }
  return always ? direction : undefined;
}

function containsContinue(s: Stmt, label: number): boolean {
  let found = false;
  walkStatements(
    [s],
    (x) => {
      if (x.k === "continue" && x.label === label) found = true;
    },
    () => {},
  );
  return found;
}

/** What an expression lies between, whenever it is computed: a variable may hold anything of its kind. */
function rangeOfExpr(p: Program, e: Expr): Range | undefined {
  if (e.k === "int") return { min: BigInt(e.value), max: BigInt(e.value) };
  if (e.k === "unary" && e.op === "-" && e.operand.k === "int") return { min: -BigInt(e.operand.value), max: -BigInt(e.operand.value) };
  if (!onlyComputes(e)) return undefined;
  // Evaluated for its range only: what it computes is thrown away again, as nothing uses it.
  const v = evaluate(p, e);
  if (v.k === "unknown") return { min: 0n, max: 0n };
  return v.k === "int" ? { min: v.min, max: v.max } : undefined;
}

/** It reads no memory and changes nothing, so that it may be computed once more than is written. */
function onlyComputes(e: Expr): boolean {
  let only = true;
  walkExpr(e, (x) => {
    if (x.k === "assign" || x.k === "update") only = false;
    if (x.k !== "call") return;
    const { callee } = x;
    const name = callee.k === "builtin" ? callee.name : callee.k === "member" && callee.object.k === "builtin" ? callee.object.name : "";
    if (!(name in ints) && !name.startsWith("Math")) only = false;
  });
  return only;
}

/** Elements that are each lowered by themselves; more of an array of the target are a loop. */
const UNROLLED = 8;

export function forOf(p: Program, s: ForOf): void {
  const b = p.b;
  const of = evaluate(p, s.of);
  const array = of.k === "maybe" ? of.value : of;
  const after = b.block();
  if (isArray(array)) {
    if (of.k === "maybe") {
      const there = b.block();
      b.branch("ne", of.present, 0n, there, after);
      b.enter(there);
    }
    if (array.type.length > UNROLLED) {
      overArray(p, s, array, after);
      return;
    }
  }
  const items = itemsOf(p, isArray(array) ? array : of, s);
  if (items.length > 64) p.fail(problem.loopTooLong(p.place(s.of.span), BigInt(items.length), 64));
  for (const item of items) {
    if (b.dead) break;
    const next = b.block();
    p.frame.labels.set(s.label, { break: after, continue: next });
    declare(p, p.frame, s.local, item());
    statements(p, s.bind);
    statements(p, s.body);
    b.jump(next);
    b.enter(next);
  }
  b.jump(after);
  b.enter(after);
}

type ForOf = Extract<Stmt, { k: "forOf" }>;
type ArrayValue = (PlaceValue | HeldValue) & { readonly type: Extract<CType, { k: "array" }> };

const isArray = (v: Value): v is ArrayValue => (v.k === "place" || v.k === "held") && v.type.k === "array";

function overArray(p: Program, s: ForOf, array: ArrayValue, after: Block): void {
  const b = p.b;
  const { length } = array.type;
  if (length > MAX_ROUNDS) p.fail(problem.loopTooLong(p.place(s.of.span), BigInt(length), MAX_ROUNDS));
  const rounds = b.variable();
  b.set(rounds, 0n);
  const head = b.block();
  const body = b.block();
  const next = b.block();
  p.frame.labels.set(s.label, { break: after, continue: next });
  b.jump(head);
  b.enter(head);
  b.branch("ult", rounds, BigInt(length), body, after);
  b.enter(body);
  declare(p, p.frame, s.local, elementOf(p, array, u64(b.copy(rounds), 0n, BigInt(length - 1)), s.of.span));
  statements(p, s.bind);
  statements(p, s.body);
  b.jump(next);
  b.enter(next);
  if (!b.dead) {
    b.set(rounds, b.binary("add", rounds, 1n));
    b.jump(head);
  }
  b.enter(after);
}

function itemsOf(p: Program, of: Value, s: ForOf): (() => Value)[] {
  if (of.k === "record" && of.tuple) return [...of.fields.values()].map((v) => () => snapshot(p, v));
  if (of.k === "constant" && of.value.kind === "array") return of.value.items.map((item) => () => fromCapture(p, item, "its element", s.of.span));
  if (isArray(of)) {
    if (of.type.length === 0) p.fail(problem.notIterable(p.place(s.of.span), "an array of a length that only the program knows"));
    return Array.from({ length: of.type.length }, (_, i) => () => elementOf(p, of, constant(BigInt(i)), s.of.span));
  }
  if (of.k === "unknown") return [];
  return p.fail(problem.notIterable(p.place(s.of.span), of.k === "state" ? "a map" : nameOf(of)));
}
