/** The operator table on mathematical integers. `kinds` are the operands' static kinds. */
import { cut, int, type Kind, type Type } from "./kind.ts";
import { Text, type Value } from "./value.ts";

/** Kind of a result where a u64 operand makes it u64. */
const either = (a: Kind, b: Kind): Kind => (a === "u64" || b === "u64" ? "u64" : a === "either" && b === "either" ? "either" : "i64");

export function kindOf(type: Type): Kind {
  return type.k === "int" ? type.kind : "i64";
}

/** The kind of `a op b`, for the operators that give integers. */
export function resultKind(op: string, a: Kind, b: Kind): Kind {
  switch (op) {
    case "-":
      return "i64";
    case ">>>":
      return "u64";
    case "<<":
      return a === "either" ? "i64" : a;
    case ">>":
      return a;
    case "**":
      return "either";
    default:
      return either(a, b);
  }
}

export const resultType = (op: string, a: Type, b: Type): Type => int(resultKind(op, kindOf(a), kindOf(b)));

/** `a op b`. `kind` is the result's, `left` the left operand's. */
export function arithmetic(op: string, a: bigint, b: bigint, kind: Kind, left: Kind): bigint {
  const count = BigInt.asUintN(64, b) % 64n;
  switch (op) {
    case "+":
      return cut(kind, a + b);
    case "-":
      return cut(kind, a - b);
    case "*":
      return cut(kind, a * b);
    case "**":
      return cut(kind, a ** b);
    case "/": {
      const [x, y] = [cut(kind, a), cut(kind, b)];
      return y === 0n ? 0n : cut(kind, x / y);
    }
    case "%": {
      const [x, y] = [cut(kind, a), cut(kind, b)];
      return y === 0n ? x : x % y;
    }
    case "<<":
      return cut(kind, a << count);
    case ">>":
      return cut(left, a) >> count;
    case ">>>":
      return BigInt.asUintN(64, a) >> count;
    case "&":
      return cut(kind, a & b);
    case "|":
      return cut(kind, a | b);
    case "^":
      return cut(kind, a ^ b);
    default:
      throw new Error(`${op} isn't an operator of integers`);
  }
}

export function ordered(op: string, a: bigint, b: bigint): boolean {
  switch (op) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    default:
      return a >= b;
  }
}

/** `===`: of integers exact, of texts by what was kept and whether they were cut. */
export function equal(a: Value, b: Value): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a instanceof Text && b instanceof Text) return a.cut === b.cut && Buffer.compare(a.bytes, b.bytes) === 0;
  if (typeof a !== typeof b || typeof a === "object" || typeof b === "object") throw new Error("these can't be compared");
  return a === b;
}
