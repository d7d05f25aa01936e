/** What a signal does in a target: the kernel tells only the target itself, so it is asked to look. */
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { runInTarget } from "./inject.ts";

const NR = { mmap: 9, munmap: 11, rtSigaction: 13 } as const;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PAGE = 4096;
const SIGSET_BYTES = 8;

/** The handler's address; 0 is the default, 1 ignored. Undefined if the thread has ended or may not map a page. */
export function handlerOf(pid: number, tid: number, memory: ProcessMemory, signal: number): number | undefined {
  let page = 0;
  let handler: number | undefined;
  runInTarget(
    pid,
    tid,
    memory,
    [
      { nr: NR.mmap, args: [0, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0], keep: true },
      { nr: NR.rtSigaction, args: [signal, 0, "kept", SIGSET_BYTES] },
      { nr: NR.munmap, args: ["kept", PAGE] },
    ],
    (call, result) => {
      if (call === 0) page = result;
      // Before the page goes.
      if (call === 1 && result === 0) handler = memory.word(page);
    },
  );
  return handler;
}
