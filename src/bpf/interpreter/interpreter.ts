/**
 * Runs eBPF programs in JavaScript: the reference that the kernel and every other engine are compared with.
 *
 * It is stricter than the kernel: a read of a register that holds nothing, an access outside of the memory that the
 * program was given, a record used after it was submitted, or a helper that isn't known throws a SondeBug that shows
 * the instruction. Speed isn't its aim.
 */
import { SondeBug } from "../../errors/error.ts";
import { disassemble } from "../disassemble.ts";
import { slotIndices } from "../encode.ts";
import { helperName } from "../helpers.ts";
import type { Instruction } from "../instruction.ts";
import {
  Alu,
  AtomicOp,
  CallKind,
  Class,
  classOf,
  ImmKind,
  isCall,
  isExit,
  isGoto,
  LD_IMM64,
  Mode,
  modeOf,
  operationOf,
  Source,
  usesRegister,
  widthOf,
} from "../opcodes.ts";
import { alu, compare, swapBytes, u64 } from "./arithmetic.ts";
import type { Environment } from "./environment.ts";
import { helperCalls } from "./helper-calls.ts";
import { kfuncCalls } from "./kfunc-calls.ts";
import { type Arguments, functionAddress, functionAt, type Machine, mapAddress } from "./machine.ts";
import { createMap, type KeyedMap, type MapModel, type MapShape } from "./maps.ts";
import { Memory } from "./memory.ts";
import { RingBuffer } from "./ring.ts";

export const STACK_BYTES = 512;
const MAX_FRAMES = 8;

export interface RunOptions {
  /** How many instructions it may execute before it counts as endless. */
  readonly budget?: number;
  /** The program may write its context (argument registers, from kernel 6.18 on). */
  readonly writableContext?: boolean;
  /** Counted up: instructions that were executed, and calls by the helper's or kernel function's name. */
  readonly tally?: Tally;
}

export interface Tally {
  instructions: number;
  readonly calls: Map<string, number>;
}

/** The maps of one image, alive over many runs of its programs. */
export class Interpreter {
  readonly memory = new Memory();
  readonly maps: readonly MapModel[];

  constructor(maps: readonly MapShape[], cpus: number) {
    this.maps = maps.map((shape) => createMap(shape, this.memory, cpus));
  }

  /** The map of keys and values with this index in the image. */
  keyed(index: number): KeyedMap {
    const model = this.maps[index];
    if (model === undefined || model instanceof RingBuffer) throw new SondeBug(`map ${index} has no keys`);
    return model;
  }

  ring(index: number): RingBuffer {
    const model = this.maps[index];
    if (!(model instanceof RingBuffer)) throw new SondeBug(`map ${index} isn't a ring buffer`);
    return model;
  }

  /** Runs a program on a context (for probes: the 168 bytes of pt_regs); gives r0. */
  run(program: readonly Instruction[], context: Uint8Array, environment: Environment, options: RunOptions = {}): bigint {
    const region = this.memory.map("context", context, { writable: options.writableContext ?? false, aligned: true });
    const reserved = this.maps.map((model) => (model instanceof RingBuffer ? model.unfinished : 0));
    try {
      const execution = new Execution(program, this.memory, this.maps, environment, options.budget ?? 4_000_000, options.tally);
      const result = execution.call(0, [region.base]);
      this.maps.forEach((model, index) => {
        if (model instanceof RingBuffer && model.unfinished > reserved[index]!)
          throw new SondeBug(`a program ended with a record of ${model.name} neither submitted nor discarded`);
      });
      return result;
    } finally {
      this.memory.unmap(region);
      this.memory.endGracePeriod();
    }
  }
}

class Execution implements Machine {
  readonly #program: readonly Instruction[];
  readonly #slots: readonly number[];
  readonly #indexOfSlot: ReadonlyMap<number, number>;
  readonly memory: Memory;
  readonly maps: readonly MapModel[];
  readonly environment: Environment;
  #budget: number;
  #frames = 0;
  readonly #tally: Tally | undefined;

  constructor(program: readonly Instruction[], memory: Memory, maps: readonly MapModel[], environment: Environment, budget: number, tally: Tally | undefined) {
    this.#tally = tally;
    this.#program = program;
    this.#slots = slotIndices(program);
    this.#indexOfSlot = new Map(this.#slots.map((slot, index) => [slot, index]));
    this.memory = memory;
    this.maps = maps;
    this.environment = environment;
    this.#budget = budget;
  }

  callback(address: bigint, args: readonly bigint[]): bigint {
    return this.call(functionAt(address), args);
  }

  /** Runs a function from its first instruction to its exit. */
  call(start: number, args: readonly (bigint | undefined)[]): bigint {
    if (this.#frames >= MAX_FRAMES) throw new SondeBug(`more than ${MAX_FRAMES} functions deep`);
    this.#frames += 1;
    // Not zeros: a program that counts on a clean stack would find none in the kernel.
    const stack = this.memory.map("stack", new Uint8Array(STACK_BYTES).fill(0xa5), { aligned: true });
    const registers: (bigint | undefined)[] = Array<bigint | undefined>(11).fill(undefined);
    registers.splice(1, args.length, ...args);
    registers[10] = stack.base + BigInt(STACK_BYTES);
    let at = start;
    try {
      for (;;) {
        const instruction = this.#program[at];
        if (instruction === undefined) throw new SondeBug("control ran off the end of the program");
        if (isExit(instruction.code)) return read(registers, 0);
        at = this.#step(instruction, at, registers);
      }
    } catch (error) {
      if (error instanceof SondeBug && error.where === undefined) {
        const instruction = this.#program[at];
        const text = instruction === undefined ? "" : `: ${disassemble([{ ...instruction, ...(instruction.target === undefined ? {} : { target: 0 }) }])[0]}`;
        throw new SondeBug(`${error.message}`, { where: `instruction ${at}${text}`, cause: error });
      }
      throw error;
    } finally {
      this.memory.unmap(stack);
      this.#frames -= 1;
    }
  }

  /** Carries one instruction out; the index of the next. */
  #step(instruction: Instruction, at: number, registers: (bigint | undefined)[]): number {
    if (this.#budget-- <= 0) throw new SondeBug("the program ran too long");
    if (this.#tally !== undefined) this.#tally.instructions++;
    const { code, dst } = instruction;
    switch (classOf(code)) {
      case Class.alu64:
      case Class.alu32:
        write(registers, dst, this.#arithmetic(instruction, registers));
        return at + 1;
      case Class.jmp:
      case Class.jmp32:
        return this.#jump(instruction, at, registers);
      case Class.ldx: {
        const width = widthOf(code);
        const value = this.memory.load(this.#address(instruction.src, instruction, registers), width);
        write(registers, dst, modeOf(code) === Mode.memsx ? u64(BigInt.asIntN(8 * width, value)) : value);
        return at + 1;
      }
      case Class.st:
        this.memory.store(this.#address(dst, instruction, registers), widthOf(code), BigInt(instruction.imm));
        return at + 1;
      case Class.stx:
        if (modeOf(code) === Mode.atomic) this.#atomic(instruction, registers);
        else this.memory.store(this.#address(dst, instruction, registers), widthOf(code), read(registers, instruction.src));
        return at + 1;
      default:
        if (code !== LD_IMM64) throw new SondeBug(`0x${code.toString(16)} isn't an instruction`);
        write(registers, dst, this.#wide(instruction, at));
        return at + 1;
    }
  }

  #arithmetic(instruction: Instruction, registers: readonly (bigint | undefined)[]): bigint {
    const { code, dst, offset } = instruction;
    const operation = operationOf(code);
    const wide = classOf(code) === Class.alu64;
    if (operation === Alu.end) {
      const width = Number(instruction.imm);
      const swap = wide || (code & Source.reg) !== 0;
      const value = BigInt.asUintN(width, read(registers, dst));
      return swap ? swapBytes(value, width) : value;
    }
    const before = operation === Alu.mov ? 0n : read(registers, dst);
    const operand = operation === Alu.neg ? 0n : this.#operand(instruction, registers);
    return alu(wide ? 64 : 32, operation, before, operand, offset);
  }

  #operand(instruction: Instruction, registers: readonly (bigint | undefined)[]): bigint {
    return usesRegister(instruction.code) ? read(registers, instruction.src) : u64(BigInt(instruction.imm));
  }

  #address(base: number, instruction: Instruction, registers: readonly (bigint | undefined)[]): bigint {
    return u64(read(registers, base) + BigInt(instruction.offset));
  }

  #jump(instruction: Instruction, at: number, registers: (bigint | undefined)[]): number {
    const { code } = instruction;
    if (isCall(code)) {
      this.#call(instruction, at, registers);
      return at + 1;
    }
    const bits = classOf(code) === Class.jmp ? 64 : 32;
    if (isGoto(code)) return this.#target(instruction, at, bits === 64 ? instruction.offset : Number(instruction.imm));
    const taken = compare(bits, operationOf(code), read(registers, instruction.dst), this.#operand(instruction, registers));
    return taken ? this.#target(instruction, at, instruction.offset) : at + 1;
  }

  /** Programs from the compiler name their targets; decoded ones may only have distances in slots. */
  #target(instruction: Instruction, at: number, distance: number): number {
    if (instruction.target !== undefined) return instruction.target;
    const index = this.#indexOfSlot.get(this.#slots[at + 1]! + distance);
    if (index === undefined) throw new SondeBug("a jump leads nowhere");
    return index;
  }

  #call(instruction: Instruction, at: number, registers: (bigint | undefined)[]): void {
    const { src, imm, kfunc } = instruction;
    let value: bigint | undefined;
    if (src === CallKind.local) {
      value = this.call(this.#target(instruction, at, Number(imm)), registers.slice(1, 6));
    } else {
      const name = src === CallKind.kfunc ? kfunc : helperName(Number(imm));
      const implementation = name === undefined ? undefined : src === CallKind.kfunc ? kfuncCalls[name] : helperCalls[name as keyof typeof helperCalls];
      if (implementation === undefined)
        throw new SondeBug(`the interpreter has no ${src === CallKind.kfunc ? "kernel function" : "helper"} ${name ?? `#${imm}`}`);
      if (this.#tally !== undefined && name !== undefined) this.#tally.calls.set(name, (this.#tally.calls.get(name) ?? 0) + 1);
      const args: Arguments = { get: (index) => read(registers, index) };
      value = implementation(this, args);
    }
    for (let i = 1; i <= 5; i++) registers[i] = undefined;
    registers[0] = value;
  }

  #wide(instruction: Instruction, at: number): bigint {
    const { src, imm, map } = instruction;
    switch (src) {
      case ImmKind.number:
        return u64(BigInt(imm));
      case ImmKind.map:
        if (map === undefined || this.maps[map] === undefined) throw new SondeBug(`there is no map ${map}`);
        return mapAddress(map);
      case ImmKind.mapValue: {
        const model = map === undefined ? undefined : this.maps[map];
        if (model === undefined || model instanceof RingBuffer) throw new SondeBug(`map ${map} has no values to point into`);
        const region = model.lookup(new Uint8Array(4), this.environment.cpu);
        if (region === undefined || BigInt(imm) >= BigInt(region.bytes.length))
          throw new SondeBug(`offset ${imm} is outside of the value of ${model.shape.name}`);
        return region.base + BigInt(imm);
      }
      case ImmKind.func:
        return functionAddress(this.#target(instruction, at, Number(imm)));
      default:
        throw new SondeBug(`LD_IMM64 of kind ${src}`);
    }
  }

  #atomic(instruction: Instruction, registers: (bigint | undefined)[]): void {
    const width = widthOf(instruction.code);
    if (width !== 4 && width !== 8) throw new SondeBug(`an atomic operation of ${width} bytes`);
    const address = this.#address(instruction.dst, instruction, registers);
    const operation = Number(instruction.imm);
    const old = this.memory.load(address, width);
    const operand = BigInt.asUintN(8 * width, read(registers, instruction.src));
    if (operation === AtomicOp.cmpxchg) {
      const equal = old === BigInt.asUintN(8 * width, read(registers, 0));
      this.memory.store(address, width, equal ? operand : old);
      registers[0] = old;
      return;
    }
    this.memory.store(address, width, updated(operation, old, operand));
    if ((operation & AtomicOp.fetch) !== 0) write(registers, instruction.src, old);
  }
}

function updated(operation: number, old: bigint, operand: bigint): bigint {
  if (operation === AtomicOp.xchg) return operand;
  switch (operation & ~AtomicOp.fetch) {
    case AtomicOp.add:
      return old + operand;
    case AtomicOp.or:
      return old | operand;
    case AtomicOp.and:
      return old & operand;
    case AtomicOp.xor:
      return old ^ operand;
    default:
      throw new SondeBug(`0x${operation.toString(16)} isn't an atomic operation`);
  }
}

function read(registers: readonly (bigint | undefined)[], register: number): bigint {
  const value = registers[register];
  if (value === undefined) throw new SondeBug(`r${register} is read but holds nothing`);
  return value;
}

function write(registers: (bigint | undefined)[], register: number, value: bigint): void {
  if (register > 9) throw new SondeBug(`r${register} can't be written`);
  registers[register] = u64(value);
}
