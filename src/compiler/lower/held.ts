/**
 * Structures and arrays of the target that are in its registers, or scattered: the handler has a copy of them in its own memory,
 * and takes fields and elements from that. What of them is said to be nowhere, or couldn't be read, is absent.
 */
import { type CField, type CType, sizeOf } from "../../schema/ctypes.ts";
import { engineLacks } from "../diagnostics/lowering.ts";
import * as problem from "../diagnostics/typed.ts";
import type { Span } from "../hir/types.ts";
import type { Base, Operand } from "../mir/types.ts";
import type { Program } from "./program.ts";
import { bitBytes, bitField, covers, scalar } from "./typed.ts";
import { type HeldRange, type HeldValue, type IntValue, isConstant, maybe, numberOf, type Structs, type Value } from "./value.ts";

/** Bytes `offset` to `offset + size` of a value, at most 8: the lowest ones of a word. */
export interface Piece {
  readonly op: Operand;
  readonly offset: number;
  readonly size: number;
  /** 0 where it couldn't be read. "float": the engine hasn't got the register. Undefined: it is there. */
  readonly present?: Operand | "float";
}

const roundUp8 = (n: number): number => Math.ceil(n / 8) * 8;

/** A copy of a value out of its pieces; `nowhere` are ranges of its bytes that there are none of. */
export function hold(p: Program, pieces: readonly Piece[], type: CType, structs: Structs, nowhere: readonly Omit<HeldRange, "present">[] = []): HeldValue {
  let end = pieces.reduce((most, piece) => Math.max(most, piece.offset + piece.size), 1);
  const known: HeldRange[] = nowhere.map(({ offset, size }) => ({ offset, size, present: "never" }));
  for (const { offset, size, present } of pieces)
    known.push({ offset, size, ...(present !== undefined && { present: present === "float" ? present : end++ }) });
  const base = p.zeroed(roundUp8(end));
  for (const [i, { op, offset, size, present }] of pieces.entries()) {
    if (present === "float") continue;
    storeBytes(p, base, offset, size, op);
    const flag = known[nowhere.length + i]!.present;
    if (present !== undefined && typeof flag === "number") p.b.store(base, flag, 1, present);
  }
  return { k: "held", base, offset: 0, type, structs, known };
}

/** A scalar out of pieces that have all its bytes. */
export const scattered = (p: Program, pieces: readonly Piece[], type: CType, structs: Structs, what: string, span: Span): Value =>
  part(p, hold(p, pieces, type, structs), 0, type, what, span);

const largest = (at: number, rest: number): 1 | 2 | 4 | 8 => ([8, 4, 2, 1] as const).find((n) => n <= rest && at % n === 0) ?? 1;

/** Each access on its alignment, which the kernel wants of a stack. */
function storeBytes(p: Program, base: Base, at: number, size: number, op: Operand): void {
  for (let i = 0; i < size; ) {
    const n = largest(at + i, size - i);
    const shifted = i === 0 ? op : p.b.binary("shr", op, BigInt(8 * i));
    p.b.store(base, at + i, n, typeof shifted === "bigint" ? BigInt.asIntN(8 * n, shifted) : shifted);
    i += n;
  }
}

/** At most 8 bytes as a little-endian word, by loads each on its own alignment, which the kernel wants of contexts too. */
export function loadBytes(p: Program, base: Base, at: number, size: number): Operand {
  let word: Operand = 0n;
  for (let i = 0; i < size; ) {
    const n = largest(at + i, size - i);
    const part = p.b.load(base, at + i, n);
    word = i === 0 ? part : p.b.binary("or", word, p.b.binary("shl", part, BigInt(8 * i)));
    i += n;
  }
  return word;
}

/** At most 8 bytes of it as a little-endian word. */
export function heldWord(p: Program, o: HeldValue, at: number, size: number, what: string, span: Span): { readonly op: Operand; readonly present: Operand } {
  return { present: presence(p, o, at, size, what, span), op: loadBytes(p, o.base, o.offset + at, size) };
}

/** A field; `what` names it in messages. */
export function heldField(p: Program, o: HeldValue, field: CField, what: string, span: Span): Value {
  if (field.bits === undefined) return part(p, o, field.offset, field.type, what, span);
  const bytes = bitBytes(field.bits);
  if (bytes === undefined) return p.fail(problem.unreadableType(p.place(span), what, `a bit-field over more than 8 bytes`, "c.regs"));
  const { op, present } = heldWord(p, o, field.offset + bytes.first, bytes.size, what, span);
  return maybe(present, scalar(p, bitField(p, op, bytes.shift, field.bits.size, field.type), field.type, o.structs));
}

/** 1 where all of these bytes are there. Fails where nothing says where they are. */
function presence(p: Program, o: HeldValue, at: number, size: number, what: string, span: Span): Operand {
  const from = o.offset + at;
  if (!covers(o.known, from, from + size)) p.fail(problem.unplaced(p.place(span), what, "this part of it is in no register"));
  const ranges = o.known.filter((range) => range.offset < from + size && from < range.offset + range.size);
  if (ranges.some(({ present }) => present === "float")) p.fail(engineLacks(p.place(span), `${what} (in a float register)`, "breakpoint"));
  if (ranges.some(({ present }) => present === "never")) return 0n;
  const flags = new Set(ranges.flatMap(({ present }) => (typeof present === "number" ? present : [])));
  return [...flags].reduce<Operand>((all, flag) => (all === 1n ? p.b.load(o.base, flag, 1) : p.b.binary("and", all, p.b.load(o.base, flag, 1))), 1n);
}

function part(p: Program, o: HeldValue, at: number, type: CType, what: string, span: Span): Value {
  if (type.k === "struct" || type.k === "array") return { ...o, offset: o.offset + at, type };
  if (type.k === "unknown") return p.fail(problem.unreadableType(p.place(span), what, type.what, "c.regs"));
  const { op, present } = heldWord(p, o, at, sizeOf(type, o.structs), what, span);
  return maybe(present, scalar(p, op, type, o.structs));
}

/** An element; one behind the end is absent. */
export function heldElement(p: Program, o: HeldValue & { readonly type: Extract<CType, { k: "array" }> }, index: IntValue, span: Span): Value {
  const { of, length } = o.type;
  const size = sizeOf(of, o.structs);
  if (isConstant(index)) {
    const i = numberOf(index);
    return i < 0n || i >= BigInt(length) ? { k: "undefined" } : part(p, o, Number(i) * size, of, "this element", span);
  }
  const all = presence(p, o, 0, size * length, "this array", span);
  // To a place of its own: what is at an offset that only the hit knows needn't be on its alignment.
  const { b } = p;
  const base = p.zeroed(roundUp8(Math.max(size, 1)));
  const present = b.variable();
  const inside = b.block();
  const after = b.block();
  b.set(present, 0n);
  const i = b.copy(index.op);
  b.branch("ult", i, BigInt(length), inside, after);
  b.enter(inside);
  const from = b.binary("add", b.address(o.base, o.offset), b.binary("mul", i, BigInt(size))) as number;
  b.call("probe_read_kernel", [{ base, offset: 0 }, BigInt(size), from]);
  b.set(present, 1n);
  b.jump(after);
  b.enter(after);
  const element = part(p, { ...o, base, offset: 0, type: of, known: [{ offset: 0, size }] }, 0, of, "this element", span);
  return maybe(all === 1n ? present : b.binary("and", present, all), element);
}

/** How many bytes it has, and whether all are there. */
function whole(p: Program, o: HeldValue, span: Span): { readonly size: number; readonly present: Operand } {
  const size = sizeOf(o.type, o.structs);
  return { size, present: presence(p, o, 0, size, o.type.k === "array" ? "this array" : "this structure", span) };
}

/** The text in an array of characters: up to its NUL, or as long as the array is. */
export function heldText(p: Program, o: HeldValue, max: number, span: Span): Value {
  const { b } = p;
  const all = whole(p, o, span);
  const size = Math.max(1, all.size);
  const cap = Math.min(max, size);
  // One byte more than fits, where there is one: it tells that the text is cut.
  const room = BigInt(cap < size ? cap + 2 : cap + 1);
  const base = p.zeroed(roundUp8(cap + 2));
  const got = b.call("probe_read_kernel_str", [{ base, offset: 0 }, room, { base: o.base, offset: o.offset }]);
  const cut = cap < size ? b.binary("xor", b.binary("shr", b.binary("sub", got, room), 63n), 1n) : 0n;
  b.store(base, cap, 1, cut);
  return maybe(all.present, { k: "string", base, offset: 0, cap, cut });
}

export function heldBytes(p: Program, o: HeldValue, max: number, span: Span): Value {
  const all = whole(p, o, span);
  const size = Math.min(max, all.size);
  const base = p.zeroed(roundUp8(max));
  for (let i = 0; i < size; ) {
    const n = Math.min(8, size - i);
    storeBytes(p, base, i, n, loadBytes(p, o.base, o.offset + i, n));
    i += n;
  }
  return maybe(all.present, { k: "bytes", base, offset: 0, cap: max, length: BigInt(size) });
}
