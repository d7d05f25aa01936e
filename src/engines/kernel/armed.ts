/** A session armed in the kernel: its maps, its ring, and the attachments that vanish with their descriptors. */
import type { SessionImage } from "../../compiler/image.ts";
import { SondeBug } from "../../errors/error.ts";
import { recursionMisses } from "../../sys/bpf.ts";
import { closeAll } from "../../sys/descriptor.ts";
import type { Armed, Losses, MapAccess } from "../engine.ts";
import { Attachment } from "./attach/attachment.ts";
import type { ExecWatch } from "./exec-watch.ts";
import type { Following } from "./follow-children.ts";
import { KernelMap } from "./map-access.ts";
import type { KernelMaps } from "./maps.ts";
import { type OnRecord, Ring } from "./ring.ts";

export interface ArmedParts {
  readonly image: SessionImage;
  readonly maps: KernelMaps;
  readonly programs: readonly number[];
  readonly attachments: Attachment[];
  readonly cpus: number;
  readonly method: string;
  readonly sites: number;
  readonly notes: readonly string[];
  readonly following: Following | undefined;
  readonly watch: ExecWatch | undefined;
  /** The map that counts returns beyond the kernel's depth. */
  readonly depth: number | undefined;
}

export class KernelArmed implements Armed {
  readonly engine = "kernel";
  readonly method: string;
  readonly sites: number;
  readonly cpuRegion: ArrayBuffer;
  readonly sharedRegion: ArrayBuffer;
  readonly #parts: ArmedParts;
  readonly #ring: Ring | undefined;
  readonly #access = new Map<number, KernelMap>();
  #closed = false;

  constructor(parts: ArmedParts) {
    this.#parts = parts;
    this.method = parts.method;
    this.sites = parts.sites;
    this.cpuRegion = this.#region(parts.image.cpuRegion.map);
    this.sharedRegion = this.#region(parts.image.sharedRegion.map);
    const ring = parts.image.ring;
    this.#ring = ring === undefined ? undefined : new Ring(parts.maps.fds[ring]!, parts.image.maps[ring]!.maxEntries);
  }

  get notes(): readonly string[] {
    const dropped = this.#parts.following?.dropped() ?? 0n;
    return dropped === 0n ? this.#parts.notes : [...this.#parts.notes, `${dropped} child processes were not followed: the set of processes was full.`];
  }

  #region(index: number): ArrayBuffer {
    const memory = this.#parts.maps.mapped.get(index);
    if (memory === undefined) throw new SondeBug(`region map ${index} isn't mapped`);
    return memory;
  }

  map(index: number): MapAccess {
    let access = this.#access.get(index);
    if (access === undefined) {
      if (this.#closed) throw new SondeBug("a map was asked for after the session was closed");
      const image = this.#parts.image.maps[index];
      if (image === undefined) throw new SondeBug(`the session has no map ${index}`);
      access = new KernelMap(this.#parts.maps.fds[index]!, image, this.#parts.cpus);
      this.#access.set(index, access);
    }
    return access;
  }

  consume(record: OnRecord): number {
    return this.#ring?.consume(record) ?? 0;
  }

  wait(ms: number): Promise<void> {
    return this.#ring?.wait(ms) ?? new Promise((resolve) => setTimeout(resolve, ms));
  }

  get #depth(): bigint {
    const memory = this.#parts.depth === undefined ? undefined : this.#parts.maps.mapped.get(this.#parts.depth);
    return memory === undefined ? 0n : new BigUint64Array(memory)[0]!;
  }

  losses(): Losses {
    let skipped = 0n;
    for (const program of this.#parts.programs) skipped += recursionMisses(program);
    return { skipped, depth: this.#depth };
  }

  detach(probe: number): void {
    Attachment.close(this.#parts.attachments.filter((attachment) => attachment.hook.probe === probe));
  }

  disarm(): void {
    this.#parts.watch?.close();
    Attachment.close(this.#parts.attachments);
    this.#parts.following?.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.disarm();
    this.#ring?.close();
    for (const access of this.#access.values()) access.forget();
    closeAll(this.#parts.programs);
    this.#parts.maps.close();
  }
}
