/** What stands for a kernel map before a session is armed and after it is closed: the same access, in plain memory. */
import type { MapAccess } from "../../engines/engine.ts";

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");

export class MemoryMap implements MapAccess {
  readonly #entries = new Map<string, Uint8Array>();
  readonly #capacity: number;

  constructor(capacity: number, entries: Iterable<readonly [Uint8Array, Uint8Array]> = []) {
    this.#capacity = capacity;
    for (const [key, value] of entries) this.#entries.set(textOf(key), value.slice());
  }
  lookup(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(textOf(key));
  }
  update(key: Uint8Array, value: Uint8Array, mode: "any" | "new" | "existing"): boolean {
    const text = textOf(key);
    const present = this.#entries.has(text);
    if (mode === (present ? "new" : "existing")) return false;
    if (!present && this.#entries.size >= this.#capacity) return false;
    this.#entries.set(text, value.slice());
    return true;
  }
  delete(key: Uint8Array): boolean {
    return this.#entries.delete(textOf(key));
  }
  *entries(): Iterable<readonly [Uint8Array, Uint8Array]> {
    for (const [key, value] of [...this.#entries]) yield [bytesOf(key), value];
  }
  clear(): void {
    this.#entries.clear();
  }
}

/** An array: every index has a value from the start, zero until something else is put there. */
export class MemoryArray implements MapAccess {
  readonly #bytes: Uint8Array;
  readonly #size: number;

  constructor(length: number, valueSize: number) {
    this.#bytes = new Uint8Array(length * valueSize);
    this.#size = valueSize;
  }
  #index(key: Uint8Array): number {
    return new DataView(key.buffer, key.byteOffset).getUint32(0, true) * this.#size;
  }
  lookup(key: Uint8Array): Uint8Array | undefined {
    const at = this.#index(key);
    return at < this.#bytes.length ? this.#bytes.subarray(at, at + this.#size) : undefined;
  }
  update(key: Uint8Array, value: Uint8Array, mode: "any" | "new" | "existing"): boolean {
    const at = this.#index(key);
    if (mode === "new" || at >= this.#bytes.length) return false;
    this.#bytes.set(value, at);
    return true;
  }
  delete(): boolean {
    return false;
  }
  *entries(): Iterable<readonly [Uint8Array, Uint8Array]> {
    for (let at = 0, i = 0; at < this.#bytes.length; at += this.#size, i++) {
      const key = new Uint8Array(4);
      new DataView(key.buffer).setUint32(0, i, true);
      yield [key, this.#bytes.subarray(at, at + this.#size)];
    }
  }
  clear(): void {
    this.#bytes.fill(0);
  }
}
