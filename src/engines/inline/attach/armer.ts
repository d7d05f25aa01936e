/**
 * Arms processes by jumps: all that the arming process does. Whatever the moment at which it is killed, its targets go on: copies
 * are finished before a thread can come to them, threads are out of the windows before the first jump is written, a jump is
 * written at once, and the kernel lets go of all threads.
 */
import { SondeError } from "../../../errors/error.ts";
import { ProcessMemory } from "../../../sys/process-memory.ts";
import { isAlive, isArmable, readMappings } from "../../../sys/procfs.ts";
import { NOBODY } from "../../breakpoint/area/owner.ts";
import { nap } from "../../breakpoint/tracer/halt.ts";
import { Arena, type Entry, type SharedFile } from "./arena.ts";
import { checkProcess } from "./checks.ts";
import { insideOf, WaysBack } from "./inside.ts";
import { jumpTarget, jumpTo, MAPPED_NAME } from "./layout.ts";
import { Moves } from "./moves.ts";
import { enable, writeOwnWords } from "./own-words.ts";
import { placeSites } from "./place.ts";
import type { StopReport, ToArmer, WireArena, WireCopy, WireInlineSite } from "./protocol.ts";
import { cleanProcess, hasHandlers, restore, stoppedWhile } from "./restore.ts";
import { Tracees, withThread } from "./stop.ts";

const INT3 = 0xcc;
/** A thread that was hit is inside for microseconds, unless it is kept from its processor. */
const LOOKS = 40;
const LOOK_MS = 0.5;

/** Sites of a process that are prepared or armed. */
interface Armament {
  readonly pid: number;
  readonly memory: ProcessMemory;
  readonly sites: readonly WireInlineSite[];
  readonly places: readonly number[];
  readonly arenas: readonly Arena[];
  copies: readonly WireCopy[];
  /** What was patched. */
  armed: readonly Entry[];
}

type Prepare = Extract<ToArmer, { kind: "prepare" }>;
type Commit = Extract<ToArmer, { kind: "commit" }>;

export class Armer {
  readonly #shared: SharedFile;
  readonly #armaments = new Map<number, Armament>();
  #next = 1;
  readonly tracees = new Tracees();

  constructor(shared: SharedFile) {
    this.#shared = shared;
  }

  /** Throws SONDE_TRACE_…, SONDE_SITE_REFUSED, SONDE_INLINE_…; then nothing of the process has changed but for an empty arena. */
  prepare({ pid, sites, commonBytes, ownBytes }: Prepare): { readonly set: number; readonly arenas: readonly WireArena[]; readonly places: readonly number[] } {
    checkProcess(pid);
    const memory = new ProcessMemory(pid);
    try {
      cleanProcess(pid, memory, this.tracees);
      const text = readMappings(pid).filter(isArmable);
      for (const site of sites) {
        if (!text.some(({ start, end }) => site.address >= start && site.address + site.original.length <= end))
          throw refused(pid, site, "it isn't in code that is mapped from a file, privately and not writable (code that is made at run time can't be armed)");
        compare(pid, memory, site);
      }
      // Whoever holds that thread is alone with the arenas.
      const { arenas, places } = withThread(pid, this.tracees, (tid) => placeSites(pid, tid, memory, { sites, commonBytes, ownBytes, shared: this.#shared }));
      const set = this.#next++;
      this.#armaments.set(set, { pid, memory, sites, places, arenas, copies: [], armed: [] });
      return { set, places, arenas: arenas.map(({ code, codeBytes, shared, own }) => ({ code, codeBytes, shared, own })) };
    } catch (error) {
      memory.close();
      throw error;
    }
  }

  /** Writes the code and the jumps. Throws SONDE_TRACE_…, SONDE_SITE_REFUSED; then no jump is written. */
  commit({ pid, set, codes, copies }: Commit): StopReport & { readonly knowsThreads: boolean } {
    const armament = this.#of(pid, set);
    const { memory, sites, arenas, places } = armament;
    const entries = sites.map((site, i): Entry => {
      const { at } = copies[i] as WireCopy;
      return { site: site.address, original: site.original.slice(0, 5), jump: jumpTo(site.address, at) };
    });
    for (const [i, arena] of arenas.entries()) {
      const own = entries.filter((_, site) => places[site] === i);
      if (!arena.fill(memory, codes[i] as Uint8Array, own)) throw ended(pid);
    }
    // Each page of text that is written to becomes the process's own: that takes longest, so before it is stopped.
    for (const { address } of sites) {
      const byte = memory.bytes(address, 1);
      if (byte !== undefined) memory.write(address, byte);
    }
    const moves = new Moves(sites, copies);
    const handlers = hasHandlers(pid);
    armament.copies = copies;
    armament.armed = entries;
    let knowsThreads = false;
    const report = stoppedWhile(pid, this.tracees, (threads) => {
      for (const site of sites) compare(pid, memory, site);
      knowsThreads = writeOwnWords(pid, threads, memory, arenas);
      if (!enable(memory, arenas, true)) throw ended(pid);
      const moved = moves.apply(threads, memory, handlers);
      for (const { site, jump } of entries) if (!memory.write(site, jump)) throw ended(pid);
      return moved;
    });
    return { ...report, knowsThreads };
  }

  /** Once more: who was armed at its entry had no threads that know their ids yet. */
  enable(pid: number, set: number): void {
    const { memory, arenas } = this.#of(pid, set);
    if (!stillThere(pid, arenas)) throw ended(pid);
    stoppedWhile(pid, this.tracees, (threads) => {
      writeOwnWords(pid, threads, memory, arenas);
      enable(memory, arenas, true);
      return 0;
    });
  }

  /** The bytes that were displaced are back, and no probe runs; arenas that no thread is in are used again. Throws SONDE_TRACE_… */
  disarm(pid: number, set: number): StopReport & { readonly restored: number; readonly clean: boolean } {
    const armament = this.#of(pid, set);
    const { memory, arenas, armed, copies } = armament;
    let restored = 0;
    let clean = false;
    let report: StopReport = { stoppedMs: 0, threads: 0, moved: 0 };
    enable(memory, arenas, false);
    try {
      if (!stillThere(pid, arenas)) throw ended(pid);
      if (armed.length > 0) {
        const back = new WaysBack(copies);
        const handlers = hasHandlers(pid);
        let inside = 0;
        report = stoppedWhile(pid, this.tracees, (threads) => {
          restored = restore(pid, memory, armed);
          const moved = back.apply(threads);
          inside = insideOf(threads, arenas, memory, handlers);
          for (const arena of arenas) arena.setOwner(memory, NOBODY);
          return moved;
        });
        for (let looks = 0; inside > 0 && looks < LOOKS; looks++) {
          nap(LOOK_MS);
          stoppedWhile(pid, this.tracees, (threads) => {
            const moved = back.apply(threads);
            inside = insideOf(threads, arenas, memory, handlers);
            return moved;
          });
        }
        clean = inside === 0;
      } else {
        clean = true;
        for (const arena of arenas) arena.setOwner(memory, NOBODY);
      }
      if (clean)
        withThread(pid, this.tracees, (tid) => {
          if (stillThere(pid, arenas)) for (const arena of arenas) arena.release(pid, tid, memory);
        });
    } catch (error) {
      // Where it has ended, or executes something else, nothing is left to be restored.
      if (!(error instanceof SondeError) || (isAlive(pid) && stillThere(pid, arenas))) throw error;
    }
    this.#armaments.delete(set);
    memory.close();
    return { ...report, restored, clean };
  }

  /** All that is armed is taken out, as far as it can be. */
  disarmAll(): void {
    for (const [set, { pid }] of [...this.#armaments]) {
      try {
        this.disarm(pid, set);
      } catch (error) {
        if (!(error instanceof SondeError)) throw error;
      }
    }
  }

  #of(pid: number, set: number): Armament {
    const armament = this.#armaments.get(set);
    if (armament?.pid !== pid) throw ended(pid);
    return armament;
  }
}

/** It hasn't executed another program: that would have other things at those addresses. While one of its threads is held it can't. */
function stillThere(pid: number, arenas: readonly Arena[]): boolean {
  try {
    const starts = new Set(readMappings(pid).flatMap(({ path, start }) => (path === MAPPED_NAME ? [start] : [])));
    return arenas.every(({ base }) => starts.has(base));
  } catch (error) {
    if (error instanceof SondeError) return false;
    throw error;
  }
}

/** What stands at a site must be what was looked at when its window was found. */
function compare(pid: number, memory: ProcessMemory, site: WireInlineSite): void {
  const now = memory.bytes(site.address, site.original.length);
  if (now === undefined) throw refused(pid, site, "its page can't be read");
  if (site.original.every((byte, i) => byte === now[i])) return;
  const target = jumpTarget(site.address, now);
  const owner = target === undefined ? undefined : Arena.find(pid, memory).find((arena) => arena.contains(target))?.owner;
  if (owner !== undefined && owner.pid !== 0) throw taken(pid, owner.pid === process.pid ? "this session" : `process ${owner.pid}`, site.name);
  if (now.includes(INT3) && !site.original.includes(INT3))
    throw refused(pid, site, "there is a breakpoint already that isn't ours (another sonde's, or a debugger's)");
  throw refused(pid, site, "the code in memory isn't the file's: something has changed it");
}

const refused = (pid: number, site: WireInlineSite, why: string): SondeError =>
  new SondeError("SONDE_SITE_REFUSED", `${site.name} can't be probed`, {
    where: `0x${site.address.toString(16)} in process ${pid}`,
    why,
    mend: "Probe another function, or use another engine.",
  });

const taken = (pid: number, by: string, what: string): SondeError =>
  new SondeError("SONDE_INLINE_TAKEN", `${what} in process ${pid} is armed already`, {
    where: `pid ${pid}`,
    why: `${by} has put a jump there, and two can't be in one place`,
    mend: "End the other sonde, or use the engine kernel.",
  });

const ended = (pid: number): SondeError => new SondeError("SONDE_PROCESS_NOT_FOUND", `process ${pid} has ended while it was armed`, { where: `pid ${pid}` });
