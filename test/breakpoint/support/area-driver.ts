/** A tracer of the tests' own: has a target make system calls, arms a site of it, or puts back what another one has left. */
import { writeSync } from "node:fs";
import { Area } from "../../../src/engines/breakpoint/area/area.ts";
import { handlerOf } from "../../../src/engines/breakpoint/area/disposition.ts";
import { OPTIONS, runInTarget } from "../../../src/engines/breakpoint/area/inject.ts";
import { leaveMarker } from "../../../src/engines/breakpoint/area/markers.ts";
import { ownIdentity } from "../../../src/engines/breakpoint/area/owner.ts";
import { AreaSet } from "../../../src/engines/breakpoint/tracer/area-set.ts";
import { recoverAll } from "../../../src/engines/breakpoint/tracer/recover.ts";
import { syscall } from "../../../src/sys/ffi/native.ts";
import { nr } from "../../../src/sys/numbers.ts";
import { ProcessMemory } from "../../../src/sys/process-memory.ts";
import { threadsOf } from "../../../src/sys/procfs.ts";
import {
  Child,
  cont,
  detach,
  getRegs,
  getSigInfo,
  getSigMask,
  interrupt,
  newRegs,
  newSigInfo,
  pokeReg,
  Reg,
  seize,
  singleStep,
  Wait,
  type WaitStatus,
  wait,
} from "../../../src/sys/ptrace.ts";
import { relocate } from "../../../src/x86/relocate/relocate.ts";

const NR = { getpid: 39, gettid: 186, getppid: 110, sched_yield: 24 } as const;
const SIGTRAP = 5;
const SI_KERNEL = 0x80;
const TRAP_TRACE = 2;
const STOPPED = Wait.stopped | Wait.exited | Wait.all | Wait.noWait;

const say = (text: string): void => void writeSync(1, `${text}\n`);
const found: WaitStatus = { tid: 0, code: 0, status: 0 };
const [mode = "", ...rest] = process.argv.slice(2);
const [pid = 0, site = 0] = rest.map(Number);
const ended = (): boolean => found.code === Child.exited || found.code === Child.killed || found.code === Child.dumped;

function halt(tid: number): void {
  interrupt(tid);
  if (wait(tid, STOPPED, found) < 0 || ended()) throw new Error(`thread ${tid} has ended`);
}
function check(what: string, is: unknown, expected: unknown): void {
  if (is !== expected) throw new Error(`${what}: ${String(is)} instead of ${String(expected)}`);
}

/** Has it make calls, and compares everything before and after. */
function calls(memory: ProcessMemory): void {
  halt(pid);
  const signalled = found.status >> 8 === 0;
  const [before, after] = [newRegs(), newRegs()];
  getRegs(pid, before);
  const mask = getSigMask(pid);
  const results = runInTarget(pid, pid, memory, [
    { nr: NR.getpid, args: [], keep: true },
    { nr: NR.gettid, args: [] },
    { nr: nr.tgkill, args: ["kept", pid, 0] },
  ]);
  check("results", results?.join(), `${pid},${pid},0`);
  getRegs(pid, after);
  for (const [i, value] of before.entries()) check(`register ${i}${signalled ? " at a signal" : ""}`, after[i], value);
  check("mask", getSigMask(pid), mask);
  cont(pid);
}

/** Breakpoint and slot as the tracer makes them. */
function arm(): { readonly set: AreaSet; readonly slot: number; readonly memory: ProcessMemory } {
  for (const tid of threadsOf(pid)) check(`seize ${tid}`, seize(tid, OPTIONS), 0);
  halt(pid);
  const memory = new ProcessMemory(pid);
  const set = new AreaSet(pid);
  const slot = install(set, memory);
  memory.write(site, Uint8Array.of(0xcc));
  return { set, slot, memory };
}

function install(set: AreaSet, memory: ProcessMemory): number {
  const bytes = memory.bytes(site, 15)!.slice();
  const code = (slot: number): Uint8Array => {
    const moved = relocate(bytes, site, slot);
    if ("refused" in moved) throw new Error(moved.refused);
    return moved.code;
  };
  return set.install(pid, [{ site, original: bytes[0]!, code }])[0]!;
}

/** As a tracer does: each thread that comes to the site goes on in the slot. */
function serve(slot: number): void {
  const info = newSigInfo();
  const regs = newRegs();
  for (;;) {
    if (wait(0, STOPPED, found) < 0) return;
    const { tid, status } = found;
    if (ended()) {
      wait(tid, Wait.exited | Wait.all, found);
      continue;
    }
    if (status !== SIGTRAP) {
      cont(tid, status >> 8 === 0 ? status : 0);
      continue;
    }
    getSigInfo(tid, info);
    getRegs(tid, regs);
    if (info[2] === SI_KERNEL && Number(regs[Reg.rip]) - 1 === site) {
      pokeReg(tid, Reg.rip, slot);
      cont(tid);
    } else cont(tid, SIGTRAP);
  }
}

switch (mode) {
  case "calls": {
    check("seize", seize(pid, OPTIONS), 0);
    const memory = new ProcessMemory(pid);
    say("ready");
    const end = performance.now() + Number(rest[1]);
    let rounds = 0;
    for (; performance.now() < end; rounds++) calls(memory);
    halt(pid);
    detach(pid, found.status >> 8 === 0 ? found.status : 0);
    say(`ok ${rounds}`);
    break;
  }
  case "forever": {
    check("seize", seize(pid, OPTIONS), 0);
    const memory = new ProcessMemory(pid);
    say("ready");
    for (;;) calls(memory);
  }
  // A signal comes while a thread is stopped in a system call, before calls of ours.
  case "signal": {
    check("seize", seize(pid, OPTIONS), 0);
    halt(pid);
    syscall(nr.kill, pid, 10);
    const results = runInTarget(pid, pid, new ProcessMemory(pid), [{ nr: NR.getpid, args: [] }]);
    cont(pid);
    wait(pid, STOPPED, found);
    say(`ok ${results?.join()} ${found.status}`);
    detach(pid, found.status);
    break;
  }
  case "create": {
    check("seize", seize(pid, OPTIONS), 0);
    halt(pid);
    const memory = new ProcessMemory(pid);
    const set = new AreaSet(pid);
    const slot = install(set, memory);
    // A later tracer comes to the same slot, so that a target's memory doesn't grow with each arming.
    check("slot of a later arming", install(new AreaSet(pid), memory), slot);
    say(`ok ${Area.find(pid, memory).length} ${Math.abs(slot - site) < 2 ** 31} ${set.catches}`);
    detach(pid);
    break;
  }
  // Armed and let go of, as if the tracer had died.
  case "leave": {
    leaveMarker(ownIdentity());
    arm();
    for (const tid of threadsOf(pid)) {
      if (tid !== pid) halt(tid);
      detach(tid);
    }
    say("ok");
    break;
  }
  case "serve": {
    leaveMarker(ownIdentity());
    const { slot } = arm();
    cont(pid);
    say("ready");
    serve(slot);
    break;
  }
  // Killed while a thread stands behind the slot's instruction, at the end of a step.
  case "step": {
    leaveMarker(ownIdentity());
    const { slot } = arm();
    const info = newSigInfo();
    const regs = newRegs();
    do {
      cont(pid);
      wait(pid, STOPPED, found);
      getSigInfo(pid, info);
    } while (found.status !== SIGTRAP || info[2] !== SI_KERNEL);
    pokeReg(pid, Reg.rip, slot);
    singleStep(pid);
    wait(pid, STOPPED, found);
    getSigInfo(pid, info);
    getRegs(pid, regs);
    check("a step's trap", info[2], TRAP_TRACE);
    check("behind the instruction", Number(regs[Reg.rip]) > slot, true);
    say("ok");
    process.kill(process.pid, "SIGKILL");
    break;
  }
  case "handler": {
    check("seize", seize(pid, OPTIONS), 0);
    halt(pid);
    say(`ok ${handlerOf(pid, pid, new ProcessMemory(pid), Number(rest[1]))?.toString(16)}`);
    detach(pid);
    break;
  }
  case "recover":
    recoverAll();
    say("ok");
    break;
  default:
    throw new Error(mode);
}
process.exit(0);
