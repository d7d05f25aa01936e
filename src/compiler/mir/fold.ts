/** Constant folding and the identities that need no analysis; the arithmetic is eBPF's (wraps; x / 0 = 0; x % 0 = x; counts masked). */
import { type BinaryFn, isReg, type Operand } from "./types.ts";

const s = (n: bigint): bigint => BigInt.asIntN(64, n);
const u = (n: bigint): bigint => BigInt.asUintN(64, n);

export function evaluate(fn: BinaryFn, a: bigint, b: bigint): bigint {
  switch (fn) {
    case "add":
      return s(a + b);
    case "sub":
      return s(a - b);
    case "mul":
      return s(a * b);
    case "and":
      return s(a & b);
    case "or":
      return s(a | b);
    case "xor":
      return s(a ^ b);
    case "shl":
      return s(a << (u(b) & 63n));
    case "shr":
      return s(u(a) >> (u(b) & 63n));
    case "sar":
      return s(s(a) >> (u(b) & 63n));
    case "udiv":
      return u(b) === 0n ? 0n : s(u(a) / u(b));
    case "umod":
      return u(b) === 0n ? s(a) : s(u(a) % u(b));
    case "sdiv":
      return s(b) === 0n ? 0n : s(s(a) / s(b));
    case "smod":
      return s(b) === 0n ? s(a) : s(s(a) % s(b));
  }
}

/** What the operation gives without computing it, if that can be told. */
export function fold(fn: BinaryFn, a: Operand, b: Operand): Operand | undefined {
  if (!isReg(a) && !isReg(b)) return evaluate(fn, a, b);
  if (b === 0n) {
    if (fn === "add" || fn === "sub" || fn === "or" || fn === "xor" || fn === "shl" || fn === "shr" || fn === "sar" || fn === "umod" || fn === "smod") return a;
    return 0n; // mul, and, udiv, sdiv
  }
  if (a === 0n) {
    if (fn === "add" || fn === "or" || fn === "xor") return b;
    if (fn !== "sub") return 0n;
  }
  if (b === 1n && (fn === "mul" || fn === "udiv" || fn === "sdiv")) return a;
  if (a === 1n && fn === "mul") return b;
  if (b === -1n && fn === "and") return a;
  if (a === b && isReg(a)) {
    if (fn === "sub" || fn === "xor") return 0n;
    if (fn === "and" || fn === "or") return a;
  }
  return undefined;
}
