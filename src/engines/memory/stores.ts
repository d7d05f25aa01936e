/** Maps and rings as programs see them, on offsets of the shared memory. */
import { errno } from "../../sys/errno.ts";
import { HashTable, type Sharing } from "./hash.ts";
import { type ArrayPlace, Control, type MapPlace, type MemoryLayout } from "./layout.ts";
import { RingProducer } from "./ring.ts";
import type { MapStore, RingStore } from "./types.ts";

/** The table of a hash map's place, for either side. */
export function hashTable(memory: ArrayBufferLike, layout: MemoryLayout, place: MapPlace & { readonly kind: "hash" }, sharing: Sharing): HashTable {
  return new HashTable(memory, place, layout.control + Control.run, sharing);
}

/** All maps of a session and its rings, by the map's index; `wake` is called when the session sleeps and there is a record. */
export function openStores(memory: ArrayBufferLike, layout: MemoryLayout, sharing: Sharing, wake: () => void): readonly (MapStore | RingStore)[] {
  return layout.maps.map((place) => openStore(memory, layout, place, sharing, wake));
}

function openStore(memory: ArrayBufferLike, layout: MemoryLayout, place: MapPlace, sharing: Sharing, wake: () => void): MapStore | RingStore {
  switch (place.kind) {
    case "array":
      return new ArrayStore(memory, place);
    case "hash":
      return new HashStore(hashTable(memory, layout, place, sharing));
    case "ring":
      return new RingProducer(memory, place, layout.control + Control.waiting, wake);
  }
}

/** A hash map's side for programs. */
export class HashStore implements MapStore {
  readonly #table: HashTable;

  constructor(table: HashTable) {
    this.#table = table;
  }
  lookup(key: number): number {
    return this.#table.use(key);
  }
  update(key: number, value: number, flags: number): number {
    this.#table.keyAt(key);
    return this.#table.put(undefined, value, flags);
  }
  delete(key: number): number {
    this.#table.keyAt(key);
    return this.#table.remove();
  }
}

/** An array: values are there from the start and never go. Nobody locks it, as in the kernel. */
export class ArrayStore implements MapStore {
  readonly #place: ArrayPlace;
  readonly #memory: DataView;
  readonly #bytes: Uint8Array;

  constructor(memory: ArrayBufferLike, place: ArrayPlace) {
    this.#place = place;
    this.#memory = new DataView(memory);
    this.#bytes = new Uint8Array(memory);
  }
  lookup(key: number): number {
    const index = this.#memory.getUint32(key, true);
    return index < this.#place.count ? this.#place.at + index * this.#place.stride : 0;
  }
  update(key: number, value: number, flags: number): number {
    if (flags < 0 || flags > 2) return -errno.EINVAL;
    const at = this.lookup(key);
    if (at === 0) return -errno.E2BIG;
    if (flags === 1) return -errno.EEXIST;
    this.#bytes.copyWithin(at, value, value + this.#place.image.valueSize);
    return 0;
  }
  delete(): number {
    return -errno.EINVAL;
  }
}
