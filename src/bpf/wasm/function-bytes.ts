/** The body of one function: its locals stand for eBPF's registers, its instructions are appended one after the other. */
import { signed, signed64, unsigned, ValueType } from "./binary.ts";
import { Wasm } from "./opcodes.ts";

/** Which local holds what. Registers are i64. */
export interface Locals {
  /** By the register's number. */
  readonly registers: readonly number[];
  /** Two i64 for values that are needed twice. */
  readonly first: number;
  readonly second: number;
  /** Where a jump backward is to go on, i32. */
  readonly place: number;
}

const REGISTERS = 11;

/** A program: its only parameter, the context's address, is moved into r1. */
export const programLocals: Locals = { registers: Array.from({ length: REGISTERS }, (_, i) => 1 + i), first: 12, second: 13, place: 14 };
export const programParams: readonly ValueType[] = [ValueType.i32];
/** A local function: r1 to r5 and the end of its stack frame are handed over. */
export const localLocals: Locals = { registers: [6, 0, 1, 2, 3, 4, 7, 8, 9, 10, 5], first: 11, second: 12, place: 13 };
export const localParams: readonly ValueType[] = Array<ValueType>(6).fill(ValueType.i64);

export class FunctionBytes {
  readonly locals: Locals;
  readonly #declared: readonly number[];
  readonly #bytes: number[] = [];

  constructor(locals: Locals, params: number) {
    this.locals = locals;
    // What isn't a parameter: i64 up to `place`, which is the last.
    this.#declared = [2, ...unsigned(locals.place - params), ValueType.i64, 1, ValueType.i32];
  }

  op(...bytes: readonly number[]): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }
  /** An instruction with one unsigned operand: a local, a label, a function. */
  with(opcode: number, operand: number): this {
    return this.op(opcode, ...unsigned(operand));
  }
  get(local: number): this {
    return this.with(Wasm.localGet, local);
  }
  set(local: number): this {
    return this.with(Wasm.localSet, local);
  }
  tee(local: number): this {
    return this.with(Wasm.localTee, local);
  }
  int(n: number): this {
    return this.op(Wasm.i32Const, ...signed(n | 0));
  }
  long(n: bigint | number): this {
    return this.op(Wasm.i64Const, ...signed64(BigInt(n)));
  }
  register(number: number): this {
    return this.get(this.locals.registers[number] as number);
  }
  setRegister(number: number): this {
    return this.set(this.locals.registers[number] as number);
  }
  /** The low half of a register. */
  low(number: number): this {
    return this.register(number).op(Wasm.i32WrapI64);
  }

  body(): Uint8Array {
    return Uint8Array.from([...this.#declared, ...this.#bytes, Wasm.end]);
  }
}
