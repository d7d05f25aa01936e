/**
 * Atomic updates of 4 and 8 bytes of memory (not of the context).
 *
 *     ┌────────────────────────────┬────┬────┬─────────────┬──────────────────────────┐
 *     │ mode 6 │ size w, dw │ stx 3│dst4│src4│ s16: offset │ s32: operation | fetch   │
 *     └────────────────────────────┴────┴────┴─────────────┴──────────────────────────┘
 *
 * With fetch the old value comes back in `src`; 4-byte forms zero its high half. `cmpxchg` compares with r0 and
 * leaves the old value there. All but `add` without fetch need kernel 5.12.
 */
import type { Instruction } from "./instruction.ts";
import { sizeBits } from "./memory.ts";
import { AtomicOp, Class, Mode } from "./opcodes.ts";
import type { Reg } from "./register.ts";

export type AtomicWidth = 4 | 8;

const atomic =
  (operation: number) =>
  (width: AtomicWidth, dst: Reg, offset: number, src: Reg): Instruction => ({
    code: Class.stx | Mode.atomic | sizeBits[width],
    dst: dst.reg,
    src: src.reg,
    offset,
    imm: operation,
  });

/** `lock *(u64 *)(dst + offset) += src` */
export const atomicAdd = atomic(AtomicOp.add);
export const atomicOr = atomic(AtomicOp.or);
export const atomicAnd = atomic(AtomicOp.and);
export const atomicXor = atomic(AtomicOp.xor);
/** As `atomicAdd`; `src` becomes what was there before. */
export const fetchAdd = atomic(AtomicOp.add | AtomicOp.fetch);
export const fetchOr = atomic(AtomicOp.or | AtomicOp.fetch);
export const fetchAnd = atomic(AtomicOp.and | AtomicOp.fetch);
export const fetchXor = atomic(AtomicOp.xor | AtomicOp.fetch);
/** `src` and the memory change places. */
export const xchg = atomic(AtomicOp.xchg);
/** If the memory equals r0, it becomes `src`; r0 becomes what was there before. */
export const cmpxchg = atomic(AtomicOp.cmpxchg);
