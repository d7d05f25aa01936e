/** The target's own types: what prototypes and debug information say of parameters, results, variables and structures. */
import type { IntSchema } from "./types.ts";

export type CType =
  | { readonly k: "void" }
  | { readonly k: "int"; readonly name: IntSchema["name"] }
  | { readonly k: "bool" }
  | { readonly k: "float"; readonly size: 4 | 8 }
  /** `to` undefined: void*. References are pointers. */
  | { readonly k: "pointer"; readonly to: CType | undefined }
  | { readonly k: "array"; readonly of: CType; readonly length: number }
  | {
      readonly k: "enum";
      /** Its tag or typedef, where it has one: for declarations. */
      readonly name?: string;
      readonly size: 1 | 2 | 4 | 8;
      readonly signed: boolean;
      readonly names: readonly (readonly [name: string, value: bigint])[];
      /** One of the values in `names`, which every value that isn't there counts as. */
      readonly otherwise?: bigint;
    }
  /** By name, so that structures may refer to themselves; looked up in `structs`. Unions too: their fields overlap. */
  | { readonly k: "struct"; readonly name: string }
  /** It has a place, but can't be represented: `what` says what it is ("long double"). */
  | { readonly k: "unknown"; readonly size: number; readonly what: string };

export interface CField {
  readonly name: string;
  readonly offset: number;
  readonly type: CType;
  /** A bit-field: `size` bits from bit `offset` (counted from the lowest) of the little-endian integer at the field's offset, of as many bytes as that takes, at most 8. */
  readonly bits?: { readonly offset: number; readonly size: number };
  /** Of a variant: it is there only if the discriminant says so. */
  readonly when?: Discriminant;
}

export interface Discriminant {
  /** From the field's own offset, in bytes. */
  readonly at: number;
  readonly size: 1 | 2 | 4 | 8;
  /** Unsigned values, first and last. */
  readonly ranges: readonly ValueRange[];
  /** Whether it has to be in one of the ranges, or in none. */
  readonly inside: boolean;
}
export type ValueRange = readonly [first: bigint, last: bigint];

/** Values as few ranges. */
export function rangesOf(values: readonly bigint[]): ValueRange[] {
  const ranges: [bigint, bigint][] = [];
  for (const value of values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))) {
    const last = ranges.at(-1);
    if (last !== undefined && value <= last[1] + 1n) last[1] = value;
    else ranges.push([value, value]);
  }
  return ranges;
}

export interface CStruct {
  /** Unique among the signature's structures. */
  readonly name: string;
  readonly size: number;
  readonly fields: readonly CField[];
  /** A string or slice of Rust or Go: the names of the fields that hold its address and its length in elements. */
  readonly slice?: { readonly address: string; readonly length: string };
}

/** Bytes; 0 where that isn't known. */
export function sizeOf(type: CType, structs: Signature["structs"]): number {
  switch (type.k) {
    case "int":
      return Number(type.name.slice(1)) / 8;
    case "bool":
      return 1;
    case "float":
    case "enum":
    case "unknown":
      return type.size;
    case "pointer":
      return 8;
    case "array":
      return type.length * sizeOf(type.of, structs);
    case "struct":
      return structs[type.name]?.size ?? 0;
    case "void":
      return 0;
  }
}

export type PlaceRegister =
  | "rax"
  | "rbx"
  | "rcx"
  | "rdx"
  | "rsi"
  | "rdi"
  | "rbp"
  | "rsp"
  | "r8"
  | "r9"
  | "r10"
  | "r11"
  | "r12"
  | "r13"
  | "r14"
  | "r15"
  | `xmm${number}`;

/**
 * One step of a computation on a stack of 64-bit words, by registers and memory at the hit. `read` pops an address. Steps that
 * take two words have the one pushed first on their left.
 */
export type PlaceStep =
  | { readonly op: "constant"; readonly value: bigint }
  /** An address as linked: where the file is loaded elsewhere, its load bias is added. */
  | { readonly op: "address"; readonly value: bigint }
  | { readonly op: "register"; readonly register: PlaceRegister; readonly plus: bigint }
  | { readonly op: "read"; readonly size: 1 | 2 | 4 | 8 }
  | { readonly op: "add" | "sub" | "mul" | "and" | "or" | "xor" | "shl" | "shr" | "sar" | "neg" | "not" };

/** Where a value is when its site is hit. */
export type CPlace =
  | SinglePlace
  /** In parts of which some are in registers, some in memory, some computed and some nowhere; in order, without gaps. */
  | { readonly k: "pieces"; readonly parts: readonly PlacePiece[] };

/** Bytes `offset` to `offset + size` of a value: the first ones of what is at the place. Computed ones are at most 8. */
export interface PlacePiece {
  readonly offset: number;
  readonly size: number;
  readonly place: SinglePlace;
}

export type SinglePlace =
  /** In registers: bytes `offset` to `offset + size` of the value are the register's lowest ones. */
  | { readonly k: "registers"; readonly parts: readonly { readonly register: PlaceRegister; readonly offset: number; readonly size: number }[] }
  /** In memory, at the address that the steps leave on the stack. */
  | { readonly k: "memory"; readonly address: readonly PlaceStep[] }
  /** It is what the steps leave on the stack: it is nowhere itself. */
  | { readonly k: "value"; readonly steps: readonly PlaceStep[] }
  /**
   * Nowhere: `why` completes "… can't be read here: " ("the compiler has removed it"). Handlers can't be compiled that use it,
   * but for those whose probe has other sites where it is somewhere (`elsewhere`): here it is `undefined` then.
   */
  | { readonly k: "none"; readonly why: string; readonly elsewhere?: boolean };

export interface CVariable {
  readonly name: string;
  readonly type: CType;
  readonly place: CPlace;
}

/** A function's parameters and result, and the structures that they mention. */
export interface Signature {
  /**
   * Several functions' common one has "" for the name of a parameter that isn't the same in all. Without a place: integers
   * and pointers in order in the first six argument registers, then on the stack; floats in xmm0 to xmm7. With a number it is
   * also found as `arg0`, `arg1` …
   */
  readonly params: readonly { readonly name: string; readonly type: CType; readonly place?: CPlace; readonly number?: number }[];
  readonly ret: CType;
  /** Where the result is at the return; undefined: in rax, or xmm0. */
  readonly retPlace?: CPlace;
  /** What is in scope at a source line, innermost first: `c.vars`. Undefined where the site isn't one of a line. */
  readonly variables?: readonly CVariable[];
  readonly structs: { readonly [name: string]: CStruct };
  /** Of a kernel's tracepoint: its record's fields, which are its arguments instead of `params`. */
  readonly record?: readonly RecordField[];
}

/** A field of the record that a tracepoint hands over. */
export interface RecordField {
  readonly name: string;
  /** From the record's start, in bytes. */
  readonly offset: number;
  readonly size: number;
  /** "text": it stands in the record, up to its NUL or the field's end. */
  readonly type: CType | "text";
  /** What the field's type says stands elsewhere in the record: the field's low 16 bits are where, from its start ("end": from the field's end), the upper 16 how many bytes. */
  readonly elsewhere: "start" | "end" | undefined;
}
