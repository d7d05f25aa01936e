/**
 * Common subexpressions and copies: one walk down the dominator tree. A temporary is assigned once, so a computation
 * over temporaries that was made in a dominating block needn't be made again; copies of temporaries and constants
 * are replaced by what they copy. Copies of variables are forwarded inside a block, while the variable stays.
 */
import { fold } from "../mir/fold.ts";
import { mapEndReads, mapReads, reads, writes } from "../mir/operands.ts";
import { type Block, type Comparison, type Instr, isReg, type MirFunction, type Operand, type Reg, type Terminator } from "../mir/types.ts";
import { decide, dominators, order } from "./flow.ts";

type Scope = Map<string, Operand>;

/** A text that two instructions share exactly if they compute the same; undefined if they may not be shared. */
function keyOf(instr: Instr): string | undefined {
  switch (instr.op) {
    case "binary":
      return `${instr.fn} ${instr.a} ${typeof instr.a} ${instr.b} ${typeof instr.b}`;
    case "extend":
      return `extend ${instr.src} ${instr.bits} ${instr.signed}`;
    case "load":
      return instr.pure ? `load ${JSON.stringify(instr.base)} ${instr.offset} ${instr.size} ${instr.signed}` : undefined;
    case "call":
      return instr.pure
        ? `call ${JSON.stringify(instr.callee)} ${instr.args.map((a) => (typeof a === "bigint" ? `${a}n` : JSON.stringify(a))).join()}`
        : undefined;
    case "cpuPart":
      return "cpuPart";
    default:
      return undefined;
  }
}

const mirrored: { readonly [C in Comparison]: Comparison } = {
  eq: "eq",
  ne: "ne",
  set: "set",
  ult: "ugt",
  ule: "uge",
  ugt: "ult",
  uge: "ule",
  slt: "sgt",
  sle: "sge",
  sgt: "slt",
  sge: "sle",
};
/** A comparison's left side must be a register: where it has become a constant, the sides change places. */
function constantRight(end: Terminator, local: (operand: Operand) => Operand): Terminator {
  if (end.op !== "branch" || isReg(local(end.a)) || !isReg(end.b)) return end;
  return { ...end, cmp: mirrored[end.cmp], a: end.b, b: local(end.a) };
}

export function numberValues(fn: MirFunction): void {
  const blocks = order(fn);
  const idom = dominators(blocks);
  const children = new Map<number, Block[]>();
  for (const block of blocks) {
    const up = idom.get(block.id);
    if (up !== undefined) children.set(up, [...(children.get(up) ?? []), block]);
  }
  const same = new Map<Reg, Operand>();
  const resolve = (operand: Operand): Operand => (isReg(operand) ? (same.get(operand) ?? operand) : operand);
  const stable = (instr: Instr): boolean => reads(instr).every((r) => !fn.variables.has(r));

  const walk: { block: Block; scope: Scope }[] = [{ block: blocks[0] as Block, scope: new Map() }];
  while (walk.length > 0) {
    const { block, scope } = walk.pop() as { block: Block; scope: Scope };
    const forward = new Map<Reg, Reg>();
    const kept: Instr[] = [];
    const at: Block["at"] = [];
    const local = (operand: Operand): Operand => {
      const to = resolve(operand);
      return isReg(to) ? (forward.get(to) ?? to) : to;
    };
    for (const [i, original] of block.instrs.entries()) {
      let instr = mapReads(original, local);
      const dst = writes(instr);
      if (dst !== undefined && fn.variables.has(dst)) for (const [copy, of] of forward) if (of === dst) forward.delete(copy);
      if (dst !== undefined && !fn.variables.has(dst)) {
        if (instr.op === "binary") {
          const known = fold(instr.fn, instr.a, instr.b);
          if (known !== undefined) instr = { op: "copy", dst, src: known };
        }
        if (instr.op === "extend" && !isReg(instr.src)) {
          instr = { op: "copy", dst, src: instr.signed ? BigInt.asIntN(instr.bits, instr.src) : BigInt.asUintN(instr.bits, instr.src) };
        }
        if (instr.op === "copy") {
          if (!isReg(instr.src) || !fn.variables.has(instr.src)) {
            same.set(dst, instr.src);
            continue;
          }
          forward.set(dst, instr.src);
        } else {
          const key = stable(instr) ? keyOf(instr) : undefined;
          if (key !== undefined) {
            const known = scope.get(key);
            if (known !== undefined) {
              same.set(dst, known);
              continue;
            }
            scope.set(key, dst);
          }
        }
      }
      kept.push(instr);
      at.push(block.at[i] as Block["at"][number]);
    }
    block.instrs.splice(0, block.instrs.length, ...kept);
    block.at.splice(0, block.at.length, ...at);
    if (block.end) {
      block.end = decide(block.end, (reg) => {
        const to = same.get(reg);
        return to !== undefined && !isReg(to) ? to : undefined;
      });
      block.end = mapEndReads(constantRight(block.end, local), local);
    }
    for (const child of children.get(block.id) ?? []) walk.push({ block: child, scope: new Map(scope) });
  }
}
