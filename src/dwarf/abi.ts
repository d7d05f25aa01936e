/**
 * Where C and C++ pass parameters and results on x86-64: System V psABI 1.0 §3.2.3, with what the Itanium C++ ABI §3.1
 * adds. Places hold at the function's first instruction (parameters) and right after its return (results).
 */
import type { CPlace, PlaceRegister } from "../schema/ctypes.ts";

/** A scalar inside of a type, as calling conventions see it. */
export interface AbiLeaf {
  /** In bytes from the start of the whole. */
  readonly offset: number;
  readonly size: number;
  /** `vector`: 16 bytes and more that fill a vector register (__m128, __float128). `x87`: long double. `complex-x87`: a pair of them. */
  readonly kind: "integer" | "float" | "vector" | "x87" | "complex-x87";
  /** Part of a bit-field: it may be at any offset. */
  readonly bits?: true;
}

/** A type, as calling conventions see it. */
export interface AbiType {
  readonly size: number;
  /** In bytes; a power of two. */
  readonly align: number;
  /** A structure, union, class or array; not one scalar. */
  readonly aggregate: boolean;
  /** In the order of declaration. Undefined: more than any convention puts into registers. */
  readonly leaves: readonly AbiLeaf[] | undefined;
  /** A C++ class that isn't trivial for the purposes of calls: its address is passed. */
  readonly byReference?: boolean;
  /** How it is passed can't be known, because of this. */
  readonly unclear?: string;
}

export const scalar = ({ kind, size }: Pick<AbiLeaf, "kind" | "size">): AbiType => ({
  size,
  align: size,
  aggregate: false,
  leaves: [{ kind, offset: 0, size }],
});
/** A pointer. */
export const address: AbiType = scalar({ kind: "integer", size: 8 });

const INTEGER: readonly PlaceRegister[] = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];
const VECTOR_COUNT = 8;

export const align = (value: number, to: number): number => Math.ceil(value / to) * to;
export const inRegister = (register: PlaceRegister, size: number, offset = 0): CPlace => ({ k: "registers", parts: [{ register, offset, size }] });
export const none = (why: string): CPlace => ({ k: "none", why });
/** In memory at `register` + `plus`. */
export const at = (register: PlaceRegister, plus = 0): CPlace => ({ k: "memory", address: [{ op: "register", register, plus: BigInt(plus) }] });

export type EightbyteClass = "none" | "integer" | "sse" | "sseup" | "x87" | "x87up" | "complex-x87" | "memory";

function merge(a: EightbyteClass, b: EightbyteClass): EightbyteClass {
  if (a === b || b === "none") return a;
  if (a === "none") return b;
  if (a === "memory" || b === "memory") return "memory";
  if (a === "integer" || b === "integer") return "integer";
  if (/x87/.test(a) || /x87/.test(b)) return "memory";
  return "sse";
}

/** The class of each eightbyte of a leaf, from the one that it begins in. */
function leafClasses(leaf: AbiLeaf): readonly EightbyteClass[] {
  const last = Math.floor((leaf.offset + Math.max(leaf.size, 1) - 1) / 8);
  const words = last - Math.floor(leaf.offset / 8) + 1;
  switch (leaf.kind) {
    case "integer":
      return Array<EightbyteClass>(words).fill("integer");
    case "float":
      return Array<EightbyteClass>(words).fill("sse");
    case "vector":
      return ["sse", ...Array<EightbyteClass>(Math.max(words - 1, 0)).fill("sseup")];
    case "x87":
      return ["x87", "x87up"];
    case "complex-x87":
      return ["complex-x87"];
  }
}

/** What a scalar's address must be a multiple of, by its kind. */
const leafAlign = (leaf: AbiLeaf): number => (leaf.kind === "complex-x87" ? 16 : leaf.size);

/** The classes of a type's eightbytes; "memory" if it is passed in memory. Empty: nothing is passed. */
export function classify(type: AbiType): readonly EightbyteClass[] | "memory" {
  if (type.leaves === undefined || type.size > 64) return "memory";
  if (type.leaves.length === 0) return [];
  const classes = Array<EightbyteClass>(Math.ceil(type.size / 8)).fill("none");
  for (const leaf of type.leaves) {
    if (!leaf.bits && leaf.offset % leafAlign(leaf) !== 0) return "memory";
    const first = Math.floor(leaf.offset / 8);
    for (const [i, of] of leafClasses(leaf).entries()) {
      if (first + i >= classes.length) {
        // A pair of long doubles is one class for four eightbytes; anything else that hangs over the end is a lie.
        if (leaf.kind === "complex-x87") break;
        return "memory";
      }
      classes[first + i] = merge(classes[first + i]!, of);
    }
  }
  // Post-merger clean-up (§3.2.3, classification, 5).
  for (const [i, of] of classes.entries()) {
    if (of === "memory") return "memory";
    const before = classes[i - 1];
    if (of === "x87up" && before !== "x87") return "memory";
    if (of === "sseup" && before !== "sse" && before !== "sseup") classes[i] = "sse";
  }
  if (classes[0] === "complex-x87") return type.aggregate ? "memory" : classes;
  if (classes.length > 2 && (classes[0] !== "sse" || classes.slice(1).some((of) => of !== "sseup"))) return "memory";
  return classes;
}

/** Hands out argument registers and stack words in order. */
export interface Arguments {
  /** The next argument's place; it is taken from then on. */
  next(type: AbiType): CPlace;
}

/** @param hidden the caller passes the result's address first */
export function argumentsOf(hidden: boolean): Arguments {
  let integers = hidden ? 1 : 0;
  let vectors = 0;
  /** From the first word above the return address. */
  let stack = 0;
  let lost: string | undefined;

  const onStack = (type: AbiType): number => {
    stack = align(stack, Math.max(8, type.align));
    const offset = 8 + stack;
    stack += align(type.size, 8);
    return offset;
  };
  const address = (): CPlace => {
    if (integers < INTEGER.length) return at(INTEGER[integers++]!);
    const plus = BigInt(onStack({ size: 8, align: 8, aggregate: false, leaves: [] }));
    return {
      k: "memory",
      address: [
        { op: "register", register: "rsp", plus },
        { op: "read", size: 8 },
      ],
    };
  };

  return {
    next(type) {
      lost ??= type.unclear && `how ${type.unclear} is passed isn't known`;
      if (lost !== undefined) return none(lost);
      if (type.byReference) return address();
      const classes = classify(type);
      if (classes === "memory" || classes.some((of) => /x87/.test(of))) {
        if (type.size === 0) return { k: "registers", parts: [] };
        return at("rsp", onStack(type));
      }
      const needs = (of: EightbyteClass): number => classes.filter((one) => one === of).length;
      if (integers + needs("integer") > INTEGER.length || vectors + needs("sse") > VECTOR_COUNT) return at("rsp", onStack(type));
      return assigned(
        classes,
        type.size,
        () => INTEGER[integers++]!,
        () => vectors++,
      );
    },
  };
}

function assigned(classes: readonly EightbyteClass[], size: number, integer: () => PlaceRegister, vector: () => number): CPlace {
  const parts: { register: PlaceRegister; offset: number; size: number }[] = [];
  for (const [i, of] of classes.entries()) {
    const bytes = Math.min(8, size - 8 * i);
    if (of === "integer") parts.push({ register: integer(), offset: 8 * i, size: bytes });
    if (of === "sse") parts.push({ register: `xmm${vector()}`, offset: 8 * i, size: bytes });
    if (of === "sseup") parts.at(-1)!.size += bytes;
  }
  if (parts.some((part) => part.size > 16)) return none("vectors of more than 16 bytes can't be read");
  return { k: "registers", parts };
}

/** Whether the caller passes the address of where the result goes, before all parameters. */
export const hiddenResult = (type: AbiType | undefined): boolean =>
  type !== undefined && type.unclear === undefined && (type.byReference === true || (type.size > 0 && classify(type) === "memory"));

/** Where the result is right after the return. */
export function resultPlace(type: AbiType): CPlace {
  if (type.unclear !== undefined) return none(`how ${type.unclear} is returned isn't known`);
  if (hiddenResult(type)) return at("rax");
  const classes = classify(type);
  if (classes === "memory") return { k: "registers", parts: [] };
  if (classes.some((of) => /x87/.test(of))) return none("it is in a register of the x87 unit, which isn't read");
  let integers = 0;
  let vectors = 0;
  return assigned(
    classes,
    type.size,
    () => (["rax", "rdx"] as const)[integers++] ?? "rdx",
    () => vectors++,
  );
}
