/**
 * Where the stub stands in a target: in the zeros behind the vDSO's content, r-x in every process, which nothing ever
 * executes. A stub whose tracer was killed may have a thread in it for long (below a signal's handler): it is left alone,
 * and the next one stands elsewhere; one that was seen to its end is wiped out.
 */
import { readFileSync } from "node:fs";
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { readMappings } from "../../../sys/procfs.ts";

const ALIGN = 64;
const AT_ENTRY = 9n;

export interface StubPlace {
  readonly at: number;
  /** What stood there. */
  readonly before: Uint8Array;
}

/** Room for `length` bytes; without a vDSO the program's first instructions, which don't run again. */
export function stubPlace(pid: number, memory: ProcessMemory, length: number): StubPlace | undefined {
  const at = inVdso(pid, memory, length) ?? entryOf(pid);
  const before = at === undefined ? undefined : memory.bytes(at, length);
  return at === undefined || before === undefined ? undefined : { at, before };
}

function inVdso(pid: number, memory: ProcessMemory, length: number): number | undefined {
  const vdso = readMappings(pid).find(({ path }) => path === "[vdso]");
  const bytes = vdso && memory.bytes(vdso.start, vdso.end - vdso.start);
  if (vdso === undefined || bytes === undefined) return undefined;
  const content = contentEnd(bytes);
  const size = Math.ceil(length / ALIGN) * ALIGN;
  for (let at = bytes.length - size; at >= content; at -= ALIGN) if (bytes.subarray(at, at + size).every((byte) => byte === 0)) return vdso.start + at;
  return undefined;
}

/** An ELF image as the kernel's build makes it ends with its section headers. */
function contentEnd(image: Uint8Array): number {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const headers = Number(view.getBigUint64(40, true));
  const end = headers + view.getUint16(58, true) * view.getUint16(60, true);
  return headers === 0 || end > image.length ? image.length : end;
}

function entryOf(pid: number): number | undefined {
  const words = new BigUint64Array(Uint8Array.from(readFileSync(`/proc/${pid}/auxv`)).buffer);
  for (let i = 0; i + 1 < words.length; i += 2) if (words[i] === AT_ENTRY) return Number(words[i + 1]);
  return undefined;
}
