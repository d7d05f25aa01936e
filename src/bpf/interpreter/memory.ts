/**
 * The memory that an interpreted program sees: regions with gaps of gigabytes between them, so that every access
 * outside of what the program was given is found, and is laid to the region that it is nearest to.
 *
 *     0xffffc900_80000000        0xffffc901_80000000        0xffffc902_80000000
 *     ┌───────────────┐          ┌────────┐                 ┌───────┐
 *     │ context       │  …gap…   │ stack  │  …gap…          │ value │  …
 *     └───────────────┘          └────────┘                 └───────┘
 */
import { SondeBug } from "../../errors/error.ts";
import type { Width } from "../memory.ts";
import { u64 } from "./arithmetic.ts";

export interface Region {
  /** What it is, for messages: "stack", "context", "value of calls". */
  readonly name: string;
  readonly base: bigint;
  readonly bytes: Uint8Array;
  readonly writable: boolean;
  /** Accesses must be naturally aligned, as the verifier wants them on the stack and in the context. */
  readonly aligned: boolean;
}

const FIRST = 0xffffc900n;
const REGION_SHIFT = 32n;
/** In the middle of its part of the address space. */
const REGION_START = 0x8000_0000n;

export class Memory {
  readonly #regions = new Map<bigint, Region>();
  #next = FIRST;
  #retired: Region[] = [];

  /** Makes bytes visible to the program; they stay shared with the caller. */
  map(name: string, bytes: Uint8Array, options: { readonly writable?: boolean; readonly aligned?: boolean } = {}): Region {
    const region: Region = {
      name,
      bytes,
      base: (this.#next << REGION_SHIFT) + REGION_START,
      writable: options.writable ?? true,
      aligned: options.aligned ?? false,
    };
    this.#regions.set(this.#next, region);
    this.#next += 1n;
    return region;
  }

  /** From now on an access is a fault. */
  unmap(region: Region): void {
    this.#regions.delete(region.base >> REGION_SHIFT);
  }

  /** Goes away when the programs that may still hold its address have ended, as the kernel frees after a grace period. */
  retire(region: Region): void {
    this.#retired.push(region);
  }

  /** No program runs any more. */
  endGracePeriod(): void {
    for (const region of this.#retired) this.unmap(region);
    this.#retired = [];
  }

  /** The region that holds all of `length` bytes at `address`, if there is one. */
  find(address: bigint, length: number): { readonly region: Region; readonly at: number } | undefined {
    const region = this.#regions.get(address >> REGION_SHIFT);
    if (region === undefined) return undefined;
    const at = Number(address - region.base);
    return at >= 0 && at + length <= region.bytes.length ? { region, at } : undefined;
  }

  /** The bytes themselves, not a copy. Throws if any of them isn't the program's, or (`write`) may not be written. */
  slice(address: bigint, length: number, write: boolean): Uint8Array {
    const { region, at } = this.#access(address, length, write);
    return region.bytes.subarray(at, at + length);
  }

  load(address: bigint, width: Width): bigint {
    const { region, at } = this.#access(address, width, false, width);
    const view = new DataView(region.bytes.buffer, region.bytes.byteOffset, region.bytes.byteLength);
    switch (width) {
      case 1:
        return BigInt(view.getUint8(at));
      case 2:
        return BigInt(view.getUint16(at, true));
      case 4:
        return BigInt(view.getUint32(at, true));
      case 8:
        return view.getBigUint64(at, true);
    }
  }

  /** Stores the low bytes of `value`. */
  store(address: bigint, width: Width, value: bigint): void {
    const { region, at } = this.#access(address, width, true, width);
    const view = new DataView(region.bytes.buffer, region.bytes.byteOffset, region.bytes.byteLength);
    switch (width) {
      case 1:
        view.setUint8(at, Number(BigInt.asUintN(8, value)));
        break;
      case 2:
        view.setUint16(at, Number(BigInt.asUintN(16, value)), true);
        break;
      case 4:
        view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
        break;
      case 8:
        view.setBigUint64(at, u64(value), true);
        break;
    }
  }

  #access(address: bigint, length: number, write: boolean, alignment = 1): { readonly region: Region; readonly at: number } {
    const what = `${write ? "a write" : "a read"} of ${length} bytes at 0x${address.toString(16)}`;
    const found = this.find(address, length);
    if (found === undefined) {
      const near = this.#regions.get(address >> REGION_SHIFT);
      const where =
        near === undefined
          ? "isn't in any memory of the program"
          : `is outside of the ${near.name}, which has ${near.bytes.length} bytes (offset ${address - near.base})`;
      throw new SondeBug(`${what} ${where}`);
    }
    if (write && !found.region.writable) throw new SondeBug(`${what}: the ${found.region.name} is read-only`);
    if (found.region.aligned && found.at % alignment !== 0)
      throw new SondeBug(`${what}: offset ${found.at} of the ${found.region.name} isn't a multiple of ${alignment}`);
    return found;
  }
}
