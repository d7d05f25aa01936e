/**
 * The consumer's side of the kernel's ring buffer, without system calls (kernel/bpf/ringbuf.c).
 *
 *     page 0 (we write)      page 1 (kernel writes)      data, mapped twice in a row, so that no record is cut in two
 *     ┌───────────────┐      ┌───────────────┐           ┌──────────┬──────────────┬─ ─ ─ ─ ─ ─ ─ ─ ─ ─
 *     │ u64 consumer  │      │ u64 producer  │           │ u32 head │ u32 page off │ payload, to 8 bytes
 *     └───────────────┘      └───────────────┘           └──────────┴──────────────┴─ ─ ─ ─ ─ ─ ─ ─ ─ ─
 *     head = length | busy << 31 | discarded << 30
 *
 * The producer position is loaded with acquire before heads are, a head before its payload, and the consumer position
 * is stored with release behind the last read; JavaScript's Atomics give (more than) that order.
 */
import { type Watch, watchReadable } from "../../sys/ffi/native.ts";
import { pageSize } from "../../sys/host.ts";
import { type Mapping, mapShared } from "../../sys/memory.ts";

const BUSY = 0x8000_0000 | 0;
const DISCARDED = 0x4000_0000;
const LENGTH = 0x3fff_ffff;
const HEAD_BYTES = 8;

/** Under load records are fetched in batches this many milliseconds apart: that also spares the target a wake-up for each. */
const BATCH_MS = 2;
/** The ring is under load while so many records come in so many milliseconds: with fewer, a wake-up for each is cheaper than looking all the time. */
const LOAD_MS = 20;
const LOAD_RECORDS = LOAD_MS / BATCH_MS;

export type OnRecord = (bytes: DataView, offset: number, length: number) => void;

export class Ring {
  readonly #mask: number;
  readonly #consumerPage: Mapping;
  readonly #producerPage: Mapping;
  readonly #consumer: BigInt64Array;
  /** The low half of the producer's position: it is never a full 4 GiB ahead. */
  readonly #producer: Int32Array;
  readonly #heads: Int32Array;
  readonly #data: DataView;
  readonly #watch: Watch;
  /** Exact up to 2^53 bytes. */
  #position: number;
  /** Records since a time at most LOAD_MS ago, and in the LOAD_MS before. */
  #counted = { since: 0, now: 0, before: 0 };
  #stuck = false;
  #closed = false;
  #wake: (() => void) | undefined;
  #watched = false;

  constructor(fd: number, size: number) {
    const page = pageSize();
    this.#mask = size - 1;
    this.#consumerPage = mapShared(fd, page, 0, true);
    this.#producerPage = mapShared(fd, page + 2 * size, page, false);
    this.#consumer = new BigInt64Array(this.#consumerPage.buffer, 0, 1);
    this.#producer = new Int32Array(this.#producerPage.buffer, 0, 1);
    this.#heads = new Int32Array(this.#producerPage.buffer, page, size / 4);
    this.#data = new DataView(this.#producerPage.buffer, page, 2 * size);
    this.#position = Number(Atomics.load(this.#consumer, 0));
    this.#watch = watchReadable(fd);
  }

  #ahead(): number {
    return (Atomics.load(this.#producer, 0) - (this.#position % 0x1_0000_0000)) >>> 0;
  }

  /** Calls back for the records that were there at the call; gives how many. */
  consume(onRecord: OnRecord): number {
    if (this.#closed) return 0;
    let left = this.#ahead();
    let count = 0;
    let unpublished = 0;
    this.#stuck = false;
    while (left > 0) {
      const at = (this.#position % 0x1_0000_0000) & this.#mask;
      const head = Atomics.load(this.#heads, at >>> 2);
      if ((head & BUSY) !== 0) {
        this.#stuck = true;
        break;
      }
      const length = head & LENGTH;
      const step = (length + HEAD_BYTES + 7) & ~7;
      if ((head & DISCARDED) === 0) {
        onRecord(this.#data, at + HEAD_BYTES, length);
        count += 1;
        if (this.#closed) return count;
      }
      this.#position += step;
      left -= step;
      unpublished += step;
      // Room is given back in portions, so that a long batch doesn't make the kernel drop records meanwhile.
      if (unpublished > this.#mask >>> 4) {
        this.#publish();
        unpublished = 0;
      }
    }
    if (unpublished > 0) this.#publish();
    if (count > 0) this.#tally(count);
    return count;
  }

  #tally(count: number): void {
    const counted = this.#counted;
    const now = performance.now();
    const passed = now - counted.since;
    if (passed >= LOAD_MS) this.#counted = { since: now, now: count, before: passed < 2 * LOAD_MS ? counted.now : 0 };
    else counted.now += count;
  }

  get #underLoad(): boolean {
    const { since, now, before } = this.#counted;
    return Math.max(now, before) >= LOAD_RECORDS && performance.now() - since < 2 * LOAD_MS;
  }

  #publish(): void {
    Atomics.store(this.#consumer, 0, BigInt(this.#position));
  }

  /** Resolves when there may be records, or after `ms`, or when the ring is closed. Never blocks the event loop, never spins. */
  wait(ms: number): Promise<void> {
    if (this.#closed || ms <= 0) return new Promise((resolve) => setImmediate(resolve));
    const waiting = this.#ahead() > 0;
    if (waiting && !this.#stuck) return new Promise((resolve) => setImmediate(resolve));
    const active = waiting || this.#underLoad;
    this.#watchIf(!active);
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, active ? Math.min(ms, BATCH_MS) : ms);
      this.#wake = done;
    });
  }

  /** It stays watched from one wait to the next: what is consumed at once doesn't wake anybody twice. */
  #watchIf(wanted: boolean): void {
    if (wanted === this.#watched) return;
    this.#watched = wanted;
    if (wanted) this.#watch.start(() => this.#readable());
    else this.#watch.stop();
  }

  /** Records that nobody waits for would wake us without end. */
  #readable(): void {
    if (this.#wake === undefined) this.#watchIf(false);
    else this.#wake();
  }

  /** Calls back whenever there are records, instead of `wait`: for those who must know at once. */
  onReadable(readable: () => void): void {
    this.#watch.start(readable);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#wake?.();
    this.#consumerPage.unmap();
    this.#producerPage.unmap();
  }
}
