/** Reads and changes a kernel map, in batches where the kernel can. */

import type { MapImage } from "../../compiler/image.ts";
import { roundUp } from "../../schema/layout.ts";
import { lookup, lookupBatch, nextKey, remove, update } from "../../sys/bpf.ts";
import { callError, errno } from "../../sys/errno.ts";
import type { MapAccess } from "../engine.ts";

/** About how many bytes of keys and values one batch fetches. */
const BATCH_BYTES = 1 << 18;

export class KernelMap implements MapAccess {
  #fd: number;
  readonly #image: MapImage;
  /** Bytes of a value as system calls give it: for per-CPU maps one after the other. */
  readonly #valueBytes: number;
  #batches = true;

  constructor(fd: number, image: MapImage, cpus: number) {
    this.#fd = fd;
    this.#image = image;
    const perCpu = image.type === "percpu_hash" || image.type === "lru_percpu_hash" || image.type === "percpu_array";
    this.#valueBytes = perCpu ? roundUp(image.valueSize, 8) * cpus : image.valueSize;
  }

  /** The descriptor is closed, and its number may soon be another map's: from now on every access fails with EBADF. */
  forget(): void {
    this.#fd = -1;
  }

  get #isArray(): boolean {
    return this.#image.type === "array" || this.#image.type === "percpu_array";
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    const value = new Uint8Array(this.#valueBytes);
    return lookup(this.#fd, key, value) ? value : undefined;
  }

  update(key: Uint8Array, value: Uint8Array, mode: "any" | "new" | "existing"): boolean {
    return update(this.#fd, key, value, mode);
  }

  delete(key: Uint8Array): boolean {
    if (this.#isArray) return this.lookup(key) !== undefined && update(this.#fd, key, new Uint8Array(this.#valueBytes), "existing");
    return remove(this.#fd, key);
  }

  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    if (this.#isArray) {
      for (let index = 0; index < this.#image.maxEntries; index++) {
        const key = new Uint8Array(Uint32Array.of(index).buffer);
        const value = this.lookup(key);
        if (value !== undefined) yield [key, value];
      }
    } else if (this.#batches) {
      yield* this.#batch(false);
    } else {
      yield* this.#oneByOne();
    }
  }

  clear(): void {
    if (this.#isArray) {
      const zeros = new Uint8Array(this.#valueBytes);
      for (let index = 0; index < this.#image.maxEntries; index++) update(this.#fd, new Uint8Array(Uint32Array.of(index).buffer), zeros, "existing");
    } else if (this.#batches) {
      for (const _ of this.#batch(true));
    } else {
      for (const [key] of [...this.#oneByOne()]) remove(this.#fd, key);
    }
  }

  *#batch(andDelete: boolean): Generator<readonly [Uint8Array, Uint8Array]> {
    const keySize = this.#image.keySize;
    const tokens = [new Uint8Array(Math.max(8, keySize)), new Uint8Array(Math.max(8, keySize))] as const;
    let room = Math.max(64, Math.floor(BATCH_BYTES / (keySize + this.#valueBytes)));
    let keys = new Uint8Array(room * keySize);
    let values = new Uint8Array(room * this.#valueBytes);
    for (let turn = 0, end = false; !end; ) {
      const batch = lookupBatch(this.#fd, turn === 0 ? undefined : tokens[(turn + 1) % 2], tokens[turn % 2]!, keys, values, room, andDelete);
      if (batch === -errno.ENOSPC) {
        // One bucket of the hash holds more entries than the buffers: the kernel asks for larger ones, at the same place.
        room *= 2;
        keys = new Uint8Array(room * keySize);
        values = new Uint8Array(room * this.#valueBytes);
        continue;
      }
      if (typeof batch === "number") {
        if (turn > 0 || (batch !== -errno.EINVAL && batch !== -524))
          throw callError("bpf(BPF_MAP_LOOKUP_BATCH)", -batch, { doing: `read map ${this.#image.name}` });
        this.#batches = false;
        yield* this.#oneByOne(andDelete);
        return;
      }
      for (let i = 0; i < batch.count; i++) {
        yield [keys.slice(i * keySize, (i + 1) * keySize), values.slice(i * this.#valueBytes, (i + 1) * this.#valueBytes)];
      }
      end = batch.end;
      turn += 1;
    }
  }

  *#oneByOne(andDelete = false): Generator<readonly [Uint8Array, Uint8Array]> {
    // Keys first: walking on from a key that was deleted meanwhile starts over.
    const keys: Uint8Array[] = [];
    for (let key: Uint8Array | undefined, next = new Uint8Array(this.#image.keySize); keys.length < this.#image.maxEntries && nextKey(this.#fd, key, next); ) {
      keys.push(next);
      key = next;
      next = new Uint8Array(this.#image.keySize);
    }
    for (const key of keys) {
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
      if (andDelete) remove(this.#fd, key);
    }
  }
}
