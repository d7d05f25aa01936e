/**
 * Runs system calls in a thread of the target that is stopped, by the stub; afterwards it is stopped where it was.
 *
 *     stopped ── registers: at the stub ──► runs, a stop at each call's exit ──► interrupted ── registers: its own ──► stopped
 *
 * Killed at any arrow, the tracer leaves a thread that goes on in the stub, which gives it back all it had. If the tracer
 * lives, the thread ends in an event's stop, where the kernel still looks at what system call it was in: an interrupted one
 * is gone on with if nothing comes, and fails with EINTR if a signal does, as it would have without us.
 *
 * All signals are blocked meanwhile: no handler of the program sees the stub. The one that the thread was about to get is
 * queued again, with all that it says.
 */
import { SondeError } from "../../../errors/error.ts";
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { seccompMode } from "../../../sys/procfs.ts";
import {
  Child,
  cont,
  contToSyscall,
  Event,
  getRegs,
  getSigInfo,
  getSigMask,
  interrupt,
  newRegs,
  newSigInfo,
  Option,
  Reg,
  setOptions,
  setRegs,
  setSigMask,
  syscallStop,
  Wait,
  type WaitStatus,
  wait,
} from "../../../sys/ptrace.ts";
import { endOf, STUB_BYTES, type StubCall, stubCode, writtenAt } from "./stub.ts";
import { freePlace, isIn, type StubPlace, stubPlaces } from "./stub-place.ts";

/** With which every tracee is attached. */
export const OPTIONS = Option.sysGood | Option.fork | Option.vfork | Option.clone | Option.exec;

const SIGTRAP = 5;
const SI_KERNEL = 0x80;
const SYSCALL_STOP = SIGTRAP | 0x80;
const GROUP_STOPS = new Set([19, 20, 21, 22]);
const TRAP_FLAG = 0x100n;
const NO_CALL = BigInt.asUintN(64, -1n);
const EVERY_SIGNAL = BigInt.asUintN(64, -1n);
/** -ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND: made anew; -ERESTART_RESTARTBLOCK: gone on with by restart_syscall. */
const ANEW = new Set([-512n, -513n, -514n].map((n) => BigInt.asUintN(64, n)));
const GO_ON = BigInt.asUintN(64, -516n);
const NR_RESTART = 219n;

interface Stop {
  readonly event: number;
  readonly call: "entry" | "exit" | undefined;
  /** The signal that it is about to get, but for our own breakpoint's: that one is done with. */
  readonly signal: number;
}

function stopOf(tid: number): Stop | undefined {
  const info = newSigInfo();
  if (getSigInfo(tid, info) < 0) return undefined;
  const signal = info[0] as number;
  const code = info[2] as number;
  if (code > 0xff && (code & 0xff) === signal) return { event: code >> 8, call: undefined, signal: 0 };
  if (signal === SIGTRAP && code === SYSCALL_STOP) return { event: Event.none, call: syscallStop(tid), signal: 0 };
  return { event: Event.none, call: undefined, signal: signal === SIGTRAP && code === SI_KERNEL ? 0 : signal };
}

/** The next stop; false if the thread has ended. */
function stops(tid: number, found: WaitStatus): boolean {
  if (wait(tid, Wait.stopped | Wait.exited | Wait.all | Wait.noWait, found) < 0) return false;
  return found.code !== Child.exited && found.code !== Child.killed && found.code !== Child.dumped;
}

/** Those calls tell of themselves before they have a result: to their end first. */
function endCall(pid: number, tid: number): Stop | undefined {
  const found: WaitStatus = { tid: 0, code: 0, status: 0 };
  for (;;) {
    const stop = stopOf(tid);
    if (stop === undefined) return undefined;
    if (stop.event === Event.vfork) throw noCalls(pid, "its thread waits for a process that it has made by vfork", "Try again.");
    if (stop.event !== Event.fork && stop.event !== Event.clone && stop.event !== Event.exec) return stop;
    if (contToSyscall(tid) < 0 || !stops(tid, found)) return undefined;
  }
}

const noCalls = (pid: number, why: string, mend: string): SondeError =>
  new SondeError("SONDE_TRACE_INJECT", `process ${pid} can't be had make system calls`, { where: `pid ${pid}`, why, mend });

/** The state in which a thread goes on by itself: a system call that we interrupted is made anew. */
function aloneFrom(regs: BigUint64Array, stop: Stop): BigUint64Array {
  const alone = regs.slice();
  const call = regs[Reg.origRax] as bigint;
  const result = regs[Reg.rax] as bigint;
  if (call >> 63n === 0n && (stop.call === "entry" || ANEW.has(result) || result === GO_ON)) {
    alone[Reg.rip] = (regs[Reg.rip] as bigint) - 2n;
    alone[Reg.rax] = result === GO_ON ? NR_RESTART : call;
  }
  alone[Reg.origRax] = NO_CALL;
  return alone;
}

/** A filter might kill the target for what we ask it to do; for this thread it is put off as long as we trace it. */
function passFilter(pid: number, tid: number): boolean {
  if (seccompMode(tid) === 0) return false;
  if (setOptions(tid, OPTIONS | Option.suspendSeccomp) === 0) return true;
  throw new SondeError("SONDE_TRACE_SECCOMP", `process ${pid} runs under seccomp`, {
    where: `pid ${pid}`,
    why: "its filter may kill it for the system calls that arming makes in it, and to put the filter off for those takes CAP_SYS_ADMIN",
    mend: "Run as root, or use the engine kernel.",
  });
}

/**
 * The results of the calls, in order (negative: minus errno); undefined if the thread has ended. `between` is told each
 * result before the next call is made; it must not throw. Throws SONDE_TRACE_INJECT, SONDE_TRACE_SECCOMP.
 */
export function runInTarget(
  pid: number,
  tid: number,
  memory: ProcessMemory,
  calls: readonly StubCall[],
  between?: (call: number, result: number) => void,
): number[] | undefined {
  const stop = endCall(pid, tid);
  const regs = newRegs();
  if (stop === undefined || getRegs(tid, regs) < 0) return undefined;
  const places = stubPlaces(pid, memory);
  const inOld = leaveOldStub(tid, places, regs);
  const mask = getSigMask(tid) ?? 0n;
  const alone = aloneFrom(regs, stop);
  const place = inOld ?? freePlace(pid, places);
  if (place === undefined || !memory.write(place.at, stubCode(place.at, calls, alone, mask)))
    throw noCalls(pid, "it has no vDSO, and its entry can't be written", "Use the engine kernel.");
  const filtered = passFilter(pid, tid);
  const start = regs.slice();
  start[Reg.rip] = BigInt(place.at);
  start[Reg.origRax] = NO_CALL;
  start[Reg.eflags] = (regs[Reg.eflags] as bigint) & ~TRAP_FLAG;
  setRegs(tid, start);
  // The stub gives the mask back, so not before the thread stands there.
  setSigMask(tid, EVERY_SIGNAL);
  const results = makeCalls(tid, calls.length, stop.signal, between);
  if (results === undefined || !backFrom(tid, stop.call === "entry" ? alone : regs, mask)) return undefined;
  if (filtered) setOptions(tid, OPTIONS);
  // The program's entry, if it is there, is left as it was.
  memory.write(place.at, writtenAt(place.bytes) === 0n || inOld !== undefined ? new Uint8Array(STUB_BYTES) : place.bytes);
  return results;
}

/** A thread that stands in the stub of a tracer that was killed gets what it would have at its end. Gives that stub's place, free now. */
function leaveOldStub(tid: number, places: readonly StubPlace[], regs: BigUint64Array): StubPlace | undefined {
  const place = places.find((one) => isIn(one, Number(regs[Reg.rip])));
  if (place === undefined) return undefined;
  const mask = endOf(place.bytes, regs);
  setSigMask(tid, mask);
  setRegs(tid, regs);
  return place;
}

/** Until the last call's exit. */
function makeCalls(tid: number, count: number, first: number, between: ((call: number, result: number) => void) | undefined): number[] | undefined {
  const results: number[] = [];
  const found: WaitStatus = { tid: 0, code: 0, status: 0 };
  const now = newRegs();
  let inside = false;
  let signal = first;
  while (results.length < count) {
    if (contToSyscall(tid, signal) < 0 || !stops(tid, found)) return undefined;
    signal = 0;
    const event = found.status >> 8;
    if (event !== Event.none) continue;
    if (found.status !== SYSCALL_STOP) {
      // Blocked, it goes back among those that are pending; SIGSTOP isn't, and stops the process: not this thread, until it is done.
      signal = found.status;
    } else if (syscallStop(tid) === "entry") {
      inside = true;
    } else if (inside) {
      inside = false;
      getRegs(tid, now);
      const result = Number(BigInt.asIntN(64, now[Reg.rax] as bigint));
      between?.(results.length, result);
      results.push(result);
    }
  }
  return results;
}

/** From the exit of a call to where the thread was, before it runs a single instruction more. */
function backFrom(tid: number, regs: BigUint64Array, mask: bigint): boolean {
  const found: WaitStatus = { tid: 0, code: 0, status: 0 };
  let signal = 0;
  do {
    if (interrupt(tid) < 0 || cont(tid, signal) < 0 || !stops(tid, found)) return false;
    signal = found.status >> 8 === Event.none && found.status !== SYSCALL_STOP ? found.status : 0;
  } while (found.status >> 8 !== Event.stop);
  setSigMask(tid, mask);
  if (setRegs(tid, regs) < 0) return false;
  // Its process was stopped meanwhile (SIGSTOP): the next stop says so once more, to be answered as such.
  if (GROUP_STOPS.has(found.status & 0xff)) interrupt(tid);
  return true;
}
