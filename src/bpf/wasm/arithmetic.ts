/**
 * Arithmetic and comparisons. WebAssembly's wrap and shift as eBPF's do; its divisions trap where eBPF's have a result
 * (by zero: 0, or of the remainder the dividend; the smallest number by -1: itself), so these cases are taken out before.
 */
import { SondeBug } from "../../errors/error.ts";
import type { Instruction } from "../instruction.ts";
import { Alu, Class, classOf, Jmp, operationOf, Source, usesRegister } from "../opcodes.ts";
import { ValueType } from "./binary.ts";
import type { FunctionBytes } from "./function-bytes.ts";
import { Wasm } from "./opcodes.ts";

interface Pair {
  readonly 32: number;
  readonly 64: number;
}

const plain: { readonly [operation: number]: Pair } = {
  [Alu.add]: { 32: Wasm.i32Add, 64: Wasm.i64Add },
  [Alu.sub]: { 32: Wasm.i32Sub, 64: Wasm.i64Sub },
  [Alu.mul]: { 32: Wasm.i32Mul, 64: Wasm.i64Mul },
  [Alu.or]: { 32: Wasm.i32Or, 64: Wasm.i64Or },
  [Alu.and]: { 32: Wasm.i32And, 64: Wasm.i64And },
  [Alu.xor]: { 32: Wasm.i32Xor, 64: Wasm.i64Xor },
  [Alu.lsh]: { 32: Wasm.i32Shl, 64: Wasm.i64Shl },
  [Alu.rsh]: { 32: Wasm.i32ShrU, 64: Wasm.i64ShrU },
  [Alu.arsh]: { 32: Wasm.i32ShrS, 64: Wasm.i64ShrS },
};

/** Signed, unsigned. */
const divisions: { readonly [operation: number]: readonly [Pair, Pair] } = {
  [Alu.div]: [
    { 32: Wasm.i32DivS, 64: Wasm.i64DivS },
    { 32: Wasm.i32DivU, 64: Wasm.i64DivU },
  ],
  [Alu.mod]: [
    { 32: Wasm.i32RemS, 64: Wasm.i64RemS },
    { 32: Wasm.i32RemU, 64: Wasm.i64RemU },
  ],
};

const comparisons: { readonly [operation: number]: Pair } = {
  [Jmp.jeq]: { 32: Wasm.i32Eq, 64: Wasm.i64Eq },
  [Jmp.jne]: { 32: Wasm.i32Ne, 64: Wasm.i64Ne },
  [Jmp.jgt]: { 32: Wasm.i32GtU, 64: Wasm.i64GtU },
  [Jmp.jge]: { 32: Wasm.i32GeU, 64: Wasm.i64GeU },
  [Jmp.jlt]: { 32: Wasm.i32LtU, 64: Wasm.i64LtU },
  [Jmp.jle]: { 32: Wasm.i32LeU, 64: Wasm.i64LeU },
  [Jmp.jsgt]: { 32: Wasm.i32GtS, 64: Wasm.i64GtS },
  [Jmp.jsge]: { 32: Wasm.i32GeS, 64: Wasm.i64GeS },
  [Jmp.jslt]: { 32: Wasm.i32LtS, 64: Wasm.i64LtS },
  [Jmp.jsle]: { 32: Wasm.i32LeS, 64: Wasm.i64LeS },
};

/** The second operand, in as many bits as the instruction has. */
function operand(f: FunctionBytes, { code, src, imm }: Instruction, bits: 32 | 64): void {
  if (bits === 32) usesRegister(code) ? f.low(src) : f.int(Number(imm));
  else usesRegister(code) ? f.register(src) : f.long(imm);
}

export function arithmetic(f: FunctionBytes, instruction: Instruction): void {
  const { code, dst, src, offset } = instruction;
  const operation = operationOf(code);
  const bits = classOf(code) === Class.alu64 ? 64 : 32;
  const first = (): void => {
    bits === 64 ? f.register(dst) : f.low(dst);
  };
  const opcode = plain[operation];
  if (operation === Alu.end) {
    swap(f, instruction);
  } else if (operation === Alu.mov) {
    if (offset === 0) operand(f, instruction, bits);
    else extend(f, src, bits, offset);
  } else if (operation === Alu.neg) {
    bits === 64 ? f.long(0).register(dst).op(Wasm.i64Sub) : f.int(0).low(dst).op(Wasm.i32Sub);
  } else if (opcode !== undefined) {
    first();
    operand(f, instruction, bits);
    f.op(opcode[bits]);
  } else {
    divide(f, instruction, bits);
  }
  if (bits === 32 && operation !== Alu.end && !divisions[operation]) f.op(Wasm.i64ExtendI32U);
  f.setRegister(dst);
}

const extensions = { 32: { 8: Wasm.i32Extend8S, 16: Wasm.i32Extend16S }, 64: { 8: Wasm.i64Extend8S, 16: Wasm.i64Extend16S, 32: Wasm.i64Extend32S } };

function extend(f: FunctionBytes, src: number, bits: 32 | 64, width: number): void {
  const opcode = (extensions[bits] as { readonly [width: number]: number })[width];
  if (opcode === undefined) throw new SondeBug(`a move of ${width} of ${bits} bits`);
  bits === 64 ? f.register(src) : f.low(src);
  f.op(opcode);
}

/** Leaves an i64: 32 bits are divided as 64, which no pair of them overflows. */
function divide(f: FunctionBytes, instruction: Instruction, bits: 32 | 64): void {
  const { code, dst, src, imm, offset } = instruction;
  const operation = operationOf(code);
  const opcodes = divisions[operation];
  if (opcodes === undefined) throw new SondeBug(`0x${code.toString(16)} isn't an arithmetic operation`);
  const isSigned = offset === 1;
  const { first, second } = f.locals;
  const widen = (): void => {
    if (bits === 32) f.op(Wasm.i32WrapI64, isSigned ? Wasm.i64ExtendI32S : Wasm.i64ExtendI32U);
  };
  f.register(dst);
  widen();
  f.set(first);
  if (usesRegister(code)) f.register(src);
  else f.long(imm);
  widen();
  f.tee(second).op(Wasm.i64Eqz, Wasm.if, ValueType.i64);
  operation === Alu.div ? f.long(0) : f.get(first);
  f.op(Wasm.else);
  if (isSigned && operation === Alu.div) {
    f.get(second).long(-1).op(Wasm.i64Eq, Wasm.if, ValueType.i64).long(0).get(first).op(Wasm.i64Sub, Wasm.else);
    f.get(first).get(second).op(Wasm.i64DivS, Wasm.end);
  } else {
    f.get(first)
      .get(second)
      .op(opcodes[isSigned ? 0 : 1][64]);
  }
  f.op(Wasm.end);
  if (bits === 32) f.op(Wasm.i32WrapI64, Wasm.i64ExtendI32U);
}

/** bswap, and the conversions to one order: this machine's own is little-endian, as WebAssembly's is. */
function swap(f: FunctionBytes, { code, dst, imm }: Instruction): void {
  const width = Number(imm);
  if (width !== 16 && width !== 32 && width !== 64) throw new SondeBug(`bytes of ${width} bits can't be swapped`);
  const swaps = classOf(code) === Class.alu64 || (code & Source.reg) !== 0;
  f.register(dst);
  if (!swaps) {
    if (width < 64) f.long((1n << BigInt(width)) - 1n).op(Wasm.i64And);
    return;
  }
  const { first } = f.locals;
  for (const [mask, shift] of [
    [0x00ff00ff_00ff00ffn, 8n],
    [0x0000ffff_0000ffffn, 16n],
  ] as const) {
    f.tee(first).long(mask).op(Wasm.i64And).long(shift).op(Wasm.i64Shl);
    f.get(first).long(shift).op(Wasm.i64ShrU).long(mask).op(Wasm.i64And, Wasm.i64Or);
  }
  f.long(32).op(Wasm.i64Rotl);
  // What was lowest is now highest.
  if (width < 64) f.long(64 - width).op(Wasm.i64ShrU);
}

/** Leaves an i32: not 0 if the conditional jump is taken. */
export function comparison(f: FunctionBytes, instruction: Instruction): void {
  const { code, dst } = instruction;
  const bits = classOf(code) === Class.jmp ? 64 : 32;
  const operation = operationOf(code);
  bits === 64 ? f.register(dst) : f.low(dst);
  operand(f, instruction, bits);
  if (operation === Jmp.jset) {
    bits === 64 ? f.op(Wasm.i64And).long(0).op(Wasm.i64Ne) : f.op(Wasm.i32And);
    return;
  }
  const opcode = comparisons[operation];
  if (opcode === undefined) throw new SondeBug(`0x${code.toString(16)} isn't a comparison`);
  f.op(opcode[bits]);
}
