/** Whether threads stand in an arena, or will come back there from a handler of a signal; and how they are taken out of its copies. */
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { getRegs, newRegs, Reg, setRegs } from "../../../sys/ptrace.ts";
import type { Arena } from "./arena.ts";
import { SignalFrames } from "./moves.ts";
import type { WireCopy } from "./protocol.ts";
import type { StoppedThread } from "./stop.ts";

interface Back {
  readonly rip: number;
  /** To be added to rsp. */
  readonly stack: number;
  /** 0: it stays. */
  readonly rcx: number;
}

/** Where in the original code each place of a copy is; a probe's own code has none. */
export class WaysBack {
  readonly #to = new Map<number, Back>();

  constructor(copies: readonly WireCopy[]) {
    for (const { back } of copies)
      for (let i = 0; i + 3 < back.length; i += 4)
        if (!this.#to.has(back[i] as number))
          this.#to.set(back[i] as number, { rip: back[i + 1] as number, stack: back[i + 2] as number, rcx: back[i + 3] as number });
  }

  /** Threads that stand in a copy go on in the original, which is there again. Gives how many. */
  apply(threads: readonly StoppedThread[]): number {
    const regs = newRegs();
    let moved = 0;
    for (const { tid } of threads) {
      if (getRegs(tid, regs) < 0) continue;
      const back = this.#to.get(Number(regs[Reg.rip]));
      // A system call that is made anew is two bytes before where it returns to, there as here.
      if (back === undefined) continue;
      regs[Reg.rip] = BigInt(back.rip);
      regs[Reg.rsp] = (regs[Reg.rsp] as bigint) + BigInt(back.stack);
      if (back.rcx !== 0) regs[Reg.rcx] = BigInt(back.rcx);
      if (setRegs(tid, regs) >= 0) moved++;
    }
    return moved;
  }
}

/** How many threads stand in the arenas, or return there. `signals`: the program has handlers. */
export function insideOf(threads: readonly StoppedThread[], arenas: readonly Arena[], memory: ProcessMemory, signals: boolean): number {
  const regs = newRegs();
  const isInside = (rip: number): boolean => arenas.some((arena) => arena.contains(rip));
  const low = Math.min(...arenas.map(({ base }) => base));
  const high = Math.max(...arenas.map(({ base, shape }) => base + shape.size));
  const frames = new SignalFrames(memory, low, high);
  let inside = 0;
  for (const { tid } of threads) {
    if (getRegs(tid, regs) < 0) continue;
    if (isInside(Number(regs[Reg.rip]))) inside++;
    else if (signals) for (const { rip } of frames.of(Number(regs[Reg.rsp]))) if (isInside(rip)) inside++;
  }
  return inside;
}
