/** Maps and arrays on the host: of values, which both sides write, and of aggregates, which handlers fill. */

import type { MapAccess } from "../../engines/engine.ts";
import { SondeBug, SondeError } from "../../errors/error.ts";
import type { View } from "../../output/view.ts";
import { aggregateWords } from "../../schema/aggregate.ts";
import { aggregateValue, mergeSlot } from "../../schema/aggregate-value.ts";
import { type Decoder, decoder } from "../../schema/decode.ts";
import { toBytes } from "../../schema/encode.ts";
import { ints, roundUp } from "../../schema/layout.ts";
import { type AggregateSpec, isAggregate, type Schema, type StateSpec } from "../../schema/types.ts";
import type { StackTable } from "../reading/stacks.ts";
import type { Scope } from "../scope.ts";
import { MemoryArray, MemoryMap } from "./memory-map.ts";
import { joined, keyText, stacksIn } from "./same-stacks.ts";
import { handlerOnly, type Placement, State } from "./state.ts";

type MapSpec = StateSpec & { readonly kind: "hash" | "array" };

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function aggregateReader(spec: AggregateSpec): Decoder {
  const words = aggregateWords(spec);
  return (view) => {
    const merged = new BigUint64Array(words);
    const slot = new BigUint64Array(words);
    for (let cpu = 0; (cpu + 1) * words * 8 <= view.byteLength; cpu++) {
      for (let i = 0; i < words; i++) slot[i] = view.getBigUint64((cpu * words + i) * 8, true);
      mergeSlot(spec, merged, slot);
    }
    return aggregateValue(spec, merged);
  };
}

abstract class MapState extends State {
  readonly spec: MapSpec;
  readonly #names: readonly string[];
  readonly #decodeKey: Decoder;
  readonly #decodeValue: Decoder;
  readonly #stacks: StackTable;
  /** Where keys have the numbers of stacks. */
  readonly #stacksAt: readonly number[];
  #access: MapAccess;

  constructor(scope: Scope, spec: MapSpec) {
    super(scope);
    this.spec = spec;
    this.#names = scope.functions;
    this.#stacks = scope.stacks;
    this.#stacksAt = stacksIn(this.#key());
    this.#decodeKey = decoder(this.#key(), scope.functions, scope.stacks.read);
    this.#decodeValue = isAggregate(spec.value) ? aggregateReader(spec.value) : decoder(spec.value, scope.functions, scope.stacks.read);
    const slot = isAggregate(spec.value) ? aggregateWords(spec.value) * 8 : roundUp(spec.value.size, 8);
    this.#access = spec.kind === "array" ? new MemoryArray(spec.length, slot) : new MemoryMap(spec.capacity);
  }
  #key(): Schema {
    return this.spec.kind === "hash" ? this.spec.key : ints.u32;
  }
  protected keyBytes(key: unknown): Uint8Array | undefined {
    if (this.spec.kind === "array" && typeof key === "number" && (key < 0 || key >= this.spec.length)) return undefined;
    return toBytes(this.#key(), key, this.#names, "key");
  }
  /** As the engine's maps have it: padded to a multiple of 8. */
  protected valueBytes(value: unknown): Uint8Array | undefined {
    if (isAggregate(this.spec.value)) return undefined;
    const bytes = toBytes(this.spec.value, value, this.#names, "value");
    if (bytes === undefined || bytes.length % 8 === 0) return bytes;
    const padded = new Uint8Array(roundUp(bytes.length, 8));
    padded.set(bytes);
    return padded;
  }
  protected get access(): MapAccess {
    return this.#access;
  }
  entries(): [key: unknown, value: unknown][] {
    const copy: [unknown, unknown][] = [];
    for (const [key, value] of this.#isSplit ? this.#joined().values() : this.#access.entries())
      copy.push([this.#decodeKey(viewOf(key), 0), this.#decodeValue(viewOf(value), 0)]);
    return copy;
  }
  [Symbol.iterator](): Iterator<[key: unknown, value: unknown]> {
    return this.entries()[Symbol.iterator]();
  }
  read(key: unknown): unknown {
    const bytes = this.keyBytes(key);
    const value = bytes && (this.#isSplit ? this.#joined().get(keyText(bytes))?.[1] : this.#access.lookup(bytes));
    return value && this.#decodeValue(viewOf(value), 0);
  }
  /** Until a handler can unwind a stack itself, each of its hits has a number of its own (reading/stacks.ts). */
  get #isSplit(): boolean {
    return this.#stacksAt.length > 0 && this.#stacks.hasCopies;
  }
  #joined() {
    return joined(this.#access.entries(), this.#stacksAt, this.#stacks.numberOf, isAggregate(this.spec.value));
  }
  clear(): void {
    this.#access.clear();
  }
  attach({ armed, place }: Placement): void {
    if (place.in !== "map") throw new SondeBug(`a map was placed in ${place.in}`);
    const before = this.#access;
    this.#access = armed.map(place.map);
    // What the script put there while it loaded. Only values: handlers alone fill aggregates.
    if (isAggregate(this.spec.value)) return;
    for (const [key, value] of before.entries()) if (value.some((byte) => byte !== 0) || this.spec.kind === "hash") this.#access.update(key, value, "any");
  }
  detach(): void {
    const copy = this.spec.kind === "hash" ? new MemoryMap(Infinity, this.#access.entries()) : new MemoryMap(this.spec.length, this.#access.entries());
    this.#access = copy;
  }
  view(name: string): View {
    const { value } = this.spec;
    return {
      kind: this.spec.kind,
      name,
      key: this.#key(),
      cell: isAggregate(value) ? { of: "aggregate", spec: value } : { of: "value", schema: value },
      entries: this.entries(),
    };
  }
}

export class AggregateMapState extends MapState {
  get length(): number | undefined {
    return this.spec.kind === "array" ? this.spec.length : undefined;
  }
  at(): never {
    return handlerOnly("at()", "read(key) gives the result of one key, entries() all of them.");
  }
}

export class ValueMapState extends MapState {
  readonly #scope: Scope;
  constructor(scope: Scope, spec: MapSpec) {
    super(scope, spec);
    this.#scope = scope;
  }
  get(): never {
    return handlerOnly("get()", "read(key) gives the host's copy of an entry.");
  }
  getOrInsert(): never {
    return handlerOnly("getOrInsert()", "read(key) gives the host's copy of an entry, and set(key, value) puts one there.");
  }
  set(key: unknown, value: unknown): void {
    const keyBytes = this.keyBytes(key);
    const valueBytes = this.valueBytes(value);
    if (keyBytes === undefined || valueBytes === undefined) this.#scope.hostMisses++;
    else if (!this.access.update(keyBytes, valueBytes, "any")) this.#scope.hostFull.set(this, (this.#scope.hostFull.get(this) ?? 0n) + 1n);
  }
  has(key: unknown): boolean {
    const bytes = this.keyBytes(key);
    return bytes !== undefined && this.access.lookup(bytes) !== undefined;
  }
  delete(key: unknown): boolean {
    const bytes = this.keyBytes(key);
    return bytes !== undefined && this.access.delete(bytes);
  }
}

export class ValueArrayState extends MapState {
  readonly #scope: Scope;
  readonly length: number;
  constructor(scope: Scope, spec: MapSpec & { readonly kind: "array" }) {
    super(scope, spec);
    this.#scope = scope;
    this.length = spec.length;
  }
  get(): never {
    return handlerOnly("get()", "read(index) gives the host's copy of a value.");
  }
  set(index: unknown, value: unknown): void {
    const keyBytes = this.keyBytes(index);
    const valueBytes = this.valueBytes(value);
    if (keyBytes === undefined || valueBytes === undefined || !this.access.update(keyBytes, valueBytes, "any")) this.#scope.hostMisses++;
  }
}

/** A value that a map can't hold, told where the map is made. */
export function refuseState(value: unknown, what: string): never {
  const shown = value instanceof State ? `a ${value.spec.kind}` : String(typeof value === "object" && value !== null ? "an object" : value);
  throw new SondeError("SONDE_SCHEMA", `${what} can't be ${shown}`, {
    mend: "Give a type such as u32, comm, cstring(64) or struct({ … }); a map's value may also be an aggregate such as count().",
  });
}
