/** A session armed by the tracer: the memory that both share, and what the tracer is asked to do. */
import { statSync } from "node:fs";
import type { SessionImage } from "../../../compiler/image.ts";
import { SondeBug, SondeError } from "../../../errors/error.ts";
import type { Armed, ArmProbe, HostHit, Losses, MapAccess } from "../../engine.ts";
import type { FromTracer } from "../protocol.ts";
import { HostMemory } from "./host-memory.ts";
import type { SessionMemory } from "./session-memory.ts";
import type { TracerProcess } from "./tracer-process.ts";

/** Another one for other content, as far as the file system tells. */
export function stampOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
}

export function stampsOf(probes: readonly ArmProbe[]): Map<string, { readonly display: string; readonly stamp: string }> {
  const stamps = new Map<string, { readonly display: string; readonly stamp: string }>();
  for (const { sites } of probes) for (const { path, display } of sites) if (!stamps.has(path)) stamps.set(path, { display, stamp: stampOf(path) });
  return stamps;
}

export interface ArmedParts {
  readonly image: SessionImage;
  readonly probes: readonly ArmProbe[];
  readonly tracer: TracerProcess;
  readonly memory: SessionMemory;
  readonly sites: number;
  readonly notes: readonly string[];
  /** Each probed file as it was when it was armed. */
  readonly files: ReadonlyMap<string, { readonly display: string; readonly stamp: string }>;
  /** The tracer ended by itself: what it left is put back. */
  readonly recover: () => Promise<void>;
}

export class BreakpointArmed implements Armed {
  readonly engine = "breakpoint";
  readonly method = "ptrace";
  readonly sites: number;
  readonly notes: string[];
  readonly cpuRegion: ArrayBuffer;
  readonly sharedRegion: ArrayBuffer;
  readonly #parts: ArmedParts;
  readonly #detached = new Set<number>();
  readonly #target = new HostMemory();
  #wake: () => void = () => {};
  #disarmed = false;
  #closed = false;
  #fault: SondeError | undefined;

  constructor(parts: ArmedParts) {
    this.#parts = parts;
    this.sites = parts.sites;
    this.notes = [...parts.notes];
    this.cpuRegion = parts.memory.region(parts.image.cpuRegion.map);
    this.sharedRegion = parts.memory.region(parts.image.sharedRegion.map);
    parts.tracer.listen((message) => this.#heard(message));
    void parts.tracer.ended.then((how) => this.#lost(how));
  }

  #heard(message: FromTracer): void {
    if (message.kind === "wake") this.#wake();
    else if (message.kind === "note") this.notes.push(message.text);
    else if (message.kind === "call") void this.#call(message);
  }

  /** The tracer has ended while it was needed: killed, or by a fault of ours. */
  #lost(how: string): void {
    if (this.#disarmed) return;
    this.#parts.memory.producerGone();
    void this.#parts.recover();
    this.#fault = new SondeError("SONDE_TRACER_LOST", "the tracer has ended, and the probes with it", {
      why: `its process ended with ${how}`,
      mend: "The program was left running, and its code was put back. Run the script again.",
    });
    this.#wake();
  }

  map(index: number): MapAccess {
    return this.#parts.memory.map(index);
  }
  consume(record: (bytes: DataView, offset: number, length: number) => void): number {
    const count = this.#parts.memory.consume(record);
    if (count === 0 && this.#fault !== undefined) throw this.#fault;
    return count;
  }
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#parts.memory.awake();
        resolve();
      };
      if (!this.#parts.memory.sleep()) this.#wake();
    });
  }
  losses(): Losses {
    return { skipped: 0n, depth: this.#parts.memory.lostReturns() };
  }

  detach(probe: number): void {
    if (this.#detached.has(probe) || this.#disarmed) return;
    this.#detached.add(probe);
    this.#parts.memory.refuse(probe);
    void this.#parts.tracer.ask((request) => ({ kind: "detach", probe, request }));
  }

  async #call(message: Extract<FromTracer, { kind: "call" }>): Promise<void> {
    const probe = this.#parts.probes.find((one) => one.probe === message.probe);
    if (probe?.intercept === undefined) throw new SondeBug(`probe ${message.probe} intercepts nothing`);
    const regs = new BigUint64Array(message.regs.slice().buffer);
    const hit: HostHit = {
      phase: message.phase,
      pid: message.pid,
      tid: message.tid,
      comm: message.comm,
      cookie: message.cookie,
      call: message.call,
      regs,
      readMemory: (address, length) => this.#target.read(message.pid, address, length),
      writeMemory: (address, bytes) => this.#target.write(message.pid, address, bytes),
    };
    const verdict = this.#detached.has(message.probe) || this.#disarmed ? "continue" : await probe.intercept.handle(hit);
    this.#parts.tracer.send({ kind: "verdict", call: message.call, phase: message.phase, tid: message.tid, verdict, regs: new Uint8Array(regs.buffer) });
  }

  /** Resolves when no breakpoint is left and every thread has been let go. */
  disarm(): Promise<void> {
    if (!this.#disarmed) {
      this.#disarmed = true;
      this.#parts.memory.refuseAll();
      this.#noteChanges();
      this.#gone = this.#parts.tracer.ask((request) => ({ kind: "disarm", request }));
    }
    return this.#gone;
  }
  #gone: Promise<void> = Promise.resolve();

  /** Who had a page probed keeps his copy of it; others, and new processes, run what is in the file now. */
  #noteChanges(): void {
    for (const [path, { display, stamp }] of this.#parts.files)
      if (stampOf(path) !== stamp)
        this.notes.push(
          `${display} was overwritten or changed while it was probed: processes that had it keep the code that was probed, others have the new one.`,
        );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.disarm();
    this.#target.close();
    this.#parts.tracer.close();
    await this.#parts.tracer.ended;
    this.#parts.memory.close();
  }
}
