/** Texts in memory: their bytes, their copying, their comparison. A text lies in `cap` bytes padded with NULs (see CStringSchema). */
import type { Base, Block } from "../mir/types.ts";
import type { Program } from "./program.ts";
import { findBytes } from "./text-search.ts";
import { type BoolValue, bool, constant, type IntValue, i64, type StringValue, type TextValue } from "./value.ts";

const encoder = new TextEncoder();
export const textBytes = (text: string): Uint8Array => {
  const bytes = encoder.encode(text);
  const nul = bytes.indexOf(0);
  return nul < 0 ? bytes : bytes.subarray(0, nul);
};
const roundUp8 = (n: number): number => Math.ceil(n / 8) * 8;

/** Eight bytes of a constant as a little-endian word, NULs behind its end. */
function word(bytes: Uint8Array, at: number): bigint {
  let w = 0n;
  for (let i = 7; i >= 0; i--) w = (w << 8n) | BigInt(bytes[at + i] ?? 0);
  return BigInt.asIntN(64, w);
}

/** Lays a constant as a `cstring(cap)`: the text, NULs, and the mark if it had to be cut. */
export function textToMemory(p: Program, text: string, base: Base, offset: number, cap: number): void {
  const all = textBytes(text);
  const stored = new Uint8Array(roundUp8(cap + 1));
  stored.set(all.subarray(0, cap));
  if (all.length > cap) stored[cap] = 1;
  for (let i = 0; i < stored.length; i += 8) p.b.store(base, offset + i, 8, word(stored, i));
}

/** Above this many bytes a copy is a call instead of loads and stores. */
const INLINE_COPY = 128;

export function copyWords(p: Program, from: Base, fromOffset: number, to: Base, toOffset: number, bytes: number): void {
  if (bytes > INLINE_COPY) {
    p.b.call("probe_read_kernel", [{ base: to, offset: toOffset }, BigInt(bytes), { base: from, offset: fromOffset }]);
    return;
  }
  for (let i = 0; i < bytes; i += 8) p.b.store(to, toOffset + i, 8, p.b.load(from, fromOffset + i, 8));
}

/** Lays a text as a `cstring(cap)`, cutting and marking it where it is longer. The place is written whole. */
export function copyText(p: Program, s: StringValue, to: Base, offset: number, cap: number): void {
  const b = p.b;
  const size = roundUp8(cap + 1);
  const source = roundUp8(s.cap + 1);
  copyWords(p, s.base, s.offset, to, offset, Math.min(size, source));
  for (let i = source; i < size; i += 8) b.store(to, offset + i, 8, 0n);
  if (s.cap === cap) {
    b.store(to, offset + cap, 1, s.cut);
    return;
  }
  if (s.cap < cap) {
    b.store(to, offset + s.cap, 1, 0n); // the source's mark isn't text here
    b.store(to, offset + cap, 1, s.cut);
    return;
  }
  // Cut: it was cut before, or its byte at `cap` is text.
  const over = b.load(s.base, s.offset + cap, 1);
  const flag = b.variable();
  const cut = b.block();
  const fits = b.block();
  const after = b.block();
  b.branch("ne", over, 0n, cut, fits);
  b.enter(cut);
  b.set(flag, 1n);
  b.jump(after);
  b.enter(fits);
  b.set(flag, s.cut);
  b.jump(after);
  b.enter(after);
  for (let i = cap; i < size; i++) b.store(to, offset + i, 1, i === cap ? flag : 0n);
}

/** Compares `length` bytes of a text in memory with a constant: goes to `no` at the first difference. */
function sameAsConstant(p: Program, s: StringValue, at: number, bytes: Uint8Array, no: Block): void {
  const b = p.b;
  let i = 0;
  while (i < bytes.length) {
    const size = ([8, 4, 2, 1] as const).find((n) => n <= bytes.length - i && (s.offset + at + i) % n === 0) ?? 1;
    let want = 0n;
    for (let k = size - 1; k >= 0; k--) want = (want << 8n) | BigInt(bytes[i + k] as number);
    const got = b.load(s.base, s.offset + at + i, size);
    const next = b.block();
    b.branch("eq", got, BigInt.asIntN(64, want), next, no);
    b.enter(next);
    i += size;
  }
}

/** 1 or 0, by whether `body` comes through without jumping to `no`. */
export function flagOf(p: Program, body: (no: Block) => void): BoolValue {
  const b = p.b;
  const flag = b.variable();
  const no = b.block();
  const after = b.block();
  b.set(flag, 0n);
  body(no);
  b.set(flag, 1n);
  b.jump(after);
  b.enter(no);
  b.jump(after);
  b.enter(after);
  return bool(flag);
}

/** `===` of two texts. A cut text never equals one that fits; two cut ones are compared by what was kept. */
export function equalTexts(p: Program, a: StringValue | TextValue, c: StringValue | TextValue): BoolValue {
  if (a.k === "text" && c.k === "text") return bool(a.text === c.text ? 1n : 0n);
  if (a.k === "text") return equalTexts(p, c, a);
  const b = p.b;
  if (c.k === "text") {
    const bytes = textBytes(c.text);
    if (bytes.length > a.cap) return bool(0n);
    return flagOf(p, (no) => {
      const uncut = b.block();
      b.branch("eq", a.cut, 0n, uncut, no);
      b.enter(uncut);
      const whole = new Uint8Array(bytes.length < a.cap ? bytes.length + 1 : bytes.length); // with its NUL
      whole.set(bytes);
      sameAsConstant(p, a, 0, whole, no);
    });
  }
  return flagOf(p, (no) => {
    const sameMark = b.block();
    const [short, long] = a.cap <= c.cap ? [a, c] : [c, a];
    b.branch("eq", a.cut, c.cut, sameMark, no);
    b.enter(sameMark);
    let i = 0;
    while (i < short.cap) {
      const size = ([8, 4, 2, 1] as const).find((n) => n <= short.cap - i) ?? 1;
      const next = b.block();
      b.branch("eq", b.load(short.base, short.offset + i, size), b.load(long.base, long.offset + i, size), next, no);
      b.enter(next);
      i += size;
    }
    if (long.cap > short.cap) {
      const next = b.block();
      b.branch("eq", b.load(long.base, long.offset + short.cap, 1), 0n, next, no);
      b.enter(next);
    }
  });
}

/**
 * Bytes before the NUL. The kernel counts them while it copies: in a loop of ours the kernel's verifier would walk what
 * follows once for each length that the text may have.
 */
export function textLength(p: Program, s: StringValue | TextValue): IntValue {
  if (s.k === "text") return constant(BigInt(textBytes(s.text).length));
  const b = p.b;
  const size = s.cap + 1;
  const copied = b.call("probe_read_kernel_str", [{ base: { object: p.spare(roundUp8(size)) }, offset: 0 }, BigInt(size), { base: s.base, offset: s.offset }]);
  return i64(b.binary("sub", copied, 1n), 0n, BigInt(s.cap));
}

export function startsWith(p: Program, s: StringValue | TextValue, prefix: string): BoolValue {
  if (s.k === "text") return bool(s.text.startsWith(prefix) ? 1n : 0n);
  const bytes = textBytes(prefix);
  if (bytes.length > s.cap) return bool(0n);
  return flagOf(p, (no) => sameAsConstant(p, s, 0, bytes, no));
}

export function includes(p: Program, s: StringValue | TextValue, needle: string): BoolValue {
  if (s.k === "text") return bool(s.text.includes(needle) ? 1n : 0n);
  const bytes = textBytes(needle);
  if (bytes.length === 0) return bool(1n);
  if (bytes.length > s.cap) return bool(0n);
  return bool(findBytes(p, p.b.address(s.base, s.offset), s.cap, bytes));
}

/** Goes to `no` at the first byte that differs. */
function sameBytes(p: Program, at: Base, bytes: Uint8Array, no: Block): void {
  const b = p.b;
  for (const [i, byte] of bytes.entries()) {
    const on = b.block();
    b.branch("eq", b.load(at, i, 1), BigInt(byte), on, no);
    b.enter(on);
  }
}

/** The end of a cut text isn't known: it ends with nothing. */
export function endsWith(p: Program, s: StringValue | TextValue, suffix: string): BoolValue {
  if (s.k === "text") return bool(s.text.endsWith(suffix) ? 1n : 0n);
  const bytes = textBytes(suffix);
  if (bytes.length > s.cap) return bool(0n);
  const b = p.b;
  return flagOf(p, (no) => {
    const uncut = b.block();
    b.branch("eq", s.cut, 0n, uncut, no);
    b.enter(uncut);
    if (bytes.length === 0) return;
    const from = b.copy(b.binary("sub", textLength(p, s).op, BigInt(bytes.length)));
    const inside = b.block();
    b.branch("ule", from, BigInt(s.cap - bytes.length), inside, no);
    b.enter(inside);
    sameBytes(p, { reg: b.binary("add", b.address(s.base, s.offset), from) as number }, bytes, no);
  });
}

/** `slice(from, to)` with constants that aren't negative: a copy. */
export function slice(p: Program, s: StringValue, from: number, to: number): StringValue {
  const b = p.b;
  const cap = Math.max(1, Math.min(to, s.cap) - from);
  const base = p.zeroed(roundUp8(cap + 1));
  const start = Math.min(from, s.cap);
  const length = Math.max(0, Math.min(to, s.cap) - start);
  if (length > 0) {
    // Behind the text's end there are only NULs, so that a byte-wise copy is right; but not before its end.
    const done = b.block();
    if (start > 0) {
      const size = textLength(p, s);
      const copy = b.block();
      b.branch("sgt", size.op, BigInt(start), copy, done);
      b.enter(copy);
    }
    let i = 0;
    while (i < length) {
      const size = ([8, 4, 2, 1] as const).find((n) => n <= length - i && (s.offset + start + i) % n === 0 && i % n === 0) ?? 1;
      b.store(base, i, size, b.load(s.base, s.offset + start + i, size));
      i += size;
    }
    b.jump(done);
    b.enter(done);
  }
  const cut = to >= s.cap ? s.cut : 0n;
  b.store(base, cap, 1, cut);
  return { k: "string", base, offset: 0, cap, cut };
}
