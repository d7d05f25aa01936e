/** Takes out what computes something that nobody reads. */
import { endReads, reads, removable, writes } from "../mir/operands.ts";
import type { MirFunction } from "../mir/types.ts";
import { order } from "./flow.ts";

export function removeDead(fn: MirFunction): void {
  const blocks = order(fn);
  for (;;) {
    const used = new Set<number>();
    for (const block of blocks) {
      for (const instr of block.instrs) for (const r of reads(instr)) used.add(r);
      if (block.end) for (const r of endReads(block.end)) used.add(r);
    }
    if (fn.scratch !== undefined) used.add(fn.scratch);
    let changed = false;
    for (const block of blocks) {
      for (let i = block.instrs.length - 1; i >= 0; i--) {
        const instr = block.instrs[i];
        if (!instr) continue;
        const dst = writes(instr);
        if (dst === undefined || used.has(dst)) continue;
        if (!removable(instr)) {
          // Nobody reads the result (and of some calls there is none).
          if (instr.op === "call" || instr.op === "atomic") block.instrs[i] = { ...instr, dst: undefined };
        } else {
          block.instrs.splice(i, 1);
          block.at.splice(i, 1);
          changed = true;
        }
      }
    }
    if (!changed) return;
  }
}
