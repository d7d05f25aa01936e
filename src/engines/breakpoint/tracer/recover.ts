/**
 * Puts back what dead tracers have left: the areas in each process say which bytes were displaced. All threads of such a
 * process are stopped for that, so that one which is just running into a breakpoint is taken back to it.
 */
import { SondeError } from "../../../errors/error.ts";
import { allMaps, readMappings } from "../../../sys/procfs.ts";
import { Child, detach, Event, getRegs, getSigInfo, interrupt, newRegs, newSigInfo, pokeReg, Reg, Wait, type WaitStatus, wait } from "../../../sys/ptrace.ts";
import { Area, type Owner } from "../area/area.ts";
import { AREA_NAME } from "../area/layout.ts";
import { deadTracers, removeMarker } from "../area/markers.ts";
import { isOwnerAlive } from "../area/owner.ts";
import { isArmable } from "./arming.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Returns } from "./returns.ts";
import type { Tracee } from "./space.ts";
import { SI_KERNEL } from "./tracer.ts";

const SIGTRAP = 5;
const INT3 = 0xcc;

/** Of all processes that we may look into. */
export function recoverAll(): void {
  const dead = deadTracers();
  const name = `/memfd:${AREA_NAME}`;
  const pids: number[] = [];
  for (const { pid, text } of allMaps()) if (text.includes(name)) pids.push(pid);
  let whole = true;
  for (const pid of pids) whole = recover(pid) && whole;
  if (whole) for (const owner of dead) removeMarker(owner);
}

/** False if it has to be tried again. */
function recover(pid: number): boolean {
  const lifecycle = new Lifecycle({
    returns: new Returns({ released: () => {}, dropped: () => {} }),
    children: true,
    release: () => {},
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
  const { space } = first;
  try {
    const areas = Area.find(pid, space.memory);
    const sites = new Set<number>();
    if (areas.some((area) => hasDeadOwner(area.header(space.memory)?.owner))) {
      const text = readMappings(pid).filter(isArmable);
      for (const area of areas)
        for (const { site, original } of area.entries(space.memory)) {
          sites.add(site);
          if (text.some(({ start, end }) => site >= start && site < end) && space.memory.bytes(site, 1)?.[0] === INT3)
            space.memory.write(site, Uint8Array.of(original));
        }
    }
    letGo(lifecycle, sites);
    return true;
  } catch (error) {
    if (error instanceof SondeError) return true;
    throw error;
  }
}

const hasDeadOwner = (owner: Owner | undefined): boolean => owner !== undefined && !isOwnerAlive(owner);

function letGo(lifecycle: Lifecycle, sites: ReadonlySet<number>): void {
  const stopped = new Map<Tracee, number>();
  // Threads that come into being meanwhile are traced too.
  while ([...lifecycle.tracees.values()].some((tracee) => !stopped.has(tracee)))
    for (const tracee of [...lifecycle.tracees.values()]) {
      if (stopped.has(tracee)) continue;
      const signal = halt(lifecycle, tracee, sites);
      if (signal === undefined) lifecycle.ended(tracee.tid);
      else stopped.set(tracee, signal);
    }
  const done = new Set<unknown>();
  for (const [tracee, signal] of stopped) {
    if (signal === 0 && sites.size > 0 && !done.has(tracee.space)) {
      done.add(tracee.space);
      tracee.space.areas.place(tracee.tid, []);
      tracee.space.areas.restoreSigtrap(tracee.tid);
    }
    detach(tracee.tid, signal);
    lifecycle.detached(tracee);
  }
}

/** The signal that the thread was about to get, 0 for none; undefined if it has ended. */
function halt(lifecycle: Lifecycle, tracee: Tracee, sites: ReadonlySet<number>): number | undefined {
  const { tid } = tracee;
  if (interrupt(tid) < 0) return undefined;
  const found: WaitStatus = { tid: 0, code: 0, status: 0 };
  if (wait(tid, Wait.stopped | Wait.exited | Wait.all | Wait.noWait, found) < 0) return undefined;
  if (found.code === Child.exited || found.code === Child.killed || found.code === Child.dumped) {
    wait(tid, Wait.exited | Wait.all, found);
    return undefined;
  }
  const event = found.status >> 8;
  const signal = found.status & 0xff;
  if (event === Event.fork || event === Event.vfork || event === Event.clone) lifecycle.born(tracee, event);
  if (event === Event.exec) {
    lifecycle.executed(tid);
    return undefined;
  }
  if (event !== 0) return 0;
  const regs = newRegs();
  const info = newSigInfo();
  if (signal !== SIGTRAP || getSigInfo(tid, info) < 0 || info[2] !== SI_KERNEL || getRegs(tid, regs) < 0) return signal;
  const site = Number(regs[Reg.rip]) - 1;
  if (!sites.has(site)) return signal;
  pokeReg(tid, Reg.rip, site);
  return 0;
}
