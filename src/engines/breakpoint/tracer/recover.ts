/**
 * Puts back what dead tracers have left: the areas in each process say which bytes were displaced. All threads of such a
 * process are stopped for that, so that one which is just running into a breakpoint is taken back to it.
 */
import { SondeError } from "../../../errors/error.ts";
import { ProcessMemory } from "../../../sys/process-memory.ts";
import { allMaps, isArmable, readMappings } from "../../../sys/procfs.ts";
import { detach } from "../../../sys/ptrace.ts";
import { Area, type Owner } from "../area/area.ts";
import { AREA_NAME } from "../area/layout.ts";
import { deadTracers, removeMarker } from "../area/markers.ts";
import { isOwnerAlive } from "../area/owner.ts";
import { letAllGo } from "./let-go.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Returns } from "./returns.ts";
import { lowerLeft } from "./semaphores.ts";
import type { Space, Tracee } from "./space.ts";

const INT3 = 0xcc;

/** Processes may fork while they are searched: what is found is looked through again. */
const MOST_PASSES = 10;

/** Of all processes that we may look into. */
export function recoverAll(): void {
  const dead = deadTracers();
  const name = `/memfd:${AREA_NAME}`;
  let whole = true;
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    const pids: number[] = [];
    for (const { pid, text } of allMaps()) if (text.includes(name)) pids.push(pid);
    const left = pids.filter(isLeft);
    if (left.length === 0) break;
    whole = true;
    for (const pid of left) whole = recover(pid) && whole;
  }
  if (whole) for (const owner of dead) removeMarker(owner);
}

/** Whether a dead tracer's breakpoints may be in it. */
function isLeft(pid: number): boolean {
  try {
    const memory = new ProcessMemory(pid);
    try {
      return Area.find(pid, memory).some((area) => hasDeadOwner(area.header(memory)?.owner));
    } finally {
      memory.close();
    }
  } catch (error) {
    if (error instanceof SondeError) return false;
    throw error;
  }
}

const hasDeadOwner = (owner: Owner | undefined): boolean => owner !== undefined && owner.pid !== 0 && !isOwnerAlive(owner);

/** False if it has to be tried again. */
function recover(pid: number): boolean {
  const lifecycle = new Lifecycle({
    returns: new Returns({ released: () => {}, dropped: () => {} }),
    children: true,
    release: () => {},
    complete: () => {},
    orphaned: (child) => {
      const tracee = lifecycle.adopt(child);
      restoreBytes(tracee.space, new Set());
    },
    executed: (tracee) => {
      detach(tracee.tid);
      lifecycle.detached(tracee);
    },
    resume: () => {},
  });
  let first: Tracee;
  try {
    first = lifecycle.attach(pid, true);
  } catch (error) {
    // It has ended; or another sonde traces it, and has taken over what was left.
    return error instanceof SondeError && ["SONDE_PROCESS_NOT_FOUND", "SONDE_TRACE_BUSY", "SONDE_TRACE_ZOMBIE"].includes(error.code);
  }
  try {
    const sites = new Set<number>();
    restoreBytes(first.space, sites);
    letAllGo({
      lifecycle,
      isSite: (_, address) => sites.has(address),
      clean: ({ space }) => tried(() => restoreBytes(space, sites)),
      last: ({ space, tid }) => tried(() => putBack(space, tid)),
    });
    return true;
  } catch (error) {
    if (error instanceof SondeError) return true;
    throw error;
  }
}

/** Where it is still a breakpoint, in text that is still there; semaphores go down. Adds the sites to `sites`. */
export function restoreBytes(space: Space, sites: Set<number>): void {
  const { pid, memory } = space;
  const mappings = readMappings(pid);
  const text = mappings.filter(isArmable);
  for (const area of Area.find(pid, memory)) {
    lowerLeft(area, memory, mappings);
    for (const { site, original } of area.entries()) {
      sites.add(site);
      if (text.some(({ start, end }) => site >= start && site < end) && memory.bytes(site, 1)?.[0] === INT3) memory.write(site, Uint8Array.of(original));
    }
  }
}

function putBack({ areas }: Space, tid: number): void {
  areas.adopt(tid);
  areas.restoreSigtrap(tid);
  areas.disown();
}

/** Killed meanwhile. */
function tried(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SondeError)) throw error;
  }
}
