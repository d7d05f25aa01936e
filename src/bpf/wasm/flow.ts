/**
 * Jumps to anywhere, in a language that has only blocks and loops. Each target of a jump ends a block; all these blocks
 * begin together, so that a jump forward leaves the block that ends at its target. A jump backward goes to the loop around
 * them all with its target's number in a local, and a table leads on from there; programs without one have neither.
 *
 *     (loop
 *       (block 1 (block 0 (block
 *         br_table place )            first round: falls out here
 *         instructions before target 0 )
 *         instructions from target 0 on )
 *         instructions from target 1 on, a jump back to target 0: place = 1, to the loop )
 */
import { SondeBug } from "../../errors/error.ts";
import type { Instruction } from "../instruction.ts";
import { isConditional, isGoto } from "../opcodes.ts";
import { unsigned } from "./binary.ts";
import type { FunctionBytes } from "./function-bytes.ts";
import { NOTHING, Wasm } from "./opcodes.ts";

/** Where the jump at `index` leads. */
export type TargetOf = (instruction: Instruction, index: number) => number;

export class Flow {
  readonly #f: FunctionBytes;
  readonly #targetOf: TargetOf;
  /** Indices of instructions, ascending. */
  readonly #targets: number[];
  readonly #numbers: ReadonlyMap<number, number>;
  /** Targets of jumps backward. */
  readonly #heads: number[];
  #passed = 0;

  constructor(f: FunctionBytes, instructions: readonly Instruction[], start: number, end: number, targetOf: TargetOf) {
    this.#f = f;
    this.#targetOf = targetOf;
    const targets = new Set<number>();
    const heads = new Set<number>();
    for (let at = start; at < end; at++) {
      const instruction = instructions[at] as Instruction;
      if (!isGoto(instruction.code) && !isConditional(instruction.code)) continue;
      const target = targetOf(instruction, at);
      if (target < start || target >= end) throw new SondeBug(`instruction ${at} jumps out of its function`);
      targets.add(target);
      if (target <= at) heads.add(target);
    }
    this.#targets = [...targets].sort((a, b) => a - b);
    this.#numbers = new Map(this.#targets.map((target, number) => [target, number]));
    this.#heads = [...heads].sort((a, b) => a - b);
  }

  begin(): void {
    const f = this.#f;
    if (this.#heads.length > 0) f.op(Wasm.loop, NOTHING);
    for (const _ of this.#targets) f.op(Wasm.block, NOTHING);
    if (this.#heads.length === 0) return;
    f.op(Wasm.block, NOTHING).get(f.locals.place).op(Wasm.brTable);
    // The block that is open here is label 0; the targets' come after it.
    const labels = [0, ...this.#heads.map((head) => 1 + (this.#numbers.get(head) as number))];
    f.op(...unsigned(labels.length), ...labels.flatMap(unsigned), 0, Wasm.end);
  }

  /** Before each instruction. */
  reach(index: number): void {
    if (this.#targets[this.#passed] !== index) return;
    this.#passed++;
    this.#f.op(Wasm.end);
  }

  end(): void {
    this.#f.op(Wasm.unreachable);
    if (this.#heads.length > 0) this.#f.op(Wasm.end, Wasm.unreachable);
  }

  /** Always, or (`condition` leaves an i32) if that isn't 0. */
  jump(instruction: Instruction, index: number, condition?: () => void): void {
    const f = this.#f;
    const target = this.#targetOf(instruction, index);
    condition?.();
    if (target > index) {
      f.with(condition === undefined ? Wasm.br : Wasm.brIf, (this.#numbers.get(target) as number) - this.#passed);
      return;
    }
    const loop = this.#targets.length - this.#passed;
    if (condition !== undefined) f.op(Wasm.if, NOTHING);
    f.int(1 + this.#heads.indexOf(target)).set(f.locals.place);
    f.with(Wasm.br, condition === undefined ? loop : loop + 1);
    if (condition !== undefined) f.op(Wasm.end);
  }
}
