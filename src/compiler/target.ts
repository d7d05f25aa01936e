/** What an image is compiled for: the one thing that the compiler knows of engines. */
import type { HitFilter } from "./image.ts";

/** By frame pointers, as the kernel does it, or by the tables that programs have for exceptions. */
export type Unwind = "pointers" | "tables";

/** What the compiler has to know of the engine before it makes an image. */
export interface Target {
  /** Entry and return in one program with an 8-byte cookie between them (kernel ≥ 6.13, uprobe_multi). */
  readonly sessions: boolean;
  /** Programs may fault pages in: bpf_copy_from_user (kernel ≥ 6.0). */
  readonly sleepable: boolean;
  /** kfuncs of this kernel that the compiler may call, e.g. "bpf_copy_from_user_str". */
  readonly kfuncs: ReadonlySet<string>;
  /** Instruction set version: 3 or 4. */
  readonly isa: 3 | 4;
  /** Number of possible CPUs; 1 where one thread runs all programs. */
  readonly cpus: number;
  /**
   * The context goes on behind pt_regs (168 bytes): at 168 xmm0 to xmm15, 16 bytes each; at 424 the signal's number (u32),
   * at 432 the address of a fault (u64). Only our own breakpoints have that.
   */
  readonly extendedContext: boolean;
  /** What a program writes into the registers of its context, the thread goes on with (kernel ≥ 6.19). */
  readonly writesRegisters: boolean;
  readonly filter: HitFilter;
  /** The same for tracepoints and `profile`, which no filter of the kernel's stands before. Undefined: the engine has neither these nor `interval`. */
  readonly eventFilter?: HitFilter;
  /** bpf_get_stack is there: of the program alone, or of the kernel too. */
  readonly stacks?: "user" | "both";
  /** The caller of a function that is probed at its `push %rbp` is among the program's frames (kernel ≥ 6.11). */
  readonly callersAtPush?: boolean;
  /** Bytes of the ring's data, a power of two and a multiple of the page size. */
  readonly ringBytes: number;
}
