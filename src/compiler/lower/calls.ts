/** Calls: the vocabulary's functions, methods, and helpers, which are inlined. */
import { ints } from "../../schema/layout.ts";
import { MOST_FRAMES } from "../../schema/stack.ts";
import * as problem from "../diagnostics/lowering.ts";
import type { Expr, Span } from "../hir/types.ts";
import { convert, integer, lift } from "./arithmetic.ts";
import { type Arm, join, whenPresent } from "./cells.ts";
import { compare, compareIntegers, truth } from "./condition.ts";
import { evaluate } from "./expression.ts";
import { highestBit } from "./highest-bit.ts";
import { readSchema } from "./memory.ts";
import { functionText } from "./memory-layout.ts";
import { detachRequest, formatted, request } from "./output.ts";
import { nthArgument } from "./parameters.ts";
import type { Frame, Program } from "./program.ts";
import { constantLength, schemaCall, wantSchema } from "./schema-value.ts";
import { captureStack } from "./stacks.ts";
import { bindParameters, statements } from "./statements.ts";
import { slotMethod, stateMethod } from "./states.ts";
import { addressOf, bytesOf, textOf } from "./target-text.ts";
import { endsWith, flagOf, includes, slice, startsWith } from "./text.ts";
import { unsafeMethod } from "./unsafe.ts";
import { bool, constant, type IntValue, i64, isConstant, nameOf, numberOf, UNDEFINED, type Value } from "./value.ts";

/** How often a function may be around itself. */
const MOST_NESTED = 8;

type Call = Extract<Expr, { k: "call" }>;

export function call(p: Program, e: Call): Value {
  const callee = evaluate(p, e.callee);
  p.at(e.span);
  return whenPresent(p, callee, e.span, (c) => {
    switch (c.k) {
      case "builtin":
        return builtin(p, c.name, e.args, e.span);
      case "method":
        return method(p, c.object, c.name, e.args, e.span);
      case "function":
        return inline(
          p,
          c,
          e.args.map((a) => evaluate(p, a)),
          e.span,
        );
      case "unknown":
        for (const arg of e.args) evaluate(p, arg);
        return c;
      default:
        return p.fail(problem.notCallable(p.place(e.callee.span), nameOf(c)));
    }
  });
}

function arg(p: Program, args: readonly Expr[], i: number, span: Span): Value {
  const e = args[i];
  return e ? evaluate(p, e) : p.fail(problem.wrongValue(p.place(span), "another argument", "nothing"));
}

function builtin(p: Program, name: string, args: readonly Expr[], span: Span): Value {
  if (name in ints) {
    const type = ints[name as keyof typeof ints];
    const v = arg(p, args, 0, span);
    return whenPresent(p, v, span, (x) => {
      if (x.k === "bool") return convert(p, x, type.size, type.signed);
      if (x.k === "unknown") return x;
      const n = x.k === "int" ? x : integer(p, x, (args[0] as Expr).span);
      return convert(p, { ...n, big: false, names: undefined, pointee: undefined }, type.size, type.signed);
    });
  }
  switch (name) {
    case "str": {
      const max = args[1] ? evaluate(p, args[1]) : constant(64n);
      const address = arg(p, args, 0, span);
      const length = args[2] ? evaluate(p, args[2]) : undefined;
      p.at(span);
      if (address.k === "unknown" || max.k === "unknown") return { k: "unknown" };
      return textOf(p, address, {
        max: max.k === "undefined" ? 64 : constantLength(p, max, args[1]?.span ?? span, "the length of a text"),
        length: length?.k === "undefined" ? undefined : length,
        span,
      });
    }
    case "buf": {
      const address = arg(p, args, 0, span);
      const max = constantLength(p, arg(p, args, 1, span), args[1]?.span ?? span, "the length of bytes");
      const length = args[2] ? evaluate(p, args[2]) : undefined;
      p.at(span);
      if (address.k === "unknown") return address;
      return bytesOf(p, address, { max, length, span });
    }
    case "read": {
      const address = arg(p, args, 0, span);
      const schema = wantSchema(p, args[1] ?? p.fail(problem.wrongValue(p.place(span), "a type", "nothing")));
      p.at(span);
      return whenPresent(p, address, span, (a) => (a.k === "unknown" ? a : readSchema(p, addressOf(p, a, span), schema, span)));
    }
    case "hex":
    case "duration":
    case "sym":
      return formatted(p, name, arg(p, args, 0, span), span);
    case "exit":
    case "clear":
    case "show":
      return request(p, name, args, span);
    case "cstring":
    case "bytes":
    case "struct":
      return schemaCall(p, name, args, span);
    case "Number":
      return whenPresent(p, arg(p, args, 0, span), span, (v) => (v.k === "bool" ? i64(v.op, 0n, 1n) : v.k === "unknown" ? v : integer(p, v, span)));
    case "Boolean":
      return booleanOf(p, arg(p, args, 0, span), span);
    case "print":
      return p.fail(problem.notSupported(p.place(span), "print as a call", "Write it as a template: print`…`."));
    default:
      return name.startsWith("Math.") ? math(p, name.slice(5), args, span) : p.fail(problem.notCallable(p.place(span), `\`${name}\``));
  }
}

function booleanOf(p: Program, v: Value, span: Span): Value {
  return flagOf(p, (no) => {
    const yes = p.b.block();
    truth(p, v, span, yes, no);
    p.b.enter(yes);
  });
}

function math(p: Program, name: string, args: readonly Expr[], span: Span): Value {
  const values = args.map((a) => evaluate(p, a));
  p.at(span);
  if (values.some((v) => v.k === "unknown")) return { k: "unknown" };
  const first = values[0] ?? p.fail(problem.wrongValue(p.place(span), "an argument", "nothing"));
  switch (name) {
    case "min":
    case "max":
      return values.slice(1).reduce((best: Value, v) => lift(p, best, v, (a, c) => least(p, name, integer(p, a, span), integer(p, c, span), span)), first);
    case "abs":
      return lift(p, first, constant(0n), (v) => {
        const n = integer(p, v, span);
        if (n.min >= 0n) return n;
        const sign = p.b.binary("sar", n.op, 63n);
        const magnitude = p.b.binary("sub", p.b.binary("xor", n.op, sign), sign);
        return i64(magnitude, n.min > -(2n ** 63n) ? 0n : -(2n ** 63n), n.min > -(2n ** 63n) ? (-n.min > n.max ? -n.min : n.max) : 2n ** 63n - 1n);
      });
    case "trunc":
      return lift(p, first, constant(0n), (v) => integer(p, v, span));
    case "floor":
    case "ceil":
    case "round":
      return lift(p, first, constant(0n), (v) => {
        const n = integer(p, v, span);
        if (n.min < 0n) p.fail(problem.floorOfNegative(p.place(span), name));
        return n;
      });
    case "clz32":
      return lift(p, first, constant(0n), (v) => {
        const b = p.b;
        const low = b.extend(integer(p, v, span).op, 32, false);
        const log = highestBit(p, low, 32);
        const some = b.binary("shr", b.binary("sub", 0n, low), 63n);
        return i64(b.binary("sub", b.binary("sub", 32n, log), some), 0n, 32n);
      });
    default:
      return p.fail(problem.notCallable(p.place(span), `\`Math.${name}\``));
  }
}

function least(p: Program, name: "min" | "max", a: IntValue, c: IntValue, span: Span): Value {
  if (isConstant(a) && isConstant(c)) return numberOf(a) < numberOf(c) === (name === "min") ? a : c;
  if (name === "min" ? a.max <= c.min : a.min >= c.max) return a;
  if (name === "min" ? c.max <= a.min : c.min >= a.max) return c;
  const b = p.b;
  const first = b.block();
  const second = b.block();
  compareIntegers(p, name === "min" ? "<=" : ">=", a, c, span, first, second);
  const v = join(
    p,
    [
      { value: a, block: first },
      { value: c, block: second },
    ],
    span,
  );
  if (v.k !== "int") return v;
  const lesser = (x: bigint, y: bigint): bigint => (x < y ? x : y);
  const greater = (x: bigint, y: bigint): bigint => (x > y ? x : y);
  return name === "min" ? { ...v, min: lesser(a.min, c.min), max: lesser(a.max, c.max) } : { ...v, min: greater(a.min, c.min), max: greater(a.max, c.max) };
}

function method(p: Program, object: Value, name: string, args: readonly Expr[], span: Span): Value {
  switch (object.k) {
    case "state":
      return stateMethod(p, object, name, args, span);
    case "slot":
      return slotMethod(p, object, name, args, span);
    case "context":
      if (name === "arg") {
        const n = arg(p, args, 0, span);
        return n.k === "unknown" ? n : nthArgument(p, integer(p, n, span), span);
      }
      return captureStack(p, name === "kstack" ? "kernel" : "user", args.length === 0 ? constant(BigInt(MOST_FRAMES)) : arg(p, args, 0, span), span);
    case "unsafe":
      return unsafeMethod(p, name, args, span);
    case "probe":
      if (name === "detach") return detachRequest(p, object.probe);
      return p.fail(problem.hostMethod(p.place(span), name, "a probe"));
    case "string":
    case "text":
    case "func":
      return textMethod(p, object, name, args, span);
    case "bytes":
      if (name === "equals") return equalBytes(p, object, arg(p, args, 0, span), span);
      break;
    case "builtin":
      if (object.name === "Math") return math(p, name, args, span);
      break;
    case "constant":
      if (name === "includes" && object.value.kind === "array") return includesConstant(p, object.value.items, arg(p, args, 0, span), span);
      break;
    case "unknown":
      return object;
    default:
  }
  return p.fail(problem.noMember(p.place(span), nameOf(object), `${name}()`, []));
}

function textMethod(p: Program, object: Extract<Value, { k: "string" | "text" | "func" }>, name: string, args: readonly Expr[], span: Span): Value {
  const text = object.k === "func" ? (functionText(p, object.op) as Extract<Value, { k: "string" }>) : object;
  const constantText = (): string => {
    const v = arg(p, args, 0, span);
    return v.k === "text" ? v.text : p.fail(problem.notConstant(p.place(args[0]?.span ?? span), `what ${name} looks for`));
  };
  switch (name) {
    case "startsWith":
      return startsWith(p, text, constantText());
    case "endsWith":
      return endsWith(p, text, constantText());
    case "includes":
      return includes(p, text, constantText());
    case "slice": {
      const at = (i: number, otherwise: number): number => {
        const e = args[i];
        if (!e) return otherwise;
        const v = evaluate(p, e);
        if (!isConstant(v) || numberOf(v) < 0n) return p.fail(problem.notConstant(p.place(e.span), "where a slice begins and ends (not negative)"));
        return Number(numberOf(v));
      };
      const from = at(0, 0);
      const to = at(1, Number.MAX_SAFE_INTEGER);
      return text.k === "text" ? { k: "text", text: text.text.slice(from, to) } : slice(p, text, from, Math.max(from, to));
    }
    default:
      return p.fail(problem.noMember(p.place(span), "text", `${name}()`, ["length", "startsWith()", "endsWith()", "includes()", "slice()"]));
  }
}

function includesConstant(p: Program, items: readonly import("./input.ts").CaptureValue[], v: Value, span: Span): Value {
  const b = p.b;
  if (v.k === "undefined") return bool(0n);
  return flagOf(p, (no) => {
    const yes = b.block();
    for (const item of items) {
      const next = b.block();
      const other: Value =
        item.kind === "int"
          ? constant(item.value)
          : item.kind === "string"
            ? { k: "text", text: item.value }
            : item.kind === "bool"
              ? bool(item.value ? 1n : 0n)
              : UNDEFINED;
      compareQuietly(p, v, other, span, yes, next);
      b.enter(next);
    }
    b.jump(no);
    b.enter(yes);
  });
}

/** As `compare`, without warnings: a list may hold what can't match. */
function compareQuietly(p: Program, a: Value, c: Value, span: Span, yes: Arm["block"], no: Arm["block"]): void {
  const before = p.diagnostics.length;
  compare(p, "===", a, c, span, yes, no);
  p.diagnostics.length = before;
}

function equalBytes(p: Program, a: Extract<Value, { k: "bytes" }>, other: Value, span: Span): Value {
  return whenPresent(p, other, span, (c) => {
    if (c.k !== "bytes") return p.fail(problem.wrongValue(p.place(span), "bytes", nameOf(c)));
    const b = p.b;
    return flagOf(p, (no) => {
      const sameLength = b.block();
      b.branch("eq", a.length, c.length, sameLength, no);
      b.enter(sameLength);
      const words = Math.ceil(Math.min(a.cap, c.cap) / 8) * 8;
      for (let i = 0; i < words; i += 8) {
        const next = b.block();
        b.branch("eq", b.load(a.base, a.offset + i, 8), b.load(c.base, c.offset + i, 8), next, no);
        b.enter(next);
      }
    });
  });
}

/** Calls a helper: its body is lowered here, with its parameters bound. */
export function inline(p: Program, f: Extract<Value, { k: "function" }>, args: readonly Value[], span: Span): Value {
  // Called from a literal that was handed to it, a function is in the chain twice without calling itself.
  let times = 0;
  for (let frame: Frame | undefined = p.frame; frame; frame = frame.parent) if (frame.hir === f.fn) times++;
  if (times >= MOST_NESTED) p.fail(problem.recursion(p.place(span), f.fn.name));
  const b = p.b;
  const frame = p.newFrame(f.fn, f.scope);
  const arms: Arm[] = p.within(frame, () => {
    bindParameters(p, frame, args);
    statements(p, f.fn.body);
    const all: Arm[] = frame.returns.map(({ value, block }) => ({ value, block }));
    if (!b.dead) all.push({ value: UNDEFINED, block: b.current });
    return all;
  });
  p.at(span);
  return join(p, arms, span);
}
