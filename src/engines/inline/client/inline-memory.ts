/** The session's end of the memory that it shares with its targets: maps and regions, the ring, the words that both sides look at. */
import { randomBytes } from "node:crypto";
import type { SessionImage } from "../../../compiler/image.ts";
import { SondeBug } from "../../../errors/error.ts";
import { closeAll } from "../../../sys/descriptor.ts";
import { createMemfd } from "../../../sys/memfd.ts";
import { mapWhileHeld } from "../../../sys/memory.ts";
import { isAlive } from "../../../sys/procfs.ts";
import { timeStampCounter } from "../../../sys/time-stamp-counter.ts";
import type { MapAccess } from "../../engine.ts";
import type { OnRecord } from "../../memory/ring.ts";
import { openInline } from "../memory/access.ts";
import { Clock, type Moment } from "../memory/clock.ts";
import { fillShared } from "../memory/create.ts";
import { Header, type InlineLayout, REFUSABLE } from "../memory/layout.ts";
import { InlineRing } from "../memory/ring.ts";
import { InlineTable } from "../memory/table.ts";

/** The first scale of time is measured over this. */
const FIRST_NS = 10_000_000n;
/** Of so many readings the quickest one tells the instant best. */
const READINGS = 16;
/** Nobody has begun a record that was taken so long ago: its thread has ended. */
const ABANDONED_MS = 1000;

function reading(): Moment & { readonly took: bigint } {
  const before = process.hrtime.bigint();
  const tsc = timeStampCounter();
  const after = process.hrtime.bigint();
  // Half-way between, in which the counter was read.
  return { tsc, ns: (before + after) / 2n, took: after - before };
}

const now = (): Moment => Array.from({ length: READINGS }, reading).reduce((best, one) => (one.took < best.took ? one : best));

export class InlineMemory {
  readonly fd: number;
  readonly layout: InlineLayout;
  readonly #buffer: ArrayBuffer;
  readonly #ring: InlineRing | undefined;
  readonly #refused: Uint8Array;
  readonly #deadline: BigInt64Array;
  readonly #counts: BigUint64Array;
  readonly #clock: Clock;
  readonly #since: Moment;
  /** When the record at the front was first seen to be unfinished. */
  #stuck = 0;
  #closed = false;

  constructor(image: SessionImage, layout: InlineLayout) {
    this.layout = layout;
    this.fd = createMemfd("sonde-session", layout.bytes);
    this.#buffer = mapWhileHeld(this.fd, layout.bytes);
    fillShared(new Uint8Array(this.#buffer), layout, randomBytes(8).readBigUInt64LE());
    const place = image.ring === undefined ? undefined : layout.maps[image.ring];
    this.#ring = place?.kind === "ring" ? new InlineRing(this.#buffer, place, (pid) => this.#isAbandoned(pid)) : undefined;
    this.#refused = new Uint8Array(this.#buffer, Header.refused, REFUSABLE);
    this.#deadline = new BigInt64Array(this.#buffer, Header.deadline, 1);
    this.#counts = new BigUint64Array(this.#buffer, Header.lostReturns, 2);
    this.#clock = new Clock(this.#buffer);
    this.#since = now();
    this.#clock.follow(this.#since, FIRST_NS);
    while (process.hrtime.bigint() - this.#since.ns < FIRST_NS);
  }

  /** The scale of time is measured anew, over all the time since the start; `every`: ms until the next one. Probes go on for `believed` ms without it. */
  beat(every: number, believed: number): void {
    const moment = now();
    this.#clock.follow(moment, BigInt(every) * 1_000_000n);
    const ticks = Number(moment.tsc - this.#since.tsc) / Math.max(1, Number(moment.ns - this.#since.ns));
    Atomics.store(this.#deadline, 0, moment.tsc + BigInt(Math.round(ticks * believed * 1e6)));
  }

  region(map: number): ArrayBuffer {
    const place = this.layout.maps[map];
    if (place?.kind !== "array" || !place.image.mmap) throw new SondeBug(`map ${map} isn't a region`);
    return mapWhileHeld(this.fd, place.bytes, place.at);
  }
  map(index: number): MapAccess {
    return openInline(this.#buffer, this.layout, index);
  }
  consume(record: OnRecord): number {
    const count = this.#ring?.consume(record) ?? 0;
    if (count > 0) this.#stuck = 0;
    return count;
  }
  get pending(): boolean {
    return this.#ring?.pending ?? false;
  }
  /** Its process has ended, or its thread has been away for a long time. */
  #isAbandoned(pid: number | undefined): boolean {
    if (pid !== undefined && pid !== 0) return !isAlive(pid);
    if (this.#stuck === 0) this.#stuck = performance.now();
    return performance.now() - this.#stuck > ABANDONED_MS;
  }

  lostReturns(): bigint {
    return Atomics.load(this.#counts, 0);
  }
  /** Processes that have switched their probes off, for nobody seemed to look after them. */
  stale(): bigint {
    return Atomics.load(this.#counts, 1);
  }
  refuse(probe: number): void {
    if (probe < this.#refused.length) Atomics.store(this.#refused, probe, 1);
  }
  refuseAll(): void {
    this.#refused.fill(1);
  }
  /** After the death of processes that have used it. */
  repair(): void {
    for (const [index, { kind }] of this.layout.maps.entries()) {
      if (kind !== "table") continue;
      const table = openInline(this.#buffer, this.layout, index);
      if (table instanceof InlineTable) table.repair();
    }
  }
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ring?.close();
    closeAll([this.fd]);
  }
}
