/** The processor's time stamp counter, which no system call and nothing of Node tells: by three instructions of our own. */
import { readFileSync } from "node:fs";
import { callError } from "./errno.ts";
import { functionAt, syscall, view } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const PAGE = 4096;
const READ_WRITE = 1 | 2;
const READ_EXEC = 1 | 4;
/** MAP_PRIVATE | MAP_ANONYMOUS. */
const PRIVATE = 2 | 0x20;
/** rdtsc; shl rdx, 32; or rax, rdx; ret */
const CODE = [0x0f, 0x31, 0x48, 0xc1, 0xe2, 0x20, 0x48, 0x09, 0xd0, 0xc3];

let read: (() => number | bigint) | undefined;

function reader(): () => number | bigint {
  const at = syscall(nr.mmap, 0, PAGE, READ_WRITE, PRIVATE, -1, 0);
  if (at < 0) throw callError("mmap", -at, { doing: "make room for an instruction" });
  new Uint8Array(view(at, PAGE)).set(CODE);
  const result = syscall(nr.mprotect, at, PAGE, READ_EXEC);
  if (result < 0) throw callError("mprotect", -result, { doing: "make an instruction executable" });
  return functionAt(at);
}

export function timeStampCounter(): bigint {
  read ??= reader();
  return BigInt(read());
}

/** Whether it goes at one rate on all processors, whatever they are doing (Intel SDM vol. 3, 18.17). */
export function counterIsSteady(): boolean {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "latin1"))?.[1] ?? "";
  return / constant_tsc\b/.test(flags) && / nonstop_tsc\b/.test(flags);
}

/** The instruction rdpid. */
export function hasRdpid(): boolean {
  return /^flags\s*:.* rdpid\b/m.test(readFileSync("/proc/cpuinfo", "latin1"));
}
