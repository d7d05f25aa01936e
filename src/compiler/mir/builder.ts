/** Builds the middle tree: appends to a current block, folds what is constant, and makes no block that can't be reached. */
import type { HelperName } from "../../bpf/helpers.ts";
import { fold } from "./fold.ts";
import {
  type AtomicFn,
  type Base,
  type BinaryFn,
  type Block,
  type CallArg,
  type Comparison,
  type Instr,
  isReg,
  type MirFunction,
  type Operand,
  type Position,
  type Reg,
} from "./types.ts";

/** The 64 bits of a number, as a signed one. */
export const s64 = (n: bigint): bigint => BigInt.asIntN(64, n);

export class Builder {
  readonly fn: MirFunction = { blocks: [], registers: 1, context: 0, variables: new Set(), objects: [], scratch: undefined };
  current: Block;
  position: Position = { file: 0, offset: 0 };

  constructor() {
    this.current = this.block();
    this.current.entries = 1;
  }

  block(): Block {
    const block: Block = { id: this.fn.blocks.length, instrs: [], at: [], end: undefined, endAt: this.position, entries: 0 };
    this.fn.blocks.push(block);
    return block;
  }

  /** Nothing that is appended now can ever run. */
  get dead(): boolean {
    return this.current.end !== undefined || this.current.entries === 0;
  }

  temp(): Reg {
    return this.fn.registers++;
  }

  variable(): Reg {
    const reg = this.temp();
    this.fn.variables.add(reg);
    return reg;
  }

  /** A place of `size` bytes (a multiple of 8) that belongs to this hit alone. `home`: where it has to be; in the scratch slot only if there is one. */
  object(size: number, home?: "frame" | "scratch"): number {
    this.fn.objects.push({ size, home });
    return this.fn.objects.length - 1;
  }

  push(instr: Instr): void {
    if (this.dead) return;
    this.current.instrs.push(instr);
    this.current.at.push(this.position);
  }

  copy(src: Operand): Reg {
    const dst = this.temp();
    this.push({ op: "copy", dst, src });
    return dst;
  }

  set(variable: Reg, src: Operand): void {
    if (src !== variable) this.push({ op: "copy", dst: variable, src });
  }

  binary(fn: BinaryFn, a: Operand, b: Operand): Operand {
    const known = fold(fn, a, b);
    if (known !== undefined) return known;
    const dst = this.temp();
    this.push({ op: "binary", fn, dst, a, b });
    return dst;
  }

  extend(src: Operand, bits: 8 | 16 | 32, signed: boolean): Operand {
    if (!isReg(src)) return signed ? BigInt.asIntN(bits, src) : BigInt.asUintN(bits, src);
    const dst = this.temp();
    this.push({ op: "extend", dst, src, bits, signed });
    return dst;
  }

  load(base: Base, offset: number, size: 1 | 2 | 4 | 8, signed = false, pure = false): Reg {
    const dst = this.temp();
    this.push({ op: "load", dst, base, offset, size, signed, pure });
    return dst;
  }

  store(base: Base, offset: number, size: 1 | 2 | 4 | 8, value: Operand): void {
    this.push({ op: "store", base, offset, size, value });
  }

  atomic(fn: AtomicFn, base: Base, offset: number, size: 4 | 8, value: Operand): void {
    this.push({ op: "atomic", fn, dst: undefined, base, offset, size, value });
  }

  fetch(fn: AtomicFn, base: Base, offset: number, size: 4 | 8, value: Operand): Reg {
    const dst = this.temp();
    this.push({ op: "atomic", fn, dst, base, offset, size, value });
    return dst;
  }

  exchange(base: Base, offset: number, expected: Operand, value: Operand): Reg {
    const dst = this.temp();
    this.push({ op: "exchange", dst, base, offset, expected, value });
    return dst;
  }

  address(base: Base, offset: number): Reg {
    const dst = this.temp();
    this.push({ op: "address", dst, base, offset });
    return dst;
  }

  mapValue(map: number, offset: number): Reg {
    const dst = this.temp();
    this.push({ op: "mapValue", dst, map, offset });
    return dst;
  }

  call(helper: HelperName, args: readonly CallArg[], pure = false): Reg {
    const dst = this.temp();
    this.push({ op: "call", dst, callee: { helper }, args, pure });
    return dst;
  }

  kfunc(name: string, args: readonly CallArg[], pure = false): Reg {
    const dst = this.temp();
    this.push({ op: "call", dst, callee: { kfunc: name }, args, pure });
    return dst;
  }

  jump(to: Block): void {
    if (this.dead) return;
    to.entries++;
    this.current.end = { op: "jump", to: to.id };
    this.current.endAt = this.position;
  }

  branch(cmp: Comparison, a: Operand, b: Operand, then: Block, otherwise: Block): void {
    if (this.dead) return;
    const known = isReg(a) || isReg(b) ? undefined : compareConstants(cmp, a, b);
    if (known !== undefined) {
      this.jump(known ? then : otherwise);
      return;
    }
    const left = isReg(a) ? a : this.copy(a);
    then.entries++;
    otherwise.entries++;
    this.current.end = { op: "branch", cmp, a: left, b, then: then.id, else: otherwise.id };
    this.current.endAt = this.position;
  }

  exit(value: Operand): void {
    if (this.dead) return;
    this.current.end = { op: "exit", value };
    this.current.endAt = this.position;
  }

  /** Goes on in `block`. */
  enter(block: Block): void {
    this.current = block;
  }
}

export function compareConstants(cmp: Comparison, a: bigint, b: bigint): boolean {
  const ua = BigInt.asUintN(64, a);
  const ub = BigInt.asUintN(64, b);
  switch (cmp) {
    case "eq":
      return ua === ub;
    case "ne":
      return ua !== ub;
    case "ult":
      return ua < ub;
    case "ule":
      return ua <= ub;
    case "ugt":
      return ua > ub;
    case "uge":
      return ua >= ub;
    case "slt":
      return a < b;
    case "sle":
      return a <= b;
    case "sgt":
      return a > b;
    case "sge":
      return a >= b;
    case "set":
      return (ua & ub) !== 0n;
  }
}
