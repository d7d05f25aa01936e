/**
 * A thread that is to see a signal, or that is let go, may stand in a slot. What it must see is where it would stand without
 * us: each position of a slot stands for one of the original code.
 *
 *     slot:     mov eax, [rdi]     ← here: at the site, not executed yet
 *               jmp  site+2        ← here: behind the instruction
 *
 * Not executed yet, and a signal's handler comes between: the program comes back to the site afterwards and runs into the
 * breakpoint a second time for one execution. So the registers are kept, and a hit with exactly these isn't counted.
 */
import { getRegs, getSigInfo, newRegs, newSigInfo, Reg, setRegs, setSigInfo } from "../../../sys/ptrace.ts";
import type { Again, Armed, Space, Tracee } from "./space.ts";

const SIGILL = 4;
const SIGTRAP = 5;
const SIGBUS = 7;
const SIGFPE = 8;
const SIGSEGV = 11;
const SYNCHRONOUS = new Set([SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV]);
/** si_code of signals that processes send is 0 or negative; SI_KERNEL (0x80) and small numbers are the CPU's. */
const isFault = (signal: number, code: number): boolean => SYNCHRONOUS.has(signal) && code > 0;

const RESTART = new Set([-512n, -513n, -514n, -516n].map((n) => BigInt.asUintN(64, n)));
/** ERESTART_RESTARTBLOCK: the kernel goes on by this call. */
const RESTART_BLOCK = BigInt.asUintN(64, -516n);
const NR_RESTART = 219n;

export interface Translation {
  readonly armed: Armed;
  /** The instruction hasn't been executed. */
  readonly before: boolean;
}

/** Puts the original place into registers that stand in a slot; undefined if they don't. */
export function translate(space: Space, regs: BigUint64Array): Translation | undefined {
  const rip = Number(regs[Reg.rip]);
  const site = space.areas.siteAt(rip);
  if (site === undefined) return undefined;
  const armed = space.armed.get(site.site);
  if (armed === undefined) return undefined;
  let position = armed.positions[0]!;
  for (const one of armed.positions) if (one.offset <= site.offset) position = one;
  regs[Reg.rip] = BigInt(position.rip);
  if (position.stack !== 0) regs[Reg.rsp] = BigInt.asUintN(64, regs[Reg.rsp]! + BigInt(position.stack));
  if (position.rcx !== undefined) regs[Reg.rcx] = BigInt(position.rcx);
  return { armed, before: position.rip === armed.address };
}

const regs = newRegs();
const info = newSigInfo();
const infoWords = new BigUint64Array(info.buffer);

/** Before a signal is delivered: the thread, and what the signal tells of a fault, leave the slot. Gives what was translated. */
export function leaveSlot(
  tracee: Tracee,
  signal: number,
): (Translation & { readonly fault: boolean; readonly address: bigint; readonly regs: BigUint64Array }) | undefined {
  if (getRegs(tracee.tid, regs) < 0) return undefined;
  const slot = regs[Reg.rip]!;
  const found = translate(tracee.space, regs);
  if (found === undefined) return undefined;
  getSigInfo(tracee.tid, info);
  const fault = isFault(signal, info[2] as number);
  const address = infoWords[2] as bigint;
  if (fault && address === slot) {
    infoWords[2] = regs[Reg.rip]!;
    setSigInfo(tracee.tid, info);
  }
  if (!fault) remember(tracee.space, found);
  setRegs(tracee.tid, regs);
  return { ...found, fault, address, regs };
}

/** The thread will come to the site again for an execution that was handled. */
function remember(space: Space, { armed, before }: Translation): void {
  if (before) {
    keep(space, armed.address, regs.slice());
    return;
  }
  // A displaced system call that is to be restarted: the kernel takes rip back by 2, to the site.
  const result = regs[Reg.rax]!;
  if (armed.bytes[0] !== 0x0f || armed.bytes[1] !== 0x05 || regs[Reg.origRax]! >> 63n !== 0n || !RESTART.has(result)) return;
  const then = regs.slice();
  then[Reg.rip] = BigInt(armed.address);
  then[Reg.rax] = result === RESTART_BLOCK ? NR_RESTART : regs[Reg.origRax]!;
  keep(space, armed.address, then);
}

/** A handler that never comes back (longjmp) leaves its own behind: so many are kept. */
const MOST_AGAIN = 1024;
const keyOf = (address: number, registers: BigUint64Array): string => `${address}:${registers[Reg.rsp]}`;

function keep({ again }: Space, address: number, registers: Again): void {
  const key = keyOf(address, registers);
  // Behind those that are older.
  again.delete(key);
  again.set(key, registers);
  if (again.size > MOST_AGAIN) for (const oldest of again.keys()) return void again.delete(oldest);
}

/** Registers that say whether it is the same execution: all that the program has. */
const COMPARED = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, Reg.rax, Reg.rcx, Reg.rdx, Reg.rsi, Reg.rdi, Reg.rsp] as const;

/** Whether this hit at `address` is one that was handled before a signal came between. */
export function isAgain({ again }: Space, address: number, now: BigUint64Array): boolean {
  if (again.size === 0) return false;
  const key = keyOf(address, now);
  const then = again.get(key);
  if (then === undefined) return false;
  again.delete(key);
  for (const reg of COMPARED) if (then[reg] !== now[reg]) return false;
  return true;
}

/** Takes a stopped thread out of a slot, for good. */
export function evict(tracee: Tracee): void {
  if (getRegs(tracee.tid, regs) < 0) return;
  if (translate(tracee.space, regs) !== undefined) setRegs(tracee.tid, regs);
}
