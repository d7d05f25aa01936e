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

interface Line extends Moment {
  /** ns in a tick << 32. */
  readonly factor: bigint;
}

export class Clock {
  readonly #words: Int32Array;
  readonly #view: DataView;
  #line: Line | undefined;
  #first: Moment | undefined;

  constructor(memory: ArrayBufferLike) {
    this.#words = new Int32Array(memory, Header.clock, 1);
    this.#view = new DataView(memory);
  }

  /**
   * A scale by which time goes on from where it is by the one before, and is right `ahead` ns from now: it never jumps nor goes
   * back. Two moments at least are needed, some milliseconds apart.
   */
  follow(now: Moment, ahead: bigint): void {
    const first = this.#first;
    this.#first ??= now;
    if (first === undefined || now.tsc <= first.tsc) return;
    const factor = ((now.ns - first.ns) << SHIFT) / (now.tsc - first.tsc);
    const line = this.#line;
    if (line === undefined) {
      this.#write({ ...now, factor });
      return;
    }
    const ns = line.ns + (((now.tsc - line.tsc) * line.factor) >> SHIFT);
    const off = now.ns - ns;
    // What is to be made up for until then; never so much that time would stand still.
    const made = off > ahead / 2n ? ahead / 2n : off < -ahead / 2n ? -ahead / 2n : off;
    this.#write({ tsc: now.tsc, ns, factor: (factor * (ahead + made)) / ahead });
  }

  #write(line: Line): void {
    this.#line = line;
    const next = ((this.#words[0] as number) & 1) ^ 1;
    const at = Header.scales + next * Header.scaleBytes;
    this.#view.setBigUint64(at, line.tsc, true);
    this.#view.setBigUint64(at + 8, line.ns, true);
    this.#view.setBigUint64(at + 16, line.factor, true);
    Atomics.store(this.#words, 0, next);
  }
}
