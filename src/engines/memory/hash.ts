/**
 * Hash maps in shared memory, which the engine's process and the session change at the same time (layout.ts draws them).
 *
 * A change is made under the map's lock, between two steps of `version`, which is odd meanwhile. Who only reads takes no
 * lock: it reads, and reads again if `version` has moved since. So a lookup writes nothing to the shared memory, and a
 * session that is taken off its CPU while it reads holds nobody up.
 *
 * Entries never move. A deleted one goes to the end of a queue, from whose start new ones are taken, unless that was
 * deleted in the run that still goes on: the program may hold the address of its value. Then a fresh entry is taken, of
 * which there are some more than the map's capacity; only if all are used up within one run the oldest is used again
 * (the kernel's preallocated maps always do so).
 *
 * Evicting maps keep their entries in the order of insertion. What is looked up is marked, without the lock; who evicts
 * goes from the oldest on, gives the marked ones a second chance as newest, and takes the first that isn't marked.
 *
 * If a process is killed in the middle of a change, the next one to take the lock builds the chains, the queue and the
 * order anew from the entries' marks.
 */

import { errno } from "../../sys/errno.ts";
import { HashEntry, HashHeader, type HashPlace } from "./layout.ts";
import { SpinLock } from "./lock.ts";
import type { IsAlive } from "./types.ts";

const FACTOR = 0x9e37_79b1 | 0;
const FREE = 0;
const LIVE = 1;
const USED = 3;

/** Words of an entry: next is word 0. */
const MARK = HashEntry.mark / 4;
const NEWER = HashEntry.newer / 4;
const OLDER = HashEntry.older / 4;
const KEY = HashEntry.key / 4;

const EXIST = 2;
const NO_EXIST = 1;

/** So many marked entries get a second chance before one is evicted in spite of its mark. */
const MOST_CHANCES = 1024;
/** A chain that is longer may be one that another process is changing. */
const MOST_STEPS = 32;
/** Tries to read between others' changes before the lock is taken. */
const MOST_TRIES = 200;
/** Copying up to so many words one by one is faster than a call. */
const FEW_WORDS = 16;

const E2BIG = -errno.E2BIG;
const EEXIST = -errno.EEXIST;
const ENOENT = -errno.ENOENT;
const EINVAL = -errno.EINVAL;

export interface Sharing {
  /** This process's id, as the others know it: what stands in a lock that it holds. */
  readonly pid: number;
  readonly isAlive: IsAlive;
}

/** One process's access to a hash map. Keys go through a register, `key`, so that they may come from anywhere. */
export class HashTable {
  readonly place: HashPlace;
  readonly #ints: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #lock: SpinLock;
  readonly #run: number;
  /** The key that is meant, filled up with zeros. */
  readonly #key: Int32Array;
  /** Holds it while another key is meant. */
  readonly #kept: Int32Array;
  readonly #keyBytes: Uint8Array;
  readonly #keyWords: number;
  readonly #wholeWords: boolean;
  readonly #shift: number;
  /** Word indices of the header, the buckets, and of what would be entry 0. */
  readonly #head: number;
  readonly #version: number;
  readonly #buckets: number;
  readonly #entry0: number;
  readonly #strideWords: number;
  readonly #valueWord: number;
  readonly #valueWords: number;
  readonly #valueSize: number;

  /** `run`: offset of the word that counts runs. */
  constructor(memory: ArrayBufferLike, place: HashPlace, run: number, sharing: Sharing) {
    this.place = place;
    this.#ints = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#head = place.at >>> 2;
    this.#lock = new SpinLock(this.#ints, this.#head + HashHeader.lock / 4, sharing.pid, sharing.isAlive);
    this.#run = run >>> 2;
    this.#keyWords = (place.image.keySize + 3) >>> 2;
    this.#key = new Int32Array(this.#keyWords);
    this.#kept = new Int32Array(this.#keyWords);
    this.#keyBytes = new Uint8Array(this.#key.buffer);
    this.#wholeWords = place.image.keySize % 4 === 0;
    this.#shift = place.shift;
    this.#version = this.#head + HashHeader.version / 4;
    this.#buckets = place.buckets >>> 2;
    this.#strideWords = place.stride >>> 2;
    this.#entry0 = (place.entries >>> 2) - this.#strideWords;
    this.#valueWord = place.valueAt >>> 2;
    this.#valueSize = place.image.valueSize;
    this.#valueWords = this.#valueSize % 4 === 0 ? this.#valueSize >>> 2 : FEW_WORDS + 1;
  }

  /** Means the key at an offset of the memory. */
  keyAt(offset: number): void {
    const key = this.#key;
    if (this.#wholeWords && (offset & 3) === 0) {
      const from = offset >>> 2;
      for (let i = 0; i < key.length; i++) key[i] = this.#ints[from + i] as number;
    } else {
      const bytes = this.#keyBytes;
      for (let i = 0; i < this.place.image.keySize; i++) bytes[i] = this.#bytes[offset + i] as number;
    }
  }

  /** Means a key of the caller's. */
  keyFrom(key: Uint8Array): void {
    this.#keyBytes.set(key);
  }

  /** The value's offset, or 0. */
  find(): number {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const version = Atomics.load(this.#ints, this.#version);
      if ((version & 1) !== 0) continue;
      const at = this.#walk(version);
      if (at >= 0 && Atomics.load(this.#ints, this.#version) === version) return at === 0 ? 0 : (at + this.#valueWord) << 2;
    }
    this.#begin();
    const at = this.#walk(undefined);
    this.#end();
    return at === 0 ? 0 : (at + this.#valueWord) << 2;
  }

  /** The same for the key at an offset, by a program: an evicting map then keeps the entry for longer. */
  use(offset: number): number {
    const value = this.#findAt(offset);
    if (value !== 0 && this.place.evicts) {
      const mark = (value >>> 2) - this.#valueWord + MARK;
      if (this.#ints[mark] === LIVE) Atomics.compareExchange(this.#ints, mark, LIVE, USED);
    }
    return value;
  }

  /** Most keys are one or two words: those don't go through the register. */
  #findAt(offset: number): number {
    if (this.#wholeWords && this.#keyWords <= 2 && (offset & 3) === 0) {
      const from = offset >>> 2;
      const version = Atomics.load(this.#ints, this.#version);
      const at = this.#keyWords === 1 ? this.#walk1(this.#ints[from] as number) : this.#walk2(this.#ints[from] as number, this.#ints[from + 1] as number);
      if (at >= 0 && (version & 1) === 0 && Atomics.load(this.#ints, this.#version) === version) return at === 0 ? 0 : (at + this.#valueWord) << 2;
    }
    this.keyAt(offset);
    return this.find();
  }

  #walk1(key0: number): number {
    const ints = this.#ints;
    const entry0 = this.#entry0;
    const stride = this.#strideWords;
    let number = ints[this.#buckets + (Math.imul(key0, FACTOR) >>> this.#shift)] as number;
    for (let steps = 0; number !== 0; steps++) {
      const at = entry0 + Math.imul(number, stride);
      if (ints[at + KEY] === key0) return at;
      if (steps === MOST_STEPS) return -1;
      number = ints[at] as number;
    }
    return 0;
  }

  #walk2(key0: number, key1: number): number {
    const ints = this.#ints;
    const entry0 = this.#entry0;
    const stride = this.#strideWords;
    const first = Math.imul(key0, FACTOR);
    let number = ints[this.#buckets + (Math.imul(first ^ (first >>> 16) ^ key1, FACTOR) >>> this.#shift)] as number;
    for (let steps = 0; number !== 0; steps++) {
      const at = entry0 + Math.imul(number, stride);
      if (ints[at + KEY] === key0 && ints[at + KEY + 1] === key1) return at;
      if (steps === MOST_STEPS) return -1;
      number = ints[at] as number;
    }
    return 0;
  }

  /** A copy of the value, `length` bytes of it, as it was at one moment (but for what programs write in place). */
  copy(length: number): Uint8Array | undefined {
    return this.#consistently((version) => {
      const at = this.#walk(version);
      if (at <= 0) return undefined;
      const value = (at + this.#valueWord) << 2;
      return this.#bytes.slice(value, value + length);
    });
  }

  /** How many entries were ever used: their numbers are 1 to this. */
  get made(): number {
    return Atomics.load(this.#ints, this.#head + HashHeader.made / 4);
  }
  get count(): number {
    return Atomics.load(this.#ints, this.#head + HashHeader.count / 4);
  }

  /** Copies of key and value of the entry with this number, if it is live. */
  entry(number: number, length: number): readonly [key: Uint8Array, value: Uint8Array] | undefined {
    const at = this.#at(number);
    return this.#consistently(() => {
      if (Atomics.load(this.#ints, at + MARK) === FREE) return undefined;
      const key = (at + KEY) << 2;
      const value = (at + this.#valueWord) << 2;
      return [this.#bytes.slice(key, key + this.place.image.keySize), this.#bytes.slice(value, value + length)] as const;
    });
  }

  #consistently<T>(read: (version: number | undefined) => T): T {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const version = Atomics.load(this.#ints, this.#version);
      if ((version & 1) !== 0) continue;
      const result = read(version);
      if (Atomics.load(this.#ints, this.#version) === version) return result;
    }
    this.#begin();
    const result = read(undefined);
    this.#end();
    return result;
  }

  /** Puts a value, `from` at `start`, at the key. 0 or minus errno. */
  put(from: Uint8Array | undefined, start: number, flags: number): number {
    if (flags < 0 || flags > EXIST) return EINVAL;
    this.#begin();
    const result = this.#put(from, start, flags);
    this.#end();
    return result;
  }

  #put(from: Uint8Array | undefined, start: number, flags: number): number {
    const ints = this.#ints;
    const known = this.#walk(undefined);
    if (known > 0) {
      if (flags === NO_EXIST) return EEXIST;
      this.#fill(known, from, start);
      if (this.place.evicts) Atomics.store(ints, known + MARK, USED);
      return 0;
    }
    if (flags === EXIST) return ENOENT;
    const countAt = this.#head + HashHeader.count / 4;
    if ((ints[countAt] as number) >= this.place.capacity) {
      if (!this.place.evicts) return E2BIG;
      this.#evict();
    }
    const number = this.#take();
    const at = this.#at(number);
    for (let i = 0; i < this.#keyWords; i++) ints[at + KEY + i] = this.#key[i] as number;
    this.#fill(at, from, start);
    Atomics.store(ints, at + MARK, LIVE);
    this.#link(at, number);
    ints[countAt] = (ints[countAt] as number) + 1;
    return 0;
  }

  /** Deletes the key's entry. 0 or -ENOENT. */
  remove(): number {
    this.#begin();
    const result = this.#remove();
    this.#end();
    return result;
  }

  /** Deletes the entry with this number, if it is live. */
  removeEntry(number: number): void {
    this.#begin();
    const at = this.#at(number);
    if (this.#ints[at + MARK] !== FREE) {
      this.#keyOf(at);
      this.#remove();
    }
    this.#end();
  }

  #remove(): number {
    const ints = this.#ints;
    for (let before = this.#buckets + this.#bucket(); ; ) {
      const number = ints[before] as number;
      if (number === 0) return ENOENT;
      const at = this.#at(number);
      if (this.#same(at)) {
        // Not reordered with what follows: the run is looked at when nobody can find the entry any more.
        Atomics.store(ints, before, ints[at] as number);
        if (this.place.evicts) this.#leaveOrder(at);
        this.#free(at, number);
        const countAt = this.#head + HashHeader.count / 4;
        ints[countAt] = (ints[countAt] as number) - 1;
        return 0;
      }
      before = at;
    }
  }

  #at(number: number): number {
    return this.#entry0 + Math.imul(number, this.#strideWords);
  }

  #bucket(): number {
    let hash = 0;
    const key = this.#key;
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ (hash >>> 16) ^ (key[i] as number), FACTOR);
    return hash >>> this.#shift;
  }

  #same(at: number): boolean {
    const key = this.#key;
    const ints = this.#ints;
    for (let i = 0; i < key.length; i++) if (ints[at + KEY + i] !== key[i]) return false;
    return true;
  }

  /**
   * The word index of the key's entry, 0 if there is none; -1 if `version` has moved while walking. Another process may
   * relink what is walked over: all that can be met are entries of this map, but possibly again and again.
   */
  #walk(version: number | undefined): number {
    const ints = this.#ints;
    const entry0 = this.#entry0;
    const stride = this.#strideWords;
    const key0 = this.#key[0] as number;
    let number = ints[this.#buckets + this.#bucket()] as number;
    for (let steps = 1; number !== 0; steps++) {
      const at = entry0 + Math.imul(number, stride);
      if (ints[at + KEY] === key0 && this.#same(at)) return at;
      if (steps % MOST_STEPS === 0 && this.#moved(version)) return -1;
      number = ints[at] as number;
    }
    return 0;
  }

  #moved(version: number | undefined): boolean {
    return version !== undefined && Atomics.load(this.#ints, this.#version) !== version;
  }

  #begin(): void {
    const torn = this.#lock.acquire();
    Atomics.store(this.#ints, this.#version, (this.#ints[this.#version] as number) | 1);
    if (torn) this.#repair();
  }

  #end(): void {
    Atomics.store(this.#ints, this.#version, (this.#ints[this.#version] as number) + 1);
    this.#lock.release();
  }

  #fill(at: number, from: Uint8Array | undefined, start: number): void {
    const to = at + this.#valueWord;
    if (from !== undefined) this.#bytes.set(from.subarray(start, start + this.#valueSize), to << 2);
    else if (this.#valueWords <= FEW_WORDS && (start & 3) === 0) {
      const ints = this.#ints;
      const first = start >>> 2;
      for (let i = 0; i < this.#valueWords; i++) ints[to + i] = ints[first + i] as number;
    } else this.#bytes.copyWithin(to << 2, start, start + this.#valueSize);
  }

  /** Makes an entry the first of its chain, and the newest. */
  #link(at: number, number: number): void {
    const ints = this.#ints;
    const bucket = this.#buckets + this.#bucket();
    ints[at] = ints[bucket] as number;
    Atomics.store(ints, bucket, number);
    if (this.place.evicts) this.#becomeNewest(at, number);
  }

  #take(): number {
    const ints = this.#ints;
    const freeAt = this.#head + HashHeader.freeFirst / 4;
    const madeAt = this.#head + HashHeader.made / 4;
    const made = ints[madeAt] as number;
    const first = ints[freeAt] as number;
    if (first !== 0) {
      const at = this.#at(first);
      const freed = ints[at + NEWER] as number;
      if ((freed & 1) === 0 || freed !== Atomics.load(ints, this.#run) || made >= this.place.room) {
        ints[freeAt] = ints[at] as number;
        if (ints[at] === 0) ints[this.#head + HashHeader.freeLast / 4] = 0;
        return first;
      }
    }
    Atomics.store(ints, madeAt, made + 1);
    return made + 1;
  }

  /** Puts an entry that nobody can find any more at the end of the free queue. */
  #free(at: number, number: number): void {
    const ints = this.#ints;
    Atomics.store(ints, at + MARK, FREE);
    ints[at + NEWER] = Atomics.load(ints, this.#run);
    ints[at] = 0;
    const lastAt = this.#head + HashHeader.freeLast / 4;
    const last = ints[lastAt] as number;
    if (last === 0) ints[this.#head + HashHeader.freeFirst / 4] = number;
    else ints[this.#at(last)] = number;
    ints[lastAt] = number;
  }

  #becomeNewest(at: number, number: number): void {
    const ints = this.#ints;
    const newestAt = this.#head + HashHeader.newest / 4;
    const newest = ints[newestAt] as number;
    ints[at + NEWER] = 0;
    ints[at + OLDER] = newest;
    if (newest === 0) ints[this.#head + HashHeader.oldest / 4] = number;
    else ints[this.#at(newest) + NEWER] = number;
    ints[newestAt] = number;
  }

  #leaveOrder(at: number): void {
    const ints = this.#ints;
    const newer = ints[at + NEWER] as number;
    const older = ints[at + OLDER] as number;
    if (newer === 0) ints[this.#head + HashHeader.newest / 4] = older;
    else ints[this.#at(newer) + OLDER] = older;
    if (older === 0) ints[this.#head + HashHeader.oldest / 4] = newer;
    else ints[this.#at(older) + NEWER] = newer;
  }

  #evict(): void {
    const ints = this.#ints;
    const oldestAt = this.#head + HashHeader.oldest / 4;
    for (let chances = 0; ; chances++) {
      const number = ints[oldestAt] as number;
      const at = this.#at(number);
      if (ints[at + MARK] === USED && chances < MOST_CHANCES) {
        Atomics.store(ints, at + MARK, LIVE);
        this.#leaveOrder(at);
        this.#becomeNewest(at, number);
        continue;
      }
      this.#kept.set(this.#key);
      this.#keyOf(at);
      this.#remove();
      this.#key.set(this.#kept);
      return;
    }
  }

  #keyOf(at: number): void {
    for (let i = 0; i < this.#keyWords; i++) this.#key[i] = this.#ints[at + KEY + i] as number;
  }

  /** Everything anew but the entries themselves, whose marks are set last and cleared first. */
  #repair(): void {
    const ints = this.#ints;
    this.#kept.set(this.#key);
    const buckets = 2 ** (32 - this.#shift);
    for (let i = 0; i < buckets; i++) if (ints[this.#buckets + i] !== 0) ints[this.#buckets + i] = 0;
    for (const word of [HashHeader.freeFirst, HashHeader.freeLast, HashHeader.newest, HashHeader.oldest]) ints[this.#head + word / 4] = 0;
    const made = ints[this.#head + HashHeader.made / 4] as number;
    let count = 0;
    for (let number = 1; number <= made; number++) {
      const at = this.#at(number);
      if (ints[at + MARK] === FREE) this.#free(at, number);
      else {
        this.#keyOf(at);
        this.#link(at, number);
        count++;
      }
    }
    ints[this.#head + HashHeader.count / 4] = count;
    this.#key.set(this.#kept);
  }
}
