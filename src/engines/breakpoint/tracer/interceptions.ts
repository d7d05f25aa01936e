/**
 * Calls that wait for the host's word. The thread is stopped with its rip in the slot already, so that it goes on unchanged
 * if we die; other threads run meanwhile. Several interceptions of one hit are asked one after the other.
 */
import { cont, Reg, setRegs } from "../../../sys/ptrace.ts";
import type { FromTracer } from "../protocol.ts";
import type { Armed, ProbeUse, Tracee } from "./space.ts";

interface Question {
  readonly use: ProbeUse;
  readonly phase: "enter" | "leave";
  readonly call: number;
}
interface Parked {
  readonly tracee: Tracee;
  readonly armed: Armed;
  readonly regs: BigUint64Array<ArrayBuffer>;
  readonly questions: Question[];
}

export interface InterceptionsParts {
  readonly send: (message: FromTracer) => void;
  readonly commOf: (tracee: Tracee) => string;
}

export class Interceptions {
  readonly #parts: InterceptionsParts;
  readonly #parked = new Map<number, Parked>();
  #questions: Question[] = [];

  constructor(parts: InterceptionsParts) {
    this.#parts = parts;
  }

  /** Something to be asked at the hit that is being handled. */
  ask(question: Question): void {
    this.#questions.push(question);
  }

  /** Whether the thread has to wait; `regs` are its registers with rip at the site. */
  park(tracee: Tracee, armed: Armed, regs: BigUint64Array): boolean {
    if (this.#questions.length === 0) return false;
    const parked: Parked = { tracee, armed, regs: new BigUint64Array(regs), questions: this.#questions };
    this.#questions = [];
    this.#parked.set(tracee.tid, parked);
    this.#next(parked);
    return true;
  }

  #next(parked: Parked): void {
    const { use, phase, call } = parked.questions[0] as Question;
    this.#parts.send({
      kind: "call",
      probe: use.probe,
      call,
      phase,
      pid: parked.tracee.pid,
      tid: parked.tracee.tid,
      comm: this.#parts.commOf(parked.tracee),
      cookie: use.cookie,
      regs: new Uint8Array(parked.regs.buffer.slice(0)),
    });
  }

  /** What the host said. A verdict for a thread that has gone means nothing any more. */
  verdict(tid: number, verdict: "continue" | "skip", regs: Uint8Array): void {
    const parked = this.#parked.get(tid);
    if (parked === undefined) return;
    const given = new BigUint64Array(regs.slice().buffer);
    // Segment registers and the like are the kernel's affair.
    for (let reg = 0; reg <= Reg.rdi; reg++) parked.regs[reg] = given[reg] as bigint;
    parked.regs[Reg.rsp] = given[Reg.rsp] as bigint;
    parked.regs[Reg.eflags] = given[Reg.eflags] as bigint;
    const jumped = given[Reg.rip] !== BigInt(parked.armed.address);
    parked.questions.shift();
    if (verdict === "skip" || jumped) {
      this.#finish(parked, verdict === "skip" ? this.#returned(parked) : (given[Reg.rip] as bigint));
      return;
    }
    if (parked.questions.length > 0) this.#next(parked);
    else this.#finish(parked, BigInt(parked.armed.slot));
  }

  /** As if the function had returned at once. */
  #returned({ tracee, regs }: Parked): bigint {
    const stack = Number(regs[Reg.rsp]);
    const returnTo = tracee.space.memory.word(stack);
    regs[Reg.rsp] = BigInt(stack + 8);
    return BigInt(returnTo ?? 0);
  }

  #finish(parked: Parked, rip: bigint): void {
    this.#parked.delete(parked.tracee.tid);
    parked.regs[Reg.rip] = rip;
    setRegs(parked.tracee.tid, parked.regs);
    cont(parked.tracee.tid);
  }

  /** The thread is gone. */
  forget(tid: number): void {
    this.#parked.delete(tid);
  }
  isParked(tid: number): boolean {
    return this.#parked.has(tid);
  }
  /** All go on unchanged. */
  releaseAll(): void {
    for (const parked of [...this.#parked.values()]) this.#finish(parked, BigInt(parked.armed.slot));
  }
}
