/** The session's side of maps in shared memory: copies of keys and values, as the kernel's maps give them with one CPU. */

import { SondeBug } from "../../errors/error.ts";
import { roundUp } from "../../schema/layout.ts";
import type { MapAccess } from "../engine.ts";
import type { HashTable, Sharing } from "./hash.ts";
import type { ArrayPlace, MemoryLayout } from "./layout.ts";
import { hashTable } from "./stores.ts";

const FLAGS = { any: 0, new: 1, existing: 2 } as const;

/** Access to the map with this index. It keeps the memory. */
export function openAccess(memory: ArrayBufferLike, layout: MemoryLayout, index: number, sharing: Sharing): MapAccess {
  const place = layout.maps[index];
  if (place === undefined || place.kind === "ring") throw new SondeBug(`the session has no map ${index} to read`);
  return place.kind === "array" ? new ArrayAccess(memory, place) : new HashAccess(hashTable(memory, layout, place, sharing));
}

function checkSizes(name: string, key: Uint8Array, keySize: number, value?: Uint8Array, valueSize = 0): void {
  if (key.length !== keySize) throw new SondeBug(`map ${name}: a key of ${key.length} bytes instead of ${keySize}`);
  if (value !== undefined && value.length < valueSize) throw new SondeBug(`map ${name}: a value of ${value.length} bytes instead of ${valueSize}`);
}

class HashAccess implements MapAccess {
  readonly #table: HashTable;
  /** Bytes of a value as it is given. */
  readonly #valueBytes: number;

  constructor(table: HashTable) {
    this.#table = table;
    const { type, valueSize } = table.place.image;
    this.#valueBytes = type === "percpu_hash" || type === "lru_percpu_hash" ? roundUp(valueSize, 8) : valueSize;
  }
  #mean(key: Uint8Array, value?: Uint8Array): void {
    const { name, keySize, valueSize } = this.#table.place.image;
    checkSizes(name, key, keySize, value, valueSize);
    this.#table.keyFrom(key);
  }
  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#mean(key);
    return this.#table.copy(this.#valueBytes);
  }
  update(key: Uint8Array, value: Uint8Array, mode: "any" | "new" | "existing"): boolean {
    this.#mean(key, value);
    return this.#table.put(value, 0, FLAGS[mode]) === 0;
  }
  delete(key: Uint8Array): boolean {
    this.#mean(key);
    return this.#table.remove() === 0;
  }
  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    // What is there throughout keeps its number, so that it is met once.
    const made = this.#table.made;
    for (let number = 1; number <= made; number++) {
      const entry = this.#table.entry(number, this.#valueBytes);
      if (entry !== undefined) yield entry;
    }
  }
  clear(): void {
    const made = this.#table.made;
    for (let number = 1; number <= made; number++) this.#table.removeEntry(number);
  }
}

export class ArrayAccess implements MapAccess {
  readonly #place: ArrayPlace;
  readonly #bytes: Uint8Array;
  readonly #valueBytes: number;

  constructor(memory: ArrayBufferLike, place: ArrayPlace) {
    this.#place = place;
    this.#bytes = new Uint8Array(memory, place.at, place.bytes);
    this.#valueBytes = place.image.type === "percpu_array" ? place.stride : place.image.valueSize;
  }
  /** Where the value begins, undefined if the index is out of range. */
  #at(key: Uint8Array): number | undefined {
    checkSizes(this.#place.image.name, key, 4);
    const index = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
    return index < this.#place.count ? index * this.#place.stride : undefined;
  }
  lookup(key: Uint8Array): Uint8Array | undefined {
    const at = this.#at(key);
    return at === undefined ? undefined : this.#bytes.slice(at, at + this.#valueBytes);
  }
  update(key: Uint8Array, value: Uint8Array, mode: "any" | "new" | "existing"): boolean {
    const { name, valueSize } = this.#place.image;
    checkSizes(name, key, 4, value, valueSize);
    const at = this.#at(key);
    if (at === undefined || mode === "new") return false;
    this.#bytes.set(value.subarray(0, valueSize), at);
    return true;
  }
  delete(key: Uint8Array): boolean {
    const at = this.#at(key);
    if (at === undefined) return false;
    this.#bytes.fill(0, at, at + this.#place.stride);
    return true;
  }
  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    for (let index = 0; index < this.#place.count; index++) {
      const at = index * this.#place.stride;
      yield [new Uint8Array(Uint32Array.of(index).buffer), this.#bytes.slice(at, at + this.#valueBytes)];
    }
  }
  clear(): void {
    this.#bytes.fill(0, 0, this.#place.count * this.#place.stride);
  }
}
