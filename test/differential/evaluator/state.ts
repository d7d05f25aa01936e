/** Maps, aggregates and variables as the evaluator keeps them. */
import type { Shape } from "./shape.ts";
import { encode, stored } from "./shape.ts";
import { Bytes, Fields, Text, type Value } from "./value.ts";

export type AggregateKind =
  | { readonly kind: "count" | "sum" | "avg" | "min" | "max" | "stats" }
  | { readonly kind: "hist"; readonly bits: number }
  | { readonly kind: "lhist"; readonly min: bigint; readonly max: bigint; readonly step: bigint };

const TOP = 2n ** 63n;
const word = (n: bigint): bigint => BigInt.asUintN(64, n);

/** A row of words, as the layout of aggregates says; all zeros at first. */
export class Slot {
  readonly spec: AggregateKind;
  readonly words: bigint[];
  constructor(spec: AggregateKind) {
    this.spec = spec;
    this.words = Array<bigint>(slotWords(spec)).fill(0n);
  }

  add(value: bigint): void {
    const w = this.words;
    const greatest = (at: number, candidate: bigint): void => {
      if (word(candidate) > w[at]!) w[at] = word(candidate);
    };
    const max = word(value) ^ TOP;
    const min = word(~max);
    const plus = (at: number, n: bigint): void => {
      w[at] = word(w[at]! + n);
    };
    switch (this.spec.kind) {
      case "count":
        plus(0, 1n);
        break;
      case "sum":
        plus(0, value);
        break;
      case "avg":
        plus(0, 1n);
        plus(1, value);
        break;
      case "min":
        plus(0, 1n);
        greatest(1, min);
        break;
      case "max":
        plus(0, 1n);
        greatest(1, max);
        break;
      case "stats":
        plus(0, 1n);
        plus(1, value);
        greatest(2, min);
        greatest(3, max);
        break;
      case "hist":
      case "lhist":
        plus(0, value);
        greatest(1, min);
        greatest(2, max);
        plus(3 + bucket(this.spec, value), 1n);
        break;
    }
  }
}

function bucket(spec: AggregateKind, value: bigint): number {
  if (spec.kind === "lhist") {
    if (value < spec.min) return 0;
    let index = 1;
    for (let edge = spec.min; edge < spec.max; edge += spec.step, index++) if (value < edge + spec.step && value < spec.max) return index;
    return index;
  }
  const bits = spec.kind === "hist" ? spec.bits : 0;
  if (value < 0n) return 0;
  if (value < 2n ** BigInt(bits)) return 1 + Number(value);
  let e = 0;
  while (value >= 2n ** BigInt(e + 1)) e++;
  const inside = value / 2n ** BigInt(e - bits);
  return 1 + (e - bits) * 2 ** bits + Number(inside);
}

function slotWords(spec: AggregateKind): number {
  switch (spec.kind) {
    case "count":
    case "sum":
      return 1;
    case "avg":
    case "min":
    case "max":
      return 2;
    case "stats":
      return 4;
    case "hist":
      return 3 + 1 + (65 - spec.bits) * 2 ** spec.bits;
    case "lhist": {
      let steps = 0;
      for (let edge = spec.min; edge < spec.max; edge += spec.step) steps++;
      return 3 + steps + 2;
    }
  }
}

export type StateShape =
  | { readonly s: "aggregate"; readonly aggregate: AggregateKind }
  | {
      readonly s: "hash";
      readonly key: Shape;
      readonly value: Shape | undefined;
      readonly aggregate: AggregateKind | undefined;
      readonly capacity: number;
      readonly evict: boolean;
    }
  | { readonly s: "array"; readonly length: number; readonly value: Shape | undefined; readonly aggregate: AggregateKind | undefined }
  | { readonly s: "variable"; readonly shape: Shape; readonly initial: Value }
  | { readonly s: "events"; readonly shape: Shape & { readonly t: "struct" } };

/** One state of the script, with what is in it. */
export class State {
  readonly name: string;
  readonly shape: StateShape;
  /** An aggregate alone. */
  readonly slot: Slot | undefined;
  /** By the bytes of the key, in the order of last use. */
  readonly entries = new Map<string, { readonly key: Value; value: Value | Slot }>();
  current: Value;
  /** New keys that a full map refused. */
  full = 0;
  readonly #functions: readonly string[];

  constructor(name: string, shape: StateShape, functions: readonly string[]) {
    this.name = name;
    this.shape = shape;
    this.#functions = functions;
    this.slot = shape.s === "aggregate" ? new Slot(shape.aggregate) : undefined;
    this.current = shape.s === "variable" ? stored(shape.shape, shape.initial) : undefined;
    if (shape.s === "array") {
      for (let i = 0; i < shape.length; i++)
        this.entries.set(String(i), { key: BigInt(i), value: shape.aggregate === undefined ? zero(shape.value!) : new Slot(shape.aggregate) });
    }
  }

  keyName(key: Value): string {
    if (this.shape.s === "array") return String(key as bigint);
    if (this.shape.s !== "hash") throw new Error(`${this.name} has no keys`);
    return Buffer.from(encode(this.shape.key, key, this.#functions)).toString("hex");
  }

  find(key: Value): { readonly key: Value; value: Value | Slot } | undefined {
    const name = this.keyName(key);
    const entry = this.entries.get(name);
    if (entry !== undefined && this.shape.s === "hash" && this.shape.evict) {
      this.entries.delete(name);
      this.entries.set(name, entry);
    }
    return entry;
  }

  /** Puts a new entry there; undefined if the map is full. */
  insert(key: Value, value: Value | Slot): { readonly key: Value; value: Value | Slot } | undefined {
    if (this.shape.s !== "hash") throw new Error(`${this.name} takes no new keys`);
    if (this.entries.size >= this.shape.capacity) {
      if (!this.shape.evict) {
        this.full++;
        return undefined;
      }
      this.entries.delete(this.entries.keys().next().value!);
    }
    const entry = { key, value };
    this.entries.set(this.keyName(key), entry);
    return entry;
  }

  /** The bytes or words of everything in it, by the hexadecimal bytes of the key; "" where there is only one thing. */
  contents(): Map<string, string> {
    const contents = new Map<string, string>();
    const text = (shape: Shape | undefined, value: Value | Slot): string =>
      value instanceof Slot ? value.words.join(",") : Buffer.from(encode(shape!, value, this.#functions)).toString("hex");
    if (this.slot !== undefined) contents.set("", text(undefined, this.slot));
    if (this.shape.s === "variable") contents.set("", text(this.shape.shape, this.current));
    if (this.shape.s === "hash" || this.shape.s === "array") for (const [name, { value }] of this.entries) contents.set(name, text(this.shape.value, value));
    return contents;
  }
}

/** What is in an array before anything was stored. */
function zero(shape: Shape): Value {
  switch (shape.t) {
    case "int":
      return 0n;
    case "bool":
      return false;
    case "struct": {
      const fields = new Fields(shape);
      for (const [name, s] of shape.fields) fields.values.set(name, zero(s));
      return fields;
    }
    case "cstring":
      return Text.of("");
    case "bytes":
      return new Bytes(new Uint8Array(0));
    default:
      throw new Error(`an array of ${shape.t} isn't among the evaluator's`);
  }
}
