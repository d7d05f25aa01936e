/** `add`: into the words of an aggregate, exact also where a hit is preempted by another on the same CPU. Layout: schema/aggregate.ts. */

import { SondeBug } from "../../errors/error.ts";
import type { AggregateSpec } from "../../schema/types.ts";
import type { Span } from "../hir/types.ts";
import type { Base, Operand } from "../mir/types.ts";
import { integer } from "./arithmetic.ts";
import { highestBit } from "./highest-bit.ts";
import type { Program } from "./program.ts";
import { bucketCount, HIST_HEAD } from "./sizes.ts";
import { I64_MIN, type IntValue, type Value } from "./value.ts";

/** Adds to the slot at base+offset. `value` is there (maybes were tested before). */
export function addTo(p: Program, spec: AggregateSpec, base: Base, offset: number, value: Value | undefined, span: Span): void {
  const b = p.b;
  if (spec.kind === "count") {
    b.atomic("add", base, offset, 8, 1n);
    return;
  }
  if (spec.kind === "stacks" || value === undefined) throw new SondeBug("stacks are added to elsewhere");
  const n: IntValue = value.k === "int" && value.big ? { ...value, big: false } : integer(p, value, span);
  switch (spec.kind) {
    case "sum":
      b.atomic("add", base, offset, 8, n.op);
      return;
    case "avg":
      b.atomic("add", base, offset, 8, 1n);
      b.atomic("add", base, offset + 8, 8, n.op);
      return;
    case "min":
    case "max":
      b.atomic("add", base, offset, 8, 1n);
      raise(p, base, offset + 8, word(p, n.op, spec.kind));
      return;
    case "stats":
      b.atomic("add", base, offset, 8, 1n);
      b.atomic("add", base, offset + 8, 8, n.op);
      raise(p, base, offset + 16, word(p, n.op, "min"));
      raise(p, base, offset + 24, word(p, n.op, "max"));
      return;
    case "hist":
    case "lhist":
      b.atomic("add", base, offset, 8, n.op);
      raise(p, base, offset + 8, word(p, n.op, "min"));
      raise(p, base, offset + 16, word(p, n.op, "max"));
      bucket(p, spec, base, offset + HIST_HEAD * 8, n);
  }
}

/** Biased, so that an update is an unsigned maximum and an empty word is 0. */
function word(p: Program, op: Operand, which: "min" | "max"): Operand {
  return p.b.binary("xor", op, which === "max" ? I64_MIN : ~I64_MIN);
}

/** The word becomes the greater of itself and `value`; another hit in between makes it try again. */
function raise(p: Program, base: Base, offset: number, value: Operand): void {
  const b = p.b;
  const old = b.variable();
  const tries = b.variable();
  const loop = b.block();
  const greater = b.block();
  const lost = b.block();
  const after = b.block();
  const wanted = b.copy(value);
  b.set(old, b.load(base, offset, 8));
  b.set(tries, 0n);
  b.jump(loop);
  b.enter(loop);
  b.branch("ugt", wanted, old, greater, after);
  b.enter(greater);
  const found = b.exchange(base, offset, old, wanted);
  b.branch("eq", found, old, after, lost);
  b.enter(lost);
  b.set(old, found);
  b.set(tries, b.binary("add", tries, 1n));
  b.branch("ult", tries, 16n, loop, after);
  b.enter(after);
}

function bucket(p: Program, spec: Extract<AggregateSpec, { kind: "hist" | "lhist" }>, base: Base, offset: number, n: IntValue): void {
  const b = p.b;
  const count = bucketCount(spec);
  const index = b.variable();
  const after = b.block();
  if (spec.kind === "hist") {
    const signed = n.kind !== "u64" && n.min < 0n;
    if (signed) {
      const negative = b.block();
      const positive = b.block();
      b.branch("slt", n.op, 0n, negative, positive);
      b.enter(negative);
      b.set(index, 0n);
      b.jump(after);
      b.enter(positive);
    }
    b.set(index, logIndex(p, n.op, spec.bits));
    b.jump(after);
  } else {
    const low = b.block();
    const notLow = b.block();
    const high = b.block();
    const inside = b.block();
    const less = n.kind === "u64" ? "ult" : "slt";
    const notLess = n.kind === "u64" ? "uge" : "sge";
    if (n.kind === "u64" && spec.min < 0n) b.jump(notLow);
    else b.branch(less, n.op, spec.min, low, notLow);
    b.enter(low);
    b.set(index, 0n);
    b.jump(after);
    b.enter(notLow);
    if (n.kind === "u64" && spec.max < 0n) b.jump(high);
    else b.branch(notLess, n.op, spec.max, high, inside);
    b.enter(high);
    b.set(index, BigInt(count - 1));
    b.jump(after);
    b.enter(inside);
    b.set(index, b.binary("add", b.binary("udiv", b.binary("sub", n.op, spec.min), spec.step), 1n));
    b.jump(after);
  }
  b.enter(after);
  // Never true; the kernel wants to see that the index is within.
  const inside = b.block();
  const done = b.block();
  b.branch("ult", index, BigInt(count), inside, done);
  b.enter(inside);
  const at = b.binary("add", b.address(base, offset), b.binary("shl", index, 3n)) as number;
  b.atomic("add", { reg: at }, 0, 8, 1n);
  b.jump(done);
  b.enter(done);
}

/** 1 + (d << bits) + (v >> d), where d is how far floor(log2 v) is above `bits`. */
function logIndex(p: Program, v: Operand, bits: number): Operand {
  const b = p.b;
  const log = highestBit(p, v, 64);
  let d = log;
  if (bits > 0) {
    const above = b.binary("sub", log, BigInt(bits));
    d = b.binary("and", above, b.binary("xor", b.binary("sar", above, 63n), -1n));
  }
  return b.binary("add", b.binary("add", b.binary("shl", d, BigInt(bits)), b.binary("shr", v, d)), 1n);
}
