/** A site: a place in a file where a probe can be armed. */

import type { Signature } from "../schema/ctypes.ts";

/** Which file it is, whatever path leads to it. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** What a hit will cost, by what the kernel must do with the displaced instruction. */
export type CostClass = "emulated" | "stepped";

/** What is known of a function's code where Go's compiler made the program. */
export interface GoCode {
  /** Bytes from the function's start to where the check of its stack ends: from there on nothing is executed twice for one call. */
  readonly checked: number;
  /** Its `ret` instructions, in bytes from its start: Go moves its stacks, and a changed return address would crash it. Found when asked for. */
  readonly returns: readonly number[];
  /** Where in a goroutine's structure (in r14) its id is; undefined where that isn't known of the version. */
  readonly goroutineId: number | undefined;
  /** Arguments come in registers: from Go 1.17 on. */
  readonly inRegisters: boolean;
}

/** What of the source a site stands for. */
export interface SourceSite {
  /** Of a line, its first instruction in a function or block; of a function, where it is inlined. */
  readonly kind: "line" | "inlined";
  /** As the compiler was given it; undefined, and a line of 0: not known. */
  readonly file: string | undefined;
  readonly line: number;
  /** 0: not known. */
  readonly column: number;
  /** The function whose code it is in, where that isn't the one that the site is named after. */
  readonly in: string | undefined;
  /** The key of the function's entry in the debug information, or of the inlined instance's: its variables are meant. */
  readonly scope: number | undefined;
}

/** A 16-bit count in the program's writable memory: a static probe's arguments may be made up only while it isn't 0. */
export interface Semaphore {
  /** As linked. */
  readonly address: bigint;
  /** Its place in the file; undefined where it is in memory only, as zeros are (.bss). */
  readonly offset: number | undefined;
}

/** What a static probe's note says of one of its places. */
export interface StaticProbe {
  /** Parameters arg0 to arg11, each with its place. */
  readonly signature: Signature;
  readonly semaphore: Semaphore | undefined;
}

/** What the kernel itself can run a handler at: a tracepoint by its number, a timer by its period in ns (one CPU's, or every CPU's own). */
export type KernelEvent = { readonly kind: "tracepoint"; readonly id: number } | { readonly kind: "interval" | "profile"; readonly ns: number };

/** A function that a target names, or a place in it; where exactly the breakpoint goes is decided when the handler is compiled. */
export interface FunctionSite {
  /** The path to open it by: for a file in another mount namespace, or one deleted since, below /proc/PID/root or /proc/PID/map_files. */
  readonly path: string;
  /** The path as a person knows it. */
  readonly display: string;
  readonly file: FileIdentity;
  /** The function's own start in the file. */
  readonly functionOffset: number;
  /** Virtual address of the function as linked. */
  readonly address: bigint;
  /** Size of the function in bytes, 0 if unknown. */
  readonly size: number;
  /** The function's name, without version; of C++ and Rust as the programmer wrote it. */
  readonly name: string;
  /** As it stands in the symbol table, where that is mangled. */
  readonly symbol?: string | undefined;
  /** Further names of the same place. */
  readonly aliases: readonly string[];
  readonly go?: GoCode | undefined;
  /** Bytes from the function's start that the target asked for (`f+0x1c`), 0 at the entry. */
  readonly delta: number;
  /** The probe is exactly `delta` bytes behind the function's start then. */
  readonly source?: SourceSite | undefined;
  /** Of a static probe, whose nop is at the "function's" start: its name is `provider:name`. */
  readonly usdt?: StaticProbe | undefined;
  /** What declarations say of it, where a simulation has to go by them. */
  readonly declared?: Signature | undefined;
  /** It is no place in a file at all. `name` is the tracepoint's, "sched:sched_switch", or the timer's as written. */
  readonly event?: KernelEvent | undefined;
}

export interface Site extends FunctionSite {
  /** Where the breakpoint goes, in bytes from the file's start; behind `functionOffset` at `f+0x1c`, behind endbr64, in a moved prologue. */
  readonly offset: number;
  /** `text` is decoded when it is asked for. */
  readonly instruction: { readonly text: string; readonly bytes: Uint8Array };
  readonly cost: CostClass;
  /** rsp at the site minus rsp at the function's entry: 0, or negative where the site was moved behind pushes. */
  readonly stackDelta: number;
}
