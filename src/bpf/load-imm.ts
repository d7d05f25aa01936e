/**
 * LD_IMM64, the one instruction of two slots: 64-bit constants, maps, addresses inside a map's value, functions.
 *
 *     ┌──────┬────┬────┬───────┬──────────┐┌──────┬────┬────┬───────┬───────────┐
 *     │ 0x18 │dst4│kind│ 0     │ low s32  ││ 0    │ 0  │ 0  │ 0     │ high s32  │
 *     └──────┴────┴────┴───────┴──────────┘└──────┴────┴────┴───────┴───────────┘
 *
 *     kind 0  a number     1  a map: low is its descriptor     2  a map's first value: descriptor, offset into it
 *     kind 4  a local function: low is the distance in slots (a callback for bpf_loop)
 */

import { mov } from "./alu64.ts";
import type { Instruction } from "./instruction.ts";
import { ImmKind, LD_IMM64 } from "./opcodes.ts";
import type { Reg } from "./register.ts";

/** A 64-bit number, of either sign; always two slots. */
export const loadImm64 = (dst: Reg, value: bigint): Instruction => ({
  code: LD_IMM64,
  dst: dst.reg,
  src: ImmKind.number,
  offset: 0,
  imm: BigInt.asIntN(64, value),
});
/** A number by the shortest instruction that gives it: `mov` where its sign-extended 32 bits are enough. */
export function loadNumber(dst: Reg, value: bigint): Instruction {
  const signed = BigInt.asIntN(64, value);
  return BigInt.asIntN(32, signed) === signed ? mov(dst, Number(signed)) : loadImm64(dst, signed);
}
/** The map with this index in the image, as helpers take it. */
export const loadMap = (dst: Reg, map: number): Instruction => ({ code: LD_IMM64, dst: dst.reg, src: ImmKind.map, offset: 0, imm: 0, map });
/** The address of byte `at` of an array map's first value. */
export const loadMapValue = (dst: Reg, map: number, at: number): Instruction => ({
  code: LD_IMM64,
  dst: dst.reg,
  src: ImmKind.mapValue,
  offset: 0,
  imm: BigInt(at),
  map,
});
/** The local function that begins at this instruction. */
export const loadFunction = (dst: Reg, target: number): Instruction => ({ code: LD_IMM64, dst: dst.reg, src: ImmKind.func, offset: 0, imm: 0, target });
