/** Fills the structures that system calls take: little-endian fields at given offsets, with pointers kept alive. */
import { address } from "./ffi/native.ts";

export class Struct {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** What pointers in it point to, kept from being collected. */
  readonly #held: Uint8Array[] = [];

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }
  /** Of its first byte; it stays there if it has more than 64. */
  get address(): bigint {
    return address(this.bytes);
  }
  u16(at: number, value: number): this {
    this.#view.setUint16(at, value, true);
    return this;
  }
  u32(at: number, value: number): this {
    this.#view.setUint32(at, value, true);
    return this;
  }
  i32(at: number, value: number): this {
    this.#view.setInt32(at, value, true);
    return this;
  }
  u64(at: number, value: bigint | number): this {
    this.#view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    return this;
  }
  pointer(at: number, memory: Uint8Array | undefined): this {
    if (memory === undefined || memory.length === 0) return this;
    this.#held.push(memory);
    return this.u64(at, address(memory));
  }
  /** Text of at most `size` - 1 bytes, with its closing NUL. */
  text(at: number, size: number, text: string): this {
    new TextEncoder().encodeInto(text, this.bytes.subarray(at, at + size - 1));
    return this;
  }
  getU32(at: number): number {
    return this.#view.getUint32(at, true);
  }
  getU64(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }
}

/** A NUL-terminated string in memory. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
/** Numbers as an array of u64 in memory. */
export function u64Array(values: readonly (number | bigint)[]): Uint8Array {
  // Small numbers go as two halves: ten thousand bigints would take milliseconds.
  const words = new Uint32Array(values.length * 2);
  let big: BigUint64Array | undefined;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number | bigint;
    if (typeof value === "number" && value >= 0) {
      words[2 * i] = value;
      words[2 * i + 1] = value / 2 ** 32;
    } else {
      big ??= new BigUint64Array(words.buffer);
      big[i] = BigInt(value);
    }
  }
  return new Uint8Array(words.buffer);
}
