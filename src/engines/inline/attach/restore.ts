/** Takes jumps out: those of a session that ends, and those that an arming process has left which was killed. */
import { readFileSync } from "node:fs";
import { SondeError } from "../../../errors/error.ts";
import { ProcessMemory } from "../../../sys/process-memory.ts";
import { allMaps, isArmable, readMappings } from "../../../sys/procfs.ts";
import { first } from "../../../sys/scheduling.ts";
import { deadTracers, removeMarker } from "../../breakpoint/area/markers.ts";
import { isOwnerAlive, NOBODY } from "../../breakpoint/area/owner.ts";
import { nap } from "../../breakpoint/tracer/halt.ts";
import { Arena, type Entry } from "./arena.ts";
import { insideOf } from "./inside.ts";
import { MAPPED_NAME } from "./layout.ts";
import { enable } from "./own-words.ts";
import type { StopReport } from "./protocol.ts";
import { letLaggingGo, patiently, Stopped, type StoppedThread, Tracees, withThread } from "./stop.ts";

/** Processes may fork while they are searched: what is found is looked through again. */
const MOST_PASSES = 10;
/** Threads that wait for children are waited for so long, ms; what is left the kernel lets go when we end. */
const LONGEST_WAIT = 1000;
export const MARKERS = "armers";

/**
 * Stops all threads of a process while something is done, which gives how many of them it has moved. Who holds them is alone
 * with the process's arenas: two sondes that look after one process wait for each other. Throws SONDE_TRACE_…; then all go on.
 */
export function stoppedWhile(pid: number, tracees: Tracees, work: (threads: readonly StoppedThread[]) => number): StopReport {
  return patiently(() =>
    // Its busy threads would take the processor from us, for a time slice each, while others stand still.
    first(() => {
      const begun = performance.now();
      const stopped = new Stopped(tracees);
      stopped.stop(pid);
      const threads = stopped.threads.length;
      let moved = 0;
      try {
        moved = work(stopped.threads);
      } finally {
        stopped.release();
      }
      return { stoppedMs: performance.now() - begun, threads, moved };
    }),
  );
}

/** Bytes of sites are put back where our jump still stands, in text that is still there. Threads are stopped. Gives how many. */
export function restore(pid: number, memory: ProcessMemory, entries: Iterable<Entry>): number {
  const text = readMappings(pid).filter(isArmable);
  let restored = 0;
  for (const { site, jump, original } of entries) {
    if (!text.some(({ start, end }) => site >= start && site + jump.length <= end)) continue;
    const now = memory.bytes(site, jump.length);
    if (now !== undefined && jump.every((byte, i) => byte === now[i]) && memory.write(site, original)) restored++;
  }
  return restored;
}

/** Whether the program has handlers of signals: no others have frames of them on their stacks. */
export function hasHandlers(pid: number): boolean {
  try {
    return BigInt(`0x${/^SigCgt:\s+([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "1"}`) !== 0n;
  } catch {
    // It has ended.
    return false;
  }
}

const isLeftBehind = ({ owner }: Arena): boolean => owner.pid !== 0 && !isOwnerAlive(owner);

/** What dead owners have left in a process. Throws SONDE_TRACE_… */
export function cleanProcess(pid: number, memory: ProcessMemory, tracees: Tracees): void {
  if (!Arena.find(pid, memory).some(isLeftBehind)) return;
  const handlers = hasHandlers(pid);
  const free: Arena[] = [];
  stoppedWhile(pid, tracees, (threads) => {
    // Another sonde may have been here meanwhile.
    for (const arena of Arena.find(pid, memory).filter(isLeftBehind)) {
      enable(memory, [arena], false);
      restore(pid, memory, arena.entries);
      arena.setOwner(memory, NOBODY);
      if (insideOf(threads, [arena], memory, handlers) === 0) free.push(arena);
    }
    return 0;
  });
  if (free.length > 0)
    withThread(pid, tracees, (tid) => {
      for (const arena of free) arena.release(pid, tid, memory);
    });
}

/** Of all processes that we may look into. */
export function recoverAll(): void {
  const dead = deadTracers(MARKERS);
  const tracees = new Tracees();
  let whole = true;
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    const pids: number[] = [];
    for (const { pid, text } of allMaps()) if (text.includes(MAPPED_NAME)) pids.push(pid);
    const left = pids.filter(isLeft);
    if (left.length === 0) break;
    whole = true;
    for (const pid of left) whole = recover(pid, tracees) && whole;
  }
  const begun = performance.now();
  while (!letLaggingGo(tracees.lagging) && performance.now() - begun < LONGEST_WAIT) nap();
  if (whole) for (const owner of dead) removeMarker(owner, MARKERS);
}

function isLeft(pid: number): boolean {
  return withMemory(pid, (memory) => Arena.find(pid, memory).some(isLeftBehind)) ?? false;
}

/** False if it has to be tried again. */
function recover(pid: number, tracees: Tracees): boolean {
  try {
    withMemory(pid, (memory) => cleanProcess(pid, memory, tracees));
    return true;
  } catch (error) {
    return error instanceof SondeError && error.code === "SONDE_PROCESS_NOT_FOUND";
  }
}

function withMemory<T>(pid: number, look: (memory: ProcessMemory) => T): T | undefined {
  let memory: ProcessMemory;
  try {
    memory = new ProcessMemory(pid);
  } catch {
    // It has ended, or isn't ours to look into.
    return undefined;
  }
  try {
    return look(memory);
  } finally {
    memory.close();
  }
}
