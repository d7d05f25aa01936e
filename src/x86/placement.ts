/**
 * Chooses where an entry probe goes. The kernel steps `endbr64` and most instructions in 15 µs in a virtual machine, but
 * emulates a push, a nop, a jump or a call in 1 µs; a few bytes further on, a handler often sees the same registers:
 *
 *     f:    endbr64          stepped      where the function starts
 *     f+4:  mov  eax, esi    stepped      `exact` off: no farther than here for probes with a return
 *     f+6:  push rbx         emulated     here, if the handler doesn't read rax and nothing jumps to f+4 … f+6
 *
 * What a jump in the function targets is another's path too: a probe there would count a loop's rounds.
 */
import { branchLengths, functionBranches, MAYBE } from "./branches.ts";
import type { Register } from "./registers.ts";
import { decodeSimple, isEmulated, type SimpleInstruction } from "./simple-decoder.ts";

export interface PlacementRequest {
  /** How far it may go. */
  readonly move: "none" | "endbr" | "prologue";
  /** Registers that must be as at the entry. */
  readonly reads: ReadonlySet<Register> | "all";
  /** `code` is the whole function. */
  readonly sizeKnown: boolean;
  readonly longNops: boolean;
  /** The function with up to `reach` bytes of other code before and behind it; `start`: of these bytes, from the function's start. */
  readonly around: (reach: number) => { readonly bytes: Uint8Array; readonly start: number };
}

/** Where other functions that jump into one are looked for. */
const NEIGHBOURHOOD = 4096;

/** The offset from the function's start at which the breakpoint goes. `code` begins at that start. */
export function placeEntry(code: Uint8Array, request: PlacementRequest): number {
  const first = decodeSimple(code, 0);
  if (request.move === "none" || first === undefined) return 0;
  if (request.reads !== "all" && request.reads.has("rip")) return 0;
  let behindEndbr = 0;
  if (first.kind === "endbr") {
    const next = decodeSimple(code, first.length);
    const prologue = next !== undefined && (next.kind === "push" || next.kind === "stack");
    if (!mayMove(code, first.length, prologue)) return 0;
    behindEndbr = first.length;
  }
  if (request.move === "endbr" || request.reads === "all" || !request.sizeKnown) return behindEndbr;
  const cheap = emulatedBehind(code, behindEndbr, request);
  return cheap > behindEndbr && mayMove(code, cheap, false) && !sharedCode(code, cheap, request) ? cheap : behindEndbr;
}

/**
 * Another offset for a function whose first instruction can't be probed: hand-written ones (strcmp, memset) begin with vector
 * instructions that the kernel refuses and that change nothing that a handler reads. Undefined if there is none.
 */
export function placeBehindRefused(code: Uint8Array, request: PlacementRequest, refused: (at: number) => boolean): number | undefined {
  if (!request.sizeKnown) return undefined;
  for (let at = 0, steps = 0; steps < 8; steps++) {
    const instruction = decodeSimple(code, at);
    if (instruction === undefined || (instruction.kind !== "vector" && !isUnseen(instruction, request.reads))) return undefined;
    at += instruction.length;
    if (!refused(at)) return mayMove(code, at, false) && !sharedCode(code, at, request) ? at : undefined;
  }
  return undefined;
}

/** Whether other functions may jump in between: hand-written ones share code, as mempcpy jumps behind the first instruction of memmove. The function itself was seen to. */
function sharedCode(code: Uint8Array, to: number, request: PlacementRequest): boolean {
  const { bytes, start } = request.around(NEIGHBOURHOOD);
  return branchesInto(bytes.subarray(0, -start), start, to, false) || branchesInto(bytes.subarray(code.length - start), code.length, to, false);
}

/** The first emulated instruction that can be reached without a change that the handler would see; `from` itself where there is none. */
function emulatedBehind(code: Uint8Array, from: number, request: PlacementRequest): number {
  for (let at = from, steps = 0; steps < 8; steps++) {
    const instruction = decodeSimple(code, at);
    if (instruction === undefined) return from;
    if (isEmulated(code, at, instruction, request.longNops)) return at;
    if (!isUnseen(instruction, request.reads)) return from;
    at += instruction.length;
  }
  return from;
}

function isUnseen(instruction: SimpleInstruction, reads: ReadonlySet<Register> | "all"): boolean {
  if (instruction.kind === "nop") return true;
  if (instruction.kind !== "registers" || reads === "all") return false;
  if (instruction.flags && reads.has("rflags")) return false;
  return instruction.writes.every((register) => !reads.has(register));
}

/** Whether nothing in the function jumps behind its start and up to `to`. `prologue`: an address from a table can't lead there, for the stack would not be balanced. */
function mayMove(code: Uint8Array, to: number, prologue: boolean): boolean {
  if (!branchesInto(code, 0, to, !prologue)) return true;
  const branches = functionBranches(code);
  if (branches === undefined) return false;
  if (branches.indirect && !prologue) return false;
  for (const target of branches.targets) if (target > 0 && target <= to) return false;
  return true;
}

/**
 * A quick look at every byte as if an instruction began there, for a branch to behind the function's start and up to `to`. It finds each real one
 * and some that aren't, so "no" is certain and "yes" is not. `start`: where `code` begins, from the function's start; `tables`: jumps through tables count.
 */
function branchesInto(code: Uint8Array, start: number, to: number, tables: boolean): boolean {
  const end = code.length;
  for (let p = 0; p < end; p++) {
    // One look into a table for most bytes: this goes over every byte of every function probed.
    let length = BRANCH_LENGTH[code[p] as number] as number;
    if (length === 0) continue;
    const next = code[p + 1] as number;
    if (length === MAYBE) {
      const byte = code[p] as number;
      if (byte === 0xff) {
        // jmp r/m; through a fixed place (rip-relative) it goes to another function.
        if (tables && ((next >> 3) & 7) === 4 && next !== 0x25) return true;
        continue;
      }
      if (byte === 0x0f ? (next & 0xf0) !== 0x80 : next !== 0xf8) continue;
      length = 6;
    }
    if (p + length > end) continue;
    const target = start + p + length + (length === 2 ? (next << 24) >> 24 : displacement(code, p + length - 4));
    if (target > 0 && target <= to) return true;
  }
  return false;
}

/** ff /4: jmp r/m */
const BRANCH_LENGTH = branchLengths(0xff);

function displacement(code: Uint8Array, at: number): number {
  return (code[at] as number) | ((code[at + 1] as number) << 8) | ((code[at + 2] as number) << 16) | ((code[at + 3] as number) << 24);
}
