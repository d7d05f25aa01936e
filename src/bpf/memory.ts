/**
 * Loads and stores: `register + offset`, of 8, 16, 32 or 64 bits.
 *
 *     ┌───────────────────────────────┬────┬────┬─────────────┬─────────────────────┐
 *     │ mode 3 │ size 2 │ class 1 2 3 │dst4│src4│ s16: offset │ s32: value (st only)│
 *     └───────────────────────────────┴────┴────┴─────────────┴─────────────────────┘
 *
 * Loads widen with zeros; `ldsx` (version 4) with the sign. The verifier wants natural alignment on the stack.
 */
import type { Instruction } from "./instruction.ts";
import { Class, Mode, Size } from "./opcodes.ts";
import type { Reg } from "./register.ts";

/** Bytes of one access. */
export type Width = 1 | 2 | 4 | 8;
/** The two bits of `code` for a width. */
export const sizeBits: { readonly [W in Width]: number } = { 1: Size.b, 2: Size.h, 4: Size.w, 8: Size.dw };

/** `dst = *(u64 *)(src + offset)` and its narrower sisters: zero-extended. */
export const ldx = (width: Width, dst: Reg, src: Reg, offset: number): Instruction => ({
  code: Class.ldx | Mode.mem | sizeBits[width],
  dst: dst.reg,
  src: src.reg,
  offset,
  imm: 0,
});
/** `dst = *(s32 *)(src + offset)`: sign-extended to 64 bits. Version 4. */
export const ldsx = (width: 1 | 2 | 4, dst: Reg, src: Reg, offset: number): Instruction => ({
  code: Class.ldx | Mode.memsx | sizeBits[width],
  dst: dst.reg,
  src: src.reg,
  offset,
  imm: 0,
});
/** `*(u64 *)(dst + offset) = src`, the low bytes of it. */
export const stx = (width: Width, dst: Reg, offset: number, src: Reg): Instruction => ({
  code: Class.stx | Mode.mem | sizeBits[width],
  dst: dst.reg,
  src: src.reg,
  offset,
  imm: 0,
});
/** `*(u64 *)(dst + offset) = imm`, sign-extended to 64 bits and cut to the width. */
export const st = (width: Width, dst: Reg, offset: number, imm: number): Instruction => ({
  code: Class.st | Mode.mem | sizeBits[width],
  dst: dst.reg,
  src: 0,
  offset,
  imm,
});
