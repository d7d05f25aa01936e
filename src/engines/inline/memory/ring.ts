/**
 * The session's end of the ring (ring-words.ts draws it): records in the order in which their bytes were taken. One that
 * isn't finished holds up those behind it, until its process is known to be gone; then it is skipped and counted.
 */
import type { RingPlace } from "../../memory/layout.ts";
import type { OnRecord } from "../../memory/ring.ts";
import { Ring } from "./ring-words.ts";

const LENGTH = Ring.length;
const stepOf = (length: number): number => (length + Ring.headBytes + 7) & ~7;

/** Whether the record at the front, that isn't finished, never will be. `pid`: who took it; undefined: that isn't known yet. */
export type IsAbandoned = (pid: number | undefined) => boolean;

export class InlineRing {
  readonly #ints: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #data: DataView;
  readonly #place: RingPlace;
  readonly #isAbandoned: IsAbandoned;
  #position: number;
  #abandoned = 0;
  #closed = false;

  constructor(memory: ArrayBufferLike, place: RingPlace, isAbandoned: IsAbandoned) {
    this.#ints = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#data = new DataView(memory);
    this.#place = place;
    this.#isAbandoned = isAbandoned;
    this.#position = Atomics.load(this.#ints, (place.at + Ring.consumer) >>> 2);
  }

  /** Records that were begun and never finished. */
  get abandoned(): number {
    return this.#abandoned;
  }

  #ahead(): number {
    return (Atomics.load(this.#ints, (this.#place.at + Ring.producer) >>> 2) - this.#position) >>> 0;
  }
  #at(position: number): number {
    return this.#place.data + (position & (this.#place.size - 1));
  }
  #head(position: number): number {
    return Atomics.load(this.#ints, this.#at(position) >>> 2);
  }

  /** Whether `consume` would get on. */
  get pending(): boolean {
    if (this.#closed || this.#ahead() === 0) return false;
    const head = this.#head(this.#position);
    return head !== 0 && (head & Ring.busy) === 0;
  }

  /** Calls back for what was there at the call, in order; gives how many. Bytes are only valid during the call. */
  consume(onRecord: OnRecord): number {
    let left = this.#ahead();
    let count = 0;
    let unpublished = 0;
    while (left > 0 && !this.#closed) {
      const head = this.#head(this.#position);
      const step = head === 0 ? this.#unbegun(left) : this.#finished(head) ? stepOf(head & LENGTH) : 0;
      if (step === 0) break;
      if (head !== 0 && (head & (Ring.busy | Ring.discarded)) === 0) {
        onRecord(this.#data, this.#at(this.#position) + Ring.headBytes, head & LENGTH);
        count += 1;
      }
      const at = this.#at(this.#position);
      this.#bytes.fill(0, at, at + step);
      this.#position = (this.#position + step) | 0;
      left -= step;
      unpublished += step;
      if (unpublished > this.#place.size >>> 4) {
        this.#publish();
        unpublished = 0;
      }
    }
    if (unpublished > 0) this.#publish();
    return count;
  }

  #finished(head: number): boolean {
    if ((head & Ring.busy) === 0) return true;
    const pid = this.#ints[(this.#at(this.#position) + 4) >>> 2] as number;
    if (!this.#isAbandoned(pid)) return false;
    this.#abandoned += 1;
    return true;
  }

  /** How far it is to the next record from one that was taken and not begun; 0: its thread may still begin it. */
  #unbegun(left: number): number {
    if (!this.#isAbandoned(undefined)) return 0;
    this.#abandoned += 1;
    const toEnd = this.#place.size - (this.#position & (this.#place.size - 1));
    let step = Ring.headBytes;
    while (step < left && step < toEnd && this.#head(this.#position + step) === 0) step += Ring.headBytes;
    return Math.min(step, left);
  }

  #publish(): void {
    Atomics.store(this.#ints, (this.#place.at + Ring.consumer) >>> 2, this.#position);
  }

  /** No callback from now on, not even from within a batch. */
  close(): void {
    this.#closed = true;
  }
}
