/**
 * What an engine is to a session: it arms a session's image at sites, and gives the session its memory to read.
 * Probe (what was asked for), Site (file + offset) and Attachment (a site armed) are three things.
 */
import type { SessionImage } from "../compiler/image.ts";
import type { Target } from "../compiler/target.ts";
import type { KernelEvent, Site } from "../symbols/site.ts";

export type EngineName = "kernel" | "breakpoint" | "inline";

/** Which processes. Nothing given: every process that maps the file. */
export interface ProcessFilter {
  readonly pids: readonly number[];
  /** Their descendants too. */
  readonly children: boolean;
  /** Absolute path of a cgroup v2 folder. */
  readonly cgroup: string | undefined;
  /** One of `pids`: a command that is held before its exec; the program that it executes then is the one that is meant. */
  readonly held?: number;
}

/** A probe to arm: all its sites, in order; the cookie of a site is `cookies[i]` (its index in the session's table of functions). */
export interface ArmProbe {
  readonly probe: number;
  /** Indices into image.programs: entry and/or return, or one session program. */
  readonly programs: readonly number[];
  readonly sites: readonly Site[];
  /** Instead of sites: what the kernel itself runs the programs at, with names for messages. `cookies` are theirs then. */
  readonly events?: readonly { readonly event: KernelEvent; readonly name: string }[];
  readonly cookies: readonly number[];
  /** These processes only, besides the session's filter. */
  readonly pids: readonly number[] | undefined;
  /** Instead of programs: host code that is asked at each call, while the thread waits. */
  readonly intercept?: Interception;
}

/**
 * The registers of a thread as PTRACE_GETREGS gives them, 27 words: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi
 * orig_rax rip cs eflags rsp ss (so far they are pt_regs), then fs_base gs_base ds es fs gs.
 */
export type RegisterFile = BigUint64Array;

/** A call that waits for the host's word. */
export interface HostHit {
  readonly phase: "enter" | "leave";
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  /** The site's cookie: the index in the session's table of functions. */
  readonly cookie: number;
  /** Of a call: what `enter` and `leave` have in common. */
  readonly call: number;
  /** May be written: the thread goes on with what stands in it. */
  readonly regs: RegisterFile;
  /** At least one byte, at most `length`; throws a SondeError where nothing can be read. */
  readMemory(address: bigint, length: number): Uint8Array;
  writeMemory(address: bigint, bytes: Uint8Array): void;
}

/** What the host wants done: go on (with the registers as they are now), or leave the function at once with rax as it is. */
export type HostVerdict = "continue" | "skip";

export interface Interception {
  readonly enter: boolean;
  readonly leave: boolean;
  /** Never rejects. */
  handle(hit: HostHit): Promise<HostVerdict>;
}

/** A kernel map, or what stands for one. Keys and values are raw bytes. Per-CPU maps give a value per possible CPU. */
export interface MapAccess {
  /** One entry: its value, or a value per CPU one after the other (each rounded up to 8). */
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array, mode: "any" | "new" | "existing"): boolean;
  delete(key: Uint8Array): boolean;
  /** All entries, in batches where the kernel can. */
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  clear(): void;
}

export interface Losses {
  /** Hits for which the kernel did not run the program (recursion). */
  readonly skipped: bigint;
  /** Returns that the kernel could not follow (deeper than 64). */
  readonly depth: bigint;
}

/** Which engine armed it; "simulation": none, its hits are made up. */
export type ArmedBy = EngineName | "simulation";

export interface Armed {
  readonly engine: ArmedBy;
  /** How it was armed, for people: "uprobe_multi session", "perf event". */
  readonly method: string;
  readonly sites: number;
  /** What the user should know (others pay, an old inode isn't probed). */
  readonly notes: readonly string[];
  /** The per-CPU region and the shared region, in this process's memory. */
  readonly cpuRegion: ArrayBuffer;
  readonly sharedRegion: ArrayBuffer;
  map(index: number): MapAccess;
  /** Calls back for each record that is there, in order; gives how many there were. Bytes are only valid during the call. */
  consume(record: (bytes: DataView, offset: number, length: number) => void): number;
  /** Resolves when there may be records, or after `ms`. */
  wait(ms: number): Promise<void>;
  losses(): Losses;
  /** Takes out one probe; after it returns its handlers don't run any more. */
  detach(probe: number): void;
  /** Takes out all, keeping the memory readable; when it has resolved, nothing is armed and no handler runs. */
  disarm(): void | Promise<void>;
  /** Gives everything back. */
  close(): void | Promise<void>;
}

export interface Availability {
  readonly ok: boolean;
  /** Whether it is for want of rights. */
  readonly rights?: boolean;
  readonly why?: string;
  readonly mend?: string;
}

export interface Engine {
  readonly name: EngineName;
  available(): Availability;
  /** What to compile for. */
  target(request: { readonly filter: ProcessFilter; readonly sites: number; readonly calls: boolean; readonly events?: boolean }): Target;
  /** All or nothing: if one site can't be armed, none is, and the error names it. */
  arm(image: SessionImage, probes: readonly ArmProbe[], filter: ProcessFilter): Promise<Armed>;
}
