/** The areas of one address space: a slot for each site within reach, and the handler of SIGTRAP that serves them all. */
import { readFileSync } from "node:fs";
import { SondeError } from "../../../errors/error.ts";
import { ProcessMemory } from "../../../sys/process-memory.ts";
import { readMappings } from "../../../sys/procfs.ts";
import { Area, type Owner, type SlotEntry } from "../area/area.ts";
import { handlerOf } from "../area/disposition.ts";
import { findGap } from "../area/gap.ts";
import { RESTORER_AT, sigaction } from "../area/handler.ts";
import { runInTarget } from "../area/inject.ts";
import { HANDLER_AT, shapeOf } from "../area/layout.ts";
import { NOBODY, ownIdentity } from "../area/owner.ts";

const RT_SIGACTION = 13;
const SIGTRAP = 5;
const SIGTRAP_BIT = 1n << 4n;
const REACH = 2 ** 30;
const LEAST_SLOTS = 700;
/** Another program of the target may map something where we wanted to. */
const TRIES = 8;

/** A site whose instruction is to be executed elsewhere. */
export interface Displaced {
  readonly site: number;
  /** The byte under the breakpoint. */
  readonly original: number;
  /** What stands in a slot at this address; undefined if the instruction can't be executed there. */
  code(slot: number): Uint8Array | undefined;
}

export class AreaSet {
  readonly pid: number;
  /** SIGTRAP is caught by our handler. */
  catches = false;
  #ignored = false;
  #areas: Area[] = [];
  #looked = false;
  #memory: ProcessMemory | undefined;
  readonly #owner: Owner = ownIdentity();

  constructor(pid: number) {
    this.pid = pid;
  }

  get #target(): ProcessMemory {
    this.#memory ??= new ProcessMemory(this.pid);
    return this.#memory;
  }

  /**
   * The slots of sites, or undefined where none can hold what is displaced. A site that had one for the same code keeps it;
   * areas are made as they are needed. `tid` is a stopped thread. Throws SONDE_TRACE_NO_ROOM, SONDE_TRACE_SECCOMP.
   */
  install(tid: number, sites: readonly Displaced[]): (number | undefined)[] {
    this.adopt(tid);
    const fresh = new Map<Area, SlotEntry[]>();
    const contents = new Map<Area, Uint8Array | undefined>();
    const slots = sites.map((displaced, i) => this.#kept(displaced, contents) ?? this.#fresh(tid, displaced, sites, i, fresh));
    for (const [area, entries] of fresh)
      if (!area.append(this.#target, entries))
        throw new SondeError("SONDE_PROCESS_NOT_FOUND", `process ${this.pid} has ended while it was armed`, { where: `pid ${this.pid}` });
    return slots;
  }

  /** The slot that a site has already, for the same code; `contents` has what was read of areas: all of one at once. */
  #kept({ site, original, code }: Displaced, contents: Map<Area, Uint8Array | undefined>): number | undefined {
    for (const area of this.#areas) {
      const slot = area.slotOf(site);
      const there = slot === undefined ? undefined : code(slot);
      if (there === undefined) continue;
      if (!contents.has(area)) contents.set(area, area.content(this.#target));
      const content = contents.get(area);
      if (content !== undefined && area.holds(content, { site, original, code: there })) return slot;
    }
    return undefined;
  }

  #fresh(tid: number, { site, original, code }: Displaced, sites: readonly Displaced[], from: number, fresh: Map<Area, SlotEntry[]>): number | undefined {
    const ahead = (area: Area): number => fresh.get(area)?.length ?? 0;
    let area = this.#areas.find((one) => reaches(one, site) && one.room > ahead(one));
    if (area === undefined) {
      let [low, high, near] = [site, site, 0];
      for (let i = from; i < sites.length; i++) {
        const other = (sites[i] as Displaced).site;
        if (Math.abs(other - site) >= REACH / 4) continue;
        [low, high, near] = [Math.min(low, other), Math.max(high, other), near + 1];
      }
      area = this.#make(tid, low, high, near);
    }
    const slot = area.nextSlot(ahead(area));
    const content = code(slot);
    if (content === undefined) return undefined;
    const entries = fresh.get(area);
    if (entries === undefined) fresh.set(area, [{ site, original, code: content }]);
    else entries.push({ site, original, code: content });
    return slot;
  }

  siteAt(address: number): { readonly site: number; readonly offset: number } | undefined {
    for (const area of this.#areas) if (area.contains(address)) return area.siteAt(address);
    return undefined;
  }

  /** What an earlier tracer has left is used again: areas are never unmapped. */
  adopt(tid: number): void {
    if (this.#looked) return;
    this.#looked = true;
    this.#areas = Area.find(this.pid, this.#target);
    for (const area of this.#areas) area.setOwner(this.#target, this.#owner);
    if (this.#areas.length > 0) this.#catch(tid);
  }

  #make(tid: number, low: number, high: number, sites: number): Area {
    const capacity = Math.max(LEAST_SLOTS, Math.ceil(sites * 1.25));
    for (let tries = 0; tries < TRIES; tries++) {
      const at = findGap(readMappings(this.pid), low, high, shapeOf(capacity).size);
      if (at === undefined) break;
      const area = Area.create(this.pid, tid, this.#target, at, capacity, this.#owner);
      if (area === undefined) continue;
      this.#areas.at(-1)?.setNext(this.#target, at);
      this.#areas.push(area);
      if (this.#areas.length === 1) this.#catch(tid);
      return area;
    }
    throw new SondeError("SONDE_TRACE_NO_ROOM", `process ${this.pid} has no room for displaced instructions`, {
      where: `near 0x${low.toString(16)} in process ${this.pid}`,
      why: "nothing is free within 1 GiB of the code, or the process may not map memory (seccomp, RLIMIT_AS)",
      mend: "Use the engine kernel.",
    });
  }

  /** Our handler, where the program has none of its own. */
  #catch(tid: number): void {
    const first = this.#areas[0] as Area;
    const { caught, ignored } = disposition(this.pid);
    const header = first.header(this.#target);
    if (header?.handles && caught) {
      this.catches = true;
      this.#ignored = header.ignored;
      return;
    }
    if (caught) return;
    this.#ignored = ignored;
    first.setDisposition(this.#target, ignored, true);
    this.catches = this.#setHandler(tid, first.base + HANDLER_AT, first.base + HANDLER_AT + RESTORER_AT);
  }
  #setHandler(tid: number, handler: number, restorer: number): boolean {
    const results = runInTarget(this.pid, tid, this.#target, [{ nr: RT_SIGACTION, args: [SIGTRAP, { text: sigaction(handler, restorer) }, 0, 8] }]);
    return results?.[0] === 0;
  }

  /** The kernel has taken our handler away. */
  catchAgain(tid: number): void {
    const first = this.#areas[0];
    if (first !== undefined && this.catches) this.#setHandler(tid, first.base + HANDLER_AT, first.base + HANDLER_AT + RESTORER_AT);
  }

  /** SIGTRAP does again what it did before us. */
  restoreSigtrap(tid: number): void {
    const first = this.#areas[0];
    if (first === undefined || !this.catches) return;
    this.catches = false;
    // Since then the program may have set a handler of its own.
    if (handlerOf(this.pid, tid, this.#target, SIGTRAP) === first.base + HANDLER_AT) this.#setHandler(tid, this.#ignored ? 1 : 0, 0);
    first.setDisposition(this.#target, false, false);
  }

  /** Nothing is armed any more: nobody has to look here again. */
  disown(): void {
    for (const area of this.#areas) area.setOwner(this.#target, NOBODY);
  }

  /** The program would lose its own handler of SIGTRAP, or blocks it: it is protected less. */
  get unprotected(): boolean {
    return this.#areas.length > 0 && !this.catches;
  }

  /**
   * For a forked child: what its memory held at that moment, which may be less than what is there now. If it was forked while
   * its parent was being armed, it may also lack our name or our handler: then its areas are still to be adopted.
   */
  copyFor(pid: number): AreaSet {
    const copy = new AreaSet(pid);
    copy.#areas = this.#areas.flatMap(({ base }) => Area.at(base, copy.#target) ?? []);
    const header = copy.#areas[0]?.header(copy.#target);
    const isOurs = copy.#areas.every((area) => area.header(copy.#target)?.owner.start === this.#owner.start);
    copy.catches = this.catches && header?.handles === true && disposition(pid).caught;
    copy.#looked = this.#looked && copy.#areas.length === this.#areas.length && isOurs && copy.catches === this.catches;
    copy.#ignored = this.#ignored;
    return copy;
  }
  /** Nothing is left to be adopted. */
  get isAdopted(): boolean {
    return this.#looked;
  }
  /** Says that a site's semaphore is counted up (0: not any more), for whoever comes when everything of ours was killed. */
  setSemaphore(site: number, semaphore: number): void {
    this.#areas.some((area) => area.setSemaphore(this.#target, site, semaphore));
  }
  /** Whether a site has this slot here. */
  hasSlot(site: number, slot: number): boolean {
    return this.#areas.some((area) => area.slotOf(site) === slot);
  }

  close(): void {
    this.#memory?.close();
    this.#memory = undefined;
  }
}

const reaches = (area: Area, site: number): boolean => Math.abs(area.base - site) < REACH && Math.abs(area.base + area.shape.size - site) < REACH;

function disposition(pid: number): { readonly caught: boolean; readonly ignored: boolean } {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const set = (field: string): boolean => (BigInt(`0x${new RegExp(`^${field}:\\s+([0-9a-f]+)`, "m").exec(status)?.[1] ?? "0"}`) & SIGTRAP_BIT) !== 0n;
  return { caught: set("SigCgt"), ignored: set("SigIgn") };
}
