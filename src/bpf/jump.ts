/**
 * Jumps, in 64 and in 32 bits (those compare the low halves). Targets are indices into the program's array of
 * instructions; the encoder counts the slots between.
 *
 *     ┌──────────────────────────┬────┬────┬───────────────────────┬────────────────────┐
 *     │ op 4 │ S 1 │ class 5, 6  │dst4│src4│ s16: slots to jump on │ s32: operand if !S │
 *     └──────────────────────────┴────┴────┴───────────────────────┴────────────────────┘
 *
 * The distance counts from the slot behind the jump. `gotol` (version 4) keeps it in the immediate.
 */
import type { Instruction } from "./instruction.ts";
import { Class, Jmp } from "./opcodes.ts";
import { type Operand, type Reg, withOperand } from "./register.ts";

const conditional =
  (code: number) =>
  (dst: Reg, src: Operand, target: number): Instruction => ({ ...withOperand(code, dst, src), target });

/** Always. */
export const goto = (target: number): Instruction => ({ code: Class.jmp | Jmp.ja, dst: 0, src: 0, offset: 0, imm: 0, target });
/** Always, as far as 2^31 slots. Version 4. */
export const gotoLong = (target: number): Instruction => ({ code: Class.jmp32 | Jmp.ja, dst: 0, src: 0, offset: 0, imm: 0, target });
/** Ends the program, or the local function; the result is in r0. */
export const exit = (): Instruction => ({ code: Class.jmp | Jmp.exit, dst: 0, src: 0, offset: 0, imm: 0 });

/** If dst == src. */
export const jeq = conditional(Class.jmp | Jmp.jeq);
/** If dst != src. */
export const jne = conditional(Class.jmp | Jmp.jne);
/** If dst > src, unsigned. */
export const jgt = conditional(Class.jmp | Jmp.jgt);
/** If dst >= src, unsigned. */
export const jge = conditional(Class.jmp | Jmp.jge);
/** If dst < src, unsigned. */
export const jlt = conditional(Class.jmp | Jmp.jlt);
/** If dst <= src, unsigned. */
export const jle = conditional(Class.jmp | Jmp.jle);
/** If dst > src, signed. */
export const jsgt = conditional(Class.jmp | Jmp.jsgt);
/** If dst >= src, signed. */
export const jsge = conditional(Class.jmp | Jmp.jsge);
/** If dst < src, signed. */
export const jslt = conditional(Class.jmp | Jmp.jslt);
/** If dst <= src, signed. */
export const jsle = conditional(Class.jmp | Jmp.jsle);
/** If dst & src isn't 0. */
export const jset = conditional(Class.jmp | Jmp.jset);

/** If dst == src, of the low halves. */
export const jeq32 = conditional(Class.jmp32 | Jmp.jeq);
/** If dst != src, of the low halves. */
export const jne32 = conditional(Class.jmp32 | Jmp.jne);
/** If dst > src, unsigned, of the low halves. */
export const jgt32 = conditional(Class.jmp32 | Jmp.jgt);
/** If dst >= src, unsigned, of the low halves. */
export const jge32 = conditional(Class.jmp32 | Jmp.jge);
/** If dst < src, unsigned, of the low halves. */
export const jlt32 = conditional(Class.jmp32 | Jmp.jlt);
/** If dst <= src, unsigned, of the low halves. */
export const jle32 = conditional(Class.jmp32 | Jmp.jle);
/** If dst > src, signed, of the low halves. */
export const jsgt32 = conditional(Class.jmp32 | Jmp.jsgt);
/** If dst >= src, signed, of the low halves. */
export const jsge32 = conditional(Class.jmp32 | Jmp.jsge);
/** If dst < src, signed, of the low halves. */
export const jslt32 = conditional(Class.jmp32 | Jmp.jslt);
/** If dst <= src, signed, of the low halves. */
export const jsle32 = conditional(Class.jmp32 | Jmp.jsle);
/** If dst & src isn't 0, of the low halves. */
export const jset32 = conditional(Class.jmp32 | Jmp.jset);

/** What each conditional operation becomes when its branches change places; `jset` has none. */
const inverse: { readonly [operation: number]: number } = {
  [Jmp.jeq]: Jmp.jne,
  [Jmp.jne]: Jmp.jeq,
  [Jmp.jgt]: Jmp.jle,
  [Jmp.jle]: Jmp.jgt,
  [Jmp.jge]: Jmp.jlt,
  [Jmp.jlt]: Jmp.jge,
  [Jmp.jsgt]: Jmp.jsle,
  [Jmp.jsle]: Jmp.jsgt,
  [Jmp.jsge]: Jmp.jslt,
  [Jmp.jslt]: Jmp.jsge,
};
/** The jump that is taken exactly when the given one isn't; undefined where the instruction set has none. */
export function inverted(jump: Instruction): Instruction | undefined {
  const operation = inverse[jump.code & 0xf0];
  return operation === undefined ? undefined : { ...jump, code: (jump.code & 0x0f) | operation };
}
