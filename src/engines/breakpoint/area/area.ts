/** One area in an address space: made by system calls of the target, filled through its memory. */
import { truncateSync } from "node:fs";
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { readMappings } from "../../../sys/procfs.ts";
import { handlerBytes } from "./handler.ts";
import { runInTarget } from "./inject.ts";
import { AREA_NAME, type AreaShape, HANDLER_AT, Header, MAGIC, SLOT_BYTES, shapeOf, TABLE_AT } from "./layout.ts";

const NR = { mmap: 9, close: 3, memfdCreate: 319 } as const;
const PROT_READ_EXEC = 1 | 4;
const MAP_PRIVATE_FIXED_NOREPLACE = 2 | 0x10_0000;
const MFD_CLOEXEC = 1;
/** Asked for where vm.memfd_noexec is 2; unknown before Linux 6.3. It is about execve, not about mappings. */
const MFD_NOEXEC_SEAL = 8;

/** The name as it stands in /proc/PID/maps. */
const MAPPED_NAME = `/memfd:${AREA_NAME}`;

export interface Owner {
  readonly pid: number;
  readonly start: bigint;
}

/** A site, the byte that is displaced there, and what stands in its slot. */
export interface SlotEntry {
  readonly site: number;
  readonly original: number;
  readonly code: Uint8Array;
}

export class Area {
  readonly base: number;
  readonly shape: AreaShape;
  readonly slots: number;
  count: number;
  readonly #sites: number[];
  /** The bytes that breakpoints displaced, by site. */
  readonly #originals: number[];
  readonly #indexOf = new Map<number, number>();

  private constructor(base: number, shape: AreaShape, sites: number[], originals: number[]) {
    this.base = base;
    this.shape = shape;
    this.slots = base + shape.slotsAt;
    this.#sites = sites;
    this.#originals = originals;
    this.count = sites.length;
    for (const [i, site] of sites.entries()) if (site !== 0) this.#indexOf.set(site, i);
  }

  /** Those that an earlier tracer left. */
  static find(pid: number, memory: ProcessMemory): Area[] {
    const areas: Area[] = [];
    for (const mapping of readMappings(pid)) {
      if (mapping.path !== MAPPED_NAME || mapping.offset !== 0) continue;
      const area = Area.at(mapping.start, memory);
      if (area !== undefined) areas.push(area);
    }
    return areas;
  }

  static at(base: number, memory: ProcessMemory): Area | undefined {
    const header = memory.bytes(base, Header.bytes);
    if (header === undefined) return undefined;
    const view = new DataView(header.buffer, header.byteOffset);
    if (view.getBigUint64(Header.magic, true) !== MAGIC) return undefined;
    const capacity = view.getUint32(Header.capacity, true);
    const count = Math.min(view.getUint32(Header.count, true), capacity);
    const shape = shapeOf(capacity);
    if (Number(view.getBigUint64(Header.size, true)) !== shape.size) return undefined;
    const table = memory.bytes(base + TABLE_AT, count * 8);
    const originals = memory.bytes(base + shape.bytesAt, count);
    if (table === undefined || originals === undefined) return undefined;
    return new Area(base, shape, [...new BigUint64Array(table.slice().buffer)].map(Number), [...originals]);
  }

  /** Makes one at `base`; undefined if something has come there meanwhile, or the thread has ended. */
  static create(pid: number, tid: number, memory: ProcessMemory, base: number, capacity: number, owner: Owner): Area | undefined {
    const shape = shapeOf(capacity);
    if (!mapped(pid, tid, memory, base, shape.size)) return undefined;
    const page = new Uint8Array(TABLE_AT);
    const view = new DataView(page.buffer);
    view.setUint32(Header.owner, owner.pid, true);
    view.setBigUint64(Header.ownerStart, owner.start, true);
    view.setBigUint64(Header.size, BigInt(shape.size), true);
    view.setBigUint64(Header.slots, BigInt(base + shape.slotsAt), true);
    view.setUint32(Header.capacity, capacity, true);
    view.setBigUint64(Header.magic, MAGIC, true);
    page.set(handlerBytes(), HANDLER_AT);
    if (!memory.write(base, page)) return undefined;
    return new Area(base, shape, [], []);
  }

  get room(): number {
    return this.shape.capacity - this.count;
  }
  contains(address: number): boolean {
    return address >= this.base && address < this.base + this.shape.size;
  }
  /** The slot that a site has here. */
  slotOf(site: number): number | undefined {
    const index = this.#indexOf.get(site);
    return index === undefined ? undefined : this.slots + index * SLOT_BYTES;
  }
  /** What is in the slots that are taken, one after the other; undefined if it can't be read. */
  content(memory: ProcessMemory): Uint8Array | undefined {
    return this.count === 0 ? undefined : memory.bytes(this.slots, this.count * SLOT_BYTES);
  }
  /** Whether a site's slot is for this very code: then it serves again. `content`: of all slots. */
  holds(content: Uint8Array, { site, original, code }: SlotEntry): boolean {
    const index = this.#indexOf.get(site);
    if (index === undefined || this.#originals[index] !== original) return false;
    for (let i = 0; i < code.length; i++) if (content[index * SLOT_BYTES + i] !== code[i]) return false;
    return true;
  }
  /** The slot of the next site to be added, or of one further on. */
  nextSlot(ahead: number): number {
    return this.slots + (this.count + ahead) * SLOT_BYTES;
  }
  /** Whose slot an address lies in. */
  siteAt(address: number): { readonly site: number; readonly offset: number } | undefined {
    const at = address - this.slots;
    if (at < 0 || at >= this.count * SLOT_BYTES) return undefined;
    const site = this.#sites[Math.floor(at / SLOT_BYTES)] as number;
    return site === 0 ? undefined : { site, offset: at % SLOT_BYTES };
  }

  /** Adds sites, their slots one after the other from `nextSlot(0)` on. False if the memory can't be written. */
  append(memory: ProcessMemory, entries: readonly SlotEntry[]): boolean {
    const first = this.count;
    const slots = new Uint8Array(entries.length * SLOT_BYTES).fill(0xcc);
    const sites = new BigUint64Array(entries.length);
    const originals = new Uint8Array(entries.length);
    for (const [i, { site, original, code }] of entries.entries()) {
      slots.set(code, i * SLOT_BYTES);
      sites[i] = BigInt(site);
      originals[i] = original;
      const old = this.#indexOf.get(site);
      // Other code stands at that address now.
      if (old !== undefined) this.#retire(memory, old);
      this.#sites.push(site);
      this.#originals.push(original);
      this.#indexOf.set(site, first + i);
    }
    this.count += entries.length;
    return (
      memory.write(this.slots + first * SLOT_BYTES, slots) &&
      memory.write(this.base + this.shape.bytesAt + first, originals) &&
      memory.write(this.base + TABLE_AT + first * 8, new Uint8Array(sites.buffer)) &&
      memory.write(this.base + Header.count, new Uint8Array(Uint32Array.of(this.count).buffer))
    );
  }
  #retire(memory: ProcessMemory, index: number): void {
    this.#sites[index] = 0;
    memory.write(this.base + TABLE_AT + index * 8, new Uint8Array(8));
  }

  /** Says that a site's semaphore was counted up; `semaphore` 0: it isn't any more. False if the site has no entry here. */
  setSemaphore(memory: ProcessMemory, site: number, semaphore: number): boolean {
    const index = this.#indexOf.get(site);
    return index !== undefined && memory.write(this.base + this.shape.semaphoresAt + index * 8, new Uint8Array(BigUint64Array.of(BigInt(semaphore)).buffer));
  }
  /** The sites whose semaphores are counted up, as the memory says it. */
  raised(memory: ProcessMemory): { readonly site: number; readonly semaphore: number }[] {
    const table = this.count === 0 ? undefined : memory.bytes(this.base + this.shape.semaphoresAt, this.count * 8);
    if (table === undefined) return [];
    return [...new BigUint64Array(table.slice().buffer)].map(Number).flatMap((semaphore, i) => {
      const site = this.#sites[i] as number;
      return semaphore === 0 || site === 0 ? [] : { site, semaphore };
    });
  }

  /** Each site with the byte that it displaced. */
  *entries(): Generator<{ readonly site: number; readonly original: number }> {
    for (const [i, site] of this.#sites.entries()) if (site !== 0) yield { site, original: this.#originals[i] as number };
  }

  header(memory: ProcessMemory): { readonly owner: Owner; readonly handles: boolean; readonly ignored: boolean } | undefined {
    const bytes = memory.bytes(this.base, Header.bytes);
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return {
      owner: { pid: view.getUint32(Header.owner, true), start: view.getBigUint64(Header.ownerStart, true) },
      handles: view.getUint32(Header.handles, true) !== 0,
      ignored: view.getUint32(Header.ignored, true) !== 0,
    };
  }
  setOwner(memory: ProcessMemory, owner: Owner): void {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, owner.pid, true);
    view.setBigUint64(8, owner.start, true);
    memory.write(this.base + Header.owner, bytes);
  }
  setNext(memory: ProcessMemory, next: number): void {
    memory.write(this.base + Header.next, new Uint8Array(BigUint64Array.of(BigInt(next)).buffer));
  }
  setDisposition(memory: ProcessMemory, ignored: boolean, handles: boolean): void {
    memory.write(this.base + Header.ignored, new Uint8Array(Uint32Array.of(ignored ? 1 : 0, handles ? 1 : 0).buffer));
  }
}

/** One stub for all of it: a tracer killed in between leaves no descriptor open. */
function mapped(pid: number, tid: number, memory: ProcessMemory, base: number, size: number): boolean {
  const name = { text: new TextEncoder().encode(`${AREA_NAME}\0`) };
  for (const flags of [MFD_CLOEXEC, MFD_CLOEXEC | MFD_NOEXEC_SEAL]) {
    let sized = false;
    const results = runInTarget(
      pid,
      tid,
      memory,
      [
        { nr: NR.memfdCreate, args: [name, flags], keep: true },
        { nr: NR.mmap, args: [base, size, PROT_READ_EXEC, MAP_PRIVATE_FIXED_NOREPLACE, "kept", 0] },
        { nr: NR.close, args: ["kept"] },
      ],
      (call, result) => {
        if (call === 0 && result >= 0) sized = truncated(`/proc/${tid}/fd/${result}`, size);
      },
    );
    if (results === undefined) return false;
    if ((results[0] as number) >= 0) return sized && results[1] === base;
  }
  return false;
}

/** By us, not by the target: its limit of file sizes (RLIMIT_FSIZE) would have the kernel kill it. */
function truncated(path: string, size: number): boolean {
  try {
    truncateSync(path, size);
    return true;
  } catch {
    return false;
  }
}
