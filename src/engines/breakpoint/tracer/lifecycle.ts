/**
 * Threads and processes as they come and go: attaching to those that run, clone, fork, vfork, exec, exit.
 *
 *     clone of a thread     the same address space
 *     fork                  a copy, breakpoints included: followed, or cleaned and let go
 *     vfork, CLONE_VM       the same address space for another process: traced till its exec, its hits aren't handled unless it is followed
 *     exec                  a new address space under the first thread's id, whichever thread called it
 */
import { readFileSync } from "node:fs";
import { SondeError } from "../../../errors/error.ts";
import { unlessRefused } from "../../../errors/unless-refused.ts";
import { hasLostLeader, threadsOf } from "../../../sys/procfs.ts";
import { Event, getEventMessage, getRegs, newRegs, Reg, seize } from "../../../sys/ptrace.ts";
import { OPTIONS } from "../area/inject.ts";
import { AreaSet } from "./area-set.ts";
import type { Returns } from "./returns.ts";
import { sharersOf } from "./sharers.ts";
import { Space, Tracee } from "./space.ts";

const INT3 = 0xcc;
const CLONE_VM = 0x100;
const CLONE_VFORK = 0x4000;
const CLONE_THREAD = 0x10000;
const NR_CLONE = 56n;
const NR_FORK = 57n;
const NR_VFORK = 58n;
const NR_CLONE3 = 435n;

export interface LifecycleParts {
  readonly returns: Returns;
  readonly children: boolean;
  /** All breakpoints of a child's copy out, and the child let go. It is stopped. */
  release(child: Tracee): void;
  /** A new program is mapped and nothing of it has run. */
  executed(tracee: Tracee): void;
  /** A forked child lacks something of what its parent was given behind its fork: breakpoints, our handler. It is stopped. */
  complete(child: Tracee): void;
  /** A forked child that nobody will tell of any more. It is stopped. */
  orphaned(pid: number): void;
  resume(tid: number): void;
}

const regs = newRegs();

export class Lifecycle {
  readonly tracees = new Map<number, Tracee>();
  /** Stopped threads that nobody has told us of yet: their parent's event comes later. */
  readonly #early = new Set<number>();
  readonly #parts: LifecycleParts;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  /** Attaches to all threads of a running process, without stopping any. Throws SONDE_TRACE_… */
  attach(pid: number, wanted: boolean): Tracee {
    let space: Space;
    try {
      space = new Space(pid, new AreaSet(pid));
    } catch {
      throw refusal(pid, EPERM);
    }
    const refused = this.#seizeAll(pid, space, wanted);
    if (refused !== undefined) {
      for (const one of space.tracees) this.tracees.delete(one.tid);
      space.close();
      throw refusal(pid, refused);
    }
    const first = this.tracees.get(pid) ?? [...space.tracees][0]!;
    this.#attachSharers(space, wanted);
    return first;
  }

  /** All threads of a process; gives the error (errno) by which its first one, or every one, refuses. */
  #seizeAll(pid: number, space: Space, wanted: boolean): number | undefined {
    const before = this.tracees.size;
    // Threads come into being meanwhile; those that a traced thread makes are traced from the start.
    for (let fresh = true; fresh; ) {
      fresh = false;
      for (const tid of threadsOf(pid)) {
        if (this.tracees.has(tid)) continue;
        const result = seize(tid, OPTIONS);
        if (result === 0) {
          this.#add(new Tracee(tid, pid, space, wanted)).started = true;
          fresh = true;
        } else if (!this.tracees.has(tid) && tid === pid && !this.#early.has(tid)) return -result;
      }
    }
    return this.tracees.size === before ? ESRCH : undefined;
  }

  /** Children that threads wait for already see what is armed from now on, and nothing would be told of them. */
  #attachSharers(space: Space, wanted: boolean): void {
    // Theirs are behind them in the set. One that can't be traced, for it has gone on to another program or has ended, isn't shared any more.
    for (const { pid, tid } of space.tracees)
      for (const child of sharersOf(pid, tid)) if (!this.tracees.has(child)) unlessRefused(() => this.#seizeAll(child, space, wanted && this.#parts.children));
  }

  #add(tracee: Tracee): Tracee {
    this.tracees.set(tracee.tid, tracee);
    tracee.space.tracees.add(tracee);
    return tracee;
  }

  /** A stop of a thread that isn't known: its parent's event says later whose it is. */
  early(tid: number): void {
    this.#early.add(tid);
    this.#findOrphans();
  }

  /** A parent that was killed at its fork doesn't tell of its child. */
  #findOrphans(): void {
    for (const tid of this.#early) {
      const status = textOf(`/proc/${tid}/status`);
      const number = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1]);
      if (number("Tgid") !== tid || this.#traces(number("PPid"))) continue;
      this.#early.delete(tid);
      this.#parts.orphaned(tid);
    }
  }
  #traces(pid: number): boolean {
    for (const tracee of this.tracees.values()) if (tracee.pid === pid) return true;
    return false;
  }
  /** A process that is traced already, and stopped. */
  adopt(pid: number): Tracee {
    const tracee = this.#add(new Tracee(pid, pid, new Space(pid, new AreaSet(pid)), true));
    tracee.started = true;
    return tracee;
  }

  /** clone, fork and vfork, of a parent that is stopped. The child is stopped, or will be. */
  born(parent: Tracee, event: number): void {
    const tid = getEventMessage(parent.tid);
    if (tid === 0 || this.tracees.has(tid)) return;
    const flags = this.#flags(parent, event);
    const ready = this.#early.delete(tid);
    let child: Tracee;
    if ((flags & CLONE_THREAD) !== 0) {
      child = this.#add(new Tracee(tid, parent.pid, parent.space, parent.wanted));
    } else if ((flags & CLONE_VM) !== 0) {
      child = this.#add(new Tracee(tid, tid, parent.space, parent.wanted && this.#parts.children));
      if ((flags & CLONE_VFORK) !== 0) {
        this.#parts.returns.copy(parent.stack, child.stack);
        countWaiting(child);
      }
    } else {
      const space = this.#copy(parent.space, tid);
      // Killed before it could run.
      if (space === undefined) return;
      child = this.#add(new Tracee(tid, tid, space, parent.wanted && this.#parts.children));
      this.#parts.returns.copy(parent.stack, child.stack);
      for (const armed of child.space.armed.values()) armed.waiting = 0;
      countWaiting(child);
    }
    child.mask = undefined;
    if (ready) this.started(child);
  }

  /** The first stop of a new thread, before it has run. */
  started(child: Tracee): void {
    child.started = true;
    const forked = child.space.pid === child.tid;
    if (forked && !child.wanted && !this.#parts.children) {
      this.#parts.release(child);
      return;
    }
    if (forked && (child.space.mapped.size === 0 || !child.space.areas.isAdopted)) this.#parts.complete(child);
    this.#parts.resume(child.tid);
  }

  #flags(parent: Tracee, event: number): number {
    if (getRegs(parent.tid, regs) >= 0) {
      const nr = regs[Reg.origRax];
      if (nr === NR_CLONE) return Number(regs[Reg.rdi]! & 0xffff_ffffn);
      if (nr === NR_CLONE3) return (parent.space.memory.word(Number(regs[Reg.rdi])) ?? 0) % 2 ** 32;
      if (nr === NR_FORK) return 0;
      if (nr === NR_VFORK) return CLONE_VM | CLONE_VFORK;
    }
    return event === Event.clone ? CLONE_VM | CLONE_THREAD : event === Event.vfork ? CLONE_VM | CLONE_VFORK : 0;
  }

  #copy(space: Space, pid: number): Space | undefined {
    let copy: Space;
    try {
      copy = new Space(pid, space.areas.copyFor(pid));
    } catch {
      return undefined;
    }
    // Other threads of the parent have run since: what the child has is in its memory.
    for (const [address, armed] of space.armed)
      if (copy.areas.hasSlot(address, armed.slot)) copy.armed.set(address, { ...armed, inserted: copy.memory.bytes(address, 1)?.[0] === INT3 });
    copy.text = space.text;
    // What lacks is found when it is looked through as if all were new.
    if (isComplete(copy, space)) copy.mapped = space.mapped;
    for (const [place, byte] of space.originals) copy.originals.set(place, byte);
    for (const [place, regs] of space.again) copy.again.set(place, regs);
    return copy;
  }

  /** After an exec; gives the thread that goes on. */
  executed(tid: number): Tracee | undefined {
    const former = getEventMessage(tid);
    const caller = this.tracees.get(former) ?? this.tracees.get(tid);
    if (caller === undefined) return undefined;
    // The kernel has ended all other threads of the process.
    for (const one of [...this.tracees.values()]) if (one.pid === tid) this.#forget(one);
    this.#forget(caller);
    let space: Space;
    try {
      space = new Space(tid, new AreaSet(tid));
    } catch {
      return undefined;
    }
    const tracee = this.#add(new Tracee(tid, tid, space, caller.wanted));
    tracee.started = true;
    this.#parts.executed(tracee);
    return tracee;
  }

  ended(tid: number): void {
    const tracee = this.tracees.get(tid);
    if (tracee !== undefined) this.#forget(tracee);
    this.#early.delete(tid);
    this.#findOrphans();
  }

  #forget(tracee: Tracee): void {
    this.#parts.returns.clear(tracee.space, tracee.stack);
    this.tracees.delete(tracee.tid);
    tracee.space.tracees.delete(tracee);
    if (tracee.space.tracees.size === 0) tracee.space.close();
  }
  /** It was let go. */
  detached(tracee: Tracee): void {
    this.#forget(tracee);
  }
}

function isComplete(copy: Space, space: Space): boolean {
  for (const { address, inserted, uses, internal } of space.armed.values())
    if (inserted && (uses.length > 0 || internal !== undefined) && copy.armed.get(address)?.inserted !== true) return false;
  return true;
}

/** Its calls are awaited at their return addresses too. */
function countWaiting(tracee: Tracee): void {
  for (const calls of tracee.stack.calls.values())
    for (const call of calls) {
      const armed = tracee.space.armed.get(call.returnTo);
      if (armed !== undefined) armed.waiting++;
    }
}

const EPERM = 1;
const ESRCH = 3;

/** Why a process can't be traced, with what to do. */
export function refusal(pid: number, errno: number): SondeError {
  const where = { where: `pid ${pid}` };
  const status = textOf(`/proc/${pid}/status`);
  const field = (name: string): string => new RegExp(`^${name}:\\s+(.*)$`, "m").exec(status)?.[1] ?? "";
  const tracer = Number(field("TracerPid"));
  if (status === "" || errno === ESRCH)
    return new SondeError("SONDE_PROCESS_NOT_FOUND", `there is no process ${pid}`, { ...where, mend: "Check the number, as `ps` shows it." });
  if (hasLostLeader(pid))
    return new SondeError("SONDE_TRACE_LEADER", `the first thread of process ${pid} has ended`, {
      ...where,
      why: "its other threads go on, but the kernel tells a tracer of the process by that one",
      mend: "Use the engine kernel, or attach before it has ended.",
    });
  if (field("State").startsWith("Z"))
    return new SondeError("SONDE_TRACE_ZOMBIE", `process ${pid} has ended already`, {
      ...where,
      why: "it is a zombie: only its status is left, for its parent",
    });
  if (textOf(`/proc/${pid}/maps`) === "" && /^\s*$/.test(textOf(`/proc/${pid}/cmdline`)))
    return new SondeError("SONDE_TRACE_KERNEL_THREAD", `process ${pid} is a thread of the kernel`, {
      ...where,
      why: "it has no user memory",
      mend: "Probe a program.",
    });
  if (tracer > 0)
    return new SondeError("SONDE_TRACE_BUSY", `process ${pid} is traced already`, {
      ...where,
      why: `${textOf(`/proc/${tracer}/comm`).trim() || "a process"} (${tracer}) traces it, and a process has one tracer`,
      mend: "End the other tracer, or use the engine kernel.",
    });
  const yama = textOf("/proc/sys/kernel/yama/ptrace_scope").trim();
  const scope = yama !== "" && yama !== "0" ? `; kernel.yama.ptrace_scope is ${yama}: ${YAMA[yama] ?? "restricted"}` : "";
  return new SondeError("SONDE_TRACE_RIGHTS", `process ${pid} may not be traced by this user`, {
    ...where,
    why: `ptrace needs its owner's rights or CAP_SYS_PTRACE${scope}`,
    mend: scope === "" ? "Run as root or as the process's owner." : "Start the program by sonde (-c), run as root, or have ptrace_scope set to 0.",
    exit: 3,
  });
}
const YAMA: { readonly [value: string]: string } = { 1: "only a program's own ancestors may trace it", 2: "only root may trace", 3: "nobody may trace" };

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
