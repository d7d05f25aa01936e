/**
 * Tracing other threads: ptrace(2) and waitid(2), as plain calls that give a result or minus errno. All calls for one
 * tracee come from the thread that attached to it; in Node that is the main thread, so nothing here is asynchronous.
 */
import { address, quickSyscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

/** Requests (include/uapi/linux/ptrace.h). */
export const Request = {
  peekUser: 3,
  pokeUser: 6,
  cont: 7,
  singleStep: 9,
  getRegs: 12,
  setRegs: 13,
  getFpRegs: 14,
  detach: 17,
  syscall: 24,
  setOptions: 0x4200,
  getEventMessage: 0x4201,
  getSigInfo: 0x4202,
  setSigInfo: 0x4203,
  seize: 0x4206,
  interrupt: 0x4207,
  listen: 0x4208,
  getSigMask: 0x420a,
  setSigMask: 0x420b,
  getSyscallInfo: 0x420e,
} as const;

export const Option = { sysGood: 1, fork: 2, vfork: 4, clone: 8, exec: 0x10, vforkDone: 0x20, exit: 0x40, suspendSeccomp: 0x20_0000 } as const;
/** What a stop is about: bits 8 and up of its status. */
export const Event = { none: 0, fork: 1, vfork: 2, clone: 3, exec: 4, vforkDone: 5, exit: 6, stop: 128 } as const;

export const Wait = { noHang: 1, stopped: 2, exited: 4, noWait: 0x0100_0000, all: 0x4000_0000 } as const;
/** si_code of a wait. */
export const Child = { exited: 1, killed: 2, dumped: 3, trapped: 4, stopped: 5, continued: 6 } as const;

/** Indices into a register file: the words of user_regs_struct (arch/x86/include/asm/user_64.h); the first 21 are pt_regs. */
export const Reg = {
  r15: 0,
  r14: 1,
  r13: 2,
  r12: 3,
  rbp: 4,
  rbx: 5,
  r11: 6,
  r10: 7,
  r9: 8,
  r8: 9,
  rax: 10,
  rcx: 11,
  rdx: 12,
  rsi: 13,
  rdi: 14,
  origRax: 15,
  rip: 16,
  cs: 17,
  eflags: 18,
  rsp: 19,
  ss: 20,
  fsBase: 21,
  gsBase: 22,
} as const;
/** Words of a register file. */
export const REG_WORDS = 27;

/** A register file: 27 words. */
export const newRegs = (): BigUint64Array<ArrayBuffer> => new BigUint64Array(REG_WORDS);
/** A siginfo_t: 128 bytes. */
export const newSigInfo = (): Int32Array<ArrayBuffer> => new Int32Array(32);

const ptrace = (request: number, tid: number, at = 0, data: number | bigint = 0): number => quickSyscall(nr.ptrace, request, tid, at, data, 0);

const addresses = new WeakMap<object, number>();
/** Where a buffer lies: asked for once, for it stays there. Buffers of 64 bytes and less may move. */
function addressOf(memory: BigUint64Array | Int32Array | Uint8Array): number {
  const known = addresses.get(memory);
  if (known !== undefined) return known;
  const at = Number(address(new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength)));
  addresses.set(memory, at);
  return at;
}

/** Attaches without stopping; `options` as Option says. */
export const seize = (tid: number, options: number): number => ptrace(Request.seize, tid, 0, options);
export const interrupt = (tid: number): number => ptrace(Request.interrupt, tid);
/** Goes on, with a signal or 0. */
export const cont = (tid: number, signal = 0): number => ptrace(Request.cont, tid, 0, signal);
/** Goes on to the next entry or exit of a system call. */
export const contToSyscall = (tid: number, signal = 0): number => ptrace(Request.syscall, tid, 0, signal);
export const singleStep = (tid: number, signal = 0): number => ptrace(Request.singleStep, tid, 0, signal);
/** Keeps a group-stopped thread stopped, and tells when SIGCONT comes. */
export const listen = (tid: number): number => ptrace(Request.listen, tid);
export const detach = (tid: number, signal = 0): number => ptrace(Request.detach, tid, 0, signal);
export const getRegs = (tid: number, regs: BigUint64Array): number => ptrace(Request.getRegs, tid, 0, addressOf(regs));
export const setRegs = (tid: number, regs: BigUint64Array): number => ptrace(Request.setRegs, tid, 0, addressOf(regs));
/** Writes one register, by its index in the register file. */
export const pokeReg = (tid: number, reg: number, value: number | bigint): number => ptrace(Request.pokeUser, tid, reg * 8, value);
/** user_fpregs_struct: 512 bytes as fxsave writes them; xmm0 is at 160. */
export const getFpRegs = (tid: number, into: Uint8Array): number => ptrace(Request.getFpRegs, tid, 0, addressOf(into));
export const getSigInfo = (tid: number, info: Int32Array): number => ptrace(Request.getSigInfo, tid, 0, addressOf(info));
export const setSigInfo = (tid: number, info: Int32Array): number => ptrace(Request.setSigInfo, tid, 0, addressOf(info));

const word = new BigUint64Array(16);

/** The blocked signals: bit n - 1 for signal n; undefined if the thread isn't stopped. */
export function getSigMask(tid: number): bigint | undefined {
  return ptrace(Request.getSigMask, tid, 8, addressOf(word)) < 0 ? undefined : (word[0] as bigint);
}
export function setSigMask(tid: number, mask: bigint): number {
  word[0] = mask;
  return ptrace(Request.setSigMask, tid, 8, addressOf(word));
}
/** Of a clone, fork or vfork the new thread; of an exec the thread's former id; of an exit the status. */
export function getEventMessage(tid: number): number {
  return ptrace(Request.getEventMessage, tid, 0, addressOf(word)) < 0 ? 0 : Number(word[0]);
}

/** Options once more, as Option says: all of them, not those to add. */
export const setOptions = (tid: number, options: number): number => ptrace(Request.setOptions, tid, 0, options);

const callInfo = new Uint8Array(128);
/** Where a thread stands that stopped at a system call. */
export function syscallStop(tid: number): "entry" | "exit" | undefined {
  if (ptrace(Request.getSyscallInfo, tid, callInfo.length, addressOf(callInfo)) < 0) return undefined;
  return callInfo[0] === 1 ? "entry" : callInfo[0] === 2 ? "exit" : undefined;
}

/** What a wait found. */
export interface WaitStatus {
  /** 0: nothing. */
  tid: number;
  code: number;
  /** Of a stop: signal | event << 8. Of an exit: the status or the signal. */
  status: number;
}
const info = newSigInfo();

/** waitid(2); `tid` 0 waits for any. The result or minus errno; `found` is filled in. */
export function wait(tid: number, options: number, found: WaitStatus): number {
  info[4] = 0;
  const result = quickSyscall(nr.waitid, tid === 0 ? 0 : 1, tid, addressOf(info), options, 0);
  found.tid = info[4] as number;
  found.code = info[2] as number;
  found.status = info[6] as number;
  return result;
}

/** tgkill(2): 0 or minus errno. */
export const signalThread = (pid: number, tid: number, signal: number): number => quickSyscall(nr.tgkill, pid, tid, signal, 0, 0);
