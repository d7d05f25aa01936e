/** What is looked at before anything is touched: programs whose code can't be moved, threads that aren't a program's. */
import { readFileSync } from "node:fs";
import { readElf } from "../../../elf/image.ts";
import { SondeError } from "../../../errors/error.ts";
import { FileSource } from "../../../symbols/file-source.ts";

/** Threads of the kernel within a process (PF_IO_WORKER, PF_USER_WORKER): they run none of its code. */
const WORKERS = 0x10 | 0x4000;

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

export function isKernelWorker(pid: number, tid: number): boolean {
  const text = textOf(`/proc/${pid}/task/${tid}/stat`);
  const flags = Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[6] ?? 0);
  return (flags & WORKERS) !== 0;
}

/** Throws SONDE_INLINE_SHADOW_STACK, SONDE_TRACE_SELF, SONDE_ELF_… for a program that isn't x86-64's, SONDE_PROCESS_NOT_FOUND. */
export function checkProcess(pid: number): void {
  const where = { where: `pid ${pid}` };
  if (/^x86_Thread_features:.*\bshstk\b/m.test(textOf(`/proc/${pid}/status`)))
    throw new SondeError("SONDE_INLINE_SHADOW_STACK", `process ${pid} has a shadow stack`, {
      ...where,
      why: "calls that are executed elsewhere push their return address, which the shadow stack would miss",
      mend: "Use the engine kernel.",
    });
  const source = new FileSource(`/proc/${pid}/exe`, `the program of process ${pid}`);
  try {
    readElf(source);
  } finally {
    source.close();
  }
}
