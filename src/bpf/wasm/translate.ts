/**
 * eBPF to WebAssembly: a module with one exported function for each program, `p0`, `p1`, …, which takes the context's
 * address and gives the low 32 bits of r0. Pure: what a program reads, calls and points to is said by the options.
 *
 * Registers are i64 locals. The memory is imported; an access outside of it traps. Local functions are functions, whose
 * stack frames lie behind that of their caller.
 */
import { SondeBug } from "../../errors/error.ts";
import { slotIndices } from "../encode.ts";
import type { Instruction } from "../instruction.ts";
import { CallKind, Class, classOf, ImmKind, isCall, isConditional, isExit, isGoto, LD_IMM64, Mode, modeOf } from "../opcodes.ts";
import { arithmetic, comparison } from "./arithmetic.ts";
import { ModuleBytes, ValueType } from "./binary.ts";
import { Callees, type CallPlans, calleeName, IMPORTS } from "./calls.ts";
import { Flow, type TargetOf } from "./flow.ts";
import { FunctionBytes, localLocals, localParams, programLocals, programParams } from "./function-bytes.ts";
import { atomic, load, storeImmediate, storeRegister } from "./memory.ts";
import { Wasm } from "./opcodes.ts";

export { IMPORTS } from "./calls.ts";
/** The memory's name among the imports. */
export const MEMORY = "memory";
export const exportName = (program: number): string => `p${program}`;

export interface TranslateOptions {
  /** Of the memory, which is shared and doesn't grow: pages of 64 KiB. */
  readonly pages: number;
  /** `frames` stack frames of `frameBytes`, the first program's own first. */
  readonly stackAt: number;
  readonly frames: number;
  readonly frameBytes: number;
  /** What programs hold for a map, to hand it on. */
  mapHandle(map: number): number;
  /** Where the first value of an array lies. */
  mapValue(map: number): number;
  readonly calls: CallPlans;
  /** Where imported functions leave results of 64 bits. */
  readonly wideAt: number;
}

export function translate(programs: readonly (readonly Instruction[])[], options: TranslateOptions): Uint8Array<ArrayBuffer> {
  const module = new ModuleBytes();
  module.importMemory(IMPORTS, MEMORY, options.pages);
  const callees = new Callees(options.calls, options.wideAt);
  for (const program of programs) {
    for (const instruction of program) {
      const callee = isCall(instruction.code) ? calleeName(instruction) : undefined;
      if (callee !== undefined) callees.import(module, callee);
    }
  }
  let next = callees.imported;
  programs.forEach((program, index) => {
    const functions = new ProgramFunctions(program, next);
    next += functions.starts.length;
    functions.checkDepth(options.frames);
    functions.starts.forEach((start, i) => {
      const f = i === 0 ? new FunctionBytes(programLocals, programParams.length) : new FunctionBytes(localLocals, localParams.length);
      if (i === 0) {
        f.get(0).op(Wasm.i64ExtendI32U).setRegister(1);
        f.long(options.stackAt + options.frameBytes).setRegister(10);
      }
      new FunctionTranslation(f, functions, callees, options, i === 0).translate(start, functions.starts[i + 1] ?? program.length);
      const signature = i === 0 ? { params: programParams, results: [ValueType.i32] } : { params: localParams, results: [ValueType.i64] };
      module.addFunction(signature, f.body(), i === 0 ? exportName(index) : undefined);
    });
  });
  return module.bytes();
}

/** A program's local functions: each goes from where it is called to the next one's start. */
class ProgramFunctions {
  readonly instructions: readonly Instruction[];
  readonly starts: readonly number[];
  readonly #first: number;
  readonly #slots: readonly number[];
  readonly #indexOfSlot: ReadonlyMap<number, number>;

  constructor(instructions: readonly Instruction[], first: number) {
    this.instructions = instructions;
    this.#first = first;
    this.#slots = slotIndices(instructions);
    this.#indexOfSlot = new Map(this.#slots.map((slot, index) => [slot, index]));
    const starts = new Set([0]);
    instructions.forEach((instruction, index) => {
      if (isLocalCall(instruction)) starts.add(this.targetOf(instruction, index));
    });
    this.starts = [...starts].sort((a, b) => a - b);
  }

  /** Programs from the compiler name their targets; decoded ones may only have distances in slots. */
  readonly targetOf: TargetOf = (instruction, index) => {
    if (instruction.target !== undefined) return instruction.target;
    const { code, offset, imm } = instruction;
    const distance = isCall(code) || (isGoto(code) && classOf(code) === Class.jmp32) ? Number(imm) : offset;
    const target = this.#indexOfSlot.get((this.#slots[index + 1] as number) + distance);
    if (target === undefined) throw new SondeBug(`the jump of instruction ${index} leads nowhere`);
    return target;
  };

  /** The module's number of the function that begins there. */
  numberOf(start: number): number {
    return this.#first + this.starts.indexOf(start);
  }

  checkDepth(frames: number): void {
    const depthOf = (start: number, above: number): void => {
      if (above >= frames) throw new SondeBug(`a program calls its functions more than ${frames} deep`);
      const end = this.starts[this.starts.indexOf(start) + 1] ?? this.instructions.length;
      const called = new Set<number>();
      for (let at = start; at < end; at++) {
        const instruction = this.instructions[at] as Instruction;
        if (isLocalCall(instruction)) called.add(this.targetOf(instruction, at));
      }
      for (const other of called) depthOf(other, above + 1);
    };
    depthOf(0, 0);
  }
}

const isLocalCall = ({ code, src }: Instruction): boolean => isCall(code) && src === CallKind.local;

class FunctionTranslation {
  readonly #f: FunctionBytes;
  readonly #functions: ProgramFunctions;
  readonly #callees: Callees;
  readonly #options: TranslateOptions;
  readonly #isProgram: boolean;

  constructor(f: FunctionBytes, functions: ProgramFunctions, callees: Callees, options: TranslateOptions, isProgram: boolean) {
    this.#f = f;
    this.#functions = functions;
    this.#callees = callees;
    this.#options = options;
    this.#isProgram = isProgram;
  }

  translate(start: number, end: number): void {
    const { instructions, targetOf } = this.#functions;
    const flow = new Flow(this.#f, instructions, start, end, targetOf);
    flow.begin();
    for (let at = start; at < end; at++) {
      flow.reach(at);
      this.#instruction(instructions[at] as Instruction, at, flow);
    }
    flow.end();
  }

  #instruction(instruction: Instruction, index: number, flow: Flow): void {
    const f = this.#f;
    const { code } = instruction;
    if (isCall(code)) this.#call(instruction, index);
    else if (isExit(code)) {
      this.#isProgram ? f.low(0) : f.register(0);
      f.op(Wasm.return);
    } else if (isGoto(code)) flow.jump(instruction, index);
    else if (isConditional(code)) flow.jump(instruction, index, () => comparison(f, instruction));
    else if (code === LD_IMM64) this.#wide(instruction);
    else {
      switch (classOf(code)) {
        case Class.alu32:
        case Class.alu64:
          arithmetic(f, instruction);
          break;
        case Class.ldx:
          load(f, instruction);
          break;
        case Class.st:
          storeImmediate(f, instruction);
          break;
        case Class.stx:
          modeOf(code) === Mode.atomic ? atomic(f, instruction) : storeRegister(f, instruction);
          break;
        default:
          throw new SondeBug(`instruction ${index}: 0x${code.toString(16)} isn't translated`);
      }
    }
  }

  #call(instruction: Instruction, index: number): void {
    const f = this.#f;
    const callee = calleeName(instruction);
    if (callee !== undefined) {
      this.#callees.call(f, callee);
      return;
    }
    for (let i = 1; i <= 5; i++) f.register(i);
    f.register(10).long(this.#options.frameBytes).op(Wasm.i64Add);
    f.with(Wasm.call, this.#functions.numberOf(this.#functions.targetOf(instruction, index))).setRegister(0);
  }

  #wide({ dst, src, imm, map }: Instruction): void {
    const f = this.#f;
    if (src === ImmKind.number) f.long(imm);
    else if (src === ImmKind.map && map !== undefined) f.long(this.#options.mapHandle(map));
    else if (src === ImmKind.mapValue && map !== undefined) f.long(BigInt(this.#options.mapValue(map)) + BigInt(imm));
    else throw new SondeBug(`LD_IMM64 of kind ${src} isn't translated`);
    f.setRegister(dst);
  }
}
