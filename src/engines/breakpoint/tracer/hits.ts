/**
 * What happens at a hit: returns that were awaited here, then the entries of probes in their order, then the thread goes on
 * in the site's slot. The thread's signal (our SIGTRAP) is taken back only by its going on: killed at any point before, we
 * leave it to the handler in the area, which does the same.
 */
import { getFpRegs, getRegs, newRegs, Reg } from "../../../sys/ptrace.ts";
import type { Environment } from "./environment.ts";
import type { Programs } from "./programs.ts";
import type { Returns } from "./returns.ts";
import { type Armed, CallStack, type PendingCall, type PendingItem, type ProbeUse, type Tracee } from "./space.ts";

const PT_REGS_WORDS = 21;
const XMM_AT = 168;
const SIGNAL_AT = 424;
const FAULT_AT = 432;
/** user_fpregs_struct: xmm0 and what follows. */
const XMM_IN_FPREGS = 160;
const XMM_BYTES = 256;

export interface HitsParts {
  readonly programs: Programs;
  readonly environment: Environment;
  /** The 512 bytes that a program is handed. */
  readonly context: Uint8Array<ArrayBufferLike>;
  readonly returns: Returns;
  /** By program: it reads vector registers. */
  readonly readsFloats: readonly boolean[];
  /** By program: it sets registers. */
  readonly writesRegisters: readonly boolean[];
  /** Puts a breakpoint at a return address; `slot` is where the thread goes on. */
  armReturn(tracee: Tracee, address: number, slot: number): Armed | undefined;
  /** A return that can't be followed. */
  lostReturn(): void;
  /** The host is to be asked. Gives the call's number; the tracer keeps the thread until the verdict is there. */
  ask(use: ProbeUse, phase: "enter" | "leave", call: number): void;
  /** By probe: not 0 once the session has taken it out. */
  readonly refused: Uint8Array<ArrayBufferLike>;
}

/** What is left to do for a hit before the thread may go on. */
export type Next = "slot" | "step" | "wait";

/** Stands for "at a ret" where no return address is awaited. */
const GO_RETURN = -1;

const fpregs = new Uint8Array(512);

export class Hits {
  readonly #parts: HitsParts;
  readonly regs = newRegs();
  readonly #own = this.regs.subarray(0, PT_REGS_WORDS);
  readonly #context: BigUint64Array;
  readonly #view: DataView;
  readonly #cookie: BigUint64Array;
  /** Returns that couldn't be followed. */
  #calls = 0;

  constructor(parts: HitsParts) {
    this.#parts = parts;
    const { buffer, byteOffset } = parts.context;
    this.#context = new BigUint64Array(buffer, byteOffset, PT_REGS_WORDS);
    this.#view = new DataView(buffer, byteOffset);
    this.#cookie = parts.programs.cookie;
  }

  /** Programs have set registers: the thread is to go on with `regs`. */
  changed = false;

  /** `regs` hold the thread's registers with rip at the site. */
  handle(tracee: Tracee, armed: Armed): void {
    if (armed.waiting > 0) this.#returned(tracee, armed);
    if (armed.uses.length > 0 && tracee.wanted) this.#entered(tracee, armed);
  }

  #returned(tracee: Tracee, armed: Armed): void {
    const stack = Number(this.regs[Reg.rsp]) - 8;
    const { space } = tracee;
    for (
      let call = this.#parts.returns.pop(space, tracee.stack, stack, armed.address);
      call !== undefined;
      call = this.#parts.returns.pop(space, tracee.stack, stack, armed.address)
    )
      this.#leave(tracee, call);
  }

  #leave(tracee: Tracee, call: PendingCall): void {
    for (const { use, cookie, call: number } of call.items) {
      if (this.#parts.refused[use.probe] !== 0) continue;
      if (use.intercept !== undefined) {
        this.#parts.ask(use, "leave", number);
        continue;
      }
      this.#cookie[0] = cookie;
      this.#run(tracee, use.leave, use, call.site + use.functionDelta, true);
    }
  }

  /**
   * At a `ret` of a Go function. Go moves stacks while they are in use and goroutines between threads: what stays is the
   * goroutine (r14 in its own convention) and how far the stack pointer is below the stack's upper end.
   */
  returnedInGo(tracee: Tracee): void {
    const place = this.#goPlace(tracee, Number(this.regs[Reg.rsp]));
    const of = place && tracee.space.goroutines.get(place.goroutine);
    if (place === undefined || of === undefined) return;
    const call = this.#parts.returns.pop(tracee.space, of, place.depth, GO_RETURN);
    if (call !== undefined) this.#leave(tracee, call);
    if (of.pending === 0) tracee.space.goroutines.delete(place.goroutine);
  }
  #goPlace(tracee: Tracee, stack: number): { readonly goroutine: number; readonly depth: number } | undefined {
    const goroutine = Number(this.regs[Reg.r14]);
    const upper = tracee.space.memory.word(goroutine + 8);
    return upper === undefined || upper < stack ? undefined : { goroutine, depth: upper - stack };
  }
  #awaitInGo(tracee: Tracee, stack: number, functionAddress: number, items: readonly PendingItem[]): void {
    const place = this.#goPlace(tracee, stack);
    if (place === undefined) {
      this.#parts.lostReturn();
      return;
    }
    let of = tracee.space.goroutines.get(place.goroutine);
    if (of === undefined) {
      of = new CallStack();
      tracee.space.goroutines.set(place.goroutine, of);
    }
    this.#parts.returns.push(tracee.space, of, place.depth, GO_RETURN, functionAddress, items, false);
  }

  #entered(tracee: Tracee, armed: Armed): void {
    const functionAddress = armed.address;
    let items: PendingItem[] | undefined;
    let delta = 0;
    for (const use of armed.uses) {
      if (this.#parts.refused[use.probe] !== 0) continue;
      let wanted = use.leave >= 0;
      if (use.intercept !== undefined) {
        const call = this.#calls++;
        if (use.intercept.enter) this.#parts.ask(use, "enter", call);
        if (use.intercept.leave) {
          items ??= [];
          items.push({ use, cookie: 0n, call });
          delta = use.stackDelta;
        }
        continue;
      }
      if (use.entry >= 0) {
        this.#cookie[0] = 0n;
        const result = this.#run(tracee, use.entry, use, functionAddress + use.functionDelta, false);
        if (use.session && result !== 0) wanted = false;
      }
      if (!wanted) continue;
      items ??= [];
      items.push({ use, cookie: this.#cookie[0] as bigint, call: 0 });
      delta = use.stackDelta;
    }
    if (items === undefined) return;
    if (armed.go) this.#awaitInGo(tracee, Number(this.regs[Reg.rsp]) - delta, functionAddress, items);
    else this.#await(tracee, armed, Number(this.regs[Reg.rsp]) - delta, items);
  }

  #await(tracee: Tracee, entered: Armed, stack: number, items: readonly PendingItem[]): void {
    const returnTo = tracee.space.memory.word(stack);
    const armed = returnTo === undefined ? undefined : this.#parts.armReturn(tracee, returnTo, entered.slot);
    if (armed === undefined || returnTo === undefined) {
      this.#parts.lostReturn();
      return;
    }
    armed.waiting++;
    armed.idle = 0;
    this.#parts.returns.push(tracee.space, tracee.stack, stack, returnTo, entered.address, items);
  }

  /** `after` or `fault` of a stepped instruction; `regs` hold what the program would see. */
  stepped(tracee: Tracee, armed: Armed, fault: { readonly signal: number; readonly address: bigint } | undefined): void {
    if (!tracee.wanted) return;
    for (const use of armed.uses) {
      if (this.#parts.refused[use.probe] !== 0) continue;
      const program = fault === undefined ? use.after : use.fault;
      if (program < 0) continue;
      if (fault !== undefined) {
        this.#view.setUint32(SIGNAL_AT, fault.signal, true);
        this.#view.setBigUint64(FAULT_AT, fault.address, true);
      }
      this.#run(tracee, program, use, armed.address + use.functionDelta, false);
    }
  }

  #run(tracee: Tracee, program: number, use: ProbeUse, functionAddress: number, isReturn: boolean): number {
    this.#context.set(this.#own);
    if (this.#parts.readsFloats[program] === true) {
      getFpRegs(tracee.tid, fpregs);
      this.#parts.context.set(fpregs.subarray(XMM_IN_FPREGS, XMM_IN_FPREGS + XMM_BYTES), XMM_AT);
    }
    this.#parts.environment.begin(tracee, use.cookie, functionAddress, isReturn);
    const result = this.#parts.programs.run(program);
    if (this.#parts.writesRegisters[program] === true) {
      this.#own.set(this.#context);
      this.changed = true;
    }
    return result;
  }

  /** Fetches the registers; false if the thread is gone. */
  fetch(tracee: Tracee): boolean {
    return getRegs(tracee.tid, this.regs) >= 0;
  }
}
