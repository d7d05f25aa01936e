/** From where to where each register is needed, on the blocks laid out in a row. Instruction i reads at 2i and writes at 2i + 1. */
import { endReads, reads, successors, writes } from "../mir/operands.ts";
import type { Block, MirFunction, Reg } from "../mir/types.ts";

export interface Interval {
  readonly reg: Reg;
  start: number;
  end: number;
  uses: number;
  crossesCall: boolean;
}
export interface Layout {
  readonly blocks: readonly Block[];
  readonly intervals: readonly Interval[];
}

export function liveness(fn: MirFunction, blocks: readonly Block[]): Layout {
  const liveIn = new Map<number, Set<Reg>>();
  const gen = new Map<number, Set<Reg>>();
  const kill = new Map<number, Set<Reg>>();
  for (const block of blocks) {
    const g = new Set<Reg>();
    const k = new Set<Reg>();
    for (const instr of block.instrs) {
      for (const r of reads(instr)) if (!k.has(r)) g.add(r);
      const dst = writes(instr);
      if (dst !== undefined) k.add(dst);
    }
    if (block.end) for (const r of endReads(block.end)) if (!k.has(r)) g.add(r);
    if (fn.scratch !== undefined && !k.has(fn.scratch)) g.add(fn.scratch); // memory objects are reached through it
    gen.set(block.id, g);
    kill.set(block.id, k);
    liveIn.set(block.id, g);
  }
  const outOf = (block: Block): Set<Reg> => {
    const out = new Set<Reg>();
    for (const to of successors(block.end)) for (const r of liveIn.get(to) ?? []) out.add(r);
    return out;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = blocks.length - 1; i >= 0; i--) {
      const block = blocks[i] as Block;
      const next = new Set(gen.get(block.id));
      for (const r of outOf(block)) if (!kill.get(block.id)?.has(r)) next.add(r);
      if (next.size !== liveIn.get(block.id)?.size) {
        liveIn.set(block.id, next);
        changed = true;
      }
    }
  }

  const intervals = new Map<Reg, Interval>();
  const touch = (reg: Reg, at: number, use: number): void => {
    const known = intervals.get(reg);
    if (!known) intervals.set(reg, { reg, start: at, end: at, uses: use, crossesCall: false });
    else {
      known.start = Math.min(known.start, at);
      known.end = Math.max(known.end, at);
      known.uses += use;
    }
  };
  const calls: number[] = [];
  let at = 2;
  touch(fn.context, 1, 0);
  for (const block of blocks) {
    for (const r of liveIn.get(block.id) ?? []) touch(r, at, 0);
    for (const instr of block.instrs) {
      for (const r of reads(instr)) touch(r, at, 1);
      const dst = writes(instr);
      if (dst !== undefined) touch(dst, at + 1, 1);
      if (instr.op === "call") calls.push(at);
      at += 2;
    }
    if (block.end) for (const r of endReads(block.end)) touch(r, at, 1);
    at += 2;
    for (const r of outOf(block)) touch(r, at - 1, 0);
    if (fn.scratch !== undefined) touch(fn.scratch, at - 1, 0);
  }
  for (const interval of intervals.values()) interval.crossesCall = calls.some((c) => interval.start < c && interval.end > c);
  const context = intervals.get(fn.context);
  if (context && context.uses === 0) intervals.delete(fn.context);
  return { blocks, intervals: [...intervals.values()].sort((a, b) => a.start - b.start || a.end - b.end) };
}
