/**
 * The ring between one producer (the engine's process, while a program runs) and one consumer (the session); layout.ts
 * draws it. Each side writes its own position only; the producer publishes a record by its position while it is busy, and
 * gives it to the consumer by one store into its head.
 *
 * Sleeping without a race:
 *
 *     consumer                                  producer
 *     waiting = 1                               head = length        (submitted)
 *     is there a record? then don't sleep       waiting = 1? then 0, and wake
 *
 * Both store before they load, and Atomics are not reordered: at least one of them sees the other's store.
 */
import { errno } from "../../sys/errno.ts";
import { Control, type MemoryLayout, RingHeader, type RingPlace } from "./layout.ts";
import type { RingStore } from "./types.ts";

const BUSY = 0x8000_0000 | 0;
const DISCARDED = 0x4000_0000;
const LENGTH = 0x3fff_ffff;
const HEAD_BYTES = 8;

const stepOf = (length: number): number => (length + HEAD_BYTES + 7) & ~7;

export class RingProducer implements RingStore {
  readonly #ints: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #place: RingPlace;
  readonly #consumerAt: number;
  readonly #producerAt: number;
  readonly #waitingAt: number;
  readonly #wake: () => void;
  /** As it stands in memory: nobody else writes it. */
  #position: number;

  /** `waiting`: the offset of that word. `wake` is called from within `submit`. */
  constructor(memory: ArrayBufferLike, place: RingPlace, waiting: number, wake: () => void) {
    this.#ints = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#place = place;
    this.#consumerAt = (place.at + RingHeader.consumer) >>> 2;
    this.#producerAt = (place.at + RingHeader.producer) >>> 2;
    this.#waitingAt = waiting >>> 2;
    this.#wake = wake;
    this.#position = Atomics.load(this.#ints, this.#producerAt);
  }

  reserve(size: number): number {
    const room = this.#place.size;
    if (size < 0 || size > room - HEAD_BYTES) return 0;
    const step = stepOf(size);
    let free = room - ((this.#position - Atomics.load(this.#ints, this.#consumerAt)) >>> 0);
    let at = this.#position & (room - 1);
    if (room - at < step) {
      // Even if the record doesn't fit behind it: the next one then finds the consumer further on.
      const rest = room - at;
      if (rest > free) return 0;
      this.#publish(at, (rest - HEAD_BYTES) | DISCARDED, rest);
      free -= rest;
      at = 0;
    }
    if (step > free) return 0;
    this.#publish(at, size | BUSY, step);
    return this.#place.data + at + HEAD_BYTES;
  }

  #publish(at: number, head: number, step: number): void {
    this.#ints[(this.#place.data + at) >>> 2] = head;
    this.#position = (this.#position + step) | 0;
    Atomics.store(this.#ints, this.#producerAt, this.#position);
  }

  submit(address: number, discard: boolean): void {
    const head = (address - HEAD_BYTES) >>> 2;
    const length = (this.#ints[head] as number) & LENGTH;
    Atomics.store(this.#ints, head, discard ? length | DISCARDED : length);
    if (Atomics.load(this.#ints, this.#waitingAt) !== 0 && Atomics.exchange(this.#ints, this.#waitingAt, 0) !== 0) this.#wake();
  }

  output(address: number, size: number): number {
    const at = this.reserve(size);
    if (at === 0) return -errno.EAGAIN;
    this.#bytes.copyWithin(at, address, address + size);
    this.submit(at, false);
    return 0;
  }
}

export type OnRecord = (bytes: DataView, offset: number, length: number) => void;

export class RingConsumer {
  readonly #ints: Int32Array;
  readonly #data: DataView;
  readonly #place: RingPlace;
  readonly #consumerAt: number;
  readonly #producerAt: number;
  readonly #waitingAt: number;
  #position: number;
  #producerGone = false;
  #closed = false;

  constructor(memory: ArrayBufferLike, layout: MemoryLayout, place: RingPlace) {
    this.#ints = new Int32Array(memory);
    this.#data = new DataView(memory);
    this.#place = place;
    this.#consumerAt = (place.at + RingHeader.consumer) >>> 2;
    this.#producerAt = (place.at + RingHeader.producer) >>> 2;
    this.#waitingAt = (layout.control + Control.waiting) >>> 2;
    this.#position = Atomics.load(this.#ints, this.#consumerAt);
  }

  #ahead(): number {
    return (Atomics.load(this.#ints, this.#producerAt) - this.#position) >>> 0;
  }

  #head(): number {
    return Atomics.load(this.#ints, (this.#place.data + (this.#position & (this.#place.size - 1))) >>> 2);
  }

  /** Calls back for the records that were there at the call, in order; gives how many. Bytes are only valid during the call. */
  consume(onRecord: OnRecord): number {
    let left = this.#ahead();
    let count = 0;
    let unpublished = 0;
    while (left > 0 && !this.#closed) {
      const head = this.#head();
      const busy = (head & BUSY) !== 0;
      if (busy && !this.#producerGone) break;
      const length = head & LENGTH;
      const step = stepOf(length);
      if (!busy && (head & DISCARDED) === 0) {
        onRecord(this.#data, this.#place.data + (this.#position & (this.#place.size - 1)) + HEAD_BYTES, length);
        count += 1;
      }
      this.#position = (this.#position + step) | 0;
      left -= step;
      unpublished += step;
      // Room is given back in portions, so that a long batch doesn't make the producer drop records meanwhile.
      if (unpublished > this.#place.size >>> 4) {
        this.#publish();
        unpublished = 0;
      }
    }
    if (unpublished > 0) this.#publish();
    return count;
  }

  #publish(): void {
    Atomics.store(this.#ints, this.#consumerAt, this.#position);
  }

  /** Whether `consume` would get on. */
  get pending(): boolean {
    return !this.#closed && this.#ahead() > 0 && (this.#producerGone || (this.#head() & BUSY) === 0);
  }

  /** Before sleeping: asks the producer for a wake-up. False if there is a record already; then don't sleep. */
  sleep(): boolean {
    Atomics.store(this.#ints, this.#waitingAt, 1);
    if (!this.pending) return true;
    this.awake();
    return false;
  }

  /** Awake for another reason: no wake-up is wanted. */
  awake(): void {
    Atomics.store(this.#ints, this.#waitingAt, 0);
  }

  /** The producer's process has ended: a record that it reserved and never submitted is skipped from now on. */
  producerGone(): void {
    this.#producerGone = true;
  }

  /** No callback from now on, not even from within a batch. */
  close(): void {
    this.#closed = true;
  }
}
