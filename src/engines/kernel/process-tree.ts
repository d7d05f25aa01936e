/** Which processes descend from which, as they are now. */
import { readFileSync, readlinkSync } from "node:fs";
import { SondeError } from "../../errors/error.ts";
import { listProcesses } from "../../sys/procfs.ts";

/** The descendants of a process, nearest first. */
export function descendantsOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of listProcesses()) {
    const parent = parentOf(pid);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  const found: number[] = [];
  for (let next = [root]; next.length > 0; ) {
    next = next.flatMap((pid) => children.get(pid) ?? []);
    found.push(...next);
  }
  return found;
}

/** Processes and all of their descendants, each once. */
export function familyOf(pids: readonly number[]): number[] {
  return [...new Set(pids.flatMap((pid) => [pid, ...descendantsOf(pid)]))];
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** Whether an error says that a process has ended. */
export function isProcessGone(error: unknown): boolean {
  return error instanceof SondeError && error.code === "SONDE_PROCESS_NOT_FOUND";
}

/** The first pid namespace's number (PROC_PID_INIT_INO of the kernel's proc_ns.h). */
const ROOT_NAMESPACE = "pid:[4026531836]";

/** Whether programs in the kernel see the same process ids as we do. */
export function inRootPidNamespace(): boolean {
  return readlinkSync("/proc/self/ns/pid") === ROOT_NAMESPACE;
}
