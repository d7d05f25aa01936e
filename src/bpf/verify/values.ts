/** What is known of a register: a number between bounds, an address with what it may reach, or a map. */

export interface Num {
  readonly k: "num";
  /** Unsigned bounds, both within. */
  readonly lo: bigint;
  readonly hi: bigint;
  /** Signed bounds. */
  readonly slo: bigint;
  readonly shi: bigint;
  /** Copies of one value share it, and learn from each other's comparisons; 0: nobody's copy. */
  readonly id: number;
}

export interface Pointer {
  readonly k: "pointer";
  readonly to: "frame" | "context" | "value" | "record" | "cookie";
  /** The map of a value, the number of a record. */
  readonly of: number;
  /** Bytes from the start of what it points to (of the frame: from its lowest byte). */
  readonly size: number;
  /** Where it points to, from the start; both within. */
  readonly lo: number;
  readonly hi: number;
  /** Not 0: it may be NULL, and all with this number are or aren't. */
  readonly maybeNull: number;
}

export interface MapReference {
  readonly k: "map";
  readonly map: number;
}

export type Value = Num | Pointer | MapReference;

const U64 = 2n ** 64n - 1n;
const S_MIN = -(2n ** 63n);
const S_MAX = 2n ** 63n - 1n;
const U32 = 2n ** 32n - 1n;
const u64 = (n: bigint): bigint => n & U64;
const s64 = (n: bigint): bigint => (n > S_MAX ? n - 2n ** 64n : n);

export const unknown: Num = { k: "num", lo: 0n, hi: U64, slo: S_MIN, shi: S_MAX, id: 0 };
export const exactly = (n: bigint): Num => ({ k: "num", lo: u64(n), hi: u64(n), slo: s64(u64(n)), shi: s64(u64(n)), id: 0 });
export const isExact = (n: Num): boolean => n.lo === n.hi;

const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Bounds that tell on each other; undefined if nothing lies within them. */
function settled(lo: bigint, hi: bigint, slo: bigint, shi: bigint, id = 0): Num | undefined {
  for (let turn = 0; turn < 2; turn++) {
    // On one side of the sign both orders agree.
    if (hi <= S_MAX || lo > S_MAX) {
      slo = most(slo, s64(lo));
      shi = least(shi, s64(hi));
    }
    if (slo >= 0n || shi < 0n) {
      lo = most(lo, u64(slo));
      hi = least(hi, u64(shi));
    }
  }
  return lo > hi || slo > shi ? undefined : { k: "num", lo, hi, slo, shi, id };
}

export const between = (lo: bigint, hi: bigint): Num => settled(lo, hi, S_MIN, S_MAX) ?? unknown;
export const signedBetween = (slo: bigint, shi: bigint): Num => settled(0n, U64, slo, shi) ?? unknown;

const both = (lo: bigint, hi: bigint, slo: bigint, shi: bigint): Num => settled(lo, hi, slo, shi) ?? unknown;

/** All bits up to the highest that is set. */
function filled(n: bigint): bigint {
  return n === 0n ? 0n : (1n << BigInt(n.toString(2).length)) - 1n;
}

export type Operation = "add" | "sub" | "mul" | "div" | "sdiv" | "mod" | "smod" | "or" | "and" | "xor" | "lsh" | "rsh" | "arsh";

export function compute(operation: Operation, a: Num, b: Num, bits: 32 | 64): Num {
  if (bits === 32) {
    // Signed operations of 32 bits have other bounds than those of 64.
    if (operation === "sdiv" || operation === "smod" || operation === "arsh") return between(0n, U32);
    return low32(compute(operation, low32(a), operation === "lsh" || operation === "rsh" ? low32(b) : low32(b), 64), operation, b);
  }
  switch (operation) {
    case "add":
      return both(...bounded(a.lo + b.lo, a.hi + b.hi, a.slo + b.slo, a.shi + b.shi));
    case "sub":
      return both(...bounded(a.lo - b.hi, a.hi - b.lo, a.slo - b.shi, a.shi - b.slo));
    case "mul": {
      const hi = a.hi * b.hi;
      return hi <= U64 ? between(a.lo * b.lo, hi) : unknown;
    }
    case "div":
      // By zero: 0.
      return between(b.lo === 0n ? 0n : a.lo / b.hi, b.lo === 0n ? a.hi : a.hi / b.lo);
    case "mod":
      // By zero: the dividend.
      return between(0n, b.lo === 0n ? a.hi : least(a.hi, b.hi - 1n));
    case "and":
      return isExact(a) && isExact(b) ? exactly(a.lo & b.lo) : between(0n, least(a.hi, b.hi));
    case "or":
      return isExact(a) && isExact(b) ? exactly(a.lo | b.lo) : between(most(a.lo, b.lo), filled(a.hi | b.hi));
    case "xor":
      return isExact(a) && isExact(b) ? exactly(a.lo ^ b.lo) : between(0n, filled(a.hi | b.hi));
    case "lsh": {
      if (!isExact(b) || b.lo > 63n) return unknown;
      const hi = a.hi << b.lo;
      return hi <= U64 ? between(a.lo << b.lo, hi) : unknown;
    }
    case "rsh":
      if (b.hi > 63n) return between(0n, a.hi);
      return between(a.lo >> b.hi, a.hi >> b.lo);
    case "arsh":
      if (!isExact(b) || b.lo > 63n) return a.slo >= 0n ? between(0n, a.hi) : unknown;
      return signedBetween(a.slo >> b.lo, a.shi >> b.lo);
    default:
      return unknown;
  }
}

function bounded(lo: bigint, hi: bigint, slo: bigint, shi: bigint): [bigint, bigint, bigint, bigint] {
  const wraps = lo < 0n || hi > U64;
  // Both ends beyond by the same turn: the range is whole again.
  const turned = wraps && (lo < 0n ? hi < 0n : lo > U64);
  const unsigned: [bigint, bigint] = turned ? [u64(lo), u64(hi)] : wraps ? [0n, U64] : [lo, hi];
  const signed: [bigint, bigint] = slo < S_MIN || shi > S_MAX ? [S_MIN, S_MAX] : [slo, shi];
  return [...unsigned, ...signed];
}

/** The low 32 bits. */
export function low32(a: Num, operation?: Operation, count?: Num): Num {
  if (operation === "lsh" && count !== undefined && (!isExact(count) || count.lo > 31n)) return between(0n, U32);
  if (isExact(a)) return exactly(a.lo & U32);
  return a.lo >> 32n === a.hi >> 32n ? between(a.lo & U32, a.hi & U32) : between(0n, U32);
}

export function negated(a: Num, bits: 32 | 64): Num {
  return compute("sub", exactly(0n), a, bits);
}

/** The low bits with their sign. */
export function signExtended(a: Num, from: number, bits: 32 | 64): Num {
  const most = (1n << BigInt(from - 1)) - 1n;
  const fits = a.hi <= most;
  if (bits === 32) return fits ? { ...a, id: 0 } : between(0n, U32);
  return fits || (a.slo >= -most - 1n && a.shi <= most) ? { ...a, id: 0 } : signedBetween(-most - 1n, most);
}

export type Comparison = "eq" | "ne" | "gt" | "ge" | "lt" | "le" | "sgt" | "sge" | "slt" | "sle" | "set";
const opposite: { readonly [C in Exclude<Comparison, "set">]: Exclude<Comparison, "set"> } = {
  eq: "ne",
  ne: "eq",
  gt: "le",
  le: "gt",
  ge: "lt",
  lt: "ge",
  sgt: "sle",
  sle: "sgt",
  sge: "slt",
  slt: "sge",
};

/** What both are if the comparison comes out so; undefined if it can't. */
export function learn(comparison: Comparison, a: Num, b: Num, holds: boolean): readonly [Num, Num] | undefined {
  if (comparison === "set") {
    if (isExact(a) && isExact(b) && ((a.lo & b.lo) !== 0n) !== holds) return undefined;
    if (holds) return (a.hi & filled(b.hi)) === 0n ? undefined : [a, b];
    return [a, b];
  }
  const outcome = holds ? comparison : opposite[comparison];
  switch (outcome) {
    case "eq": {
      const same = settled(most(a.lo, b.lo), least(a.hi, b.hi), most(a.slo, b.slo), least(a.shi, b.shi));
      return (
        same && [
          { ...same, id: a.id },
          { ...same, id: b.id },
        ]
      );
    }
    case "ne":
      return isExact(a) && isExact(b) ? (a.lo === b.lo ? undefined : [a, b]) : pair(without(a, b), without(b, a));
    case "lt":
      return pair(settled(a.lo, least(a.hi, b.hi - 1n), a.slo, a.shi, a.id), settled(most(b.lo, a.lo + 1n), b.hi, b.slo, b.shi, b.id));
    case "le":
      return pair(settled(a.lo, least(a.hi, b.hi), a.slo, a.shi, a.id), settled(most(b.lo, a.lo), b.hi, b.slo, b.shi, b.id));
    case "slt":
      return pair(settled(a.lo, a.hi, a.slo, least(a.shi, b.shi - 1n), a.id), settled(b.lo, b.hi, most(b.slo, a.slo + 1n), b.shi, b.id));
    case "sle":
      return pair(settled(a.lo, a.hi, a.slo, least(a.shi, b.shi), a.id), settled(b.lo, b.hi, most(b.slo, a.slo), b.shi, b.id));
    default: {
      const mirrored = learn(outcome === "gt" ? "lt" : outcome === "ge" ? "le" : outcome === "sgt" ? "slt" : "sle", b, a, true);
      return mirrored && [mirrored[1], mirrored[0]];
    }
  }
}

const pair = (a: Num | undefined, b: Num | undefined): readonly [Num, Num] | undefined => (a && b ? [a, b] : undefined);

/** `a` without the one value that `b` is, where that is at an end. */
function without(a: Num, b: Num): Num | undefined {
  if (!isExact(b)) return a;
  let { lo, hi, slo, shi } = a;
  if (lo === b.lo) lo += 1n;
  if (hi === b.lo) hi -= 1n;
  if (slo === b.slo) slo += 1n;
  if (shi === b.slo) shi -= 1n;
  return settled(lo, hi, slo, shi, a.id);
}

/** Whether what is true of all that `old` may be is true of `now`. `ids` pairs the numbers of both. */
export function covers(old: Value | undefined, now: Value | undefined, ids: Map<number, number>): boolean {
  if (old === undefined || (old.k === "num" && old.id === 0 && old.hi - old.lo === U64)) return true;
  if (now === undefined || old.k !== now.k) return false;
  const paired = (a: number, b: number): boolean => {
    if (a === 0) return true;
    const known = ids.get(a);
    if (known !== undefined) return known === b && b !== 0;
    ids.set(a, b);
    return true;
  };
  switch (old.k) {
    case "map":
      return old.map === (now as MapReference).map;
    case "num": {
      const n = now as Num;
      return old.lo <= n.lo && n.hi <= old.hi && old.slo <= n.slo && n.shi <= old.shi && paired(old.id, n.id);
    }
    case "pointer": {
      const p = now as Pointer;
      if (old.to !== p.to || old.size !== p.size || old.lo > p.lo || p.hi > old.hi) return false;
      if ((old.maybeNull !== 0) !== (p.maybeNull !== 0)) return false;
      // Numbers of records and of NULLs are counted apart.
      const same = old.to === "record" ? paired(-1 - old.of, -1 - p.of) : old.of === p.of;
      return same && paired(old.maybeNull, p.maybeNull);
    }
  }
}
