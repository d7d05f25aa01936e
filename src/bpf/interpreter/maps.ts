/** The kinds of maps as the kernel behaves: what an update replaces, what is full, whose CPU's value is meant. */
import { SondeBug } from "../../errors/error.ts";
import { UpdateFlag } from "../helpers.ts";
import { Errno } from "./errno.ts";
import type { Memory, Region } from "./memory.ts";
import { RingBuffer } from "./ring.ts";

/** The part of a map's description that its behaviour depends on. */
export interface MapShape {
  readonly name: string;
  readonly type: "hash" | "lru_hash" | "percpu_hash" | "lru_percpu_hash" | "array" | "percpu_array" | "ringbuf";
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly initial?: Uint8Array;
}

/** A map of keys and values. Results of `update` and `delete` are 0 or a negative errno, as helpers give them. */
export interface KeyedMap {
  readonly shape: MapShape;
  /** The value as this CPU sees it. */
  lookup(key: Uint8Array, cpu: number): Region | undefined;
  update(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): number;
  delete(key: Uint8Array): number;
  /** Every key with its values: one, or one for each CPU. */
  entries(): { readonly key: Uint8Array; readonly values: readonly Uint8Array[] }[];
}

export type MapModel = KeyedMap | RingBuffer;

export function createMap(shape: MapShape, memory: Memory, cpus: number): MapModel {
  switch (shape.type) {
    case "array":
      return new ArrayMap(shape, memory, 1);
    case "percpu_array":
      return new ArrayMap(shape, memory, cpus);
    case "hash":
    case "lru_hash":
      return new HashMap(shape, memory, 1);
    case "percpu_hash":
    case "lru_percpu_hash":
      return new HashMap(shape, memory, cpus);
    case "ringbuf":
      return new RingBuffer(shape.name, shape.maxEntries, memory);
  }
}

/** Values are there from the start and never go; an update writes into them. */
class ArrayMap implements KeyedMap {
  readonly shape: MapShape;
  /** By index, then by CPU (one if values are shared). */
  readonly #values: Region[][];

  constructor(shape: MapShape, memory: Memory, copies: number) {
    if (shape.keySize !== 4) throw new SondeBug(`map ${shape.name}: keys of arrays have 4 bytes, not ${shape.keySize}`);
    this.shape = shape;
    this.#values = Array.from({ length: shape.maxEntries }, (_, index) =>
      Array.from({ length: copies }, () => {
        const bytes = new Uint8Array(shape.valueSize);
        if (index === 0 && shape.initial !== undefined) bytes.set(shape.initial);
        return memory.map(`value of ${shape.name}`, bytes);
      }),
    );
  }

  lookup(key: Uint8Array, cpu: number): Region | undefined {
    const copies = this.#values[indexOf(key)];
    return copies?.[copies.length === 1 ? 0 : cpu];
  }

  update(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): number {
    if (flags > UpdateFlag.exist) return -Errno.EINVAL;
    const region = this.lookup(key, cpu);
    if (region === undefined) return -Errno.E2BIG;
    if (flags === UpdateFlag.noExist) return -Errno.EEXIST;
    region.bytes.set(value);
    return 0;
  }

  delete(): number {
    return -Errno.EINVAL;
  }

  entries(): { key: Uint8Array; values: Uint8Array[] }[] {
    return this.#values.map((copies, index) => {
      const key = new Uint8Array(4);
      new DataView(key.buffer).setUint32(0, index, true);
      return { key, values: copies.map((region) => region.bytes.slice()) };
    });
  }
}

const indexOf = (key: Uint8Array): number => new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0, true);

interface Entry {
  readonly key: Uint8Array;
  copies: Region[];
}

/**
 * Hash maps, evicting ones too. Where values are shared, an update puts a new element in the old one's place, so an
 * address got before is stale; per-CPU values are written in place. The kernel's choice of what to evict is only near
 * to the least recently used; here it is exactly that.
 */
class HashMap implements KeyedMap {
  readonly shape: MapShape;
  readonly #memory: Memory;
  readonly #copies: number;
  readonly #perCpu: boolean;
  readonly #evicts: boolean;
  /** In the order of last use, where that matters. */
  readonly #entries = new Map<string, Entry>();

  constructor(shape: MapShape, memory: Memory, copies: number) {
    this.shape = shape;
    this.#memory = memory;
    this.#copies = copies;
    this.#perCpu = shape.type === "percpu_hash" || shape.type === "lru_percpu_hash";
    this.#evicts = shape.type === "lru_hash" || shape.type === "lru_percpu_hash";
  }

  lookup(key: Uint8Array, cpu: number): Region | undefined {
    const name = nameOf(key);
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    if (this.#evicts) this.#touch(name, entry);
    return entry.copies[this.#perCpu ? cpu : 0];
  }

  update(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): number {
    if (flags > UpdateFlag.exist) return -Errno.EINVAL;
    const name = nameOf(key);
    const entry = this.#entries.get(name);
    if (entry !== undefined) {
      if (flags === UpdateFlag.noExist) return -Errno.EEXIST;
      if (this.#perCpu) entry.copies[cpu]!.bytes.set(value);
      else {
        this.#memory.retire(entry.copies[0]!);
        entry.copies = [this.#region(value)];
      }
      if (this.#evicts) this.#touch(name, entry);
      return 0;
    }
    if (flags === UpdateFlag.exist) return -Errno.ENOENT;
    if (this.#entries.size >= this.shape.maxEntries) {
      if (!this.#evicts) return -Errno.E2BIG;
      const oldest = this.#entries.values().next().value!;
      this.#remove(oldest);
    }
    const empty = new Uint8Array(this.shape.valueSize);
    const copies = Array.from({ length: this.#copies }, (_, index) => this.#region(!this.#perCpu || index === cpu ? value : empty));
    this.#entries.set(name, { key: key.slice(), copies });
    return 0;
  }

  delete(key: Uint8Array): number {
    const entry = this.#entries.get(nameOf(key));
    if (entry === undefined) return -Errno.ENOENT;
    this.#remove(entry);
    return 0;
  }

  entries(): { key: Uint8Array; values: Uint8Array[] }[] {
    return [...this.#entries.values()].map(({ key, copies }) => ({ key: key.slice(), values: copies.map((region) => region.bytes.slice()) }));
  }

  #region(value: Uint8Array): Region {
    return this.#memory.map(`value of ${this.shape.name}`, value.slice());
  }

  #touch(name: string, entry: Entry): void {
    this.#entries.delete(name);
    this.#entries.set(name, entry);
  }

  #remove(entry: Entry): void {
    this.#entries.delete(nameOf(entry.key));
    for (const region of entry.copies) this.#memory.retire(region);
  }
}

const nameOf = (key: Uint8Array): string => Buffer.from(key).toString("latin1");
