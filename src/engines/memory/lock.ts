/**
 * A lock in shared memory, between processes: a word that is 0, or the id of the process that holds it. JavaScript's
 * Atomics are locked instructions on any ArrayBuffer, so they hold between processes as they do between threads.
 * Whoever holds it does so for less than a microsecond, unless it is taken off its CPU or killed meanwhile.
 */
import type { IsAlive } from "./types.ts";

/** As long as a holder that runs may take, about 10 µs; then it is waited for without the CPU. */
const SPINS = 1000;
const NAP_MS = 0.05;
/** After so many naps the holder is looked for: about each millisecond. */
const NAPS_A_LOOK = 16;

const bed = new Int32Array(new SharedArrayBuffer(4));

export class SpinLock {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #own: number;
  readonly #isAlive: IsAlive;

  /** The lock is `words[at]`. `own` is this process's id, as the other processes know it. */
  constructor(words: Int32Array, at: number, own: number, isAlive: IsAlive) {
    this.#words = words;
    this.#at = at;
    this.#own = own;
    this.#isAlive = isAlive;
  }

  /** True: whoever held it is gone (or left it by an error) in the middle of a change, which has to be repaired. */
  acquire(): boolean {
    if (Atomics.compareExchange(this.#words, this.#at, 0, this.#own) === 0) return false;
    return this.#wait();
  }

  #wait(): boolean {
    for (let turn = 0; ; turn++) {
      const holder = Atomics.load(this.#words, this.#at);
      if (holder === 0) {
        if (Atomics.compareExchange(this.#words, this.#at, 0, this.#own) === 0) return false;
        continue;
      }
      const naps = turn - SPINS;
      const gone = holder === this.#own || (naps >= 0 && naps % NAPS_A_LOOK === 0 && !this.#isAlive(holder));
      if (gone && Atomics.compareExchange(this.#words, this.#at, holder, this.#own) === holder) return true;
      if (naps >= 0) Atomics.wait(bed, 0, 0, NAP_MS);
    }
  }

  release(): void {
    Atomics.store(this.#words, this.#at, 0);
  }
}
