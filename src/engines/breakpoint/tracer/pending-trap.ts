/**
 * An interrupted thread stops before it takes its pending signals: one that has just run into a breakpoint may stand behind it
 * with its SIGTRAP still to come. Let go like that, it would be killed by it.
 */
import { readFileSync } from "node:fs";
import { getRegs, newRegs, Reg } from "../../../sys/ptrace.ts";

const SIGTRAP_BIT = 1n << 4n;
const regs = newRegs();

/** Of a stopped thread; `isSite` says where breakpoints are, or were. */
export function isTrapPending(pid: number, tid: number, isSite: (address: number) => boolean): boolean {
  if (getRegs(tid, regs) < 0 || !isSite(Number(regs[Reg.rip]) - 1)) return false;
  try {
    const pending = /^SigPnd:\s+([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/task/${tid}/status`, "latin1"))?.[1] ?? "0";
    return (BigInt(`0x${pending}`) & SIGTRAP_BIT) !== 0n;
  } catch {
    return false;
  }
}
