/**
 * Stops every thread of an address space for a moment, and lets all go again. Nothing is changed in a thread by that: a signal that
 * it was about to get it gets, a job that was stopped stays stopped, a system call that was interrupted is gone on with.
 *
 *     SEIZE all ──► INTERRUPT all ──► wait for each ──► list once more: none new? ──► … ──► DETACH all
 *
 * Threads that others make meanwhile show in the next list; stopped ones make none. A thread that waits for a child of its vfork
 * can't be stopped: the child is, which has the same memory.
 */
import { SondeError } from "../../../errors/error.ts";
import { isThreadGone, threadsOf } from "../../../sys/procfs.ts";
import { Child, detach, Event, interrupt, Option, seize, Wait, type WaitStatus, wait } from "../../../sys/ptrace.ts";
import { nap } from "../../breakpoint/tracer/halt.ts";
import { refusal } from "../../breakpoint/tracer/lifecycle.ts";
import { sharersOf, waitsForChild } from "../../breakpoint/tracer/sharers.ts";
import { isKernelWorker } from "./checks.ts";

const SIGTRAP = 5;
const SYSCALL_STOP = SIGTRAP | 0x80;
const ESRCH = 3;
/** Looks at a thread that hasn't stopped yet before it is asked why: meanwhile the processor is left to it. */
const LOOKS = 20;
const NAP_MS = 0.05;
/** The list of threads grows while it is read, but not for ever. */
const MOST_PASSES = 1000;

export interface StoppedThread {
  readonly pid: number;
  readonly tid: number;
  /** With which it goes on; 0 for none. */
  readonly signal: number;
}

/** What the arming process traces between two requests. */
export class Tracees {
  /** Threads that are still to be let go: tid → pid. They wait for children, and stop when those go on. */
  readonly lagging = new Map<number, number>();
  /** Processes whose first thread stands at their program's entry. */
  readonly entered = new Set<number>();
}

export class Stopped {
  readonly threads: StoppedThread[] = [];
  readonly #tracees: Tracees;
  readonly #lagging: Map<number, number>;

  constructor(tracees: Tracees) {
    this.#tracees = tracees;
    this.#lagging = tracees.lagging;
  }

  /** Stops all threads of a process, and those of processes that have its memory. Throws SONDE_TRACE_…, SONDE_PROCESS_NOT_FOUND; then nothing is held. */
  stop(pid: number): void {
    const known = new Set<number>();
    if (this.#tracees.entered.has(pid)) {
      this.threads.push({ pid, tid: pid, signal: 0 });
      known.add(pid);
    }
    try {
      this.#stopAll(pid, known);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  #stopAll(pid: number, known: Set<number>): void {
    let seizedAny = known.size > 0;
    for (let pass = 0; pass < MOST_PASSES; pass++) {
      const fresh: number[] = [];
      for (const tid of leaderFirst(pid)) {
        if (known.has(tid) || this.#lagging.has(tid)) continue;
        const result = seize(tid, Option.sysGood);
        if (result === 0) {
          interrupt(tid);
          fresh.push(tid);
          known.add(tid);
          seizedAny = true;
        } else if (result === -ESRCH || isThreadGone(pid, tid) || isKernelWorker(pid, tid)) known.add(tid);
        else throw refusal(pid, -result);
      }
      if (fresh.length === 0) {
        if (!seizedAny) throw refusal(pid, ESRCH);
        return;
      }
      // All are in this list before one may fail, so that all are let go then.
      for (const [i, tid] of fresh.entries()) {
        try {
          this.#await(pid, tid, known);
        } catch (error) {
          for (const other of fresh.slice(i)) this.#lagging.set(other, pid);
          throw error;
        }
      }
    }
    throw refusal(pid, ESRCH);
  }

  #await(pid: number, tid: number, known: Set<number>): void {
    for (let looks = 1; ; looks++) {
      const stopped = lookFor(pid, tid);
      if (stopped === "ended") return;
      if (stopped !== undefined) {
        this.threads.push(stopped);
        return;
      }
      nap(NAP_MS);
      if (looks % LOOKS !== 0) continue;
      if (waitsForChild(pid, tid)) {
        this.#lagging.set(tid, pid);
        for (const child of sharersOf(pid, tid)) if (!known.has(child)) this.#stopAll(child, known);
        return;
      }
      if (isThreadGone(pid, tid)) {
        this.#lagging.set(tid, pid);
        return;
      }
    }
  }

  /** All go on. */
  release(): void {
    for (const { pid, tid, signal } of this.threads.splice(0)) if (!this.#tracees.entered.has(tid)) letGo(pid, tid, signal, this.#lagging);
    letLaggingGo(this.#lagging);
  }
}

/** Two tracers meet at the first one: who has that gets the others. */
const leaderFirst = (pid: number): number[] => threadsOf(pid).sort((a, b) => Number(b === pid) - Number(a === pid));

const found: WaitStatus = { tid: 0, code: 0, status: 0 };

/** A thread that was interrupted: undefined while it runs. */
export function lookFor(pid: number, tid: number): StoppedThread | "ended" | undefined {
  if (wait(tid, Wait.stopped | Wait.exited | Wait.all | Wait.noWait | Wait.noHang, found) < 0) return "ended";
  if (found.tid === 0) return undefined;
  if (found.code === Child.exited || found.code === Child.killed || found.code === Child.dumped) {
    wait(tid, Wait.exited | Wait.all | Wait.noHang, found);
    return "ended";
  }
  const event = found.status >> 8;
  const signal = event === Event.none && found.status !== SYSCALL_STOP ? found.status & 0xff : 0;
  return { pid, tid, signal };
}

/** Those that have stopped by now; true when none is left. To be asked again until then. */
export function letLaggingGo(lagging: Map<number, number>): boolean {
  for (const [tid, pid] of lagging) {
    const stopped = lookFor(pid, tid);
    if (stopped === undefined) {
      // An exec has taken the interruption away.
      interrupt(tid);
      continue;
    }
    if (stopped === "ended" || detach(tid, stopped.signal) >= 0) lagging.delete(tid);
  }
  return lagging.size === 0;
}

/** One that was killed meanwhile isn't gone before its tracer has taken notice: until then its process neither ends nor executes anything. */
function letGo(pid: number, tid: number, signal: number, lagging: Map<number, number>): void {
  if (detach(tid, signal) < 0) lagging.set(tid, pid);
}

/** Another tracer is waited for so long, ms: another sonde holds a process for a moment only. */
const PATIENCE_MS = 1000;
/** One that has ended between our attempt and the question who it was looks like a lack of rights. */
const ENDING_MS = 30;
const LONGEST_NAP_MS = 10;

/** Tries again while somebody else traces the process. Naps of different lengths, so that two don't get in each other's way for ever. */
export function patiently<T>(work: () => T): T {
  const begun = performance.now();
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof SondeError)) throw error;
      const patience = error.code === "SONDE_TRACE_BUSY" ? PATIENCE_MS : error.code === "SONDE_TRACE_RIGHTS" ? ENDING_MS : 0;
      if (performance.now() - begun > patience) throw error;
      nap(1 + Math.random() * LONGEST_NAP_MS);
    }
  }
}

/** Stops a thread that can make system calls for us, and lets it go again behind `work`. Throws SONDE_TRACE_… */
export function withThread<T>(pid: number, { lagging, entered }: Tracees, work: (tid: number) => T): T {
  if (entered.has(pid)) return work(pid);
  const held = patiently(() => hold(pid, lagging));
  try {
    return work(held.tid);
  } finally {
    const now = lookFor(pid, held.tid);
    // Its own signal went back among those that are pending when it made calls.
    if (now === undefined) lagging.set(held.tid, pid);
    else if (now !== "ended") letGo(pid, held.tid, now.signal, lagging);
  }
}

function hold(pid: number, lagging: Map<number, number>): StoppedThread {
  let refused: Error | undefined;
  for (const tid of leaderFirst(pid)) {
    if (lagging.has(tid) || isThreadGone(pid, tid) || isKernelWorker(pid, tid)) continue;
    const result = seize(tid, Option.sysGood);
    if (result !== 0) {
      refused ??= refusal(pid, -result);
      if (result !== -ESRCH && tid === pid) break;
      continue;
    }
    interrupt(tid);
    const stopped = awaitOne(pid, tid);
    if (stopped === undefined) lagging.set(tid, pid);
    else if (stopped !== "ended") return stopped;
  }
  throw refused ?? refusal(pid, ESRCH);
}

function awaitOne(pid: number, tid: number): StoppedThread | "ended" | undefined {
  for (let looks = 1; ; looks++) {
    const stopped = lookFor(pid, tid);
    if (stopped !== undefined) return stopped;
    nap(NAP_MS);
    if (looks % LOOKS !== 0) continue;
    if (waitsForChild(pid, tid) || isThreadGone(pid, tid)) return undefined;
  }
}
