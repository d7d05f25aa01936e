/**
 * Takes threads out of windows before those become jumps: a thread that stands within one goes on at the same instruction of the
 * copy. So does one that is in a handler of a signal which has interrupted it there: its rip lies in the frame that the kernel
 * has put on its stack.
 */
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { getRegs, newRegs, pokeReg, Reg } from "../../../sys/ptrace.ts";
import type { WireCopy } from "./protocol.ts";
import type { StoppedThread } from "./stop.ts";

/** Frames of signals are looked for so far up a thread's stack. */
const STACK_BYTES = 64 * 1024;
/** -ERESTARTSYS, -ERESTARTNOINTR, -ERESTARTNOHAND, -ERESTART_RESTARTBLOCK. */
const RESTARTS = new Set([-512n, -513n, -514n, -516n].map((n) => BigInt.asUintN(64, n)));
/** cs and ss of a program of 64 bits, as they lie in a signal's frame two words behind rip (struct sigcontext). */
const USER_CS = 0x33;
const USER_SS = 0x2b;
const RIP_BEFORE_SEGMENTS = 16;

const regs = newRegs();
const stack = new Uint8Array(STACK_BYTES);
const words = new Uint32Array(stack.buffer);

/** Frames that the kernel has put on stacks for handlers, and that lead back to a range of addresses. */
export class SignalFrames {
  readonly #memory: ProcessMemory;
  readonly #low: number;
  readonly #high: number;

  constructor(memory: ProcessMemory, low: number, high: number) {
    this.#memory = memory;
    this.#low = low;
    this.#high = high;
  }

  /** Where in each frame its rip lies, and that. */
  *of(rsp: number): Generator<{ readonly at: number; readonly rip: number }> {
    const start = rsp - (rsp % 8);
    const got = this.#memory.read(start, stack);
    for (let i = RIP_BEFORE_SEGMENTS / 4; i + 1 < got >> 2; i += 2) {
      if (((words[i] as number) & 0xffff) !== USER_CS || (words[i + 1] as number) >>> 16 !== USER_SS) continue;
      const at = i - RIP_BEFORE_SEGMENTS / 4;
      const rip = (words[at] as number) + (words[at + 1] as number) * 2 ** 32;
      if (rip >= this.#low && rip <= this.#high) yield { at: start + at * 4, rip };
    }
  }
}

/** Where threads go on that stand within windows. */
export class Moves {
  readonly #to = new Map<number, number>();
  readonly #calls = new Map<number, number>();
  #low = Number.POSITIVE_INFINITY;
  #high = 0;
  constructor(sites: readonly { readonly address: number }[], copies: readonly WireCopy[]) {
    for (const [i, { moves, call }] of copies.entries()) {
      const site = sites[i]?.address;
      for (let j = 0; j + 1 < moves.length; j += 2) {
        const from = moves[j] as number;
        // At its first instruction a thread comes to the jump.
        if (from === site || this.#to.has(from)) continue;
        this.#to.set(from, moves[j + 1] as number);
        this.#low = Math.min(this.#low, from);
        this.#high = Math.max(this.#high, from);
      }
      if (call !== undefined) this.#calls.set(call.rip, call.at);
    }
  }

  /** How many were moved. `signals`: the program has handlers. */
  apply(threads: readonly StoppedThread[], memory: ProcessMemory, signals: boolean): number {
    let moved = 0;
    const frames = new SignalFrames(memory, this.#low, this.#high);
    for (const { tid } of threads) {
      if (getRegs(tid, regs) < 0) continue;
      const rip = Number(regs[Reg.rip]);
      const to = this.#to.get(rip) ?? (isRestarted(regs) ? this.#calls.get(rip) : undefined);
      if (to !== undefined && pokeReg(tid, Reg.rip, to) >= 0) moved++;
      if (!signals || this.#low > this.#high) continue;
      for (const frame of frames.of(Number(regs[Reg.rsp]))) {
        const other = this.#to.get(frame.rip);
        if (other !== undefined && memory.write(frame.at, new Uint8Array(BigUint64Array.of(BigInt(other)).buffer))) moved++;
      }
    }
    return moved;
  }
}

/** A system call that is to be made anew: rip goes back to its instruction. */
const isRestarted = (of: BigUint64Array): boolean => (of[Reg.origRax] as bigint) >> 63n === 0n && RESTARTS.has(of[Reg.rax] as bigint);
