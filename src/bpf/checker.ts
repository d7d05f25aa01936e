/**
 * What a program's shape alone tells: jumps in range, nothing unreachable, every path ends, registers and stack offsets
 * within bounds. Everything that the compiler makes passes; the kernel's verifier asks much more.
 */
import type { Instruction } from "./instruction.ts";
import {
  AtomicOp,
  CallKind,
  Class,
  classOf,
  ImmKind,
  isAlu,
  isCall,
  isConditional,
  isExit,
  isGoto,
  isJump,
  LD_IMM64,
  Mode,
  modeOf,
  usesRegister,
  widthOf,
} from "./opcodes.ts";

export interface Problem {
  readonly index: number;
  readonly message: string;
}

const STACK_BYTES = 512;
const FRAME_POINTER = 10;

/** Everything that is wrong, in the program's order; empty if nothing is. `functions` are where local functions begin. */
export function check(program: readonly Instruction[], functions: readonly number[] = [0]): Problem[] {
  const problems: Problem[] = [];
  program.forEach((instruction, index) => {
    for (const message of [...registers(instruction), ...immediate(instruction), ...stackAccess(instruction)]) problems.push({ index, message });
    const { target } = instruction;
    if (target !== undefined && (target < 0 || target >= program.length)) problems.push({ index, message: `its target ${target} isn't an instruction` });
  });
  return [...problems, ...flow(program, functions)].sort((a, b) => a.index - b.index);
}

function registers(instruction: Instruction): string[] {
  const { code, dst, src } = instruction;
  const problems: string[] = [];
  if (dst < 0 || dst > FRAME_POINTER || src < 0 || src > FRAME_POINTER) problems.push("a register that doesn't exist");
  if (writesDst(code) && dst === FRAME_POINTER) problems.push("r10 can't be written");
  const fetches = isAtomic(code) && (Number(instruction.imm) & AtomicOp.fetch) !== 0;
  if (fetches && src === FRAME_POINTER) problems.push("r10 can't be written");
  if ((isAlu(code) || isConditional(code)) && !usesRegister(code) && src !== 0) problems.push("an immediate operand and a source register");
  return problems;
}

const isAtomic = (code: number): boolean => classOf(code) === Class.stx && modeOf(code) === Mode.atomic;
const writesDst = (code: number): boolean => isAlu(code) || classOf(code) === Class.ldx || code === LD_IMM64;

function immediate(instruction: Instruction): string[] {
  const { code, imm, offset, src } = instruction;
  const problems: string[] = [];
  const value = BigInt(imm);
  if (code === LD_IMM64) {
    if (BigInt.asIntN(64, value) !== value && BigInt.asUintN(64, value) !== value) problems.push(`the immediate ${value} has more than 64 bits`);
    if ((src === ImmKind.map || src === ImmKind.mapValue) && instruction.map === undefined) problems.push("a map without its index");
    if (src === ImmKind.func && instruction.target === undefined) problems.push("a function without its target");
  } else if (BigInt.asIntN(32, value) !== value) problems.push(`the immediate ${value} has more than 32 bits`);
  if (!Number.isInteger(offset) || offset < -0x8000 || offset > 0x7fff) problems.push(`the offset ${offset} has more than 16 bits`);
  if (isCall(code) && src === CallKind.local && instruction.target === undefined) problems.push("a call without its target");
  if (isCall(code) && src === CallKind.kfunc && instruction.kfunc === undefined) problems.push("a call of a kernel function without its name");
  if (isJump(code) && !isCall(code) && !isExit(code) && instruction.target === undefined) problems.push("a jump without its target");
  if (isAtomic(code) && widthOf(code) < 4) problems.push(`an atomic operation of ${widthOf(code)} bytes`);
  return problems;
}

/** Accesses at constant offsets from the frame pointer. */
function stackAccess(instruction: Instruction): string[] {
  const { code, offset } = instruction;
  const base = classOf(code) === Class.ldx ? instruction.src : classOf(code) === Class.st || classOf(code) === Class.stx ? instruction.dst : undefined;
  if (base !== FRAME_POINTER) return [];
  const width = widthOf(code);
  if (offset < -STACK_BYTES || offset + width > 0) return [`${width} bytes at r10${offset < 0 ? "" : "+"}${offset} are outside of the stack`];
  return offset % width === 0 ? [] : [`${width} bytes at r10${offset} aren't aligned`];
}

/** Where control goes: every instruction is reached from a function's start, and no path leaves its function but by exit or call. */
function flow(program: readonly Instruction[], functions: readonly number[]): Problem[] {
  const problems: Problem[] = [];
  if (program.length === 0) return [{ index: 0, message: "there is no instruction" }];
  const starts = [...new Set([0, ...functions])].sort((a, b) => a - b);
  const owner = (index: number): number => starts.findLast((start) => start <= index) ?? 0;
  const reached = new Set<number>();
  const work: number[] = [...starts];
  while (work.length > 0) {
    const index = work.pop()!;
    if (reached.has(index)) continue;
    reached.add(index);
    const instruction = program[index];
    if (instruction === undefined) continue;
    const next = successors(instruction, index);
    for (const to of next) {
      if (to < 0 || to >= program.length) {
        if (to === program.length) problems.push({ index, message: "control runs off the end of the program" });
      } else if (owner(to) !== owner(index)) problems.push({ index, message: "control leaves its function" });
      else work.push(to);
    }
    const { target } = instruction;
    const callee = (isCall(instruction.code) && instruction.src === CallKind.local) || instruction.code === LD_IMM64 ? target : undefined;
    if (callee !== undefined && !starts.includes(callee)) problems.push({ index, message: `no function begins at ${callee}` });
  }
  program.forEach((_, index) => {
    if (!reached.has(index)) problems.push({ index, message: "is never reached" });
  });
  return problems;
}

function successors(instruction: Instruction, index: number): number[] {
  const { code, target } = instruction;
  if (isExit(code)) return [];
  if (isGoto(code)) return target === undefined ? [] : [target];
  if (isConditional(code)) return target === undefined ? [index + 1] : [index + 1, target];
  return [index + 1];
}
