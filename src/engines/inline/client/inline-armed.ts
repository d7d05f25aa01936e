/** A session armed by jumps: its memory, and the processes that it is in. */
import type { SessionImage } from "../../../compiler/image.ts";
import { SondeError } from "../../../errors/error.ts";
import type { Armed, Losses, MapAccess } from "../../engine.ts";
import type { ArmerProcess } from "../attach/arm.ts";
import type { InlineMemory } from "./inline-memory.ts";
import type { Processes } from "./processes.ts";

/** So often targets are told that somebody is there, and for how long they believe it. */
const BEAT_MS = 500;
const BELIEVED_MS = 10_000;
/** Nobody wakes us when there are records: they are looked for so often, and less often while there are none. */
const SHORTEST_MS = 1;
const LONGEST_MS = 16;

export interface InlineArmedParts {
  readonly image: SessionImage;
  readonly armer: ArmerProcess;
  readonly memory: InlineMemory;
  readonly processes: Processes;
  readonly sites: number;
  readonly notes: string[];
}

export class InlineSession implements Armed {
  readonly engine = "inline";
  readonly method = "jumps";
  readonly sites: number;
  readonly notes: string[];
  readonly cpuRegion: ArrayBuffer;
  readonly sharedRegion: ArrayBuffer;
  readonly #parts: InlineArmedParts;
  readonly #beat: NodeJS.Timeout;
  #stale = 0n;
  #nap = SHORTEST_MS;
  #gone: Promise<void> | undefined;
  #closed = false;
  #fault: SondeError | undefined;

  constructor(parts: InlineArmedParts) {
    this.#parts = parts;
    this.sites = parts.sites;
    this.notes = parts.notes;
    this.cpuRegion = parts.memory.region(parts.image.cpuRegion.map);
    this.sharedRegion = parts.memory.region(parts.image.sharedRegion.map);
    parts.memory.beat(BEAT_MS, BELIEVED_MS);
    this.#beat = setInterval(() => this.#lookAfter(), BEAT_MS);
    this.#beat.unref();
    void parts.armer.lost.then((how) => {
      if (this.#gone !== undefined) return;
      this.fail(
        new SondeError("SONDE_ARMER_LOST", "the process that arms for sonde has ended, and the probes with it", {
          why: how,
          mend: "The targets were left running, and their code was put back. Run it again.",
        }),
      );
    });
  }

  #lookAfter(): void {
    const { memory, processes } = this.#parts;
    memory.beat(BEAT_MS, BELIEVED_MS);
    const stale = memory.stale();
    if (stale === this.#stale) return;
    this.#stale = stale;
    this.notes.push("The script kept this process busy for more than 10 s: meanwhile the probes switched themselves off.");
    void processes.enable();
  }

  /** What is thrown where records are read next. */
  fail(fault: SondeError): void {
    this.#fault ??= fault;
  }

  map(index: number): MapAccess {
    return this.#parts.memory.map(index);
  }
  consume(record: (bytes: DataView, offset: number, length: number) => void): number {
    const count = this.#parts.memory.consume(record);
    if (count > 0) this.#nap = SHORTEST_MS;
    else if (this.#fault !== undefined) throw this.#fault;
    return count;
  }
  wait(ms: number): Promise<void> {
    if (this.#parts.memory.pending) return new Promise((resolve) => setImmediate(resolve));
    const nap = this.#parts.image.ring === undefined ? ms : Math.min(ms, this.#nap);
    this.#nap = Math.min(2 * this.#nap, LONGEST_MS);
    return new Promise((resolve) => setTimeout(resolve, nap));
  }
  losses(): Losses {
    return { skipped: 0n, depth: this.#parts.memory.lostReturns() };
  }
  detach(probe: number): void {
    this.#parts.memory.refuse(probe);
  }

  /** Resolves when no jump is left. */
  disarm(): Promise<void> {
    this.#gone ??= this.#parts.processes.disarm().then(() => this.#parts.memory.repair());
    return this.#gone;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.disarm();
    clearInterval(this.#beat);
    await this.#parts.armer.close();
    this.#parts.memory.close();
  }
}
