/**
 * The kernel forces our SIGTRAP upon a thread that blocks or ignores it: it unblocks the signal and sets its disposition back
 * to the default, for the program and for the handler in the area alike. Both are put back before the thread goes on.
 *
 * That it has happened shows in the disposition alone, and asking for that costs a third of a hit; so it is asked for when
 * the mask has changed since the thread's last hit, and else once per millisecond and thread. A thread that blocks SIGTRAP and
 * nothing else within a millisecond of its last hit is noticed at the next one.
 */
import { readFileSync } from "node:fs";
import { getSigMask, setSigMask } from "../../../sys/ptrace.ts";
import type { Tracee } from "./space.ts";

const SIGTRAP_BIT = 1n << 4n;
/** Field 34 of /proc/PID/stat, caught signals, counted from behind the name. */
const CAUGHT_FIELD = 31;
const CHECK_MS = 1;

/** The thread is stopped by a hit of ours. True if the disposition has to be set anew. */
export function keepSigtrap(tracee: Tracee): boolean {
  const mask = getSigMask(tracee.tid);
  if (mask === undefined) return false;
  const now = performance.now();
  if (mask === tracee.mask && now - tracee.maskChecked < CHECK_MS) return false;
  tracee.maskChecked = now;
  if (!tracee.space.areas.catches || isCaught(tracee)) {
    tracee.mask = mask;
    return false;
  }
  // It stays as it was: unblocked only for the moment of the hit.
  setSigMask(tracee.tid, mask | SIGTRAP_BIT);
  tracee.mask = undefined;
  return true;
}

function isCaught(tracee: Tracee): boolean {
  try {
    const text = readFileSync(`/proc/${tracee.pid}/task/${tracee.tid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (BigInt(fields[CAUGHT_FIELD] ?? 0) & SIGTRAP_BIT) !== 0n;
  } catch {
    return true;
  }
}
