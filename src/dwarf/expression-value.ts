/** Values that an expression computes, before they are known: trees of what is read and done at a hit, folded where they can be. */
import type { PlaceRegister, PlaceStep } from "../schema/ctypes.ts";

export type Binary = "add" | "sub" | "mul" | "and" | "or" | "xor" | "shl" | "shr" | "sar";

/** A word of 64 bits. `steps` is how many steps it takes. */
export type Word =
  | { readonly k: "constant"; readonly value: bigint; readonly steps: number }
  | { readonly k: "address"; readonly value: bigint; readonly steps: number }
  | { readonly k: "register"; readonly register: PlaceRegister; readonly plus: bigint; readonly steps: number }
  | { readonly k: "read"; readonly size: 1 | 2 | 4 | 8; readonly of: Word; readonly steps: number }
  | { readonly k: "binary"; readonly op: Binary; readonly a: Word; readonly b: Word; readonly steps: number }
  | { readonly k: "unary"; readonly op: "neg" | "not"; readonly a: Word; readonly steps: number };

/** It can't be computed: `why` completes "… can't be read here: ". */
export class Unreadable {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/** More than any compiler's; a word that is used twice is computed twice, so that short expressions may get long. */
const MOST_STEPS = 256;

const sized = (word: Word): Word => {
  if (word.steps > MOST_STEPS) throw new Unreadable("finding it takes too many steps");
  return word;
};
const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Signed, as all constants here. */
export const constant = (value: bigint | number): Word => ({ k: "constant", value: signed(BigInt(value)), steps: 1 });
/** An address as linked. */
export const address = (value: bigint | number): Word => ({ k: "address", value: signed(BigInt(value)), steps: 1 });
export const register = (name: PlaceRegister, plus: bigint): Word => ({ k: "register", register: name, plus: signed(plus), steps: 1 });
export const read = (of: Word, size: 1 | 2 | 4 | 8): Word => sized({ k: "read", size, of, steps: of.steps + 1 });

/** Programs are moved by whole pages: the bits below are the same wherever they run. */
const PAGE = 4096n;

export function binary(op: Binary, a: Word, b: Word): Word {
  if (b.k === "constant") {
    if (a.k === "constant") return constant(compute(op, a.value, b.value));
    if (op === "add" || op === "sub") {
      const plus = op === "add" ? b.value : -b.value;
      if (plus === 0n) return a;
      if (a.k === "register") return register(a.register, a.plus + plus);
      if (a.k === "address") return address(a.value + plus);
      if (a.k === "binary" && a.op === "add" && a.b.k === "constant") return binary("add", a.a, constant(a.b.value + plus));
    }
    if (op === "and" && a.k === "address" && b.value >= 0n && b.value < PAGE) return constant(a.value & b.value);
    if (op === "mul" && b.value === 1n) return a;
    if ((op === "shl" || op === "shr" || op === "sar") && b.value === 0n) return a;
  } else if (op === "add" && a.k === "constant") {
    return binary("add", b, a);
  }
  return sized({ k: "binary", op, a, b, steps: a.steps + b.steps + 1 });
}

export function unary(op: "neg" | "not", a: Word): Word {
  if (a.k === "constant") return constant(op === "neg" ? -a.value : ~a.value);
  return sized({ k: "unary", op, a, steps: a.steps + 1 });
}

function compute(op: Binary, a: bigint, b: bigint): bigint {
  switch (op) {
    case "add":
      return a + b;
    case "sub":
      return a - b;
    case "mul":
      return a * b;
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "shl":
      return b < 0n || b > 63n ? 0n : a << b;
    case "shr":
      return b < 0n || b > 63n ? 0n : unsigned(a) >> b;
    case "sar":
      return b < 0n || b > 63n ? (a < 0n ? -1n : 0n) : a >> b;
  }
}

const sign = (a: Word): Word => binary("sar", a, constant(63));

/** 1 if the word isn't 0, else 0. */
const isSet = (a: Word): Word => (a.k === "constant" ? constant(a.value === 0n ? 0 : 1) : binary("shr", binary("or", a, unary("neg", a)), constant(63)));
const inverse = (bit: Word): Word => binary("xor", bit, constant(1));
/** a < b as signed words: the sign of the difference, unless that overflows (Hacker's Delight, 2-12). */
function below(a: Word, b: Word): Word {
  if (a.k === "constant" && b.k === "constant") return constant(a.value < b.value ? 1 : 0);
  const difference = binary("sub", a, b);
  const overflow = binary("and", binary("xor", a, b), binary("xor", difference, a));
  return binary("shr", binary("xor", difference, overflow), constant(63));
}

/** Comparisons give 1 or 0, of signed words. There are no steps for them: they are made of others. */
export const compare = {
  eq: (a: Word, b: Word): Word => inverse(isSet(binary("xor", a, b))),
  ne: (a: Word, b: Word): Word => isSet(binary("xor", a, b)),
  lt: below,
  gt: (a: Word, b: Word): Word => below(b, a),
  le: (a: Word, b: Word): Word => inverse(below(b, a)),
  ge: (a: Word, b: Word): Word => inverse(below(a, b)),
};

export function absolute(a: Word): Word {
  if (a.k === "constant") return constant(a.value < 0n ? -a.value : a.value);
  return binary("sub", binary("xor", a, sign(a)), sign(a));
}

/** The power of two that a constant is, if it is one. */
function power(b: Word): bigint | undefined {
  if (b.k !== "constant" || b.value <= 0n || (b.value & (b.value - 1n)) !== 0n) return undefined;
  return BigInt(b.value.toString(2).length - 1);
}

/** Signed, towards zero. Only by powers of two: there is no step for division. */
export function divide(a: Word, b: Word): Word {
  if (b.k === "constant" && b.value === 0n) throw new Unreadable("its expression divides by zero");
  if (a.k === "constant" && b.k === "constant") return constant(a.value / b.value);
  const shift = power(b);
  if (shift === undefined) throw new Unreadable("finding it takes a division");
  if (shift === 0n) return a;
  return binary("sar", binary("add", a, binary("and", sign(a), constant((1n << shift) - 1n))), constant(shift));
}

/** Unsigned. */
export function remainder(a: Word, b: Word): Word {
  if (b.k === "constant" && b.value === 0n) throw new Unreadable("its expression divides by zero");
  if (a.k === "constant" && b.k === "constant") return constant(unsigned(a.value) % unsigned(b.value));
  const shift = power(b);
  if (shift === undefined) throw new Unreadable("finding it takes a division");
  return binary("and", a, constant((1n << shift) - 1n));
}

/** The low `size` bytes of a word, widened to all of it. */
export function widen(a: Word, size: number, isSigned: boolean): Word {
  const bits = size * 8;
  if (bits >= 64) return a;
  if (a.k === "constant") return constant(isSigned ? BigInt.asIntN(bits, a.value) : BigInt.asUintN(bits, a.value));
  if (!isSigned) return a.k === "read" && a.size <= size ? a : binary("and", a, constant((1n << BigInt(bits)) - 1n));
  const by = constant(64 - bits);
  return binary("sar", binary("shl", a, by), by);
}

/** The steps that leave the word on the stack. */
export function stepsOf(word: Word, steps: PlaceStep[] = []): PlaceStep[] {
  switch (word.k) {
    case "constant":
      steps.push({ op: "constant", value: word.value });
      break;
    case "address":
      steps.push({ op: "address", value: word.value });
      break;
    case "register":
      steps.push({ op: "register", register: word.register, plus: word.plus });
      break;
    case "read":
      stepsOf(word.of, steps).push({ op: "read", size: word.size });
      break;
    case "binary":
      stepsOf(word.a, steps);
      stepsOf(word.b, steps).push({ op: word.op });
      break;
    case "unary":
      stepsOf(word.a, steps).push({ op: word.op });
      break;
  }
  return steps;
}
