/**
 * Stops a thread wherever it is, so that it can be let go, or be had make system calls. What makes that delicate is our own
 * signal: an interrupted thread stops before it takes what is pending, and may stand behind a breakpoint with its SIGTRAP
 * still to come. Let go like that, it would be killed by it.
 */
import { readFileSync } from "node:fs";
import { isThreadGone } from "../../../sys/procfs.ts";
import { Child, cont, Event, getRegs, getSigInfo, interrupt, newRegs, newSigInfo, pokeReg, Reg, Wait, type WaitStatus, wait } from "../../../sys/ptrace.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { waitsForChild } from "./sharers.ts";
import { leaveSlot } from "./signals.ts";
import type { Tracee } from "./space.ts";

const SIGTRAP = 5;
const SIGTRAP_BIT = 1n << 4n;
const SYSCALL_STOP = SIGTRAP | 0x80;
/** si_code of a breakpoint's signal; other codes are a trap flag's or a sender's. */
export const SI_KERNEL = 0x80;
const INT3 = 0xcc;
/** A thread that runs has stopped after so many looks; one that sleeps is looked for each NAP_MS. */
const LOOKS = 200;
const NAP_MS = 0.2;

const bed = new Int32Array(new SharedArrayBuffer(4));
/** For a moment, without the processor. */
export const nap = (ms = NAP_MS): void => void Atomics.wait(bed, 0, 0, ms);

const regs = newRegs();
const info = newSigInfo();

/**
 * The signal that it was about to get (0: none), with which it is to go on; undefined if it has ended; "waits" if it can't stop
 * before a child of its own goes on, which is for the caller to see to. `isSite`: a breakpoint is there, or was.
 */
export function halt(lifecycle: Lifecycle, tracee: Tracee, isSite: (address: number) => boolean): number | "waits" | undefined {
  const { tid } = tracee;
  const found: WaitStatus = { tid: 0, code: 0, status: 0 };
  if (interrupt(tid) < 0) return undefined;
  for (;;) {
    const result = stopOf(tracee, found);
    if (result !== "stopped") return result;
    if (found.code === Child.exited || found.code === Child.killed || found.code === Child.dumped) {
      wait(tid, Wait.exited | Wait.all, found);
      lifecycle.ended(tid);
      return undefined;
    }
    const signal = found.status & 0xff;
    const event = found.status >> 8;
    if (event === Event.exec) {
      lifecycle.executed(tid);
      return undefined;
    }
    if (event === Event.stop && isTrapPending(tracee, isSite)) {
      // Its SIGTRAP is the next thing that it stops for.
      cont(tid);
      continue;
    }
    if (event === Event.fork || event === Event.vfork || event === Event.clone) lifecycle.born(tracee, event);
    if (event === Event.vfork) {
      // In the middle of its call it can make none for us.
      cont(tid);
      continue;
    }
    if (event !== Event.none || signal === SYSCALL_STOP) return 0;
    if (signal === SIGTRAP && comesAgain(tracee, isSite)) return 0;
    leaveSlot(tracee, signal);
    return signal;
  }
}

/** The next stop, or end, in `found`. */
function stopOf({ pid, tid }: Tracee, found: WaitStatus): "stopped" | "waits" | undefined {
  for (let looks = 1; ; looks++) {
    if (wait(tid, Wait.stopped | Wait.exited | Wait.all | Wait.noWait | Wait.noHang, found) < 0) return undefined;
    if (found.tid !== 0) return "stopped";
    if (looks < LOOKS) continue;
    if (waitsForChild(pid, tid)) return "waits";
    // The first thread of a process is told of when the last one has ended.
    if (isThreadGone(pid, tid)) return undefined;
    nap();
  }
}

function isTrapPending({ pid, tid }: Tracee, isSite: (address: number) => boolean): boolean {
  if (getRegs(tid, regs) < 0 || !isSite(Number(regs[Reg.rip]) - 1)) return false;
  try {
    const pending = /^SigPnd:\s+([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/task/${tid}/status`, "latin1"))?.[1] ?? "0";
    return (BigInt(`0x${pending}`) & SIGTRAP_BIT) !== 0n;
  } catch {
    return false;
  }
}

/** The end of a step of ours; or a breakpoint, ours or the program's: the thread goes back to what stands there now. */
function comesAgain(tracee: Tracee, isSite: (address: number) => boolean): boolean {
  const { tid } = tracee;
  if (getSigInfo(tid, info) < 0) return true;
  if (info[2] !== SI_KERNEL) return tracee.stepping !== undefined;
  if (getRegs(tid, regs) < 0) return false;
  const address = Number(regs[Reg.rip]) - 1;
  if (!isSite(address) && tracee.space.memory.bytes(address, 1)?.[0] !== INT3) return false;
  pokeReg(tid, Reg.rip, address);
  return true;
}
