/** Tests: goes to one block or the other without making a boolean first, and knows what each way has learnt of locals. */
import * as problem from "../diagnostics/lowering.ts";
import { noEnumerator } from "../diagnostics/types.ts";
import type { BinaryOp, Expr, Span } from "../hir/types.ts";
import type { Block, Comparison } from "../mir/types.ts";
import { borrow, evaluate } from "./expression.ts";
import type { Program } from "./program.ts";
import { equalTexts } from "./text.ts";
import { type BoolValue, bool, I64_MAX, type IntValue, isConstant, nameOf, type Value } from "./value.ts";
import { quiet } from "./walk.ts";

const compares = new Set<BinaryOp>(["<", "<=", ">", ">=", "===", "!=="]);

export function condition(p: Program, e: Expr, yes: Block, no: Block): void {
  const b = p.b;
  if (b.dead) return;
  p.at(e.span);
  if (e.k === "unary" && e.op === "!") {
    condition(p, e.operand, no, yes);
    return;
  }
  if (e.k === "logical" && e.op !== "??") {
    const right = b.block();
    if (e.op === "&&") condition(p, e.left, right, no);
    else condition(p, e.left, yes, right);
    b.enter(right);
    narrowed(p, e.left, e.op === "&&", () => condition(p, e.right, yes, no));
    return;
  }
  if (e.k === "binary" && compares.has(e.op)) {
    const left = quiet(e.right) ? borrow(p, e.left) : evaluate(p, e.left);
    const right = borrow(p, e.right);
    p.at(e.span);
    compare(p, e.op, left, right, e.span, yes, no);
    return;
  }
  truth(p, evaluate(p, e), e.span, yes, no);
}

/** By truthiness. */
export function truth(p: Program, v: Value, span: Span, yes: Block, no: Block): void {
  if (v.k === "state") p.fail(problem.mapTruth(p.place(span)));
  const b = p.b;
  switch (v.k) {
    case "undefined":
      b.jump(no);
      return;
    case "unknown":
      b.branch("ne", b.copy(p.b.temp()), 0n, yes, no);
      return;
    case "bool":
    case "int":
      b.branch("ne", v.op, 0n, yes, no);
      return;
    case "maybe": {
      const there = b.block();
      b.branch("ne", v.present, 0n, there, no);
      b.enter(there);
      if (v.value.k === "entry" || v.value.k === "record" || v.value.k === "bytes") b.jump(yes);
      else truth(p, v.value, span, yes, no);
      return;
    }
    case "text":
      b.jump(v.text === "" ? no : yes);
      return;
    case "string":
      b.branch("ne", b.load(v.base, v.offset, 1), 0n, yes, no);
      return;
    case "float":
      b.branch("ne", b.binary("shl", v.op, 1n), 0n, yes, no);
      return;
    case "record":
    case "entry":
    case "bytes":
    case "stack":
    case "func":
      p.warn(problem.structTruth(p.place(span), nameOf(v)));
      b.jump(yes);
      return;
    default:
      b.jump(yes);
  }
}

const negated = { "<": ">=", "<=": ">", ">": "<=", ">=": "<", "===": "!==", "!==": "===" } as const;
type Relation = keyof typeof negated;

/** Compares two values, either of which may be absent: `undefined` equals only `undefined`, and is neither less nor greater. */
export function compare(p: Program, op: BinaryOp, left: Value, right: Value, span: Span, yes: Block, no: Block): void {
  const b = p.b;
  const relation = op as Relation;
  if (left.k === "unknown" || right.k === "unknown") {
    b.branch("ne", b.copy(b.temp()), 0n, yes, no);
    return;
  }
  if (relation === "!==") {
    compare(p, "===", left, right, span, no, yes);
    return;
  }
  if (left.k === "undefined" || right.k === "undefined") {
    const other = left.k === "undefined" ? right : left;
    if (relation !== "===" || (other.k !== "maybe" && other.k !== "undefined")) b.jump(no);
    else if (other.k === "undefined") b.jump(yes);
    else b.branch("eq", other.present, 0n, yes, no);
    return;
  }
  if (left.k === "maybe" && right.k === "maybe") {
    const leftThere = b.block();
    const both = b.block();
    const leftAbsent = b.block();
    b.branch("ne", left.present, 0n, leftThere, leftAbsent);
    b.enter(leftAbsent);
    if (relation === "===") b.branch("eq", right.present, 0n, yes, no);
    else b.jump(no);
    b.enter(leftThere);
    b.branch("ne", right.present, 0n, both, no);
    b.enter(both);
    compare(p, op, left.value, right.value, span, yes, no);
    return;
  }
  if (left.k === "maybe" || right.k === "maybe") {
    const there = b.block();
    b.branch("ne", (left.k === "maybe" ? left : (right as { present: number | bigint })).present, 0n, there, no);
    b.enter(there);
    compare(p, op, left.k === "maybe" ? left.value : left, right.k === "maybe" ? right.value : right, span, yes, no);
    return;
  }
  compareThere(p, relation, left, right, span, yes, no);
}

function compareThere(p: Program, relation: Exclude<Relation, "!=="> | "!==", left: Value, right: Value, span: Span, yes: Block, no: Block): void {
  const b = p.b;
  const isText = (v: Value): v is Extract<Value, { k: "string" | "text" }> => v.k === "string" || v.k === "text";
  if (isText(left) && isText(right)) {
    if (relation !== "===") p.fail(problem.textOrder(p.place(span), relation));
    const [text, other] = left.k === "text" ? [left, right] : [right, left];
    if (text.k === "text" && other.k === "string") {
      const length = new TextEncoder().encode(text.text).length;
      if (length > other.cap) p.warn(problem.neverEqualText(p.place(span), length, other.cap));
    }
    b.branch("ne", equalTexts(p, left, right).op, 0n, yes, no);
    return;
  }
  if ((left.k === "func" && isText(right)) || (right.k === "func" && isText(left))) {
    const [fn, text] = left.k === "func" ? [left, right] : [right as Extract<Value, { k: "func" }>, left];
    if (relation !== "===" || text.k !== "text") p.fail(problem.notComparable(p.place(span), nameOf(left), nameOf(right)));
    sameFunction(p, fn.op, (text as { text: string }).text, yes, no);
    return;
  }
  if (left.k === "func" && right.k === "func" && relation === "===") {
    b.branch("eq", left.op, right.op, yes, no);
    return;
  }
  if (left.k === "bool" && right.k === "bool" && relation === "===") {
    b.branch("eq", left.op, right.op, yes, no);
    return;
  }
  const names = left.k === "int" && left.names ? left.names : right.k === "int" && right.names ? right.names : undefined;
  if (names && relation === "===") {
    const text = left.k === "text" ? left.text : right.k === "text" ? right.text : undefined;
    if (text !== undefined) {
      const value = names.find(([name]) => name === text)?.[1];
      if (value === undefined)
        p.fail(
          noEnumerator(
            p.place(span),
            text,
            names.map(([name]) => name),
          ),
        );
      const e = (left.k === "int" ? left : right) as IntValue;
      b.branch("eq", e.op, BigInt.asIntN(64, value), yes, no);
      return;
    }
  }
  const number = (v: Value): IntValue | undefined => (v.k === "int" ? v : v.k === "place" && v.type.k === "array" ? v.address : undefined);
  const [a, c] = [number(left), number(right)];
  if (!a || !c) p.fail(problem.notComparable(p.place(span), nameOf(left), nameOf(right)));
  if ((a.big && !isConstant(c) && c.kind !== "u64") || (c.big && !isConstant(a) && a.kind !== "u64")) p.fail(problem.bigintArithmetic(p.place(span)));
  compareIntegers(p, relation, a, c, span, yes, no);
}

/** Which indices of the session's table of functions have this name. */
function sameFunction(p: Program, index: number | bigint, name: string, yes: Block, no: Block): void {
  const b = p.b;
  for (const i of p.probe.functions) {
    if (p.session.request.functions[i] !== name) continue;
    const next = b.block();
    b.branch("eq", index, BigInt(i), yes, next);
    b.enter(next);
  }
  b.jump(no);
}

const signedOf: { readonly [R in Relation]: Comparison } = { "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "===": "eq", "!==": "ne" };
const unsignedOf: { readonly [R in Relation]: Comparison } = { "<": "ult", "<=": "ule", ">": "ugt", ">=": "uge", "===": "eq", "!==": "ne" };

/** By the numbers' mathematical values, also signed with unsigned. */
export function compareIntegers(p: Program, relation: Relation, a: IntValue, c: IntValue, span: Span, yes: Block, no: Block): void {
  const b = p.b;
  const decided = decide(relation, a, c);
  // In a helper it may be so for this call alone.
  if (decided !== undefined && p.depth === 1 && !(isConstant(a) && isConstant(c))) {
    const widths = a.max < 2n ** 62n && a.min > -(2n ** 62n) ? a : c;
    p.warn(problem.alwaysComparison(p.place(span), decided, `One side lies between ${widths.min} and ${widths.max}.`));
  }
  if (decided !== undefined) {
    b.jump(decided ? yes : no);
    return;
  }
  const unsigned = a.kind === "u64" || c.kind === "u64";
  if (!unsigned || (a.max <= I64_MAX && c.max <= I64_MAX)) {
    b.branch(signedOf[relation], a.op, c.op, yes, no);
    return;
  }
  // One side may exceed the signed numbers; a negative other side is decided by its sign.
  const negative = a.min < 0n ? a : c.min < 0n ? c : undefined;
  if (negative) {
    const nonNegative = b.block();
    const less = relation === "<" || relation === "<=";
    const whenNegative = relation === "===" ? no : relation === "!==" ? yes : (negative === a) === less ? yes : no;
    b.branch("slt", negative.op, 0n, whenNegative, nonNegative);
    b.enter(nonNegative);
  }
  b.branch(unsignedOf[relation], a.op, c.op, yes, no);
}

function decide(relation: Relation, a: IntValue, c: IntValue): boolean | undefined {
  switch (relation) {
    case "<":
      return a.max < c.min ? true : a.min >= c.max ? false : undefined;
    case "<=":
      return a.max <= c.min ? true : a.min > c.max ? false : undefined;
    case ">":
      return decide("<", c, a);
    case ">=":
      return decide("<=", c, a);
    case "===":
      return a.max < c.min || a.min > c.max ? false : isConstant(a) && isConstant(c) && a.min === c.min ? true : undefined;
    case "!==": {
      const same = decide("===", a, c);
      return same === undefined ? undefined : !same;
    }
  }
}

/** A test as a value. */
export function conditionValue(p: Program, e: Expr): BoolValue {
  const b = p.b;
  const yes = b.block();
  const no = b.block();
  const after = b.block();
  condition(p, e, yes, no);
  if (yes.entries === 0 || no.entries === 0) {
    b.enter(yes.entries > 0 ? yes : no);
    return bool(yes.entries > 0 ? 1n : 0n);
  }
  const flag = b.variable();
  b.enter(yes);
  b.set(flag, 1n);
  b.jump(after);
  b.enter(no);
  b.set(flag, 0n);
  b.jump(after);
  b.enter(after);
  return bool(flag);
}

/** Runs `body` with what is known of locals where `test` came out as `truthy`. */
export function narrowed<T>(p: Program, test: Expr, truthy: boolean, body: () => T): T {
  const undo = narrow(p, test, truthy);
  try {
    return body();
  } finally {
    undo();
  }
}

/** Locals that a test has shown to be there lose their "maybe"; gives what takes that back. */
export function narrow(p: Program, test: Expr, truthy: boolean): () => void {
  const frame = p.frame;
  const changed: [number, Value][] = [];
  const strip = (e: Expr): void => {
    if (e.k !== "local" || frame.hir.locals[e.id]?.mutable) return;
    const now = frame.locals.get(e.id);
    if (now?.k !== "maybe") return;
    changed.push([e.id, now]);
    frame.locals.set(e.id, now.value);
  };
  const visit = (e: Expr, sense: boolean): void => {
    if (e.k === "unary" && e.op === "!") visit(e.operand, !sense);
    else if (e.k === "logical" && ((e.op === "&&" && sense) || (e.op === "||" && !sense))) {
      visit(e.left, sense);
      visit(e.right, sense);
    } else if (e.k === "binary" && (e.op === "===" || e.op === "!==")) {
      const isUndefined = (x: Expr): boolean => x.k === "undefined";
      if ((e.op === "!==") === sense) {
        if (isUndefined(e.right)) strip(e.left);
        else if (isUndefined(e.left)) strip(e.right);
      } else if (e.op === "===" && sense) {
        // equal to something that is there
        if (isConstantExpr(e.right)) strip(e.left);
      }
    } else if (e.k === "binary" && sense && compares.has(e.op)) {
      strip(e.left);
      strip(e.right);
    } else if (e.k === "local" && sense) strip(e);
    else if (e.k === "chain") visit(e.inner, sense);
  };
  visit(test, truthy);
  return () => {
    for (const [id, value] of changed.reverse()) frame.locals.set(id, value);
  };
}

const isConstantExpr = (e: Expr): boolean => e.k === "int" || e.k === "string" || e.k === "bool";
