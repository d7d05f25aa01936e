/** Columns that grow, and texts that are kept once: what an index is built into. */
import { unreadable } from "./compression.ts";

export class Uint32Column {
  data = new Uint32Array(1024);
  length = 0;

  push(value: number): number {
    if (this.length === this.data.length) {
      const more = new Uint32Array(this.length * 2);
      more.set(this.data);
      this.data = more;
    }
    this.data[this.length] = value;
    return this.length++;
  }
  taken(): Uint32Array {
    return this.data.slice(0, this.length);
  }
}

export class Float64Column {
  data = new Float64Array(1024);
  length = 0;

  push(value: number): number {
    if (this.length === this.data.length) {
      const more = new Float64Array(this.length * 2);
      more.set(this.data);
      this.data = more;
    }
    this.data[this.length] = value;
    return this.length++;
  }
  taken(): Float64Array {
    return this.data.slice(0, this.length);
  }
}

/** Numbers, below 2³² - 1, to numbers: a Map of them costs ten times as much. */
export class NumberTable {
  #keys = new Uint32Array(1024);
  #values = new Uint32Array(1024);
  #count = 0;

  /** Undefined without one. */
  get(key: number): number | undefined {
    const mask = this.#keys.length - 1;
    for (let slot = Math.imul(key, 0x9e3779b1) >>> 7; ; slot++) {
      const found = this.#keys[slot & mask]!;
      if (found === key + 1) return this.#values[slot & mask];
      if (found === 0) return undefined;
    }
  }

  /** Of a key that isn't there yet. */
  add(key: number, value: number): void {
    if (++this.#count * 2 > this.#keys.length) {
      const keys = this.#keys;
      const values = this.#values;
      this.#keys = new Uint32Array(keys.length * 2);
      this.#values = new Uint32Array(keys.length * 2);
      for (let i = 0; i < keys.length; i++) if (keys[i] !== 0) this.#insert(keys[i]!, values[i]!);
    }
    this.#insert(key + 1, value);
  }

  #insert(stored: number, value: number): void {
    const mask = this.#keys.length - 1;
    let slot = Math.imul(stored - 1, 0x9e3779b1) >>> 7;
    while (this.#keys[slot & mask] !== 0) slot++;
    this.#keys[slot & mask] = stored;
    this.#values[slot & mask] = value;
  }
}

/** A longer text is cut off. */
const LONGEST = 1 << 16;

/** FNV-1a, as the tables of an index have it. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return spread(hash);
}
const spread = (hash: number): number => (hash ^ (hash >>> 15)) >>> 0;

/** Each text once, by content; its number counts from 0, which is "". */
export class TextPool {
  #bytes = new Uint8Array(1 << 20);
  #end = 0;
  readonly #starts = new Uint32Column();
  /** Numbers of texts, by hash; 0 is a free slot. */
  #slots: Uint32Array = new Uint32Array(1 << 14);
  #left = 0;

  constructor() {
    this.#starts.push(0);
    this.#starts.push(0);
  }

  /** Lets so many more bytes be looked at: texts that overlap could make it endless. */
  allow(bytes: number): void {
    this.#left += bytes;
  }

  /** The number of the text that begins at `at`. Throws SONDE_DWARF_UNREADABLE where the texts of a file overlap without end. */
  take(from: Uint8Array, at: number): number {
    if (this.#end + LONGEST > this.#bytes.length) {
      const more = new Uint8Array(this.#bytes.length * 2);
      more.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = more;
    }
    const bytes = this.#bytes;
    const start = this.#end;
    const stop = Math.min(from.length, at + LONGEST);
    let end = start;
    let hash = 0x811c9dc5;
    for (let i = at; i < stop; i++) {
      const byte = from[i]!;
      if (byte === 0) break;
      bytes[end++] = byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (end === start) return 0;
    this.#left -= end - start;
    if (this.#left < 0) throw unreadable("the sections of strings", "its names overlap");
    return this.#number(start, end, spread(hash));
  }

  takeText(text: string): number {
    return this.take(Buffer.from(text, "utf8"), 0);
  }

  #number(start: number, end: number, hash: number): number {
    const bytes = this.#bytes;
    const starts = this.#starts.data;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    next: for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const known = this.#slots[slot]!;
      const from = starts[known]!;
      if (starts[known + 1]! - from !== end - start) continue;
      for (let i = from, j = start; j < end; i++, j++) if (bytes[i] !== bytes[j]) continue next;
      return known;
    }
    // The last of the starts is where the next text begins.
    const number = this.#starts.length - 1;
    this.#slots[slot] = number;
    this.#end = end;
    this.#starts.push(end);
    if (number * 2 > this.#slots.length) this.#grow();
    return number;
  }

  #grow(): void {
    this.#slots = slotsOf(this.#bytes, this.#starts.data, this.#starts.length - 1, this.#slots.length * 2);
  }

  text(number: number): string {
    const starts = this.#starts.data;
    return Buffer.from(this.#bytes.buffer, starts[number]!, starts[number + 1]! - starts[number]!).toString("utf8");
  }

  /** All of it, as an index keeps it. */
  taken(): { readonly bytes: Uint8Array; readonly starts: Uint32Array; readonly slots: Uint32Array } {
    return { bytes: this.#bytes.slice(0, this.#end), starts: this.#starts.taken(), slots: this.#slots };
  }
}

function slotsOf(bytes: Uint8Array, starts: Uint32Array, count: number, size: number): Uint32Array {
  const slots = new Uint32Array(size);
  const mask = size - 1;
  for (let number = 1; number < count; number++) {
    let slot = hashOf(bytes, starts[number]!, starts[number + 1]!) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = number;
  }
  return slots;
}
