/**
 * Arithmetic on all 64 bits of a register. Immediates are sign-extended.
 *
 *     ┌─────────────────────┬────┬────┬───────────────────┬────────────────────┐
 *     │ op 4 │ S 1 │ class 7│dst4│src4│ s16: 0, or a width │ s32: operand if !S │
 *     └─────────────────────┴────┴────┴───────────────────┴────────────────────┘
 *
 * Division by zero gives 0, a remainder by zero the dividend; shift counts are masked to 6 bits. `sdiv`, `smod`,
 * `movsx` and `bswap` are version 4 of the instruction set (kernel 6.6).
 */
import type { Instruction } from "./instruction.ts";
import { Alu, Class, Source } from "./opcodes.ts";
import { type Operand, type Reg, withOperand } from "./register.ts";

/** `dst = src` */
export const mov = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.mov, dst, src);
/** `dst = -dst` */
export const neg = (dst: Reg): Instruction => ({ code: Class.alu64 | Alu.neg, dst: dst.reg, src: 0, offset: 0, imm: 0 });
/** `dst += src` */
export const add = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.add, dst, src);
/** `dst -= src` */
export const sub = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.sub, dst, src);
/** `dst *= src` */
export const mul = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.mul, dst, src);
/** `dst |= src` */
export const or = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.or, dst, src);
/** `dst &= src` */
export const and = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.and, dst, src);
/** `dst ^= src` */
export const xor = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.xor, dst, src);
/** `dst <<= src`, the count masked */
export const lsh = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.lsh, dst, src);
/** `dst >>= src`, zeros shifted in */
export const rsh = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.rsh, dst, src);
/** `dst s>>= src`, the sign shifted in */
export const arsh = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.arsh, dst, src);
/** `dst /= src`, unsigned; by 0 gives 0 */
export const div = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.div, dst, src);
/** `dst %= src`, unsigned; by 0 leaves `dst` */
export const mod = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.mod, dst, src);

/** `dst s/= src`, truncating toward zero; the smallest number by -1 gives itself. Version 4. */
export const sdiv = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.div, dst, src, 1);
/** `dst s%= src`, with the sign of the dividend. Version 4. */
export const smod = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu64 | Alu.mod, dst, src, 1);
/** `dst = src`'s low 8, 16 or 32 bits, sign-extended. Version 4. */
export const movsx = (dst: Reg, src: Reg, bits: 8 | 16 | 32): Instruction => withOperand(Class.alu64 | Alu.mov, dst, src, bits);
/** `dst`'s low 16, 32 or 64 bits with their bytes reversed; the rest is zero. Version 4. */
export const bswap = (dst: Reg, bits: 16 | 32 | 64): Instruction => ({ code: Class.alu64 | Alu.end, dst: dst.reg, src: 0, offset: 0, imm: bits });
/** `dst`'s low 16, 32 or 64 bits from this machine's order to big-endian; the rest is zero. Any version. */
export const toBigEndian = (dst: Reg, bits: 16 | 32 | 64): Instruction => ({
  code: Class.alu32 | Alu.end | Source.reg,
  dst: dst.reg,
  src: 0,
  offset: 0,
  imm: bits,
});
/** `dst`'s low 16, 32 or 64 bits from this machine's order to little-endian: on x86-64 only the rest is zeroed. Any version. */
export const toLittleEndian = (dst: Reg, bits: 16 | 32 | 64): Instruction => ({ code: Class.alu32 | Alu.end, dst: dst.reg, src: 0, offset: 0, imm: bits });
