/** What the tracer knows of the target: address spaces with their breakpoints, and the threads that run in them. */
import { ProcessMemory } from "../../../sys/process-memory.ts";
import type { SlotPosition } from "../../../x86/relocate/relocate.ts";
import type { AreaSet } from "./area-set.ts";

/** What a probe wants at a site. */
export interface ProbeUse {
  readonly probe: number;
  readonly cookie: number;
  /** rsp at the site minus rsp at the function's entry. */
  readonly stackDelta: number;
  /** The function's start minus the site's address. */
  readonly functionDelta: number;
  /** Indices of programs; -1: none. */
  readonly entry: number;
  readonly leave: number;
  /** `entry` and `leave` are one program, with a cookie between. */
  readonly session: boolean;
  readonly after: number;
  readonly fault: number;
  readonly intercept: { readonly enter: boolean; readonly leave: boolean } | undefined;
}

/** What the tracer itself wants to know of. */
export type InternalUse = "loader" | "map" | "longjmp" | "landing" | "return";

/** A breakpoint in one address space. */
export interface Armed {
  readonly address: number;
  /** Of the function, or what it is for. */
  readonly name: string;
  /** Where in which file; undefined for return addresses outside of registered files. */
  readonly file: string | undefined;
  readonly offset: number;
  readonly original: number;
  readonly length: number;
  readonly slot: number;
  readonly positions: readonly SlotPosition[];
  readonly after: number | undefined;
  /** pushf: a step shows in what it pushes. */
  readonly pushesFlags: boolean;
  /** popf: what it sets holds from the instruction behind the next one on. */
  readonly popsFlags: boolean;
  readonly bytes: Uint8Array;
  /** In a Go program: returns are seen at the function's own `ret` instructions. */
  readonly go: boolean;
  uses: readonly ProbeUse[];
  internal: InternalUse | undefined;
  /** Calls whose return is awaited here. */
  waiting: number;
  /** The breakpoint is in the text now. */
  inserted: boolean;
  /** The program has written something else there. */
  overwritten: boolean;
  /** Hits at which nothing was to do, in a row. */
  idle: number;
  /** A static probe's: where its semaphore is; and whether it counts us. */
  readonly semaphore: number | undefined;
  raised: boolean;
}

/** A call whose return is awaited. */
export interface PendingCall {
  /** rsp at the entry: points to the return address. */
  readonly stack: number;
  readonly returnTo: number;
  /** Of the entry. */
  readonly site: number;
  readonly items: readonly PendingItem[];
  /** Value of the thread's unwinding counter when it was pushed. */
  readonly unwinds: number;
}
export interface PendingItem {
  readonly use: ProbeUse;
  readonly cookie: bigint;
  /** Of an interception: the call's number. */
  readonly call: number;
}

/** The registers of a hit that was handled already: the program comes to its site again because a signal, or a system call to restart, took it out of the slot. */
export type Again = BigUint64Array;

/** Calls that haven't returned, of a thread or a goroutine. */
export class CallStack {
  /** By where the stack pointer stood at their entry. */
  readonly calls = new Map<number, PendingCall[]>();
  pending = 0;
  /** Counts longjmps and exceptions. */
  unwinds = 0;
}

export class Tracee {
  readonly tid: number;
  /** The process's id. */
  readonly pid: number;
  space: Space;
  /** Handlers run for it; not for a process that only shares the memory of one that is traced. */
  wanted: boolean;
  readonly stack = new CallStack();
  /** Stepping through a slot, for `after` and `fault`. */
  stepping: Armed | undefined;
  /** A popf that may have set the trap flag was executed last. */
  popped: Armed | undefined;
  /** Its own trap flag was set when we began to step. */
  ownTrapFlag = false;
  /** Stops at so many more entries and exits of system calls: until a mapping has been made. */
  mapping = 0;
  /** Its first stop has been; threads that we attached to have none. */
  started = false;
  /** At its next stop what is mapped is looked at. */
  look = false;
  /** Its last known mask of blocked signals. */
  mask: bigint | undefined;
  maskChecked = 0;

  constructor(tid: number, pid: number, space: Space, wanted: boolean) {
    this.tid = tid;
    this.pid = pid;
    this.space = space;
    this.wanted = wanted;
  }
}

/** One address space: of a process, and of those that share its memory (vfork, CLONE_VM). */
export class Space {
  readonly pid: number;
  readonly memory: ProcessMemory;
  readonly areas: AreaSet;
  readonly armed = new Map<number, Armed>();
  readonly tracees = new Set<Tracee>();
  /** Ranges of text where a breakpoint may be put. */
  text: readonly { readonly start: number; readonly end: number }[] = [];
  /** Files of the registry that are mapped here, by start of the mapping. */
  mapped = new Map<string, { readonly start: number; readonly end: number }>();
  /** By the address of their descriptor (g). They run on whichever thread. */
  readonly goroutines = new Map<number, CallStack>();
  /**
   * By the site's address and the stack pointer: signals nest, and a goroutine that was interrupted goes on in another thread.
   * The oldest come first.
   */
  readonly again = new Map<string, Again>();
  /** What stood at registered places, by file and offset: a moved mapping takes its breakpoints along. */
  readonly originals = new Map<string, number>();
  /** Breakpoints that aren't ours, where we have looked. */
  readonly strays = new Set<number>();
  closed = false;

  constructor(pid: number, areas: AreaSet) {
    this.pid = pid;
    this.memory = new ProcessMemory(pid);
    this.areas = areas;
  }
  close(): void {
    if (this.closed) return;
    this.memory.close();
    this.areas.close();
    this.closed = true;
  }
}
