/**
 * Arms processes by jumps: all that the arming process does. Whatever the moment at which it is killed, its targets go on: copies
 * are finished before a thread can come to them, threads are out of the windows before the first jump is written, a jump is
 * written at once, and the kernel lets go of all threads.
 */
import { SondeError } from "../../../errors/error.ts";
import { ProcessMemory } from "../../../sys/process-memory.ts";
import { isAlive, readMappings } from "../../../sys/procfs.ts";
import { findGap } from "../../breakpoint/area/gap.ts";
import { NOBODY, ownIdentity } from "../../breakpoint/area/owner.ts";
import { isArmable } from "../../breakpoint/tracer/arming.ts";
import { Arena, type Entry } from "./arena.ts";
import { checkProcess } from "./checks.ts";
import { aligned, jumpTarget, jumpTo, shapeOf } from "./layout.ts";
import { Moves } from "./moves.ts";
import type { StopReport, WireArena, WireCopy, WireInlineSite, WirePlace } from "./protocol.ts";
import { cleanProcess, hasHandlers, restore, stoppedWhile } from "./restore.ts";
import { withThread } from "./stop.ts";

/** A jump reaches 2 GiB; what the code itself addresses lies around it, and the arena has its size. */
const REACH = 2 ** 30;
const LEAST_SITES = 64;
const LEAST_CODE = 64 * 1024;
/** Another thread of the target may map something where we wanted to. */
const TRIES = 8;
const INT3 = 0xcc;

/** A process that is prepared or armed. */
interface Target {
  readonly pid: number;
  readonly memory: ProcessMemory;
  readonly sites: readonly WireInlineSite[];
  readonly places: readonly WirePlace[];
  readonly arenas: readonly Arena[];
  /** What was patched. */
  armed: readonly Entry[];
}

export class Armer {
  readonly #targets = new Map<number, Target>();
  /** Threads that are still to be let go: tid → pid. */
  readonly lagging = new Map<number, number>();

  /** Throws SONDE_TRACE_…, SONDE_SITE_REFUSED, SONDE_INLINE_…; then nothing of the process has changed but for an empty arena. */
  prepare(pid: number, sites: readonly WireInlineSite[], dataBytes: number): { readonly arenas: readonly WireArena[]; readonly places: readonly WirePlace[] } {
    if (this.#targets.has(pid)) throw taken(pid, "this session", "the process");
    checkProcess(pid);
    const memory = new ProcessMemory(pid);
    try {
      cleanProcess(pid, memory, this.lagging);
      const mappings = readMappings(pid);
      const text = mappings.filter(isArmable);
      for (const site of sites) {
        if (!text.some(({ start, end }) => site.address >= start && site.address + site.original.length <= end))
          throw refused(pid, site, "it isn't in code that is mapped from a file, privately and not writable (code that is made at run time can't be armed)");
        this.#compare(pid, memory, site);
      }
      // Whoever holds that thread is alone with the arenas.
      const [arenas, places] = withThread(pid, this.lagging, (tid) => place(pid, tid, memory, sites, dataBytes));
      this.#targets.set(pid, { pid, memory, sites, places, arenas, armed: [] });
      return {
        arenas: arenas.map(({ base, shape, file }) => ({
          data: base + shape.dataAt,
          dataBytes: shape.dataBytes,
          enabled: base + shape.wipeAt,
          path: `/proc/${process.pid}/fd/${file}`,
          fileOffset: shape.dataAt,
        })),
        places,
      };
    } catch (error) {
      memory.close();
      throw error;
    }
  }

  /** What stands at a site must be what was looked at when its window was found. */
  #compare(pid: number, memory: ProcessMemory, site: WireInlineSite): void {
    const now = memory.bytes(site.address, site.original.length);
    if (now === undefined) throw refused(pid, site, "its page can't be read");
    if (site.original.every((byte, i) => byte === now[i])) return;
    const target = jumpTarget(site.address, now);
    const owner = target === undefined ? undefined : Arena.find(pid, memory).find((arena) => arena.contains(target))?.owner;
    if (owner !== undefined && owner.pid !== 0) throw taken(pid, `process ${owner.pid}`, site.name);
    if (now.includes(INT3) && !site.original.includes(INT3))
      throw refused(pid, site, "there is a breakpoint already that isn't ours (another sonde's, or a debugger's)");
    throw refused(pid, site, "the code in memory isn't the file's: something has changed it");
  }

  /** Writes the copies and the jumps. Throws SONDE_TRACE_…, SONDE_SITE_REFUSED; then no jump is written. */
  commit(pid: number, copies: readonly WireCopy[]): StopReport {
    const target = this.#of(pid);
    const { memory, sites, arenas, places } = target;
    const fresh = new Map<Arena, { entry: Entry; code: Uint8Array }[]>(arenas.map((arena) => [arena, []]));
    const entries = sites.map((site, i): Entry => {
      const { at, code } = copies[i] as WireCopy;
      const arena = arenas[(places[i] as WirePlace).arena] as Arena;
      const kept = code === undefined ? arena.copyOf(site.address, site.original.length) : undefined;
      if (kept !== undefined) return kept;
      const entry = {
        site: site.address,
        copy: at,
        copyBytes: code?.length ?? 0,
        length: site.original.length,
        original: site.original.slice(0, 5),
        jump: jumpTo(site.address, at),
      };
      fresh.get(arena)?.push({ entry, code: code ?? new Uint8Array(0) });
      return entry;
    });
    for (const [arena, list] of fresh) if (!arena.append(memory, list) || !arena.enable(memory, true)) throw ended(pid);
    // Each page of text that is written to becomes the process's own: that takes longest, so before it is stopped.
    for (const { address } of sites) {
      const byte = memory.bytes(address, 1);
      if (byte !== undefined) memory.write(address, byte);
    }
    const moves = new Moves(sites, copies);
    const handlers = hasHandlers(pid);
    target.armed = entries;
    return stoppedWhile(pid, this.lagging, (threads) => {
      for (const site of sites) this.#compare(pid, memory, site);
      const moved = moves.apply(threads, memory, handlers);
      for (const { site, jump } of entries) if (!memory.write(site, jump)) throw ended(pid);
      return moved;
    });
  }

  /** The bytes that were displaced are back, and no probe runs; arenas stay, to be used again. Throws SONDE_TRACE_… */
  disarm(pid: number): StopReport & { readonly restored: number } {
    const target = this.#of(pid);
    const { memory, arenas, armed } = target;
    let restored = 0;
    let report: StopReport = { stoppedMs: 0, threads: 0, moved: 0 };
    for (const arena of arenas) arena.enable(memory, false);
    try {
      if (armed.length > 0)
        report = stoppedWhile(pid, this.lagging, () => {
          restored = restore(pid, memory, armed);
          for (const arena of arenas) arena.setOwner(memory, NOBODY);
          return 0;
        });
      else for (const arena of arenas) arena.setOwner(memory, NOBODY);
    } catch (error) {
      // Where it has ended, nothing is left to be restored.
      if (!(error instanceof SondeError) || isAlive(pid)) throw error;
    }
    this.#forget(target);
    return { ...report, restored };
  }

  #forget({ pid, memory, arenas }: Target): void {
    this.#targets.delete(pid);
    for (const arena of arenas) arena.close();
    memory.close();
  }

  /** All that is armed is taken out, as far as it can be. */
  disarmAll(): void {
    for (const pid of [...this.#targets.keys()]) {
      try {
        this.disarm(pid);
      } catch (error) {
        if (!(error instanceof SondeError)) throw error;
      }
    }
  }

  #of(pid: number): Target {
    const target = this.#targets.get(pid);
    if (target === undefined) throw ended(pid);
    return target;
  }
}

/** The arenas that reach the sites, and where in them copies may stand. */
function place(pid: number, tid: number, memory: ProcessMemory, sites: readonly WireInlineSite[], dataBytes: number): [Arena[], WirePlace[]] {
  const arenas: Arena[] = [];
  const places: WirePlace[] = new Array(sites.length);
  const order = sites.map((_, i) => i).sort((a, b) => (sites[a] as WireInlineSite).address - (sites[b] as WireInlineSite).address);
  const left = new Set(Arena.find(pid, memory, true));
  for (let from = 0; from < order.length; ) {
    const low = (sites[order[from] as number] as WireInlineSite).address;
    let to = from + 1;
    while (to < order.length && (sites[order[to] as number] as WireInlineSite).address - low < REACH / 2) to++;
    const group = order.slice(from, to);
    const high = (sites[group.at(-1) as number] as WireInlineSite).address;
    let arena: Arena | undefined;
    let placed: WirePlace[] | undefined;
    for (const one of left) {
      if (one.owner.pid !== 0 || one.file === undefined || one.shape.dataBytes < dataBytes) continue;
      if (Math.max(high - one.base, one.base + one.shape.size - low) >= REACH * 1.5) continue;
      placed = placesIn(one, memory, group, sites, arenas.length);
      if (placed === undefined) continue;
      arena = one;
      left.delete(one);
      one.setOwner(memory, ownIdentity());
      break;
    }
    if (arena === undefined) {
      const own = group.map((i) => sites[i] as WireInlineSite);
      arena = make(pid, tid, memory, { low, high, sites: own, dataBytes });
      placed = placesIn(arena, memory, group, sites, arenas.length);
    }
    for (const [n, i] of group.entries()) places[i] = (placed as WirePlace[])[n] as WirePlace;
    arenas.push(arena);
    from = to;
  }
  for (const unused of left) unused.close();
  return [arenas, places];
}

interface Wanted {
  /** The lowest site, and the highest. */
  readonly low: number;
  readonly high: number;
  readonly sites: readonly WireInlineSite[];
  readonly dataBytes: number;
}

function make(pid: number, tid: number, memory: ProcessMemory, { low, high, sites, dataBytes }: Wanted): Arena {
  const code = sites.reduce((sum, { most }) => sum + aligned(most), 0);
  const shape = shapeOf(Math.max(LEAST_SITES, 2 * sites.length), Math.max(LEAST_CODE, 2 * code), dataBytes);
  for (let tries = 0; tries < TRIES; tries++) {
    const at = findGap(readMappings(pid), low, high, shape.size);
    const arena = at === undefined ? undefined : Arena.create(pid, tid, memory, at, shape, ownIdentity());
    if (arena !== undefined) return arena;
  }
  throw new SondeError("SONDE_TRACE_NO_ROOM", `process ${pid} has no room for displaced instructions`, {
    where: `near 0x${low.toString(16)} in process ${pid}`,
    why: "nothing is free within 1 GiB of the code, or the process may not map memory (seccomp, RLIMIT_AS)",
    mend: "Use the engine kernel.",
  });
}

/** Where the copies of a group may stand in an arena; undefined if there isn't room for all. */
function placesIn(arena: Arena, memory: ProcessMemory, group: readonly number[], sites: readonly WireInlineSite[], number: number): WirePlace[] | undefined {
  const placed: WirePlace[] = [];
  let ahead = 0;
  for (const [n, i] of group.entries()) {
    const { address, original, most } = sites[i] as WireInlineSite;
    const fresh = arena.place(most, ahead, n);
    if (fresh === undefined) return undefined;
    ahead = fresh + most - (arena.base + arena.shape.codeAt) - arena.used;
    const before = arena.copyOf(address, original.length);
    const code = before === undefined ? undefined : memory.bytes(before.copy, before.copyBytes);
    const same = before?.original.every((byte, at) => byte === original[at]) === true;
    placed.push({ arena: number, fresh, kept: same && code !== undefined ? { at: (before as Entry).copy, code } : undefined });
  }
  return placed;
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
