/** The shared memory as the session uses it: maps and regions, the ring's end, and words by which the tracer is told at once. */
import type { SessionImage } from "../../../compiler/image.ts";
import { isAlive } from "../../../sys/procfs.ts";
import type { MapAccess } from "../../engine.ts";
import { openAccess } from "../../memory/access.ts";
import { createMemory, type SharedMemory } from "../../memory/create.ts";
import { Control, REFUSABLE } from "../../memory/layout.ts";
import { type OnRecord, RingConsumer } from "../../memory/ring.ts";

export class SessionMemory {
  readonly #shared: SharedMemory;
  readonly #ring: RingConsumer | undefined;
  readonly #refused: Uint8Array;
  readonly #run: Int32Array;
  readonly #lost: BigUint64Array;

  constructor(image: SessionImage) {
    this.#shared = createMemory(image);
    const { buffer, layout } = this.#shared;
    const ring = image.ring === undefined ? undefined : layout.maps[image.ring];
    this.#ring = ring?.kind === "ring" ? new RingConsumer(buffer, layout, ring) : undefined;
    this.#refused = new Uint8Array(buffer, layout.control + Control.refused, REFUSABLE);
    this.#run = new Int32Array(buffer, layout.control + Control.run, 1);
    this.#lost = new BigUint64Array(buffer, layout.control + Control.lostReturns, 1);
  }
  get fd(): number {
    return this.#shared.fd;
  }
  region(map: number): ArrayBuffer {
    return this.#shared.region(map);
  }
  map(index: number): MapAccess {
    return openAccess(this.#shared.buffer, this.#shared.layout, index, { pid: process.pid, isAlive });
  }
  consume(record: OnRecord): number {
    return this.#ring?.consume(record) ?? 0;
  }
  /** Before sleeping; false if there is something already. */
  sleep(): boolean {
    return this.#ring?.sleep() ?? true;
  }
  awake(): void {
    this.#ring?.awake();
  }
  /** The tracer has ended: what it was writing is skipped. */
  producerGone(): void {
    this.#ring?.producerGone();
  }
  lostReturns(): bigint {
    return Atomics.load(this.#lost, 0);
  }

  /** From now on no handler of the probe begins; afterwards none is running. */
  refuse(probe: number): void {
    if (probe < this.#refused.length) Atomics.store(this.#refused, probe, 1);
    this.#settle();
  }
  refuseAll(): void {
    this.#refused.fill(1);
    this.#settle();
  }
  /** A handler that runs now began before: it takes microseconds. */
  #settle(): void {
    const run = Atomics.load(this.#run, 0);
    for (let i = 0; i < 100_000 && (run & 1) === 1 && Atomics.load(this.#run, 0) === run; i++);
  }
  close(): void {
    this.#ring?.close();
    this.#shared.close();
  }
}
