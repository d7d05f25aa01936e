/** The ring buffer as programs see it: records are reserved, filled, and submitted or discarded; the host takes them in order. */
import { SondeBug } from "../../errors/error.ts";
import type { Memory, Region } from "./memory.ts";

const HEADER_BYTES = 8;
const roundUp8 = (n: number): number => (n + 7) & ~7;

interface Record {
  readonly region: Region;
  readonly space: number;
  state: "reserved" | "submitted" | "discarded";
}

export class RingBuffer {
  readonly name: string;
  /** Bytes of data: a power of two, and a multiple of the page size. */
  readonly size: number;
  readonly #memory: Memory;
  #records: Record[] = [];
  #used = 0;

  constructor(name: string, size: number, memory: Memory) {
    this.name = name;
    this.size = size;
    this.#memory = memory;
  }

  /** Room for `length` bytes (not cleared: whatever the ring held before), or undefined if there is none. */
  reserve(length: number): Region | undefined {
    const space = roundUp8(length + HEADER_BYTES);
    if (space > this.size || this.#used + space > this.size) return undefined;
    const region = this.#memory.map(`record of ${this.name}`, new Uint8Array(length).fill(0xa5));
    this.#records.push({ region, space, state: "reserved" });
    this.#used += space;
    return region;
  }

  /** Submits or discards the record that begins at `address`; the program must not touch it any more. */
  finish(address: bigint, state: "submitted" | "discarded"): void {
    const record = this.#records.find((r) => r.region.base === address && r.state === "reserved");
    if (record === undefined) throw new SondeBug(`0x${address.toString(16)} isn't a reserved record of ${this.name}`);
    record.state = state;
    this.#memory.unmap(record.region);
  }

  /** Whether a record at this address waits for `finish`. */
  holds(address: bigint): boolean {
    return this.#records.some((r) => r.region.base === address && r.state === "reserved");
  }

  /** Records that a program reserved and never finished. */
  get unfinished(): number {
    return this.#records.filter((r) => r.state === "reserved").length;
  }

  /** Takes what was submitted out, oldest first, up to the first record that is still being filled. */
  take(): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let done = 0;
    for (const record of this.#records) {
      if (record.state === "reserved") break;
      done++;
      this.#used -= record.space;
      if (record.state === "submitted") taken.push(record.region.bytes);
    }
    this.#records = this.#records.slice(done);
    return taken;
  }
}
