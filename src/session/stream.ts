/** Values handed to any number of asynchronous iterators; each sees all from the moment it was asked for. */

interface Reader<T> {
  readonly queue: T[];
  /** The next value to give; the queue is cut when it has been read. */
  head: number;
  wake: ((result: IteratorResult<T>) => void) | undefined;
}

export class Stream<T> implements AsyncIterable<T> {
  #readers: readonly Reader<T>[] = [];
  #ended = false;
  /** What came before anybody read, for the first who does; undefined once somebody has. */
  #early: T[] | undefined;
  readonly #keep: number;

  /** `keep`: so many values are kept for the first reader. */
  constructor(keep = 0) {
    this.#keep = keep;
    this.#early = keep > 0 ? [] : undefined;
  }
  get wanted(): boolean {
    return this.#readers.length > 0;
  }
  push(value: T): void {
    if (this.#early !== undefined && this.#early.push(value) > this.#keep) this.#early.shift();
    for (const reader of this.#readers) {
      const { wake } = reader;
      reader.wake = undefined;
      if (wake) wake({ done: false, value });
      else reader.queue.push(value);
    }
  }
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.wake?.({ done: true, value: undefined });
    this.#readers = [];
  }
  [Symbol.asyncIterator](): AsyncIterator<T> {
    const reader: Reader<T> = { queue: this.#early ?? [], head: 0, wake: undefined };
    this.#early = undefined;
    if (!this.#ended) this.#readers = [...this.#readers, reader];
    const done: IteratorResult<T> = { done: true, value: undefined };
    return {
      next: () => {
        if (reader.head < reader.queue.length) {
          const value = reader.queue[reader.head++]!;
          if (reader.head === reader.queue.length) reader.head = reader.queue.length = 0;
          return Promise.resolve({ done: false, value });
        }
        if (this.#ended || !this.#readers.includes(reader)) return Promise.resolve(done);
        return new Promise((resolve) => {
          reader.wake = resolve;
        });
      },
      return: () => {
        this.#readers = this.#readers.filter((other) => other !== reader);
        reader.queue.length = reader.head = 0;
        return Promise.resolve(done);
      },
    };
  }
}
