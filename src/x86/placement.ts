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
import { decodeSimple, isEmulated, type SimpleInstruction } from "./simple-decoder.ts";
import type { Register } from "./registers.ts";

export interface PlacementRequest {
  /** How far it may go. */
  readonly move: "none" | "endbr" | "prologue";
  /** Registers that must be as at the entry. */
  readonly reads: ReadonlySet<Register> | "all";
  /** `code` is the whole function. */
  readonly sizeKnown: boolean;
  readonly longNops: boolean;
  /** Branches of the function, exactly, from the full decoder; asked for only where a quick look leaves a doubt. Undefined if the code doesn't decode. */
  readonly branches: () => Branches | undefined;
}

/** Where a function's own branches lead, as offsets from its start. */
export interface Branches {
  readonly targets: ReadonlySet<number>;
  /** It jumps to addresses from tables or registers. */
  readonly indirect: boolean;
}

/** The offset from the function's start at which the breakpoint goes. `code` begins at that start. */
export function placeEntry(code: Uint8Array, request: PlacementRequest): number {
  const first = decodeSimple(code, 0);
  if (request.move === "none" || first === undefined) return 0;
  if (request.reads !== "all" && request.reads.has("rip")) return 0;
  let behindEndbr = 0;
  if (first.kind === "endbr") {
    const next = decodeSimple(code, first.length);
    const prologue = next !== undefined && (next.kind === "push" || next.kind === "stack");
    if (!mayMove(code, first.length, request, prologue)) return 0;
    behindEndbr = first.length;
  }
  if (request.move === "endbr" || request.reads === "all" || !request.sizeKnown) return behindEndbr;
  const cheap = emulatedBehind(code, behindEndbr, request);
  return cheap > behindEndbr && mayMove(code, cheap, request, false) ? cheap : behindEndbr;
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
function mayMove(code: Uint8Array, to: number, request: PlacementRequest, prologue: boolean): boolean {
  if (!mayBranchInto(code, to, !prologue)) return true;
  const branches = request.branches();
  if (branches === undefined) return false;
  if (branches.indirect && !prologue) return false;
  for (const target of branches.targets) if (target > 0 && target <= to) return false;
  return true;
}

/**
 * A quick look at every byte as if an instruction began there: it finds each real branch and some that aren't, so "no" is
 * certain and "yes" is to be asked of the full decoder.
 */
function mayBranchInto(code: Uint8Array, to: number, tables: boolean): boolean {
  const end = code.length;
  for (let p = 0; p < end; p++) {
    const byte = code[p] as number;
    let target: number;
    if ((byte & 0xf0) === 0x70 || byte === 0xeb || (byte & 0xfc) === 0xe0) {
      if (p + 2 > end) continue;
      target = p + 2 + (((code[p + 1] as number) << 24) >> 24);
    } else if (byte === 0xe9 || byte === 0xe8) {
      if (p + 5 > end) continue;
      target = p + 5 + displacement(code, p + 1);
    } else if (byte === 0x0f) {
      if (p + 6 > end || ((code[p + 1] as number) & 0xf0) !== 0x80) continue;
      target = p + 6 + displacement(code, p + 2);
    } else if (byte === 0xff && tables) {
      // jmp r/m; through a fixed place (rip-relative) it goes to another function.
      const modrm = code[p + 1];
      if (modrm !== undefined && ((modrm >> 3) & 7) === 4 && modrm !== 0x25) return true;
      continue;
    } else continue;
    if (target > 0 && target <= to) return true;
  }
  return false;
}

function displacement(code: Uint8Array, at: number): number {
  return (code[at] as number) | ((code[at + 1] as number) << 8) | ((code[at + 2] as number) << 16) | ((code[at + 3] as number) << 24);
}
