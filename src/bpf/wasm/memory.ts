/** Loads, stores and atomic updates: of a register's 64 bits the low 32 are the address, and the engine sees to it that the memory ends where ours does. */
import { SondeBug } from "../../errors/error.ts";
import type { Instruction } from "../instruction.ts";
import { AtomicOp, Mode, modeOf, widthOf } from "../opcodes.ts";
import { unsigned } from "./binary.ts";
import type { FunctionBytes } from "./function-bytes.ts";
import { Atomic, Wasm } from "./opcodes.ts";

const loads = { 1: Wasm.i64Load8U, 2: Wasm.i64Load16U, 4: Wasm.i64Load32U, 8: Wasm.i64Load } as const;
const signedLoads = { 1: Wasm.i64Load8S, 2: Wasm.i64Load16S, 4: Wasm.i64Load32S, 8: Wasm.i64Load } as const;
const stores = { 1: Wasm.i64Store8, 2: Wasm.i64Store16, 4: Wasm.i64Store32, 8: Wasm.i64Store } as const;

/** Leaves the base on the stack; gives the offset that is left for the access itself, which has only positive ones. */
function base(f: FunctionBytes, register: number, offset: number): number {
  f.low(register);
  if (offset >= 0) return offset;
  f.int(offset).op(Wasm.i32Add);
  return 0;
}

/** `alignment` is the logarithm: 0 promises nothing. */
const access = (offset: number, alignment = 0): number[] => [alignment, ...unsigned(offset)];

export function load(f: FunctionBytes, { code, dst, src, offset }: Instruction): void {
  const rest = base(f, src, offset);
  f.op((modeOf(code) === Mode.memsx ? signedLoads : loads)[widthOf(code)], ...access(rest)).setRegister(dst);
}

/** An 8-byte word at a place that is known. */
export function loadWord(f: FunctionBytes, at: number, width: 4 | 8): void {
  f.int(at).op(loads[width], ...access(0));
}

export function storeImmediate(f: FunctionBytes, { code, dst, offset, imm }: Instruction): void {
  const rest = base(f, dst, offset);
  f.long(imm).op(stores[widthOf(code)], ...access(rest));
}

export function storeRegister(f: FunctionBytes, { code, dst, src, offset }: Instruction): void {
  const rest = base(f, dst, offset);
  f.register(src).op(stores[widthOf(code)], ...access(rest));
}

const operations: { readonly [operation: number]: { readonly 4: number; readonly 8: number } } = {
  [AtomicOp.add]: Atomic.add,
  [AtomicOp.or]: Atomic.or,
  [AtomicOp.and]: Atomic.and,
  [AtomicOp.xor]: Atomic.xor,
};

export function atomic(f: FunctionBytes, { code, dst, src, offset, imm }: Instruction): void {
  const width = widthOf(code);
  if (width !== 4 && width !== 8) throw new SondeBug(`an atomic operation of ${width} bytes`);
  const operation = Number(imm);
  const place = access(base(f, dst, offset), width === 8 ? 3 : 2);
  if (operation === AtomicOp.cmpxchg) {
    f.register(0);
    // The narrow form compares all 64 bits with the zero-extended old value.
    if (width === 4) f.op(Wasm.i32WrapI64, Wasm.i64ExtendI32U);
    f.register(src)
      .op(Wasm.atomic, Atomic.cmpxchg[width], ...place)
      .setRegister(0);
    return;
  }
  const opcode = operation === AtomicOp.xchg ? Atomic.xchg : operations[operation & ~AtomicOp.fetch];
  if (opcode === undefined) throw new SondeBug(`0x${operation.toString(16)} isn't an atomic operation`);
  f.register(src).op(Wasm.atomic, opcode[width], ...place);
  if ((operation & AtomicOp.fetch) !== 0) f.setRegister(src);
  else f.op(Wasm.drop);
}
