/**
 * Calls: arguments in r1 to r5, the result in r0; r1 to r5 are lost, r6 to r9 kept.
 *
 *     ┌──────┬────┬──────────────────────────────┬──────────────┬────────────────────────────────────┐
 *     │ 0x85 │ 0  │ 0 helper, 1 local, 2 kfunc   │ kfunc: fd idx│ helper id, slots to jump, BTF id   │
 *     └──────┴────┴──────────────────────────────┴──────────────┴────────────────────────────────────┘
 */
import { type HelperName, helpers } from "./helpers.ts";
import type { Instruction } from "./instruction.ts";
import { CallKind, Class, Jmp } from "./opcodes.ts";

const CALL = Class.jmp | Jmp.call;

/** A helper of the kernel by its name without `bpf_`. */
export const callHelper = (name: HelperName): Instruction => ({ code: CALL, dst: 0, src: CallKind.helper, offset: 0, imm: helpers[name].id });
/** The local function that begins at this instruction. It has a stack frame of its own and sees only r1 to r5. */
export const callLocal = (target: number): Instruction => ({ code: CALL, dst: 0, src: CallKind.local, offset: 0, imm: 0, target });
/** A kernel function by name; the loader asks the kernel's BTF for its id. */
export const callKfunc = (name: string): Instruction => ({ code: CALL, dst: 0, src: CallKind.kfunc, offset: 0, imm: 0, kfunc: name });
