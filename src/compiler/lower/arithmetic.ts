/** The operator table of the language: kinds, wrapping, division, shifts. Pure values in, pure values out; see docs/language. */
import * as problem from "../diagnostics/lowering.ts";
import type { BinaryOp, Span } from "../hir/types.ts";
import type { BinaryFn, Operand } from "../mir/types.ts";
import { bothPresent } from "./cells.ts";
import type { Program } from "./program.ts";
import {
  constant,
  I64_MAX,
  I64_MIN,
  type IntValue,
  i64,
  isConstant,
  type Kind,
  maybe,
  nameOf,
  numberOf,
  U64_MAX,
  UNDEFINED,
  u64,
  type Value,
} from "./value.ts";

/** The integer in a value that isn't a maybe. */
export function integer(p: Program, v: Value, span: Span): IntValue {
  if (v.k === "int") {
    if (v.big) p.fail(problem.bigintArithmetic(p.place(span)));
    if (v.names) p.fail(problem.notAnInteger(p.place(span), nameOf(v)));
    return v;
  }
  if (v.k === "place" && v.type.k === "array") return v.address;
  return p.fail(problem.notAnInteger(p.place(span), nameOf(v)));
}

/** Applies to what is there; absent where one side is. */
export function lift(p: Program, a: Value, c: Value, compute: (a: Value, c: Value) => Value): Value {
  if (a.k !== "maybe" && c.k !== "maybe") return a.k === "undefined" || c.k === "undefined" ? UNDEFINED : compute(a, c);
  if (a.k === "undefined" || c.k === "undefined") return UNDEFINED;
  const inner = compute(a.k === "maybe" ? a.value : a, c.k === "maybe" ? c.value : c);
  return maybe(bothPresent(p, a, c), inner);
}

const kindOfTwo = (a: IntValue, c: IntValue): Kind =>
  a.kind === "u64" || c.kind === "u64" ? "u64" : a.kind === "either" && c.kind === "either" ? "either" : "i64";

/** The kind as computed with: a constant that isn't negative joins the other side. */
const wrap = (kind: Kind, n: bigint): bigint => (kind === "u64" ? BigInt.asUintN(64, n) : BigInt.asIntN(64, n));

/** A result whose bounds are those of the exact result, if that can't wrap. */
function ranged(kind: Kind, op: Operand, min: bigint, max: bigint): IntValue {
  const k = kind === "either" ? "i64" : kind;
  if (typeof op === "bigint") return constant(wrap(k, op), kind === "either" && BigInt.asIntN(64, op) >= 0n ? "either" : k);
  const [low, high] = k === "u64" ? [0n, U64_MAX] : [I64_MIN, I64_MAX];
  const fits = min >= low && max <= high;
  return { k: "int", op, kind: k, min: fits ? min : low, max: fits ? max : high };
}

const corners = (a: IntValue, c: IntValue, f: (x: bigint, y: bigint) => bigint): [bigint, bigint] => {
  const all = [f(a.min, c.min), f(a.min, c.max), f(a.max, c.min), f(a.max, c.max)];
  return [all.reduce((m, x) => (x < m ? x : m)), all.reduce((m, x) => (x > m ? x : m))];
};

export function binary(p: Program, op: BinaryOp, left: Value, right: Value, span: Span, spans: readonly [Span, Span]): Value {
  return lift(p, left, right, (a, c) => compute(p, op, a, c, span, spans));
}

function compute(p: Program, op: BinaryOp, left: Value, right: Value, span: Span, spans: readonly [Span, Span]): Value {
  if (left.k === "unknown" || right.k === "unknown") return { k: "unknown" };
  if (op === "+" && [left, right].some((v) => v.k === "string" || v.k === "text")) p.fail(problem.textConcatenation(p.place(span)));
  const a = integer(p, left, spans[0]);
  const c = integer(p, right, spans[1]);
  const b = p.b;
  const kind = kindOfTwo(a, c);
  switch (op) {
    case "+":
      return ranged(kind, b.binary("add", a.op, c.op), a.min + c.min, a.max + c.max);
    case "-":
      return ranged("i64", b.binary("sub", a.op, c.op), a.min - c.max, a.max - c.min);
    case "*":
      return ranged(kind, b.binary("mul", a.op, c.op), ...corners(a, c, (x, y) => x * y));
    case "/":
    case "%":
      return divide(p, op, a, c, span);
    case "**": {
      if (!isConstant(a) || !isConstant(c)) return p.fail(problem.powerNotConstant(p.place(span)));
      const exponent = numberOf(c);
      if (exponent < 0n || exponent > 64n) p.fail(problem.powerTooLarge(p.place(span)));
      const exact = numberOf(a) ** exponent;
      if (exact > U64_MAX || exact < I64_MIN) p.fail(problem.powerTooLarge(p.place(span)));
      return constant(exact);
    }
    case "<<": {
      const shifted = b.binary("shl", a.op, masked(p, c));
      if (isConstant(a) && isConstant(c) && a.kind === "either") return constant(BigInt.asIntN(64, numberOf(a) << (numberOf(c) & 63n)), undefined);
      const small = isConstant(c) && numberOf(c) >= 0n && numberOf(c) < 64n;
      return ranged(a.kind, shifted, small ? a.min << numberOf(c) : I64_MIN - 1n, small ? a.max << numberOf(c) : U64_MAX + 1n);
    }
    case ">>": {
      const fn = a.kind === "u64" ? "shr" : "sar";
      const small = isConstant(c) && numberOf(c) >= 0n && numberOf(c) < 64n;
      const shift = small ? numberOf(c) : 0n;
      const [min, max] = small ? [a.min >> shift, a.max >> shift] : [a.min < 0n ? a.min : 0n, a.max > 0n ? a.max : 0n];
      return ranged(a.kind, b.binary(fn, a.op, masked(p, c)), min, max);
    }
    case ">>>": {
      const small = isConstant(c) && numberOf(c) > 0n && numberOf(c) < 64n;
      return ranged(
        "u64",
        b.binary("shr", a.op, masked(p, c)),
        0n,
        a.min >= 0n ? (small ? a.max >> numberOf(c) : a.max) : small ? U64_MAX >> numberOf(c) : U64_MAX,
      );
    }
    case "&": {
      const bounded = [a, c].filter((v) => v.min >= 0n).map((v) => v.max);
      const max = bounded.length > 0 ? bounded.reduce((m, x) => (x < m ? x : m)) : I64_MAX;
      return ranged(kind, b.binary("and", a.op, c.op), bounded.length > 0 ? 0n : I64_MIN, max);
    }
    case "|":
    case "^": {
      const fn = op === "|" ? "or" : "xor";
      const positive = a.min >= 0n && c.min >= 0n;
      const top = a.max > c.max ? a.max : c.max;
      return ranged(kind, b.binary(fn, a.op, c.op), positive ? 0n : I64_MIN, positive ? (1n << BigInt(top.toString(2).length)) - 1n : I64_MAX);
    }
    default:
      return UNDEFINED;
  }
}

const masked = (p: Program, c: IntValue): Operand => (c.min >= 0n && c.max <= 63n ? c.op : p.b.binary("and", c.op, 63n));

function divide(p: Program, op: "/" | "%", a: IntValue, c: IntValue, span: Span): IntValue {
  const unsigned = a.kind === "u64" || c.kind === "u64";
  if (unsigned && (a.min < 0n || c.min < 0n)) p.fail(problem.mixedDivision(p.place(span), op));
  const kind: Kind = unsigned ? "u64" : a.kind === "either" && c.kind === "either" ? "either" : "i64";
  const positive = a.min >= 0n && c.min >= 0n;
  const signed = !unsigned && !positive;
  const fn: BinaryFn = op === "/" ? (signed ? "sdiv" : "udiv") : signed ? "smod" : "umod";
  const result = signed && p.session.request.target.isa === 3 ? signedDivision(p, op, a.op, c.op) : p.b.binary(fn, a.op, c.op);
  if (op === "/") {
    if (positive) return ranged(kind, result, 0n, c.min > 0n ? a.max / c.min : a.max);
    return ranged(kind, result, I64_MIN, I64_MAX);
  }
  if (positive) return ranged(kind, result, 0n, c.min > 0n && c.max - 1n < a.max ? c.max - 1n : a.max);
  return ranged(kind, result, I64_MIN, I64_MAX);
}

/** Without a signed instruction: divide the magnitudes, then put the sign back. */
function signedDivision(p: Program, op: "/" | "%", a: Operand, c: Operand): Operand {
  const b = p.b;
  if (typeof a === "bigint" && typeof c === "bigint") return b.binary(op === "/" ? "sdiv" : "smod", a, c);
  const sign = (x: Operand): Operand => b.binary("sar", x, 63n);
  const magnitude = (x: Operand, s: Operand): Operand => b.binary("sub", b.binary("xor", x, s), s);
  const sa = sign(a);
  const sc = sign(c);
  const result = b.binary(op === "/" ? "udiv" : "umod", magnitude(a, sa), magnitude(c, sc));
  const s = op === "/" ? b.binary("xor", sa, sc) : sa;
  return b.binary("sub", b.binary("xor", result, s), s);
}

export function unary(p: Program, op: "-" | "+" | "~", value: Value, span: Span): Value {
  if (value.k === "unknown") return value;
  return lift(p, value, constant(0n), (v) => {
    const a = integer(p, v, span);
    if (op === "+") return { ...a, pointee: undefined };
    if (op === "-") return isConstant(a) ? constant(BigInt.asIntN(64, -numberOf(a))) : ranged("i64", p.b.binary("sub", 0n, a.op), -a.max, -a.min);
    return ranged(a.kind === "u64" ? "u64" : "i64", p.b.binary("xor", a.op, -1n), -a.max - 1n, -a.min - 1n);
  });
}

/** `u8(x)`, `i64(x)`: the low bits, read as that type. */
export function convert(p: Program, v: IntValue | { k: "bool"; op: Operand }, size: 1 | 2 | 4 | 8, signed: boolean): IntValue {
  if (v.k === "bool") return i64(v.op, 0n, 1n);
  if (isConstant(v)) {
    const bits = size * 8;
    const low = BigInt.asUintN(bits, numberOf(v));
    const value = signed ? BigInt.asIntN(bits, low) : low;
    return constant(value, size === 8 ? (signed ? "i64" : "u64") : "i64");
  }
  if (size === 8)
    return signed
      ? i64(v.op, v.max <= I64_MAX ? v.min : I64_MIN, v.max <= I64_MAX ? v.max : I64_MAX)
      : u64(v.op, v.min >= 0n ? v.min : 0n, v.min >= 0n ? v.max : U64_MAX);
  const bits = (size * 8) as 8 | 16 | 32;
  const [low, high] = signed ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n] : [0n, (1n << BigInt(bits)) - 1n];
  if (v.min >= low && v.max <= high) return { k: "int", op: v.op, kind: "i64", min: v.min, max: v.max };
  return i64(p.b.extend(v.op, bits, signed), low, high);
}
