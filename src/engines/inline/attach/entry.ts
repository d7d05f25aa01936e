/**
 * Brings a command that is held before its exec to its program's entry: its libraries are mapped then, and nothing of it has
 * run but what initialises those.
 *
 *     held ── exec ──► stopped by the kernel ── int3 at the entry ──► stopped there; byte and rip put back ──► resume
 *
 * Killed before that, we leave a command that dies of its int3, if it comes there at all: it has done nothing yet.
 */
import { ProcessMemory } from "../../../sys/process-memory.ts";
import { programEntry } from "../../../sys/procfs.ts";
import { Child, cont, detach, Event, getRegs, listen, newRegs, Option, Reg, seize, setRegs, Wait, type WaitStatus, wait } from "../../../sys/ptrace.ts";
import { refusal } from "../../breakpoint/tracer/lifecycle.ts";

const SIGTRAP = 5;
const SYSCALL_STOP = SIGTRAP | 0x80;
const INT3 = 0xcc;

type State = "held" | "starting" | "entered" | "ended";

export class Follower {
  readonly pid: number;
  state: State = "held";
  #entry = 0;
  #displaced: Uint8Array | undefined;

  /** Throws SONDE_TRACE_… */
  constructor(pid: number) {
    this.pid = pid;
    const result = seize(pid, Option.sysGood | Option.exec);
    if (result !== 0) throw refusal(pid, -result);
  }

  /** Looks for its next stop; true: it stands at the entry, or has ended. */
  look(): boolean {
    const found: WaitStatus = { tid: 0, code: 0, status: 0 };
    while (this.state === "held" || this.state === "starting") {
      if (wait(this.pid, Wait.stopped | Wait.exited | Wait.all | Wait.noHang, found) < 0) this.state = "ended";
      else if (found.tid === 0) return false;
      else if (found.code === Child.exited || found.code === Child.killed || found.code === Child.dumped) this.state = "ended";
      else this.#stopped(found.status);
    }
    return true;
  }

  #stopped(status: number): void {
    const event = status >> 8;
    if (event === Event.exec) {
      // Without an entry that can be written it begins right away.
      this.state = this.#breakAtEntry() ? "starting" : "entered";
      if (this.state === "starting") cont(this.pid);
      return;
    }
    if (event === Event.none && (status & 0xff) === SIGTRAP && this.#isAtEntry()) {
      this.state = "entered";
      return;
    }
    // Its job was stopped: it stays so until a stop by SIGTRAP says that it goes on.
    if (event === Event.stop && (status & 0xff) !== SIGTRAP) listen(this.pid);
    else cont(this.pid, event === Event.none && status !== SYSCALL_STOP ? status & 0xff : 0);
  }

  #breakAtEntry(): boolean {
    const entry = programEntry(this.pid);
    if (entry === undefined) return false;
    return this.#withMemory((memory) => {
      const displaced = memory.bytes(entry, 1);
      if (displaced === undefined || !memory.write(entry, Uint8Array.of(INT3))) return false;
      this.#entry = entry;
      this.#displaced = displaced.slice();
      return true;
    });
  }

  #isAtEntry(): boolean {
    const regs = newRegs();
    const displaced = this.#displaced;
    if (displaced === undefined || getRegs(this.pid, regs) < 0 || regs[Reg.rip] !== BigInt(this.#entry + 1)) return false;
    this.#withMemory((memory) => memory.write(this.#entry, displaced));
    regs[Reg.rip] = BigInt(this.#entry);
    return setRegs(this.pid, regs) >= 0;
  }

  #withMemory(work: (memory: ProcessMemory) => boolean): boolean {
    // Of the program that is there now: what was opened before is the memory of the one before.
    const memory = new ProcessMemory(this.pid);
    try {
      return work(memory);
    } finally {
      memory.close();
    }
  }

  /** `again`: it was another program than the one that is meant, as `env` is; its exec of that is awaited. */
  resume(again: boolean): void {
    if (this.state !== "entered") return;
    if (again) cont(this.pid);
    else detach(this.pid);
    this.state = again ? "held" : "ended";
  }
}
