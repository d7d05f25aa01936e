/**
 * Processes that share a traced one's memory, and threads that wait for such: after vfork a thread sleeps in the kernel until its
 * child has executed something or ended. It can't be stopped meanwhile, and if the child is held it never wakes.
 */
import { readFileSync } from "node:fs";
import { syscall } from "../../../sys/ffi/native.ts";
import { nr } from "../../../sys/numbers.ts";

const KCMP_VM = 1;
/** clone, vfork, clone3. */
const MAKES_PROCESSES = new Set(["56", "58", "435"]);

/** Whether the thread sleeps until a child that shares its memory goes on. */
export function waitsForChild(pid: number, tid: number): boolean {
  const stat = textOf(`/proc/${pid}/task/${tid}/stat`);
  // Behind the name, which may hold anything. The kernel calls this sleep one that signals don't end.
  if (!stat.startsWith("D", stat.lastIndexOf(")") + 2)) return false;
  return MAKES_PROCESSES.has(textOf(`/proc/${pid}/task/${tid}/syscall`).split(" ", 1)[0] as string);
}

/** The processes that a thread has made and that share its memory still. None where the kernel doesn't tell (CONFIG_PROC_CHILDREN, CONFIG_KCMP). */
export function sharersOf(pid: number, tid: number): number[] {
  const children = textOf(`/proc/${pid}/task/${tid}/children`).trim();
  if (children === "") return [];
  return children
    .split(" ")
    .map(Number)
    .filter((child) => syscall(nr.kcmp, pid, child, KCMP_VM, 0, 0) === 0);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // It has ended, or may not be looked at.
    return "";
  }
}
