/**
 * Pairs calls with their returns without touching the stack: a breakpoint stands at the return address, and the call that
 * returns is known by the stack pointer.
 *
 *     entry of f:   rsp ──► [ return address R ]      pending: (this thread, rsp) → R
 *     at R:         rsp - 8 is the same               f has returned, with its result in rax
 *
 * A tail call enters g with f's stack pointer and R: both return there, g first. A function that was left by longjmp or an
 * exception never comes to R; its entry is dropped when the thread unwinds beyond it, which the tracer sees at longjmp's
 * and at the landing pads' own functions. Where the program does that by code of its own, a later call with the same stack
 * pointer from the same place stands for a new call: an older entry of the same function there is stale.
 */
import { Reg } from "../../../sys/ptrace.ts";
import type { CallStack, PendingCall, PendingItem, Space } from "./space.ts";

/** So many calls of one thread are followed; the oldest go first. */
const MOST_PENDING = 1 << 17;

export interface ReturnsParts {
  /** A return address that isn't awaited by this call any more. */
  released(space: Space, returnTo: number): void;
  /** A call whose return won't be seen: too many are awaited. */
  dropped(): void;
}

export class Returns {
  readonly #parts: ReturnsParts;
  constructor(parts: ReturnsParts) {
    this.#parts = parts;
  }

  /** `tails`: the program makes tail calls, so that several calls may wait at one place. */
  push(space: Space, of: CallStack, stack: number, returnTo: number, site: number, items: readonly PendingItem[], tails = true): void {
    const list = of.calls.get(stack);
    const call: PendingCall = { stack, returnTo, site, items, unwinds: of.unwinds };
    if (list === undefined) of.calls.set(stack, [call]);
    else {
      // A return address is written by a call: whoever waits here for another has been unwound.
      if (!tails || list.some((one) => one.returnTo !== returnTo || one.unwinds !== of.unwinds)) {
        for (const one of list) this.#release(space, of, one);
        list.length = 0;
      }
      list.push(call);
    }
    of.pending++;
    if (of.pending > MOST_PENDING) this.#dropOldest(space, of);
  }

  /** Takes out the innermost call that returns to `at` with this stack pointer. */
  pop(space: Space, of: CallStack, stack: number, at: number): PendingCall | undefined {
    const list = of.calls.get(stack);
    const call = list?.at(-1);
    if (list === undefined || call === undefined || call.returnTo !== at) return undefined;
    list.pop();
    if (list.length === 0) of.calls.delete(stack);
    of.pending--;
    this.#parts.released(space, call.returnTo);
    return call;
  }

  /** The thread has unwound its stack up to `stack`: what was called deeper on that stack won't return. */
  unwound(space: Space, of: CallStack, stack: number, reach: number): void {
    of.unwinds++;
    for (const [key, list] of of.calls) {
      if (key >= stack || key < stack - reach) continue;
      for (const call of list) this.#release(space, of, call);
      of.calls.delete(key);
    }
    // Those that are left were called before, and are waited for as they were.
    for (const list of of.calls.values()) for (const [i, call] of list.entries()) list[i] = { ...call, unwinds: of.unwinds };
  }

  /** Nothing is waited for any more: the thread has ended, or executes another program. */
  clear(space: Space, of: CallStack): void {
    for (const list of of.calls.values()) for (const call of list) this.#parts.released(space, call.returnTo);
    of.calls.clear();
    of.pending = 0;
  }

  /** A forked child returns from the same calls. */
  copy(from: CallStack, to: CallStack): void {
    for (const [stack, list] of from.calls) to.calls.set(stack, [...list]);
    to.pending = from.pending;
    to.unwinds = from.unwinds;
  }

  #release(space: Space, of: CallStack, call: PendingCall): void {
    of.pending--;
    this.#parts.released(space, call.returnTo);
  }
  #dropOldest(space: Space, of: CallStack): void {
    // A map gives its keys in the order in which they were put in.
    const [stack, list] = of.calls.entries().next().value as [number, PendingCall[]];
    const call = list.shift() as PendingCall;
    if (list.length === 0) of.calls.delete(stack);
    this.#release(space, of, call);
    this.#parts.dropped();
  }
}

/** Where glibc's longjmp will put the stack pointer: jmp_buf keeps it rotated and mixed with the thread's guard (sysdeps/x86_64/jmpbuf-offsets.h, PTR_MANGLE). */
export function longjmpStack(buffer: BigUint64Array, guard: bigint): number {
  const JB_RSP = 6;
  const kept = buffer[JB_RSP] as bigint;
  const rotated = BigInt.asUintN(64, (kept >> 17n) | (kept << 47n));
  return Number(rotated ^ guard);
}

export const stackOf = (regs: BigUint64Array): number => Number(regs[Reg.rsp]);
