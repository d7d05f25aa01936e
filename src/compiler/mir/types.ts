/**
 * The middle tree: basic blocks of three-address instructions over virtual registers of 64 bits.
 *
 * A register made by `temp()` is assigned once; one made by `variable()` may be assigned often (a `let`, a join).
 * Memory objects (`object`) are places in the frame or, where the frame is too small, in the hit's scratch slot.
 */
import type { HelperName } from "../../bpf/helpers.ts";

export type Reg = number;
/** A register, or a constant (its 64 bits, as a signed number). */
export type Operand = Reg | bigint;
/** What a memory access starts from: a register that holds a pointer, or a memory object. */
export type Base = { readonly reg: Reg } | { readonly object: number };

export type BinaryFn = "add" | "sub" | "mul" | "udiv" | "sdiv" | "umod" | "smod" | "and" | "or" | "xor" | "shl" | "shr" | "sar";
export type Comparison = "eq" | "ne" | "ult" | "ule" | "ugt" | "uge" | "slt" | "sle" | "sgt" | "sge" | "set";
export type AtomicFn = "add" | "or" | "and" | "xor" | "xchg";

export type Instr =
  | { readonly op: "copy"; readonly dst: Reg; readonly src: Operand }
  | { readonly op: "binary"; readonly fn: BinaryFn; readonly dst: Reg; readonly a: Operand; readonly b: Operand }
  /** The low `bits` of `src`, widened by sign or by zeros. */
  | { readonly op: "extend"; readonly dst: Reg; readonly src: Operand; readonly bits: 8 | 16 | 32; readonly signed: boolean }
  | {
      readonly op: "load";
      readonly dst: Reg;
      readonly base: Base;
      readonly offset: number;
      readonly size: 1 | 2 | 4 | 8;
      readonly signed: boolean /** always gives the same within a hit */;
      readonly pure: boolean;
    }
  | { readonly op: "store"; readonly base: Base; readonly offset: number; readonly size: 1 | 2 | 4 | 8; readonly value: Operand }
  /** `dst`: the value before, if it is wanted. */
  | {
      readonly op: "atomic";
      readonly fn: AtomicFn;
      readonly dst: Reg | undefined;
      readonly base: Base;
      readonly offset: number;
      readonly size: 4 | 8;
      readonly value: Operand;
    }
  | { readonly op: "exchange"; readonly dst: Reg; readonly base: Base; readonly offset: number; readonly expected: Operand; readonly value: Operand }
  /** The address of `offset` behind `base`. */
  | { readonly op: "address"; readonly dst: Reg; readonly base: Base; readonly offset: number }
  /** This CPU's part of the per-CPU region. */
  | { readonly op: "cpuPart"; readonly dst: Reg; readonly cpu: Reg }
  | { readonly op: "mapValue"; readonly dst: Reg; readonly map: number; readonly offset: number }
  | {
      readonly op: "call";
      readonly dst: Reg | undefined;
      readonly callee: Callee;
      readonly args: readonly CallArg[] /** always gives the same within a hit, and does nothing else */;
      readonly pure: boolean;
    };

export type Callee = { readonly helper: HelperName } | { readonly kfunc: string };
export type CallArg = Operand | { readonly base: Base; readonly offset: number } | { readonly map: number };

export type Terminator =
  | { readonly op: "jump"; readonly to: number }
  | { readonly op: "branch"; readonly cmp: Comparison; readonly a: Reg; readonly b: Operand; readonly then: number; readonly else: number }
  | { readonly op: "exit"; readonly value: Operand };

export interface Position {
  readonly file: number;
  readonly offset: number;
}

export interface Block {
  readonly id: number;
  readonly instrs: Instr[];
  /** Where each instruction comes from, beside `instrs`. */
  readonly at: Position[];
  end: Terminator | undefined;
  endAt: Position;
  /** How many ways lead here, as far as it is built. */
  entries: number;
}

export interface MirFunction {
  readonly blocks: Block[];
  registers: number;
  /** The context that the kernel hands over. */
  readonly context: Reg;
  /** Registers that may be assigned more than once. */
  readonly variables: Set<Reg>;
  readonly objects: { readonly size: number; readonly home: "frame" | "scratch" | undefined }[];
  /** The register that holds the hit's scratch slot, if it has one, and where in it each object that isn't in the frame lies. */
  scratch: Reg | undefined;
}

export const isReg = (operand: Operand): operand is Reg => typeof operand === "number";
