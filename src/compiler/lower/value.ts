/**
 * What an expression is worth while a handler is lowered: integers are in registers, and everything that has a
 * structure (objects, contexts, maps, strings) is known here, at compile time, piece by piece.
 */
import type { CStruct, CType } from "../../schema/ctypes.ts";
import type { Schema, StructSchema } from "../../schema/types.ts";
import type { FunctionHir } from "../hir/types.ts";
import type { Base, Operand, Reg } from "../mir/types.ts";
import type { CaptureValue } from "./input.ts";
import type { Frame } from "./program.ts";

/** 64 bits read as signed, as unsigned, or (a constant that isn't negative) as either. */
export type Kind = "i64" | "u64" | "either";

export interface IntValue {
  readonly k: "int";
  readonly op: Operand;
  readonly kind: Kind;
  /** Between what it lies, as a mathematical number. */
  readonly min: bigint;
  readonly max: bigint;
  /** It is a pointer into the target, to this type. */
  readonly pointee?: CType | undefined;
  readonly structs?: Structs | undefined;
  /** It is an enumerator of this type. */
  readonly names?: readonly (readonly [name: string, value: bigint])[] | undefined;
  /** A literal `1n`. */
  readonly big?: boolean;
}
export interface BoolValue {
  readonly k: "bool";
  readonly op: Operand;
}
export interface UndefinedValue {
  readonly k: "undefined";
}
/** Absent where `present` is 0; the value is then meaningless. `value` is never a maybe itself. */
export interface MaybeValue {
  readonly k: "maybe";
  readonly present: Operand;
  readonly value: Value;
}
/** Text in memory: `cap` bytes at base+offset, padded with NULs, the mark of a cut text in the byte behind. */
export interface StringValue {
  readonly k: "string";
  readonly base: Base;
  readonly offset: number;
  readonly cap: number;
  readonly cut: Operand;
  /** It lies in a variable's own memory, which the next assignment overwrites. */
  readonly own?: true;
}
export interface TextValue {
  readonly k: "text";
  readonly text: string;
}
/** Bytes in memory: `cap` at base+offset, zero-padded to a multiple of 8. */
export interface BytesValue {
  readonly k: "bytes";
  readonly base: Base;
  readonly offset: number;
  readonly cap: number;
  readonly length: Operand;
  readonly own?: true;
}
/** A plain object or tuple, field by field. */
export interface RecordValue {
  readonly k: "record";
  readonly fields: Map<string, Value>;
  readonly tuple: boolean /** where it was made: fields assigned to are registers */;
  readonly key: string | undefined;
}
/** A struct inside a map: reads and writes go to the map. */
export interface EntryValue {
  readonly k: "entry";
  readonly pointer: Operand;
  readonly offset: number;
  readonly schema: StructSchema;
  /** It was carried from `enter`, and is a copy. */
  readonly carried?: true;
}
/** A structure or array embedded in the target's memory. */
export interface PlaceValue {
  readonly k: "place";
  readonly address: IntValue;
  readonly type: CType;
  readonly structs: Structs;
}
/** Bytes behind a held value's base that are known at compile time to be somewhere, or to be nowhere. */
export interface HeldRange {
  readonly offset: number;
  readonly size: number;
  /**
   * Behind the base too: a byte that is 0 where they couldn't be read. "never": they are nowhere. "float": they are in a register
   * that the engine hasn't got. Undefined: they are there.
   */
  readonly present?: number | "never" | "float";
}
/** A structure or array of the target that was in its registers: a copy in the program's memory, each byte of which is on its own alignment. */
export interface HeldValue {
  readonly k: "held";
  readonly base: Base;
  readonly offset: number;
  readonly type: CType;
  readonly structs: Structs;
  readonly known: readonly HeldRange[];
  readonly own?: true;
}
/** A double in transit. */
export interface FloatValue {
  readonly k: "float";
  readonly op: Operand;
}
/** A captured stack: its number. */
export interface StackValue {
  readonly k: "stack";
  readonly op: Operand;
}
/** `c.func`: an index into the session's table of functions. */
export interface FuncValue {
  readonly k: "func";
  readonly op: Operand;
}
export type Structs = { readonly [name: string]: CStruct };

/** What is only there at compile time. */
export type StaticObject =
  | { readonly k: "context"; readonly phase: Phase }
  | { readonly k: "args" }
  | { readonly k: "vars" }
  | { readonly k: "regs" }
  | { readonly k: "unsafe" }
  | { readonly k: "state"; readonly state: number }
  /** `size.at(key)`: looked up when something is added to it; absent where a part of the key is. */
  | { readonly k: "slot"; readonly state: number; readonly key: Base | { readonly index: Operand }; readonly present: Operand }
  | { readonly k: "schema"; readonly schema: Schema }
  | { readonly k: "probe"; readonly probe: number }
  | { readonly k: "builtin"; readonly name: string }
  | { readonly k: "function"; readonly fn: FunctionHir; readonly id: number; readonly scope: Frame }
  | { readonly k: "formatted"; readonly as: "hex" | "duration" | "sym"; readonly value: Value }
  /** A captured plain object or array. */
  | { readonly k: "constant"; readonly value: CaptureValue }
  /** A method, not yet called. */
  | { readonly k: "method"; readonly object: Value; readonly name: string }
  /** Not known before the script runs: whatever is done with it is unknown too. */
  | { readonly k: "unknown" };

/** Where a handler is run: in a probed program, at the kernel's tracepoint, by every CPU's timer ("sample") or by one timer. */
export type Phase = "enter" | "leave" | "after" | "fault" | "hit" | "plain" | "tracepoint" | "sample" | "timer";

export type Value =
  | IntValue
  | BoolValue
  | UndefinedValue
  | MaybeValue
  | StringValue
  | TextValue
  | BytesValue
  | RecordValue
  | EntryValue
  | PlaceValue
  | HeldValue
  | FloatValue
  | StackValue
  | FuncValue
  | StaticObject;

/** Bytes behind a held value's base, in whole words. */
export const heldSize = ({ known }: Pick<HeldValue, "known">): number =>
  Math.ceil(known.reduce((end, { offset, size, present }) => Math.max(end, offset + size, typeof present === "number" ? present + 1 : 0), 1) / 8) * 8;

export const I64_MIN = -(2n ** 63n);
export const I64_MAX = 2n ** 63n - 1n;
export const U64_MAX = 2n ** 64n - 1n;
export const UNDEFINED: UndefinedValue = { k: "undefined" };

const s64 = (n: bigint): bigint => BigInt.asIntN(64, n);

export function constant(value: bigint, kind: Kind = value < 0n ? "i64" : value > I64_MAX ? "u64" : "either"): IntValue {
  return { k: "int", op: s64(value), kind, min: value, max: value };
}
export function i64(op: Operand, min = I64_MIN, max = I64_MAX): IntValue {
  return typeof op === "bigint" ? constant(op) : { k: "int", op, kind: "i64", min, max };
}
export function u64(op: Operand, min = 0n, max = U64_MAX): IntValue {
  return typeof op === "bigint" ? constant(BigInt.asUintN(64, op), "u64") : { k: "int", op, kind: "u64", min, max };
}
export const bool = (op: Operand): BoolValue => ({ k: "bool", op });
export const isConstant = (v: Value): v is IntValue & { op: bigint } => v.k === "int" && typeof v.op === "bigint";
/** The mathematical value of a constant. */
export const numberOf = (v: IntValue): bigint => v.min;

export function maybe(present: Operand, value: Value): Value {
  if (present === 0n || value.k === "undefined") return UNDEFINED;
  if (typeof present === "bigint") return value;
  return value.k === "maybe" ? { k: "maybe", present, value: value.value } : { k: "maybe", present, value };
}

/** An integer of a schema's width, as read: its kind and range. */
export function ofWidth(op: Operand, size: 1 | 2 | 4 | 8, signed: boolean): IntValue {
  if (size === 8) return signed ? i64(op) : u64(op);
  const bits = BigInt(size * 8);
  return signed ? i64(op, -(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n) : i64(op, 0n, (1n << bits) - 1n);
}

export const isReg = (op: Operand): op is Reg => typeof op === "number";

/** As a person would call it, for messages. */
export function nameOf(v: Value): string {
  switch (v.k) {
    case "int":
      return v.names ? "an enumerator" : v.pointee ? "a pointer" : "an integer";
    case "bool":
      return "a boolean";
    case "undefined":
      return "undefined";
    case "maybe":
      return `${nameOf(v.value)} that may be undefined`;
    case "string":
    case "text":
      return "text";
    case "bytes":
      return "bytes";
    case "record":
      return v.tuple ? "a tuple" : "an object";
    case "entry":
      return "an entry of a map";
    case "place":
    case "held":
      return v.type.k === "array" ? "an array of the target" : "a structure of the target";
    case "float":
      return "a float";
    case "stack":
      return "a stack";
    case "func":
      return "a function's name";
    case "context":
      return "the context";
    case "state":
      return "a map or an aggregate";
    case "slot":
      return "an aggregate";
    case "schema":
      return "a type";
    case "builtin":
      return `\`${v.name}\``;
    case "function":
      return "a function";
    case "formatted":
      return "formatted text";
    default:
      return "an object";
  }
}
