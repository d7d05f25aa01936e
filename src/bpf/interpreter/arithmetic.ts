/** What each arithmetic operation and comparison means, on BigInt: the reference that every engine is held to (RFC 9669). */
import { SondeBug } from "../../errors/error.ts";
import { Alu, Jmp } from "../opcodes.ts";

export const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);
export const s64 = (n: bigint): bigint => BigInt.asIntN(64, n);
export const u32 = (n: bigint): bigint => BigInt.asUintN(32, n);

/**
 * `dst op src` in `bits` bits; operands and result are unsigned. `offset` 1 marks the signed division and remainder,
 * 8, 16 and 32 the sign-extending move. 32-bit results come zero-extended, as in a register.
 */
export function alu(bits: 32 | 64, operation: number, dst: bigint, src: bigint, offset: number): bigint {
  const cut = (n: bigint): bigint => BigInt.asUintN(bits, n);
  const signed = (n: bigint): bigint => BigInt.asIntN(bits, n);
  const a = cut(dst);
  const b = cut(src);
  switch (operation) {
    case Alu.add:
      return cut(a + b);
    case Alu.sub:
      return cut(a - b);
    case Alu.mul:
      return cut(a * b);
    case Alu.or:
      return a | b;
    case Alu.and:
      return a & b;
    case Alu.xor:
      return a ^ b;
    case Alu.neg:
      return cut(-a);
    case Alu.lsh:
      return cut(a << shiftCount(bits, b));
    case Alu.rsh:
      return a >> shiftCount(bits, b);
    case Alu.arsh:
      return cut(signed(a) >> shiftCount(bits, b));
    // BigInt division truncates toward zero, as the instruction does; `cut` wraps the one overflow, min / -1.
    case Alu.div:
      return b === 0n ? 0n : offset === 1 ? cut(signed(a) / signed(b)) : a / b;
    case Alu.mod:
      return b === 0n ? a : offset === 1 ? cut(signed(a) % signed(b)) : a % b;
    case Alu.mov:
      return offset === 0 ? b : cut(BigInt.asIntN(offset, b));
    default:
      throw new SondeBug(`0x${operation.toString(16)} isn't an arithmetic operation`);
  }
}

const shiftCount = (bits: 32 | 64, count: bigint): bigint => count & BigInt(bits - 1);

/** The low `width` bits of a register with their bytes reversed. */
export function swapBytes(value: bigint, width: number): bigint {
  let result = 0n;
  for (let bit = 0; bit < width; bit += 8) result = (result << 8n) | ((value >> BigInt(bit)) & 0xffn);
  return result;
}

/** Whether a conditional jump is taken. */
export function compare(bits: 32 | 64, operation: number, dst: bigint, src: bigint): boolean {
  const a = BigInt.asUintN(bits, dst);
  const b = BigInt.asUintN(bits, src);
  const sa = BigInt.asIntN(bits, dst);
  const sb = BigInt.asIntN(bits, src);
  switch (operation) {
    case Jmp.jeq:
      return a === b;
    case Jmp.jne:
      return a !== b;
    case Jmp.jset:
      return (a & b) !== 0n;
    case Jmp.jgt:
      return a > b;
    case Jmp.jge:
      return a >= b;
    case Jmp.jlt:
      return a < b;
    case Jmp.jle:
      return a <= b;
    case Jmp.jsgt:
      return sa > sb;
    case Jmp.jsge:
      return sa >= sb;
    case Jmp.jslt:
      return sa < sb;
    case Jmp.jsle:
      return sa <= sb;
    default:
      throw new SondeBug(`0x${operation.toString(16)} isn't a comparison`);
  }
}
