/**
 * The session's access to a hash map while programs change it (code/table.ts says by what rules): it reads a value, and
 * again if its slot has changed meanwhile; and changes slots by the same steps.
 */
import { HASH_FACTOR, SlotState, TAG_BITS, TableHeader, type TablePlace } from "./layout.ts";

const U64 = 2n ** 64n - 1n;
const STATE = BigInt(SlotState.mask);
const GENERATION = 1n << 16n;
const LOW = GENERATION - 1n;
const MOST_TRIES = 64;

export class InlineTable {
  readonly #place: TablePlace;
  readonly #controls: BigInt64Array;
  readonly #bytes: Uint8Array;
  readonly #counts: Int32Array;

  constructor(memory: ArrayBufferLike, place: TablePlace) {
    this.#place = place;
    this.#controls = new BigInt64Array(memory, place.controls, place.slots);
    this.#bytes = new Uint8Array(memory);
    this.#counts = new Int32Array(memory, place.at, TableHeader.bytes / 4);
  }

  /** The first slot of its window, and the tag in its place of a control. */
  #hash(key: Uint8Array): { readonly first: number; readonly tag: bigint } {
    let h = 0n;
    const words = new Uint8Array((key.length + 7) & ~7);
    words.set(key);
    for (const word of new BigUint64Array(words.buffer)) {
      h = ((h ^ word) * HASH_FACTOR) & U64;
      h ^= h >> 32n;
    }
    const { slots, window, log } = this.#place;
    return { first: slots > window ? Number(h >> BigInt(64 - log)) : 0, tag: (h & BigInt(2 ** TAG_BITS - 1)) << 3n };
  }

  #entry(slot: number): number {
    return this.#place.entries + slot * this.#place.stride;
  }
  #isKey(slot: number, key: Uint8Array): boolean {
    const at = this.#entry(slot);
    for (let i = 0; i < key.length; i++) if (this.#bytes[at + i] !== key[i]) return false;
    return true;
  }
  #control(slot: number): bigint {
    return Atomics.load(this.#controls, slot);
  }
  #change(slot: number, from: bigint, state: number): boolean {
    const to = BigInt.asIntN(64, (from & ~STATE) | BigInt(state));
    return Atomics.compareExchange(this.#controls, slot, from, to) === from;
  }

  /** The slot and its control where the key is live. */
  #find(key: Uint8Array): { readonly slot: number; readonly control: bigint } | undefined {
    const { first, tag } = this.#hash(key);
    for (let slot = first; slot < first + this.#place.window; slot++) {
      const control = this.#control(slot);
      if ((control & STATE) === BigInt(SlotState.empty)) return undefined;
      if ((control & LOW) !== (tag | BigInt(SlotState.live)) || !this.#isKey(slot, key)) continue;
      if (this.#control(slot) === control) return { slot, control };
      slot -= 1;
    }
    return undefined;
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    for (let turn = 0; turn < MOST_TRIES; turn++) {
      const found = this.#find(key);
      if (found === undefined) return undefined;
      const value = this.#value(found.slot);
      if (this.#control(found.slot) === found.control) return value;
    }
    return undefined;
  }
  #value(slot: number): Uint8Array {
    const at = this.#entry(slot) + this.#place.valueAt;
    return this.#bytes.slice(at, at + this.#place.image.valueSize);
  }

  delete(key: Uint8Array): boolean {
    let deleted = false;
    for (let turn = 0; turn < MOST_TRIES; turn++) {
      const found = this.#find(key);
      if (found === undefined) return deleted;
      if (!this.#change(found.slot, found.control, SlotState.dead)) continue;
      Atomics.sub(this.#counts, TableHeader.count / 4, 1);
      deleted = true;
    }
    return deleted;
  }

  /** False if the map is full, or `mode` doesn't allow it. */
  update(key: Uint8Array, value: Uint8Array, mode: "any" | "new" | "existing"): boolean {
    for (let turn = 0; turn < MOST_TRIES; turn++) {
      const old = this.#find(key);
      if (old !== undefined && mode === "new") return false;
      if (old === undefined && mode === "existing") return false;
      const done = this.#insert(key, value, old);
      if (done !== undefined) return done;
    }
    return false;
  }

  /** Undefined: once more. */
  #insert(key: Uint8Array, value: Uint8Array, old: { readonly slot: number; readonly control: bigint } | undefined): boolean | undefined {
    const { first, tag } = this.#hash(key);
    const { window, capacity, valueAt } = this.#place;
    const count = Atomics.add(this.#counts, TableHeader.count / 4, 1);
    const undo = <T>(result: T): T => {
      Atomics.sub(this.#counts, TableHeader.count / 4, 1);
      return result;
    };
    if (old === undefined && count >= capacity) return undo(false);
    let slot = first;
    let control = 0n;
    for (; slot < first + window; slot++) {
      control = this.#control(slot);
      const state = Number(control & STATE);
      if (state === SlotState.empty || state === SlotState.dead) break;
    }
    if (slot === first + window) return undo(false);
    const busy = BigInt.asIntN(64, (((control >> 16n) + 1n) << 16n) | tag | BigInt(SlotState.busy));
    if (Atomics.compareExchange(this.#controls, slot, control, busy) !== control) return undo(undefined);
    const at = this.#entry(slot);
    this.#bytes.set(key, at);
    this.#bytes.set(value, at + valueAt);
    const announced = BigInt.asIntN(64, (busy & ~STATE) | BigInt(SlotState.announced));
    Atomics.exchange(this.#controls, slot, announced);
    for (let other = first; other < first + window; other++) {
      if (other === slot) continue;
      const theirs = this.#control(other);
      const state = Number(theirs & STATE);
      if (state === SlotState.empty) break;
      if ((state !== SlotState.live && state !== SlotState.announced) || (theirs & LOW & ~STATE) !== tag || !this.#isKey(other, key)) continue;
      if (other === old?.slot && theirs === old.control) continue;
      // A live one that came meanwhile is looked at anew; an announced one is cancelled: its thread tries again.
      if (state === SlotState.live || !this.#change(other, theirs, SlotState.dead)) {
        this.#change(slot, announced, SlotState.dead);
        return undo(undefined);
      }
    }
    if (!this.#change(slot, announced, SlotState.live)) return undo(undefined);
    if (old !== undefined && this.#change(old.slot, old.control, SlotState.dead)) Atomics.sub(this.#counts, TableHeader.count / 4, 1);
    return true;
  }

  /** What is live, each as it was at one instant. */
  *entries(): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
    const { slots, image } = this.#place;
    for (let slot = 0; slot < slots; slot++) {
      for (let turn = 0; turn < MOST_TRIES; turn++) {
        const control = this.#control(slot);
        if ((control & STATE) !== BigInt(SlotState.live)) break;
        const key = this.#bytes.slice(this.#entry(slot), this.#entry(slot) + image.keySize);
        const value = this.#value(slot);
        if (this.#control(slot) !== control) continue;
        yield [key, value];
        break;
      }
    }
  }

  /** Takes out all that is live. */
  clear(): void {
    for (let slot = 0; slot < this.#place.slots; slot++) {
      const control = this.#control(slot);
      if ((control & STATE) === BigInt(SlotState.live) && this.#change(slot, control, SlotState.dead)) Atomics.sub(this.#counts, TableHeader.count / 4, 1);
    }
  }

  /** After the death of processes that changed it: counts anew what is live, and frees what they left half-done. Only while nobody changes it. */
  repair(): void {
    let live = 0;
    for (let slot = 0; slot < this.#place.slots; slot++) {
      const control = this.#control(slot);
      const state = Number(control & STATE);
      if (state === SlotState.live) live += 1;
      else if (state === SlotState.busy || state === SlotState.announced) this.#change(slot, control, SlotState.dead);
    }
    Atomics.store(this.#counts, TableHeader.count / 4, live);
  }
}
