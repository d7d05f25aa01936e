/**
 * Arithmetic on the low 32 bits of a register; the high 32 bits of the result are zero, `movsx32` included.
 *
 *     ┌─────────────────────┬────┬────┬───────────────────┬────────────────────┐
 *     │ op 4 │ S 1 │ class 4│dst4│src4│ s16: 0, or a width │ s32: operand if !S │
 *     └─────────────────────┴────┴────┴───────────────────┴────────────────────┘
 *
 * Division by zero gives 0, a remainder by zero the dividend; shift counts are masked to 5 bits. `sdiv32`, `smod32`
 * and `movsx32` are version 4 of the instruction set (kernel 6.6).
 */
import type { Instruction } from "./instruction.ts";
import { Alu, Class } from "./opcodes.ts";
import { type Operand, type Reg, withOperand } from "./register.ts";

/** `dst = src`, the high half zeroed */
export const mov32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.mov, dst, src);
/** `dst = -dst` */
export const neg32 = (dst: Reg): Instruction => ({ code: Class.alu32 | Alu.neg, dst: dst.reg, src: 0, offset: 0, imm: 0 });
/** `dst += src` */
export const add32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.add, dst, src);
/** `dst -= src` */
export const sub32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.sub, dst, src);
/** `dst *= src` */
export const mul32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.mul, dst, src);
/** `dst |= src` */
export const or32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.or, dst, src);
/** `dst &= src` */
export const and32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.and, dst, src);
/** `dst ^= src` */
export const xor32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.xor, dst, src);
/** `dst <<= src`, the count masked */
export const lsh32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.lsh, dst, src);
/** `dst >>= src`, zeros shifted in */
export const rsh32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.rsh, dst, src);
/** `dst s>>= src`, the sign shifted in */
export const arsh32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.arsh, dst, src);
/** `dst /= src`, unsigned; by 0 gives 0 */
export const div32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.div, dst, src);
/** `dst %= src`, unsigned; by 0 leaves `dst`'s low half */
export const mod32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.mod, dst, src);

/** `dst s/= src`, truncating toward zero; the smallest number by -1 gives itself. Version 4. */
export const sdiv32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.div, dst, src, 1);
/** `dst s%= src`, with the sign of the dividend. Version 4. */
export const smod32 = (dst: Reg, src: Operand): Instruction => withOperand(Class.alu32 | Alu.mod, dst, src, 1);
/** `dst = src`'s low 8 or 16 bits, sign-extended to 32. Version 4. */
export const movsx32 = (dst: Reg, src: Reg, bits: 8 | 16): Instruction => withOperand(Class.alu32 | Alu.mov, dst, src, bits);
