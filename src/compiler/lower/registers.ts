/** The registers of a hit, in the context that every engine hands over: pt_regs, and behind them what only some have. */
import * as problem from "../diagnostics/lowering.ts";
import type { Span } from "../hir/types.ts";
import type { Operand } from "../mir/types.ts";
import type { Register } from "./input.ts";
import type { Program } from "./program.ts";

/** Where the kernel's pt_regs keep each register (x86-64, arch/x86/include/asm/ptrace.h). */
export const registerOffsets: { readonly [R in Register]: number } = {
  r15: 0,
  r14: 8,
  r13: 16,
  r12: 24,
  rbp: 32,
  rbx: 40,
  r11: 48,
  r10: 56,
  r9: 64,
  r8: 72,
  rax: 80,
  rcx: 88,
  rdx: 96,
  rsi: 104,
  rdi: 112,
  rip: 128,
  rflags: 144,
  rsp: 152,
};
/** Where the extended context goes on behind pt_regs (compiler/target.ts). */
export const VECTORS = 168;
export const SIGNAL = 424;
export const FAULT_ADDRESS = 432;
/** Of all of it. */
export const CONTEXT_BYTES = 440;

export function register(p: Program, name: Register): number {
  p.registersRead.add(name);
  return p.b.load({ reg: p.b.fn.context }, registerOffsets[name], 8, false, true);
}

/** Eight bytes of xmm`n`. `what` completes "… can't be had on this engine". */
export function vectorHalf(p: Program, n: number, half: 0 | 1, what: string, span: Span): Operand {
  if (!p.session.request.target.extendedContext) p.fail(problem.engineLacks(p.place(span), what, "breakpoint"));
  p.readsFloats = true;
  return p.b.load({ reg: p.b.fn.context }, VECTORS + 16 * n + 8 * half, 8, false, true);
}

/** At the program's start: what will be written, if nothing else is said, is what is there. */
export function beginWrites(p: Program): void {
  for (const name of p.knowledge.written) {
    const variable = p.b.variable();
    p.b.set(variable, p.b.load({ reg: p.b.fn.context }, registerOffsets[name], 8));
    p.written.set(name, variable);
  }
}

/** At its end. */
export function endWrites(p: Program): void {
  for (const [name, variable] of p.written) p.b.store({ reg: p.b.fn.context }, registerOffsets[name], 8, variable);
}
