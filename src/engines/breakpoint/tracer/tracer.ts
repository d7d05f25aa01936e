/**
 * The tracer: waits for whatever happens to the threads that it traces, and does what there is to do. One thread, one
 * blocking wait; what else must wake it does so through the bell, which is a tracee too.
 *
 * Stops are looked at without being taken (WNOWAIT): a stop that was taken has lost its signal, and a thread whose tracer
 * dies would go on behind the breakpoint as if nothing had been displaced there.
 */
import {
  Child,
  cont,
  contToSyscall,
  Event,
  getSigInfo,
  listen,
  newSigInfo,
  pokeReg,
  Reg,
  setRegs,
  singleStep,
  Wait,
  type WaitStatus,
  wait,
} from "../../../sys/ptrace.ts";
import type { Arming } from "./arming.ts";
import type { Bell } from "./bell.ts";
import { SI_KERNEL } from "./halt.ts";
import type { Hits } from "./hits.ts";
import type { Interceptions } from "./interceptions.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { longjmpStack, type Returns } from "./returns.ts";
import { isAgain, leaveSlot, translate } from "./signals.ts";
import { keepSigtrap } from "./sigtrap.ts";
import type { Armed, Tracee } from "./space.ts";

const SIGTRAP = 5;
const SYSCALL_STOP = SIGTRAP | 0x80;
const GROUP_STOPS = new Set([19, 20, 21, 22]);
const INT3 = 0xcc;
const TRAP_FLAG = 0x100n;
const PROT_EXEC = 4n;
/** A return address that is passed so often without a return that we wait for is left alone. */
const MOST_IDLE = 32;
/** Stacks are no larger; another one isn't as near. */
const STACK_REACH = 64 * 1024 * 1024;
/** After a hit the next is looked for so often before we sleep: being woken costs three times what a hit does. */
const SPINS = 250;
/** Between two looks: each takes the kernel's lock on its list of tasks, which the thread that we wait for needs to stop. */
const PAUSE = 200;

export interface TracerParts {
  readonly lifecycle: Lifecycle;
  readonly arming: Arming;
  readonly hits: Hits;
  readonly returns: Returns;
  readonly interceptions: Interceptions;
  /** The bell's process, and what to do when it rings. */
  readonly bell: Bell;
  readonly rung: () => void;
}

export class Tracer {
  readonly #parts: TracerParts;
  readonly #found: WaitStatus = { tid: 0, code: 0, status: 0 };
  readonly #info = newSigInfo();
  #spin = 0;
  #over = false;

  constructor(parts: TracerParts) {
    this.#parts = parts;
  }

  /** Until `stop`. */
  run(): void {
    const found = this.#found;
    while (!this.#over) {
      const spinning = this.#spin > 0;
      const result = wait(0, Wait.stopped | Wait.exited | Wait.all | Wait.noWait | (spinning ? Wait.noHang : 0), found);
      if (result < 0 || found.tid === 0) {
        if (spinning) {
          this.#spin--;
          pause();
        }
        // Nothing is traced: not even the bell. There is nothing to wait for.
        else if (result === -10) return;
        continue;
      }
      this.dispatch(found.tid, found.code, found.status);
    }
  }
  stop(): void {
    this.#over = true;
  }

  /** What one thread has stopped for, if it has. */
  attend(tid: number): void {
    const found = this.#found;
    if (wait(tid, Wait.stopped | Wait.exited | Wait.all | Wait.noWait | Wait.noHang, found) >= 0 && found.tid !== 0)
      this.dispatch(found.tid, found.code, found.status);
  }

  dispatch(tid: number, code: number, status: number): void {
    if (code === Child.exited || code === Child.killed || code === Child.dumped) {
      wait(tid, Wait.exited | Wait.all, this.#found);
      if (tid === this.#parts.bell.pid) this.#parts.bell.revive();
      else {
        this.#parts.interceptions.forget(tid);
        this.#parts.lifecycle.ended(tid);
      }
      return;
    }
    if (tid === this.#parts.bell.pid) {
      this.#parts.rung();
      // Unless there is another one by now.
      if (tid === this.#parts.bell.pid) cont(tid);
      return;
    }
    const tracee = this.#parts.lifecycle.tracees.get(tid);
    if (tracee === undefined) {
      wait(tid, Wait.stopped | Wait.all, this.#found);
      this.#parts.lifecycle.early(tid);
      return;
    }
    const signal = status & 0xff;
    const event = status >> 8;
    if (signal === SIGTRAP && event === 0) this.#trapped(tracee);
    else if (event !== 0) this.#happened(tracee, signal, event);
    else if (signal === SYSCALL_STOP) this.#systemCall(tracee);
    else this.#signalled(tracee, signal);
  }

  /** Goes on; a thread that makes a mapping is watched until it has made it. */
  resume(tracee: Tracee, signal = 0): void {
    if (tracee.mapping > 0) contToSyscall(tracee.tid, signal);
    else cont(tracee.tid, signal);
  }

  #happened(tracee: Tracee, signal: number, event: number): void {
    const { tid } = tracee;
    switch (event) {
      case Event.fork:
      case Event.vfork:
      case Event.clone:
        this.#parts.lifecycle.born(tracee, event);
        break;
      case Event.exec:
        wait(tid, Wait.stopped | Wait.all, this.#found);
        this.#parts.lifecycle.executed(tid);
        return;
      case Event.stop:
        if (GROUP_STOPS.has(signal)) {
          listen(tid);
          return;
        }
        if (!tracee.started) {
          wait(tid, Wait.stopped | Wait.all, this.#found);
          this.#parts.lifecycle.started(tracee);
          return;
        }
        if (tracee.look) {
          tracee.look = false;
          this.#look(tracee);
        }
        break;
    }
    this.resume(tracee);
  }

  /** A SIGTRAP: a hit, the end of a step, or the program's own. */
  #trapped(tracee: Tracee): void {
    const { hits } = this.#parts;
    if (!hits.fetch(tracee)) return;
    if (getSigInfo(tracee.tid, this.#info) < 0) return;
    const breakpoint = this.#info[2] === SI_KERNEL;
    if (tracee.stepping !== undefined) {
      this.#stepped(tracee, SIGTRAP);
      return;
    }
    if (!breakpoint) {
      const { popped } = tracee;
      tracee.popped = undefined;
      // popf has set the trap flag: in place, the next instruction is the first that is followed by a trap. Here that was the jump back.
      if (popped !== undefined && Number(hits.regs[Reg.rip]) === popped.address + popped.length) this.resume(tracee);
      else this.#signalled(tracee, SIGTRAP);
      return;
    }
    tracee.popped = undefined;
    const { regs } = hits;
    const address = Number(regs[Reg.rip]) - 1;
    const armed = tracee.space.armed.get(address);
    if (armed === undefined) {
      this.#unknown(tracee, address);
      return;
    }
    regs[Reg.rip] = BigInt(address);
    if (!armed.inserted) {
      // It was taken out while this thread was on its way here; or in a parent, behind its fork.
      this.#parts.arming.clean(tracee.space, armed);
      pokeReg(tracee.tid, Reg.rip, address);
      this.resume(tracee);
      return;
    }
    const reset = keepSigtrap(tracee);
    if (!isAgain(tracee.space, address, regs)) {
      if (armed.internal !== undefined) this.#internal(tracee, armed);
      const waited = armed.waiting > 0;
      hits.handle(tracee, armed);
      if (armed.uses.length === 0 && armed.internal === undefined) this.#idle(tracee, armed, waited);
    }
    this.#goOn(tracee, armed, reset);
    this.#spin = SPINS;
  }

  #goOn(tracee: Tracee, armed: Armed, reset: boolean): void {
    const { tid } = tracee;
    const skipped = this.#takeChanges(tracee, armed);
    if (reset) tracee.space.areas.catchAgain(tid);
    if (this.#parts.interceptions.park(tracee, armed, this.#parts.hits.regs)) {
      // It waits for the host: its stop is taken, or we would be told of it again and again. It goes on in the slot if we die.
      wait(tid, Wait.stopped | Wait.all, this.#found);
      return;
    }
    if (skipped) {
      this.resume(tracee);
      return;
    }
    if (armed.uses.length > 0 && tracee.wanted && armed.uses.some(({ after, fault }) => after >= 0 || fault >= 0)) {
      tracee.stepping = armed;
      tracee.ownTrapFlag = ((this.#parts.hits.regs[Reg.eflags] as bigint) & TRAP_FLAG) !== 0n;
      singleStep(tid);
      return;
    }
    if (armed.popsFlags && ((this.#parts.hits.regs[Reg.eflags] as bigint) & TRAP_FLAG) === 0n) tracee.popped = armed;
    this.resume(tracee);
  }

  #keepChanges(tracee: Tracee): void {
    const { hits } = this.#parts;
    if (hits.changed) setRegs(tracee.tid, hits.regs);
    hits.changed = false;
  }

  /** The thread will go on in the slot, with what handlers have set; true: or where they have sent it instead, which skips the function. */
  #takeChanges(tracee: Tracee, armed: Armed): boolean {
    const { hits } = this.#parts;
    if (!hits.changed) {
      pokeReg(tracee.tid, Reg.rip, armed.slot);
      return false;
    }
    hits.changed = false;
    const { regs } = hits;
    const at = regs[Reg.rip] as bigint;
    const skipped = at !== BigInt(armed.address);
    if (!skipped) regs[Reg.rip] = BigInt(armed.slot);
    setRegs(tracee.tid, regs);
    regs[Reg.rip] = at;
    return skipped;
  }

  /** A return address that others pass too: it costs them a stop each. */
  #idle(tracee: Tracee, armed: Armed, waited: boolean): void {
    if (waited) armed.idle = 0;
    else if (++armed.idle > MOST_IDLE) this.#parts.arming.remove(tracee.space, armed);
  }

  /**
   * A breakpoint that we don't know at this address: the program's own, or ours in a mapping that was moved (mremap), which
   * takes its breakpoints along. What is mapped is looked at, and the thread comes to it once more.
   */
  #unknown(tracee: Tracee, address: number): void {
    const { space } = tracee;
    if (space.strays.has(address) || space.memory.bytes(address, 1)?.[0] !== INT3) {
      this.#signalled(tracee, SIGTRAP);
      return;
    }
    pokeReg(tracee.tid, Reg.rip, address);
    this.#look(tracee);
    if (!space.armed.has(address)) space.strays.add(address);
    this.resume(tracee);
  }

  /** Looks at what is mapped now. The thread is stopped, and stays as it is. */
  #look(tracee: Tracee): void {
    this.#parts.arming.sync(tracee.space, tracee.tid);
  }

  #internal(tracee: Tracee, armed: Armed): void {
    const { hits } = this.#parts;
    const { regs } = hits;
    switch (armed.internal) {
      case "loader":
        // First to its slot: looking may have to run system calls in this thread, and it goes on from where it was.
        pokeReg(tracee.tid, Reg.rip, armed.slot);
        this.#look(tracee);
        break;
      case "map":
        if (armed.name === "mremap" || ((regs[Reg.rdx] as bigint) & PROT_EXEC) !== 0n) tracee.mapping = 2;
        break;
      case "longjmp": {
        const buffer = tracee.space.memory.bytes(Number(regs[Reg.rdi]), 64);
        const guard = tracee.space.memory.bytes(Number(regs[Reg.fsBase]) + 0x30, 8);
        if (buffer === undefined || guard === undefined) break;
        const stack = longjmpStack(new BigUint64Array(buffer.slice().buffer), new BigUint64Array(guard.slice().buffer)[0] as bigint);
        this.#parts.returns.unwound(tracee.space, tracee.stack, stack, STACK_REACH);
        break;
      }
      case "return":
        hits.returnedInGo(tracee);
        break;
      case "landing":
        // It was called where the catching function called what threw: that stood at this very place, or deeper.
        this.#parts.returns.unwound(tracee.space, tracee.stack, Number(regs[Reg.rsp]) + 1, STACK_REACH);
        break;
    }
  }

  /** Entry and exit of the system call that makes a mapping. */
  #systemCall(tracee: Tracee): void {
    if (tracee.mapping > 0 && --tracee.mapping === 0) this.#look(tracee);
    this.resume(tracee);
  }

  /** A signal for the program. */
  #signalled(tracee: Tracee, signal: number): void {
    if (tracee.stepping !== undefined) {
      this.#stepped(tracee, signal);
      return;
    }
    leaveSlot(tracee, signal);
    this.resume(tracee, signal);
  }

  /** The displaced instruction was stepped, or a signal came first. */
  #stepped(tracee: Tracee, signal: number): void {
    const armed = tracee.stepping as Armed;
    const { hits } = this.#parts;
    const own = signal === SIGTRAP && this.#info[2] !== SI_KERNEL;
    tracee.stepping = undefined;
    if (own) {
      hits.fetch(tracee);
      const at = translate(tracee.space, hits.regs);
      if (at?.before) {
        // Not through it yet: one instruction of several.
        tracee.stepping = armed;
        singleStep(tracee.tid);
        return;
      }
      if (armed.pushesFlags && !tracee.ownTrapFlag) this.#hideTrapFlag(tracee);
      setRegs(tracee.tid, hits.regs);
      hits.stepped(tracee, armed, undefined);
      this.#keepChanges(tracee);
      this.resume(tracee, tracee.ownTrapFlag ? SIGTRAP : 0);
      return;
    }
    const left = leaveSlot(tracee, signal);
    if (left?.fault && left.before) {
      hits.fetch(tracee);
      hits.stepped(tracee, armed, { signal, address: left.address });
      this.#keepChanges(tracee);
    }
    this.resume(tracee, signal);
  }

  /** What pushf wrote shows the flag by which we stepped. */
  #hideTrapFlag(tracee: Tracee): void {
    const at = Number(this.#parts.hits.regs[Reg.rsp]);
    const pushed = tracee.space.memory.bytes(at, 2);
    if (pushed !== undefined) tracee.space.memory.write(at + 1, Uint8Array.of((pushed[1] as number) & ~1));
  }
}

/** A fraction of a microsecond without a system call. The sum keeps the loop from being left out. */
let passed = 0;
function pause(): void {
  for (let i = 0; i < PAUSE; i++) passed = (passed + i) | 0;
}
