/** The session's own counters in the per-CPU region: hits, and every kind of loss. */
import type { Counter, SessionImage } from "../../compiler/image.ts";

export class Counters {
  readonly #image: SessionImage;
  #words: readonly BigUint64Array[];

  constructor(image: SessionImage, region: ArrayBuffer) {
    const { stride, cpus } = image.cpuRegion;
    this.#image = image;
    this.#words = Array.from({ length: cpus }, (_, cpu) => new BigUint64Array(region, cpu * stride, stride / 8));
  }
  #read(counter: Counter): bigint {
    return this.#words.reduce((sum, words) => sum + Atomics.load(words, counter.offset / 8), 0n);
  }
  sum(accept: (counter: Counter) => boolean): bigint {
    return this.#image.counters.reduce((sum, counter) => (accept(counter) ? sum + this.#read(counter) : sum), 0n);
  }
  of(kind: Counter["kind"], probe?: number): bigint {
    return this.sum((counter) => counter.kind === kind && (probe === undefined || ("probe" in counter && counter.probe === probe)));
  }
  /** Of one of the ways in which a probe's handler is compiled. */
  hitsOf(part: number): bigint {
    return this.sum((counter) => counter.kind === "hits" && counter.part === part);
  }
  /** Keys dropped from full maps, by the state's index; only those that lost any. */
  full(): Map<number, bigint> {
    const byState = new Map<number, bigint>();
    for (const counter of this.#image.counters) {
      if (counter.kind !== "full") continue;
      const count = this.#read(counter);
      if (count > 0n) byState.set(counter.state, (byState.get(counter.state) ?? 0n) + count);
    }
    return byState;
  }
  /** Sinks that were given `undefined`, by source line; only those that were. */
  misses(): { readonly file: string; readonly line: number; readonly count: bigint }[] {
    const byLine = new Map<string, { file: string; line: number; count: bigint }>();
    for (const counter of this.#image.counters) {
      if (counter.kind !== "miss") continue;
      const count = this.#read(counter);
      if (count === 0n) continue;
      const file = this.#image.files[counter.file]?.path ?? "?";
      const key = `${file}:${counter.line}`;
      const known = byLine.get(key);
      if (known) known.count += count;
      else byLine.set(key, { file, line: counter.line, count });
    }
    return [...byLine.values()].sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  }
  /** The engine's memory goes: keep a copy. */
  detach(): void {
    this.#words = this.#words.map((words) => words.slice());
  }
}
