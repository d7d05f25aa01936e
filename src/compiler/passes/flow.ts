/** The shape of the graph: order, predecessors, dominators; and its cleaning: what can't be reached and what only jumps goes. */
import { compareConstants } from "../mir/builder.ts";
import { successors } from "../mir/operands.ts";
import { type Block, isReg, type MirFunction, type Terminator } from "../mir/types.ts";

/** Reachable blocks in reverse postorder. */
export function order(fn: MirFunction): Block[] {
  const seen = new Set<number>([0]);
  const out: Block[] = [];
  const stack: { block: Block; next: number }[] = [{ block: fn.blocks[0] as Block, next: 0 }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1] as { block: Block; next: number };
    const next = successors(top.block.end)[top.next++];
    if (next === undefined) {
      out.push(top.block);
      stack.pop();
    } else if (!seen.has(next)) {
      seen.add(next);
      stack.push({ block: fn.blocks[next] as Block, next: 0 });
    }
  }
  return out.reverse();
}

export function predecessors(blocks: readonly Block[]): Map<number, number[]> {
  const out = new Map<number, number[]>(blocks.map((b) => [b.id, []]));
  for (const block of blocks) for (const to of successors(block.end)) out.get(to)?.push(block.id);
  return out;
}

/** Each block's immediate dominator (Cooper, Harvey and Kennedy's iteration). */
export function dominators(blocks: readonly Block[]): Map<number, number> {
  const index = new Map(blocks.map((b, i) => [b.id, i]));
  const preds = predecessors(blocks);
  const idom: (number | undefined)[] = new Array(blocks.length).fill(undefined);
  idom[0] = 0;
  const meet = (a: number, b: number): number => {
    while (a !== b) {
      while (a > b) a = idom[a] as number;
      while (b > a) b = idom[b] as number;
    }
    return a;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 1; i < blocks.length; i++) {
      let to: number | undefined;
      for (const p of preds.get((blocks[i] as Block).id) ?? []) {
        const at = index.get(p) as number;
        if (idom[at] !== undefined) to = to === undefined ? at : meet(to, at);
      }
      if (to !== idom[i]) {
        idom[i] = to;
        changed = true;
      }
    }
  }
  return new Map(blocks.slice(1).map((b, i) => [b.id, (blocks[idom[i + 1] as number] as Block).id]));
}

/** Branches that are decided become jumps, empty blocks are jumped over, chains are joined. */
export function clean(fn: MirFunction): void {
  for (const block of fn.blocks) {
    const end = block.end;
    if (end?.op === "branch" && end.then === end.else) block.end = { op: "jump", to: end.then };
  }
  const through = (id: number): number => {
    const seen = new Set<number>();
    for (let at = id; ; ) {
      const block = fn.blocks[at] as Block;
      if (block.instrs.length > 0 || block.end?.op !== "jump" || seen.has(at)) return at;
      seen.add(at);
      at = block.end.to;
    }
  };
  for (const block of fn.blocks) {
    const end = block.end;
    if (end?.op === "jump") block.end = { op: "jump", to: through(end.to) };
    else if (end?.op === "branch") block.end = { ...end, then: through(end.then), else: through(end.else) };
  }
  const blocks = order(fn);
  const preds = predecessors(blocks);
  for (const block of blocks) {
    for (;;) {
      const end: Terminator | undefined = block.end;
      if (end?.op !== "jump" || end.to === block.id || end.to === 0 || preds.get(end.to)?.length !== 1) break;
      const next = fn.blocks[end.to] as Block;
      block.instrs.push(...next.instrs);
      block.at.push(...next.at);
      block.end = next.end;
      block.endAt = next.endAt;
      next.instrs.length = 0;
      next.at.length = 0;
      next.end = { op: "jump", to: next.id };
    }
  }
}

/** A branch whose operands have become constants. */
export function decide(end: Terminator, known: (reg: number) => bigint | undefined): Terminator {
  if (end.op !== "branch") return end;
  const a = known(end.a);
  const b = isReg(end.b) ? known(end.b) : end.b;
  if (a === undefined || b === undefined) return end;
  return { op: "jump", to: compareConstants(end.cmp, a, b) ? end.then : end.else };
}
