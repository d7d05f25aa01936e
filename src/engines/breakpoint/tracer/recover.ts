/**
 * Puts back what dead tracers have left: the areas in each process say which bytes were displaced. All threads of such a
 * process are stopped for that, so that one which is just running into a breakpoint is taken back to it.
 */
import { SondeError } from "../../../errors/error.ts";
import { ProcessMemory } from "../../../sys/process-memory.ts";
import { allMaps, readMappings } from "../../../sys/procfs.ts";
import {
  Child,
  cont,
  detach,
  Event,
  getRegs,
  getSigInfo,
  interrupt,
  newRegs,
  newSigInfo,
  pokeReg,
  Reg,
  Wait,
  type WaitStatus,
  wait,
} from "../../../sys/ptrace.ts";
import { Area, type Owner } from "../area/area.ts";
import { AREA_NAME } from "../area/layout.ts";
import { deadTracers, removeMarker } from "../area/markers.ts";
import { isOwnerAlive } from "../area/owner.ts";
import { isArmable } from "./arming.ts";
import { Lifecycle } from "./lifecycle.ts";
import { isTrapPending } from "./pending-trap.ts";
import { Returns } from "./returns.ts";
import type { Space, Tracee } from "./space.ts";
import { SI_KERNEL } from "./tracer.ts";

const SIGTRAP = 5;
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
    letGo(lifecycle, sites);
    return true;
  } catch (error) {
    if (error instanceof SondeError) return true;
    throw error;
  }
}

/** Where it is still a breakpoint, in text that is still there. Adds the sites to `sites`. */
function restoreBytes(space: Space, sites: Set<number>): void {
  const { pid, memory } = space;
  const text = readMappings(pid).filter(isArmable);
  for (const area of Area.find(pid, memory))
    for (const { site, original } of area.entries(memory)) {
      sites.add(site);
      if (text.some(({ start, end }) => site >= start && site < end) && memory.bytes(site, 1)?.[0] === INT3) memory.write(site, Uint8Array.of(original));
    }
}

function letGo(lifecycle: Lifecycle, sites: Set<number>): void {
  const stopped = new Map<Tracee, number>();
  // Threads that come into being meanwhile are traced too, and so are forked children.
  while ([...lifecycle.tracees.values()].some((tracee) => !stopped.has(tracee)))
    for (const tracee of [...lifecycle.tracees.values()]) {
      if (stopped.has(tracee)) continue;
      const signal = halt(lifecycle, tracee, sites);
      if (signal === undefined) lifecycle.ended(tracee.tid);
      else stopped.set(tracee, signal);
    }
  const done = new Set<Space>();
  for (const [tracee, signal] of stopped) {
    const { space, tid } = tracee;
    if (signal === 0 && !done.has(space)) {
      done.add(space);
      putBack(space, tid, sites);
    }
    detach(tid, signal);
    lifecycle.detached(tracee);
  }
}

/** A child may have been forked before its parent's bytes were put back: its own are looked at, while it is stopped. */
function putBack(space: Space, tid: number, sites: Set<number>): void {
  try {
    restoreBytes(space, sites);
    space.areas.place(tid, []);
    space.areas.restoreSigtrap(tid);
    space.areas.disown();
  } catch (error) {
    // Killed meanwhile.
    if (!(error instanceof SondeError)) throw error;
  }
}

/** The signal that the thread was about to get, 0 for none; undefined if it has ended. */
function halt(lifecycle: Lifecycle, tracee: Tracee, sites: ReadonlySet<number>): number | undefined {
  const { tid, pid } = tracee;
  if (interrupt(tid) < 0) return undefined;
  const found: WaitStatus = { tid: 0, code: 0, status: 0 };
  for (;;) {
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
    if (event === Event.stop && isTrapPending(pid, tid, (address) => sites.has(address))) {
      cont(tid);
      continue;
    }
    if (event !== 0) return 0;
    return goesBack(tid, signal, sites) ? 0 : signal;
  }
}

/** It has run into a breakpoint that isn't there any more: it executes what is there now. */
function goesBack(tid: number, signal: number, sites: ReadonlySet<number>): boolean {
  const regs = newRegs();
  const info = newSigInfo();
  if (signal !== SIGTRAP || getSigInfo(tid, info) < 0 || info[2] !== SI_KERNEL || getRegs(tid, regs) < 0) return false;
  const site = Number(regs[Reg.rip]) - 1;
  if (!sites.has(site)) return false;
  pokeReg(tid, Reg.rip, site);
  return true;
}
