/**
 * Our definitions in tracefs. They outlive a killed process (harmless then: nothing is armed by a definition alone),
 * so their group carries our pid and when we started, and every start removes those of processes that are gone.
 */
import { readFileSync } from "node:fs";
import { defineUprobe, tracefs, uprobeDefinitions } from "../../../sys/tracefs.ts";

/** When a process started, in clock ticks since boot: with the pid it names a process for good. */
function startTime(pid: number | "self"): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name may hold anything; the rest comes behind its last parenthesis. Field 22 of proc_pid_stat(5).
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** The group of this process's definitions. */
export function ourGroup(): string {
  return `sonde_${process.pid}_${startTime("self") ?? 0}`;
}

/** Removes the definitions of processes that have ended. Gives how many. */
export function sweepDefinitions(): number {
  const folder = tracefs();
  if (folder === undefined) return 0;
  let lines: string[];
  try {
    lines = uprobeDefinitions(folder);
  } catch {
    return 0;
  }
  let swept = 0;
  for (const line of lines) {
    const [, event, pid, started] = /^[pr]\d*:(sonde_(\d+)_(\d+)\/\S+)/.exec(line) ?? [];
    if (event === undefined || startTime(Number(pid)) === started) continue;
    if (defineUprobe(folder, `-:${event}`) === 0) swept += 1;
  }
  return swept;
}
