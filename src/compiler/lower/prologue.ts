/** What every program does first and last: which hits are let through, counting them, its scratch slot. */
import type { HitFilter } from "../image.ts";
import type { Base, Operand, Reg } from "../mir/types.ts";
import type { Program } from "./program.ts";
import { endWrites } from "./registers.ts";
import { SCRATCH_SLOTS, SCRATCH_WORD, STOPPED_WORD } from "./session-layout.ts";

export interface PrologueOptions {
  readonly filter: boolean;
  /** The target's filter unless said. */
  readonly by?: HitFilter;
  readonly count: boolean;
  /** A handler calls exit(): afterwards hits aren't handled. */
  readonly stopped: boolean;
  /** The program's result for a hit that isn't let through. */
  readonly refused?: bigint;
}

export function prologue(p: Program, options: PrologueOptions): void {
  const b = p.b;
  const refused = b.block();
  let refusals = false;
  const passIf = (cmp: Parameters<typeof b.branch>[0], left: number, right: bigint): void => {
    const on = b.block();
    refusals = true;
    b.branch(cmp, left, right, on, refused);
    b.enter(on);
  };
  if (options.filter) filter(p, options.by ?? p.session.request.target.filter, passIf, refused);
  if (options.stopped) passIf("eq", b.load({ reg: b.mapValue(p.session.sharedMap, 0) }, STOPPED_WORD, 8), 0n);
  const cpu = ownCpu(p);
  p.cpu = cpuPart(p, cpu);
  if (p.knowledge.scratch) takeScratch(p, cpu, options.refused ?? 0n);
  if (options.count) p.count(p.session.counter({ kind: "hits", probe: p.probeIndex, part: p.part }));
  if (refusals || refused.entries > 0) {
    const here = b.current;
    b.enter(refused);
    b.exit(options.refused ?? 0n);
    b.enter(here);
  }
}

/** Whose part of what each CPU has for itself is used. Where there is only one, nobody needs to be asked. */
export function ownCpu(p: Program): Operand {
  return p.session.cpus === 1 ? 0n : p.b.call("get_smp_processor_id", [], true);
}

function cpuPart(p: Program, cpu: Operand): Reg {
  const b = p.b;
  if (typeof cpu === "bigint") return b.mapValue(p.session.cpuMap, 0);
  const dst = b.temp();
  b.push({ op: "cpuPart", dst, cpu });
  return dst;
}

function filter(
  p: Program,
  which: HitFilter,
  passIf: (cmp: "eq" | "ne", left: number, right: bigint) => void,
  refused: ReturnType<Program["b"]["block"]>,
): void {
  const b = p.b;
  const pid = (): number => b.binary("shr", b.call("get_current_pid_tgid", [], true), 32n) as number;
  const oneOf = (pids: readonly number[]): void => {
    if (pids.length === 1) {
      passIf("eq", pid(), BigInt(pids[0] as number));
      return;
    }
    const on = b.block();
    for (const allowed of pids) {
      const next = b.block();
      b.branch("eq", pid(), BigInt(allowed), on, next);
      b.enter(next);
    }
    b.jump(refused);
    b.enter(on);
  };
  if (which.kind === "pids") oneOf(which.pids);
  else if (which.kind === "cgroup") passIf("eq", b.call("get_current_ancestor_cgroup_id", [BigInt(which.level)], true), BigInt.asIntN(64, which.id));
  else if (which.kind === "set") {
    const key: Base = { object: b.object(8, "frame") };
    b.store(key, 0, 8, pid());
    passIf("ne", b.call("map_lookup_elem", [{ map: p.session.pidSet as number }, { base: key, offset: 0 }]), 0n);
  }
  if (p.probe.pids) oneOf(p.probe.pids);
}

/**
 * Takes one of the CPU's scratch slots. A program can be preempted by another hit on its CPU, so each slot has a bit
 * that is set and tested at once; it stays on its CPU until it gives the slot back.
 */
function takeScratch(p: Program, cpu: Operand, refused: bigint): void {
  const b = p.b;
  const map = p.session.scratch(8);
  const slot = b.variable();
  const got = b.block();
  const none = b.block();
  for (let i = 0; i < SCRATCH_SLOTS; i++) {
    const taken = b.block();
    const mine = b.block();
    const old = b.fetch("or", { reg: p.cpu }, SCRATCH_WORD, 8, BigInt(1 << i));
    b.branch("eq", b.binary("and", old, BigInt(1 << i)), 0n, mine, taken);
    b.enter(mine);
    b.set(slot, BigInt(i));
    b.jump(got);
    b.enter(taken);
  }
  b.jump(none);
  b.enter(none);
  p.count(p.session.counter({ kind: "scratch", probe: p.probeIndex }));
  b.exit(refused);
  b.enter(got);
  const key: Base = { object: b.object(8, "frame") };
  b.store(key, 0, 8, b.binary("add", b.binary("mul", cpu, BigInt(SCRATCH_SLOTS)), slot));
  const pointer = b.call("map_lookup_elem", [{ map }, { base: key, offset: 0 }]);
  const there = b.block();
  const absent = b.block();
  b.branch("ne", pointer, 0n, there, absent);
  b.enter(absent);
  giveBack(p, slot);
  b.exit(refused);
  b.enter(there);
  b.fn.scratch ??= b.variable();
  b.set(b.fn.scratch, pointer);
  b.set(p.scratchSlot, slot);
}

function giveBack(p: Program, slot: number): void {
  const b = p.b;
  b.atomic("and", { reg: p.cpu }, SCRATCH_WORD, 8, b.binary("xor", b.binary("shl", 1n, slot), -1n));
}

export function epilogue(p: Program): void {
  const b = p.b;
  b.enter(p.end);
  endWrites(p);
  if (p.knowledge.scratch) {
    p.cpu = cpuPart(p, ownCpu(p));
    giveBack(p, p.scratchSlot);
  }
  b.exit(p.decides ? p.status : 0n);
}
