/**
 * The scale by which the code turns the time stamp counter into CLOCK_MONOTONIC's nanoseconds. There are two, and a word
 * that says which is valid: the other is written, then it becomes valid. A thread that is still reading the old one finds
 * it whole, unless it is kept from its CPU from one change to the one after the next: change it about once a second.
 */
import { Header } from "./layout.ts";

export interface Moment {
  /** The time stamp counter, and CLOCK_MONOTONIC at the same instant. */
  readonly tsc: bigint;
  readonly ns: bigint;
}

const SHIFT = 32n;

export class Clock {
  readonly #words: Int32Array;
  readonly #view: DataView;

  constructor(memory: ArrayBufferLike) {
    this.#words = new Int32Array(memory, Header.clock, 1);
    this.#view = new DataView(memory);
  }
  /** By two moments, the later of which is now; some milliseconds apart at least. */
  set(earlier: Moment, later: Moment): void {
    const ticks = later.tsc - earlier.tsc;
    if (ticks <= 0n) return;
    this.#write(later, ((later.ns - earlier.ns) << SHIFT) / ticks);
  }
  #write(from: Moment, factor: bigint): void {
    const next = ((this.#words[0] as number) & 1) ^ 1;
    const at = Header.scales + next * Header.scaleBytes;
    this.#view.setBigUint64(at, from.tsc, true);
    this.#view.setBigUint64(at + 8, from.ns, true);
    this.#view.setBigUint64(at + 16, factor, true);
    Atomics.store(this.#words, 0, next);
  }
}
