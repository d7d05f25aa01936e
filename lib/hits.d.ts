// biome-ignore-all lint/suspicious/noExplicitAny: "any type" is what these declarations have to say of undeclared targets.
// biome-ignore-all lint/suspicious/noEmptyInterface: registries are empty until declarations are merged into them.
/**
 * What handlers are handed, those that are compiled and those of `intercept`; and the registries into which declarations of targets are
 * merged, by `declare module "sonde" { interface Functions { … } }`.
 * @module
 */
import type { Bytes, f64, i32, i64, Ptr, stack, u32, u64 } from "./sonde.js";

/** Functions that declarations know: a target as it is written in scripts → its parameters and result. `import "sonde/types/libc"` declares the C library's. */
export interface Functions {}
/** USDT probes that declarations know, by their targets. */
export interface Usdts {}
/** Tracepoints that declarations know, by their names. */
export interface Tracepoints {}
/** The kernel's structures, where they are declared: `task_struct` and the like. */
export interface KernelTypes {}
interface FunctionType {
  readonly args: object;
  readonly ret: unknown;
}
/** A target that nothing declares: the editor accepts any parameter's name, and the compiler says which it knows (`SONDE_C_NO_ARGUMENT`). */
interface Untyped {
  readonly args: { readonly [name: string]: any };
  /** Raw, unless debug information has its type: then it may have fields. */
  readonly ret: i64 & { readonly [field: string]: any };
}
/** What a registry knows of a target. */
export type Known<R, T> = T extends keyof R ? (R[T] extends infer F extends { readonly args: object } ? F : Untyped) : Untyped;
type RetOf<F> = F extends FunctionType ? F["ret"] : i64;
/** A name of a registry, or any other. */
export type Named<R> = (keyof R & string) | (string & {});

/** What every hit knows. */
export interface Hit {
  /** The process (thread group), as the root namespace counts. [handler] */
  readonly pid: u32;
  /** The thread, as the root namespace counts. [handler] */
  readonly tid: u32;
  /** The real user. [handler] */
  readonly uid: u32;
  /** The real group. [handler] */
  readonly gid: u32;
  /** The CPU that the thread runs on, from 0. [handler] */
  readonly cpu: u32;
  /** The thread's name, at most 15 bytes. [handler] */
  readonly comm: string;
  /** Nanoseconds of the monotonic clock, which stands still while the machine sleeps. [handler] */
  readonly time: u64;
  /** The id of the thread's cgroup (v2): the inode number of its folder. [handler] */
  readonly cgroup: u64;
  /** In a program that Go 1.17 or newer has built: the id of the goroutine, which goes from thread to thread. [handler] */
  readonly goid: u64 | undefined;
  /** The probe's target as it is written; several are joined by ", ". [handler] */
  readonly probe: string;
  /** The kernel's structure of the thread. Engine: `kernel`, with declarations of its structures. [handler] */
  readonly task: KernelTypes extends { task_struct: infer T } ? Ptr<T> : any;
  /**
   * The program's stack, innermost first, at most `depth` (a constant to 127) frames. The engine `kernel` follows frame pointers:
   * what was compiled without them is cut short behind the probed function's caller, unless the run has `--unwind tables`; a dozen
   * frames cost 1 to 3 µs. The engine `breakpoint` needs none, and takes some 100 µs. [handler]
   */
  ustack(depth?: number): stack;
  /** The kernel's stack, at most `depth` (127) frames. Engine: `kernel`. [handler] */
  kstack(depth?: number): stack;
}
type Register = "rax" | "rbx" | "rcx" | "rdx" | "rsi" | "rdi" | "rbp" | "rsp" | "r8" | "r9" | "r10" | "r11" | "r12" | "r13" | "r14" | "r15" | "rip" | "rflags";
/** The vector registers, 16 bytes each: the doubles, floats or integers in them as they lie there. */
interface VectorRegisters {
  /** The register xmm0. Engine: `breakpoint`. [handler] */
  readonly xmm0: Bytes;
  /** The register xmm1. Engine: `breakpoint`. [handler] */
  readonly xmm1: Bytes;
  /** The register xmm2. Engine: `breakpoint`. [handler] */
  readonly xmm2: Bytes;
  /** The register xmm3. Engine: `breakpoint`. [handler] */
  readonly xmm3: Bytes;
  /** The register xmm4. Engine: `breakpoint`. [handler] */
  readonly xmm4: Bytes;
  /** The register xmm5. Engine: `breakpoint`. [handler] */
  readonly xmm5: Bytes;
  /** The register xmm6. Engine: `breakpoint`. [handler] */
  readonly xmm6: Bytes;
  /** The register xmm7. Engine: `breakpoint`. [handler] */
  readonly xmm7: Bytes;
  /** The register xmm8. Engine: `breakpoint`. [handler] */
  readonly xmm8: Bytes;
  /** The register xmm9. Engine: `breakpoint`. [handler] */
  readonly xmm9: Bytes;
  /** The register xmm10. Engine: `breakpoint`. [handler] */
  readonly xmm10: Bytes;
  /** The register xmm11. Engine: `breakpoint`. [handler] */
  readonly xmm11: Bytes;
  /** The register xmm12. Engine: `breakpoint`. [handler] */
  readonly xmm12: Bytes;
  /** The register xmm13. Engine: `breakpoint`. [handler] */
  readonly xmm13: Bytes;
  /** The register xmm14. Engine: `breakpoint`. [handler] */
  readonly xmm14: Bytes;
  /** The register xmm15. Engine: `breakpoint`. [handler] */
  readonly xmm15: Bytes;
}
/** A hit in user code. */
export interface UserHit extends Hit, VectorRegisters {
  /** The function's name, as a wildcard matched it; as a key use the type `func`. [handler] */
  readonly func: string;
  /** The registers at the hit. [handler] */
  readonly regs: { readonly [R in Register]: i64 };
  /** Changes to the target: refused unless the run has `--unsafe` (`SONDE_C_UNSAFE`). [handler] */
  readonly unsafe: Unsafe;
}
/** The integer arguments as the calling convention passes them: raw, 64 bits, signed. A narrower one may have anything above its width: `i32(c.arg0)`. */
interface RawArgs {
  /** The first integer or pointer argument (rdi). [handler] */
  readonly arg0: i64;
  /** The second (rsi). [handler] */
  readonly arg1: i64;
  /** The third (rdx). [handler] */
  readonly arg2: i64;
  /** The fourth (rcx). [handler] */
  readonly arg3: i64;
  /** The fifth (r8). [handler] */
  readonly arg4: i64;
  /** The sixth (r9). [handler] */
  readonly arg5: i64;
  /** Argument `n`, a constant from 0; from 6 on they are read from the stack. [handler] */
  arg(n: number): i64;
}
/** At a function's entry. */
export interface EnterHit<F extends { readonly args: object } = Untyped> extends UserHit, RawArgs {
  /** The arguments by their names and types, as prototypes or debug information know them. [handler] */
  readonly args: F["args"];
  /** The variables in scope at the probed line of the source (`bin:file.c:120`), by their names, as debug information knows them (`SONDE_C_NO_VARIABLES`). [handler] */
  readonly vars: { readonly [name: string]: any };
  /** The first float argument (xmm0). Engine: `breakpoint`. [handler] */
  readonly farg0: f64;
  /** The second float argument. Engine: `breakpoint`. [handler] */
  readonly farg1: f64;
  /** The third float argument. Engine: `breakpoint`. [handler] */
  readonly farg2: f64;
  /** The fourth float argument. Engine: `breakpoint`. [handler] */
  readonly farg3: f64;
}
/** At a function's return: the arguments are gone (`SONDE_C_ARGUMENT_AT_RETURN`): carry them from `enter`. */
export interface LeaveHit<F extends { readonly args: object } = Untyped> extends UserHit {
  /** The result: by its declared type, else raw (rax), 64 bits and signed: `i32(c.ret)` for an `int`. [handler] */
  readonly ret: RetOf<F>;
  /** A float result (xmm0). Engine: `breakpoint`. [handler] */
  readonly fret: f64;
}
/** `fault`: what the instruction ran into. */
export interface FaultHit extends UserHit {
  /** The signal's number: 11 is SIGSEGV. [handler] */
  readonly signal: i32;
  /** The address that couldn't be accessed. [handler] */
  readonly address: u64;
}
/** At a USDT probe. */
export interface UsdtHit<F extends { readonly args: object } = Untyped> extends UserHit, RawArgs {
  /** The probe's arguments, `arg0` to `arg11`, with the types that its note says; those of known probes by their documented names too. [handler] */
  readonly args: F["args"];
}
/** At a tracepoint of the kernel: in whatever process the kernel works for, or for none (`pid` 0). */
export interface TracepointHit<F extends { readonly args: object } = Untyped> extends Hit {
  /** The tracepoint's name, as a wildcard matched it: "sched:sched_switch"; as a key use the type `func`. [handler] */
  readonly func: string;
  /** The tracepoint's fields by name. [handler] */
  readonly args: F["args"];
}
/** A CPU is looked at: what it is doing. */
export interface SampleHit extends Hit {
  /** The registers, of the kernel where it is at work. [handler] */
  readonly regs: { readonly [R in Register]: i64 };
}
/** Changes to the target. Every one needs a run with `--unsafe`. */
export interface Unsafe {
  /** Skips the function, with this result (at its entry). [handler] */
  override(result: number): void;
  /** Replaces the result (at the return). [handler] */
  setRet(result: number): void;
  /** Replaces argument `n`. [handler] */
  setArg(n: number, value: number): void;
  /** Replaces a register's value. [handler] */
  setReg(name: Register, value: number): void;
  /** Sends the thread a signal. [handler] */
  signal(n: number): void;
}

// ───────────────────────────── host handlers: any JavaScript, the thread waits (breakpoint only) ─────────────────────────────
/** The target's memory, while its thread waits. Throws `SONDE_MEMORY` where it can't be accessed. [host] */
export interface Memory {
  /** Exactly `length` bytes. */
  read(address: bigint, length: number): Uint8Array;
  /** Text up to its NUL, at most `max` (4,096) bytes. */
  text(address: bigint, max?: number): string;
  /** Puts bytes there; of a text its UTF-8 bytes, without a NUL behind them. */
  write(address: bigint, data: Uint8Array | string): void;
}
/**
 * A hit that host code handles. Registers are `bigint`, 64 bits and signed, and may be assigned: the thread goes on with what
 * stands in them when the handler has returned, or its promise is resolved. Afterwards a hit can't be used any more. [host]
 */
export interface InterceptHit {
  /** The process (thread group), as the root namespace counts. */
  readonly pid: number;
  /** The thread. */
  readonly tid: number;
  /** The thread's name, at most 15 bytes. */
  readonly comm: string;
  /** The function's name, as a wildcard matched it. */
  readonly func: string;
  readonly regs: { [R in Register]: bigint };
  readonly memory: Memory;
}
/** At the entry: arguments may be assigned. [host] */
export interface InterceptEnter extends InterceptHit {
  /** The first integer or pointer argument (rdi). */
  arg0: bigint;
  /** The second (rsi). */
  arg1: bigint;
  /** The third (rdx). */
  arg2: bigint;
  /** The fourth (rcx). */
  arg3: bigint;
  /** The fifth (r8). */
  arg4: bigint;
  /** The sixth (r9). */
  arg5: bigint;
  /** Doesn't run the function: it returns this at once, with `errno` set as by the C library, as "ENOENT". `leave` isn't run for that call. */
  skip(result: number | bigint, options?: { readonly errno?: string }): void;
}
/** At the return: the result may be assigned. [host] */
export interface InterceptLeave extends InterceptHit {
  /** The result, by its declared width where a prototype is known, else all of rax. Assign to replace it. */
  ret: bigint;
  /** The C library's error, as "ENOENT", where the result is -1, else `undefined`. Assign to make the call fail: `ret` is then -1. */
  errno: string | undefined;
}
