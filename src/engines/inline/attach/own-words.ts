/** The first words of a process's own part of an arena: who it is, and where its threads keep their ids. */
import { readFileSync } from "node:fs";
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { getRegs, newRegs, Reg } from "../../../sys/ptrace.ts";
import { ProcessWord } from "../memory/layout.ts";
import type { Arena } from "./arena.ts";
import type { StoppedThread } from "./stop.ts";

/** From the thread's pointer (fs): struct pthread's tid of glibc (nptl/descr.h), and of musl (src/internal/pthread_impl.h). */
const THREAD_IDS = [0x2d0, 0x30];

const word = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);

/** As the process itself sees it, in its pid namespace. */
function ownPid(pid: number): number {
  try {
    const list = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]?.split(/\s+/);
    return Number(list?.at(-1) ?? pid);
  } catch {
    return pid;
  }
}

/** The threads are stopped. Gives whether it is known where they keep their ids: at their program's entry there may be no such place yet. */
export function writeOwnWords(pid: number, threads: readonly StoppedThread[], memory: ProcessMemory, arenas: readonly Arena[]): boolean {
  const own = ownPid(pid);
  const at = own === pid ? threadIdAt(threads, memory) : 0;
  for (const arena of arenas) {
    memory.write(arena.own + ProcessWord.pid, word(pid));
    memory.write(arena.own + ProcessWord.ownPid, word(own));
    memory.write(arena.own + ProcessWord.tidAt, word(at));
  }
  return at !== 0;
}

/** The probes of this address space run, or pass by. */
export function enable(memory: ProcessMemory, arenas: readonly Arena[], on: boolean): boolean {
  return arenas.map((arena) => memory.write(arena.own + ProcessWord.enabled, word(on ? 1 : 0))).every((ok) => ok);
}

/** Where every thread has its own id; 0 if there is no such place. */
function threadIdAt(threads: readonly StoppedThread[], memory: ProcessMemory): number {
  const regs = newRegs();
  let candidates = THREAD_IDS;
  for (const { tid } of threads) {
    if (candidates.length === 0) break;
    if (getRegs(tid, regs) < 0) continue;
    const base = Number(regs[Reg.fsBase]);
    candidates = candidates.filter((offset) => base !== 0 && isWord(memory.bytes(base + offset, 4), tid));
  }
  return candidates[0] ?? 0;
}

const isWord = (bytes: Uint8Array | undefined, value: number): boolean =>
  bytes !== undefined && new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true) === value;
