/** Reading the target: numbers, texts and bytes; what can't be read is absent. */

import { type CType, sizeOf } from "../../schema/ctypes.ts";
import type { Schema } from "../../schema/types.ts";
import * as problem from "../diagnostics/lowering.ts";
import { unreadableType } from "../diagnostics/typed.ts";
import type { Span } from "../hir/types.ts";
import type { Base, CallArg, Operand } from "../mir/types.ts";
import { integer } from "./arithmetic.ts";
import { join } from "./cells.ts";
import type { Program } from "./program.ts";
import { clearBehindNul } from "./text-search.ts";
import { isSigned, scalar, widthOf } from "./typed.ts";
import { bool, constant, type IntValue, maybe, ofWidth, type Structs, UNDEFINED, u64, type Value } from "./value.ts";

const roundUp8 = (n: number): number => Math.ceil(n / 8) * 8;

/** Copies `size` bytes at an address of the target; afterwards the register is 0 where that went well. */
function readUser(p: Program, to: Base, offset: number, size: Operand, address: Operand): number {
  const b = p.b;
  p.readsMemory = true;
  const result = b.variable();
  b.set(result, b.call(p.readsKernel ? "probe_read" : "probe_read_user", [{ base: to, offset }, size, address]));
  if (!p.maySleep) return result;
  // The page may just not be resident: a sleepable program may wait for it.
  const retry = b.block();
  const after = b.block();
  b.branch("slt", result, 0n, retry, after);
  b.enter(retry);
  b.set(result, b.call("copy_from_user", [{ base: to, offset }, size, address]));
  b.jump(after);
  b.enter(after);
  return result;
}

/** An integer of the target's memory. */
export function readInteger(p: Program, address: Operand, size: 1 | 2 | 4 | 8, signed: boolean): Value {
  const b = p.b;
  const base = p.zeroed(8);
  const failed = readUser(p, base, 0, BigInt(size), address);
  const present = flag(p, failed);
  return maybe(present, ofWidth(b.load(base, 0, size, signed), size, signed));
}

/**
 * 1 where a helper gave 0, and 0 where it gave an error. Computed without a branch, as all that is known of a read:
 * the kernel's verifier would walk what follows for each of the ways, and for all pairs of ways of two reads.
 */
function flag(p: Program, failed: number): number {
  return p.b.binary("xor", p.b.binary("shr", failed, 63n), 1n) as number;
}

/** At most 8 bytes of the target's memory, as a little-endian word. */
export function readWord(p: Program, address: Operand, size: number): { readonly op: Operand; readonly present: Operand } {
  const base = p.zeroed(8);
  const failed = readUser(p, base, 0, BigInt(size), address);
  return { present: flag(p, failed), op: p.b.load(base, 0, 8) };
}

/** A word at the top of the thread's stack, which is resident: the program needn't be one that may wait, and so is cheaper to run. */
export function readStackWord(p: Program, address: Operand): { readonly op: Operand; readonly present: Operand } {
  const base = p.zeroed(8);
  const failed = p.b.call("probe_read_user", [{ base, offset: 0 }, 8n, address]);
  return { present: flag(p, failed), op: p.b.load(base, 0, 8) };
}

/** Bytes of the target's memory, copied into the program's: what is there after a failed read means nothing. */
export function readBlock(p: Program, address: Operand, size: number): { readonly base: Base; readonly present: Operand } {
  const base = p.zeroed(roundUp8(size));
  return { base, present: flag(p, readUser(p, base, 0, BigInt(size), address)) };
}

export interface TypedRead {
  readonly structs: Structs;
  /** As messages name it: "`size`". */
  readonly what: string;
  readonly span: Span;
}

/** A value of one of the target's own types at an address: what is embedded there isn't read yet. */
export function readTyped(p: Program, address: IntValue, type: CType, { structs, what, span }: TypedRead): Value {
  switch (type.k) {
    case "int":
      return readInteger(p, address.op, widthOf(type), isSigned(type));
    case "enum":
    case "bool":
    case "pointer":
    case "float": {
      const word = readWord(p, address.op, sizeOf(type, structs));
      return maybe(word.present, scalar(p, word.op, type, structs));
    }
    case "struct":
    case "array":
      return { k: "place", address: { ...address, pointee: type.k === "array" ? type.of : undefined, structs }, type, structs };
    case "unknown":
      return p.fail(unreadableType(p.place(span), what, type.what, type.size > 0 ? `buf(address, ${type.size})` : "buf(address, length)"));
    case "void":
      return UNDEFINED;
  }
}

/** `str(address, max, length)`. */
export function readText(p: Program, address: Value, max: number, length: Value | undefined, span: Span): Value {
  if (address.k === "undefined" || length?.k === "undefined") return UNDEFINED;
  if (address.k === "maybe" || length?.k === "maybe") {
    const outer = address.k === "maybe" ? address : (length as Extract<Value, { k: "maybe" }>);
    const b = p.b;
    const there = b.block();
    const absent = b.block();
    b.branch("ne", outer.present, 0n, there, absent);
    b.enter(there);
    const value = readText(p, address.k === "maybe" ? address.value : address, max, address.k === "maybe" ? length : (length as typeof outer).value, span);
    return join(
      p,
      [
        { value, block: b.current },
        { value: UNDEFINED, block: absent },
      ],
      span,
    );
  }
  const at = integer(p, address, span);
  return length === undefined ? readString(p, at.op, max, max + 2) : readSized(p, at.op, max, integer(p, length, span));
}

/** The text in an array of `length` characters, which needn't end with a NUL. */
export const readArrayText = (p: Program, address: Operand, max: number, length: number): Value =>
  readString(p, address, Math.min(max, length), Math.min(max + 2, length + 1));

/** `size`: how many bytes may be copied, the NUL that ends them among them. */
export function readString(p: Program, address: CallArg, max: number, size: number): Value {
  const b = p.b;
  p.readsMemory = true;
  const target = p.session.request.target;
  const base = p.zeroed(roundUp8(max + 2));
  const got = b.variable();
  const room = BigInt(size);
  const copy = (): number => b.call(p.readsKernel ? "probe_read_str" : "probe_read_user_str", [{ base, offset: 0 }, room, address]);
  b.set(got, copy());
  if (p.maySleep) {
    const retry = b.block();
    const after = b.block();
    b.branch("slt", got, 0n, retry, after);
    b.enter(retry);
    if (target.kfuncs.has("bpf_copy_from_user_str")) {
      // A kernel function's int: its upper half means nothing.
      b.set(got, b.extend(b.kfunc("bpf_copy_from_user_str", [{ base, offset: 0 }, room, address, 0n]), 32, true));
      b.jump(after);
    } else {
      // A byte of the text brings its first page; a text that goes on into a second one that isn't resident stays absent.
      const again = b.block();
      b.set(got, b.call("copy_from_user", [{ base, offset: 0 }, 1n, address]));
      b.branch("slt", got, 0n, after, again);
      b.enter(again);
      b.set(got, copy());
      b.jump(after);
    }
    b.enter(after);
  }
  b.set(got, forgotten(p, got));
  // More than nothing was copied; and more than `max` bytes and their NUL.
  const present = b.binary("shr", b.binary("sub", 0n, got), 63n) as number;
  if (size < max + 2) return maybe(present, { k: "string", base, offset: 0, cap: max, cut: 0n });
  const cut = b.binary("and", present, b.binary("xor", b.binary("shr", b.binary("sub", got, room), 63n), 1n));
  b.store(base, max, 1, cut);
  return maybe(present, { k: "string", base, offset: 0, cap: max, cut });
}

/** Text of a known length, which needn't end with a NUL (though a NUL ends it). */
function readSized(p: Program, address: Operand, max: number, length: IntValue): Value {
  const b = p.b;
  const base = p.zeroed(roundUp8(max + 1));
  const { present, count, over } = readBounded(p, base, address, max, length);
  // What stands behind a NUL isn't text: it goes, so that equal texts have equal bytes; and such a text isn't cut.
  // Cut where no NUL was among the bytes that were read.
  const end = clearBehindNul(p, base, roundUp8(max + 1));
  const inside = b.binary("shr", b.binary("sub", end, count), 63n);
  const cut = b.binary("and", over, b.binary("xor", inside, 1n));
  b.store(base, max, 1, cut);
  return maybe(present, { k: "string", base, offset: 0, cap: max, cut });
}

/**
 * The same value, of which the kernel's verifier knows nothing any more: it would walk what follows, which may be long where there
 * are long texts, for each of the ways that lead here. Without a scratch slot a handler has no long texts.
 */
function forgotten(p: Program, value: number): number {
  if (!p.knowledge.scratch) return value;
  const base = { object: p.b.object(8, "scratch") };
  p.b.store(base, 0, 8, value);
  return p.b.load(base, 0, 8);
}

interface Bounded {
  readonly present: number;
  readonly count: number;
  readonly over: number;
}

/** Reads min(length, max) bytes; a negative length is nothing at all. If they cross into an unreadable page, those before it. */
function readBounded(p: Program, base: Base, address: Operand, max: number, length: IntValue): Bounded {
  const found = readWays(p, base, address, max, length);
  return { present: forgotten(p, found.present), count: forgotten(p, found.count), over: forgotten(p, found.over) };
}

function readWays(p: Program, base: Base, address: Operand, max: number, length: IntValue): Bounded {
  const b = p.b;
  const count = b.variable();
  const over = b.variable();
  const present = b.variable();
  const long = b.block();
  const known = b.block();
  const read = b.block();
  const ok = b.block();
  const after = b.block();
  b.set(present, 0n);
  b.set(over, 0n);
  b.set(count, length.op);
  if (length.kind !== "u64" && length.min < 0n) {
    const nonNegative = b.block();
    b.branch("slt", count, 0n, after, nonNegative);
    b.enter(nonNegative);
  }
  b.branch("ugt", count, BigInt(max), long, known);
  b.enter(long);
  b.set(over, 1n);
  b.set(count, BigInt(max));
  b.jump(known);
  b.enter(known);
  const failed = readUser(p, base, 0, bounded(p, count, max, read, after), address);
  const part = b.block();
  b.branch("eq", failed, 0n, ok, part);
  b.enter(part);
  // Up to the end of the page that the address is in.
  const left = b.binary("sub", 4096n, b.binary("and", address, 4095n)) as number;
  const shorter = b.block();
  const retry = b.block();
  b.branch("ult", left, count, shorter, after);
  b.enter(shorter);
  b.set(count, left);
  b.set(over, 1n);
  const again = readUser(p, base, 0, bounded(p, count, max, retry, after), address);
  b.branch("eq", again, 0n, ok, after);
  b.enter(ok);
  b.set(present, 1n);
  b.jump(after);
  b.enter(after);
  return { present, count, over };
}

/** The kernel wants to see right before the call that a size is within. */
function bounded(p: Program, count: number, max: number, on: ReturnType<Program["b"]["block"]>, off: ReturnType<Program["b"]["block"]>): number {
  p.b.branch("ule", count, BigInt(max), on, off);
  p.b.enter(on);
  return count;
}

/** `buf(address, max, length)`. */
export function readBytes(p: Program, address: Value, max: number, length: Value | undefined, span: Span): Value {
  const b = p.b;
  if (address.k === "undefined" || length?.k === "undefined") return UNDEFINED;
  if (address.k === "maybe" || length?.k === "maybe") {
    const outer = address.k === "maybe" ? address : (length as Extract<Value, { k: "maybe" }>);
    const there = b.block();
    const absent = b.block();
    b.branch("ne", outer.present, 0n, there, absent);
    b.enter(there);
    const value = readBytes(p, address.k === "maybe" ? address.value : address, max, address.k === "maybe" ? length : (length as typeof outer).value, span);
    return join(
      p,
      [
        { value, block: b.current },
        { value: UNDEFINED, block: absent },
      ],
      span,
    );
  }
  const base = p.zeroed(roundUp8(max));
  const bound = length === undefined ? constant(BigInt(max)) : integer(p, length, span);
  const { present, count } = readBounded(p, base, integer(p, address, span).op, max, bound);
  return maybe(present, { k: "bytes", base, offset: 0, cap: max, length: count });
}

/** `read(address, type)`: the target's bytes, by a schema laid out as C lays out a structure. */
export function readSchema(p: Program, address: IntValue, schema: Schema, span: Span): Value {
  const b = p.b;
  switch (schema.kind) {
    case "int":
      return readInteger(p, address.op, schema.size, schema.signed);
    case "bool": {
      const v = readInteger(p, address.op, 1, false);
      return v.k === "maybe" && v.value.k === "int" ? maybe(v.present, bool(v.value.op)) : v;
    }
    case "f64": {
      const v = readInteger(p, address.op, 8, false);
      return v.k === "maybe" && v.value.k === "int" ? maybe(v.present, { k: "float", op: v.value.op }) : v;
    }
    case "cstring":
      return readText(p, address, schema.length, constant(BigInt(schema.length)), span);
    case "bytes":
      return readBytes(p, address, schema.length, undefined, span);
    case "struct": {
      // Texts and bytes in it are as long in the target as they are declared; everything is read by itself.
      const fields = new Map<string, Value>();
      let offset = 0;
      let all: number | bigint = 1n;
      for (const field of schema.fields) {
        const align = field.schema.kind === "cstring" || field.schema.kind === "bytes" ? 1 : field.schema.align;
        offset = Math.ceil(offset / align) * align;
        const at = u64(b.binary("add", address.op, BigInt(offset)));
        const v = readSchema(p, at, field.schema, span);
        if (v.k === "maybe") all = b.binary("and", all, v.present);
        fields.set(field.name, v.k === "maybe" ? v.value : v);
        offset += targetSize(field.schema);
      }
      return maybe(all, { k: "record", fields, tuple: false, key: undefined });
    }
    default:
      return p.fail(problem.wrongValue(p.place(span), "a type that the target's memory can hold", schema.kind));
  }
}

function targetSize(schema: Schema): number {
  if (schema.kind === "cstring" || schema.kind === "bytes") return schema.length;
  if (schema.kind !== "struct") return schema.size;
  let offset = 0;
  for (const field of schema.fields) {
    const align = field.schema.kind === "cstring" || field.schema.kind === "bytes" ? 1 : field.schema.align;
    offset = Math.ceil(offset / align) * align + targetSize(field.schema);
  }
  return Math.ceil(offset / schema.align) * schema.align;
}
