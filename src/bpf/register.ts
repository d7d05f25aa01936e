/** The eleven registers, as values of their own so that builders can tell a register from a number. */
import type { Instruction } from "./instruction.ts";
import { Source } from "./opcodes.ts";

export interface Reg {
  readonly reg: number;
}

const register = (reg: number): Reg => Object.freeze({ reg });

/** Results of calls; the exit code. */
export const r0 = register(0);
/** Arguments of calls, lost by them. */
export const r1 = register(1);
export const r2 = register(2);
export const r3 = register(3);
export const r4 = register(4);
export const r5 = register(5);
/** Kept across calls. */
export const r6 = register(6);
export const r7 = register(7);
export const r8 = register(8);
export const r9 = register(9);
/** The frame pointer: read-only, the stack lies in the 512 bytes below it. */
export const r10 = register(10);

/** All of them by number. */
export const registers: readonly Reg[] = Object.freeze([r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10]);

/** The second operand of arithmetic and jumps: a register, or a signed 32-bit number (sign-extended where 64 bits are meant). */
export type Operand = Reg | number;

/** An instruction whose second operand is a register or the immediate; the family's file says which `code`. */
export function withOperand(code: number, dst: Reg, operand: Operand, offset = 0): Instruction {
  return typeof operand === "number"
    ? { code: code | Source.imm, dst: dst.reg, src: 0, offset, imm: operand }
    : { code: code | Source.reg, dst: dst.reg, src: operand.reg, offset, imm: 0 };
}
