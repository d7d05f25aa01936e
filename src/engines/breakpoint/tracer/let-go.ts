/** Every traced thread goes on without us, where it would be if we had never been there. */
import { detach } from "../../../sys/ptrace.ts";
import { halt, nap } from "./halt.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { evict } from "./signals.ts";
import type { Space, Tracee } from "./space.ts";

/** A thread that waits for a child of its own for so long, ms, is left to the kernel, which detaches from it when we end. */
const LONGEST_WAIT = 1000;

export interface LetGoParts {
  readonly lifecycle: Lifecycle;
  /** A breakpoint of ours is there, or was. */
  readonly isSite: (tracee: Tracee, address: number) => boolean;
  /** An address space's breakpoints go, whatever was done before: of a child that was forked meanwhile, nothing was known. Its thread is stopped. */
  readonly clean: (stopped: Tracee) => void;
  /**
   * The process's last thread is stopped. Our handler of SIGTRAP goes only now: threads may have stood behind a breakpoint with
   * their signal still to come, and if we were killed with those on their hands, it would be their end.
   */
  readonly last: (stopped: Tracee) => void;
}

/** A stopped thread goes on without us, with a signal or 0, from where the program would be. `last` is done before, with the thread out of our slots. */
export function letGo(lifecycle: Lifecycle, tracee: Tracee, signal: number, last?: (stopped: Tracee) => void): void {
  evict(tracee);
  last?.(tracee);
  detach(tracee.tid, signal);
  lifecycle.detached(tracee);
}

/** Threads that come into being meanwhile are traced, and go in their turn. */
export function letAllGo(parts: LetGoParts): void {
  const { lifecycle } = parts;
  const cleaned = new Set<Space>();
  let progress = performance.now();
  while (lifecycle.tracees.size > 0) {
    // Children before those who wait for them.
    for (const tracee of [...lifecycle.tracees.values()].reverse()) {
      if (lifecycle.tracees.get(tracee.tid) !== tracee) continue;
      const signal = halt(lifecycle, tracee, (address) => parts.isSite(tracee, address));
      if (signal === "waits") continue;
      progress = performance.now();
      if (signal === undefined) {
        // It has ended, or executed something.
        if (lifecycle.tracees.get(tracee.tid) === tracee) lifecycle.detached(tracee);
        continue;
      }
      if (!cleaned.has(tracee.space)) {
        cleaned.add(tracee.space);
        parts.clean(tracee);
      }
      letGo(lifecycle, tracee, signal, isLast(tracee) ? parts.last : undefined);
    }
    if (performance.now() - progress > LONGEST_WAIT) for (const tracee of [...lifecycle.tracees.values()]) lifecycle.detached(tracee);
    if (lifecycle.tracees.size > 0) nap();
  }
}

/** Of the process whose memory it is; or of all who have that memory. */
function isLast(tracee: Tracee): boolean {
  const { space } = tracee;
  if (tracee.pid !== space.pid) return space.tracees.size === 1;
  for (const other of space.tracees) if (other !== tracee && other.pid === space.pid) return false;
  return true;
}
