/** Runs system calls in a thread of the target that is stopped, by the stub; afterwards it is stopped where it was. */
import { readFileSync } from "node:fs";
import { SondeError } from "../../../errors/error.ts";
import { ProcessMemory } from "../../../sys/process-memory.ts";
import { readMappings } from "../../../sys/procfs.ts";
import { Child, contToSyscall, Event, getRegs, getSigMask, newRegs, Reg, setRegs, setSigMask, Wait, type WaitStatus, wait } from "../../../sys/ptrace.ts";
import { type StubCall, stubCode } from "./stub.ts";

const SYSCALL_STOP = 0x85;
const NO_CALL = BigInt.asUintN(64, -1n);
const EVERY_SIGNAL = BigInt.asUintN(64, -1n);
/** -ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND: made anew; -ERESTART_RESTARTBLOCK: gone on with by restart_syscall. */
const ANEW = new Set([-512n, -513n, -514n].map((n) => BigInt.asUintN(64, n)));
const GO_ON = BigInt.asUintN(64, -516n);
const NR_RESTART = 219n;
const UNSAID = BigInt.asUintN(64, -38n);
const NR_EXECVE = 59n;
const NR_EXECVEAT = 322n;
const AT_ENTRY = 9n;

let ownTail: number | undefined;

/** Zeros at the end of our own vDSO, which is everybody's: bytes that nobody ever executes. */
function vdsoTail(): number {
  if (ownTail !== undefined) return ownTail;
  ownTail = 0;
  const vdso = readMappings(process.pid).find(({ path }) => path === "[vdso]");
  if (vdso !== undefined) {
    const memory = new ProcessMemory(process.pid);
    const bytes = memory.bytes(vdso.start, vdso.end - vdso.start);
    memory.close();
    if (bytes !== undefined) {
      let zeros = 0;
      while (zeros < bytes.length && bytes[bytes.length - 1 - zeros] === 0) zeros++;
      ownTail = zeros;
    }
  }
  return ownTail;
}

/** Where the stub goes: behind the vDSO's content; without one, over the program's first instructions, which don't run again. */
function stubPlace(pid: number, bytes: number): number | undefined {
  const vdso = readMappings(pid).find(({ path }) => path === "[vdso]");
  if (vdso !== undefined && vdsoTail() >= bytes + 64) return vdso.end - ((bytes + 63) & ~63);
  const words = new BigUint64Array(Uint8Array.from(readFileSync(`/proc/${pid}/auxv`)).buffer);
  for (let i = 0; i + 1 < words.length; i += 2) if (words[i] === AT_ENTRY) return Number(words[i + 1]);
  return undefined;
}

/** The state in which a thread goes on by itself: a system call that we interrupted is made anew. */
function goingOn(regs: BigUint64Array): void {
  const result = regs[Reg.rax] as bigint;
  if ((regs[Reg.origRax] as bigint) >> 63n === 0n) {
    if (ANEW.has(result) || result === GO_ON) {
      regs[Reg.rip] = (regs[Reg.rip] as bigint) - 2n;
      regs[Reg.rax] = result === GO_ON ? NR_RESTART : (regs[Reg.origRax] as bigint);
    }
  }
  // In its last moments, an exec hasn't said yet that it succeeded.
  if (result === UNSAID && (regs[Reg.origRax] === NR_EXECVE || regs[Reg.origRax] === NR_EXECVEAT)) regs[Reg.rax] = 0n;
  regs[Reg.origRax] = NO_CALL;
}

/**
 * The results of the calls, in order (negative: minus errno); undefined if the thread has ended. Signals that come meanwhile
 * stay pending. Throws SONDE_TRACE_INJECT.
 */
export function runInTarget(
  pid: number,
  tid: number,
  memory: ProcessMemory,
  calls: readonly StubCall[],
  between?: (call: number, result: number) => void,
): number[] | undefined {
  const regs = newRegs();
  if (getRegs(tid, regs) < 0) return undefined;
  goingOn(regs);
  const mask = getSigMask(tid) ?? 0n;
  const place = stubPlace(pid, stubCode(0, calls, regs, mask).length);
  const code = place === undefined ? undefined : stubCode(place, calls, regs, mask);
  if (place === undefined || code === undefined || !memory.write(place, code))
    throw new SondeError("SONDE_TRACE_INJECT", `process ${pid} has no place for a system call of ours`, {
      where: `pid ${pid}`,
      why: "it has no vDSO, and its entry can't be written",
    });
  const start = regs.slice();
  start[Reg.rip] = BigInt(place);
  setRegs(tid, start);
  const results: number[] = [];
  const found: WaitStatus = { tid: 0, code: 0, status: 0 };
  const now = newRegs();
  let inside = false;
  let signal = 0;
  // The last call, that of the stub itself, isn't one of ours.
  while (results.length <= calls.length) {
    if (contToSyscall(tid, signal) < 0) return undefined;
    signal = 0;
    if (wait(tid, Wait.stopped | Wait.exited | Wait.all | Wait.noWait, found) < 0) return undefined;
    if (found.code === Child.exited || found.code === Child.killed || found.code === Child.dumped) return undefined;
    const event = found.status >> 8;
    const stop = found.status & 0xff;
    if (stop === SYSCALL_STOP && event === 0) {
      getRegs(tid, now);
      // The end of the call in which it was stopped: an exec.
      if (now[Reg.rip] === start[Reg.rip]) continue;
      inside = !inside;
      if (inside) continue;
      const result = Number(BigInt.asIntN(64, now[Reg.rax] as bigint));
      between?.(results.length, result);
      results.push(result);
    } else if (event === Event.none) {
      // Blocked by now, it goes back among those that are pending, and comes when the stub has given the mask back.
      setSigMask(tid, EVERY_SIGNAL);
      signal = stop;
    }
  }
  setRegs(tid, regs);
  results.pop();
  return results;
}
