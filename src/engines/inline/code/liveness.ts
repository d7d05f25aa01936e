/** Which registers of eBPF are still read behind each instruction, so that what nobody reads isn't computed. */
import type { Instruction } from "../../../bpf/instruction.ts";
import {
  Alu,
  AtomicOp,
  Class,
  classOf,
  isAlu,
  isCall,
  isConditional,
  isExit,
  isGoto,
  LD_IMM64,
  Mode,
  modeOf,
  operationOf,
  usesRegister,
} from "../../../bpf/opcodes.ts";
import { calledName, signatures } from "../../../bpf/verify/calls.ts";
import type { Fact } from "../../../bpf/verify/facts.ts";

const bit = (register: number): number => 1 << register;
const CALLER_SAVED = 0b11_1111;

interface Uses {
  readonly reads: number;
  readonly writes: number;
}

function usesOf(instruction: Instruction, inContext: boolean, resultIsUsed: boolean): Uses {
  const { code, dst, src } = instruction;
  if (isExit(code)) return { reads: resultIsUsed ? bit(0) : 0, writes: 0 };
  if (isGoto(code)) return { reads: 0, writes: 0 };
  if (isConditional(code)) return { reads: bit(dst) | (usesRegister(code) ? bit(src) : 0), writes: 0 };
  if (isCall(code)) {
    const params = signatures[calledName(instruction) ?? ""]?.params ?? [];
    // Maps are known from the call; the context isn't an address of its own.
    const reads = params.reduce((all, param, i) => (param === "map" || param === "ring" || param === "context" ? all : all | bit(i + 1)), 0);
    return { reads, writes: CALLER_SAVED };
  }
  if (code === LD_IMM64) return { reads: 0, writes: bit(dst) };
  if (isAlu(code)) {
    const right = usesRegister(code) && operationOf(code) !== Alu.end && operationOf(code) !== Alu.neg ? bit(src) : 0;
    return { reads: operationOf(code) === Alu.mov ? right : right | bit(dst), writes: bit(dst) };
  }
  switch (classOf(code)) {
    case Class.ldx:
      // The context has no address.
      return { reads: inContext ? 0 : bit(src), writes: bit(dst) };
    case Class.st:
      return { reads: bit(dst), writes: 0 };
    default: {
      if (modeOf(code) !== Mode.atomic) return { reads: bit(dst) | bit(src), writes: 0 };
      const operation = Number(instruction.imm);
      if (operation === AtomicOp.cmpxchg) return { reads: bit(dst) | bit(src) | bit(0), writes: bit(0) };
      return { reads: bit(dst) | bit(src), writes: (operation & AtomicOp.fetch) !== 0 ? bit(src) : 0 };
    }
  }
}

/** By instruction: a bit for each register that is read behind it. */
export function liveBehind(program: readonly Instruction[], facts: readonly (Fact | undefined)[], resultIsUsed: boolean): readonly number[] {
  const before: number[] = new Array(program.length + 1).fill(0);
  const behind: number[] = new Array(program.length).fill(0);
  for (let changed = true; changed; ) {
    changed = false;
    for (let index = program.length - 1; index >= 0; index--) {
      const fact = facts[index];
      if (fact === undefined) continue;
      const instruction = program[index] as Instruction;
      const { code } = instruction;
      const target = instruction.target as number;
      let live = 0;
      if (isConditional(code)) live = (fact.taken ? (before[target] as number) : 0) | (fact.passed ? (before[index + 1] as number) : 0);
      else if (isGoto(code)) live = before[target] as number;
      else if (!isExit(code)) live = before[index + 1] as number;
      const { reads, writes } = usesOf(instruction, fact.context !== undefined, resultIsUsed);
      // A branch that always goes one way compares nothing.
      const needed = isConditional(code) && fact.taken !== fact.passed ? 0 : reads;
      const now = (live & ~writes) | needed;
      if (now === before[index] && live === behind[index]) continue;
      before[index] = now;
      behind[index] = live;
      changed = true;
    }
  }
  return behind;
}

/** Whether it does nothing but write a register. */
export function isPure(instruction: Instruction): boolean {
  const { code } = instruction;
  return code === LD_IMM64 || isAlu(code) || classOf(code) === Class.ldx;
}
