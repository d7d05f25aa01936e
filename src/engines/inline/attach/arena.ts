/** One arena in an address space: made by system calls of the target, filled through its memory, found again by its name. */
import { closeSync, openSync, truncateSync } from "node:fs";
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { type Mapping, readMappings } from "../../../sys/procfs.ts";
import type { Owner } from "../../breakpoint/area/area.ts";
import { runInTarget } from "../../breakpoint/area/inject.ts";
import { ARENA_NAME, type ArenaShape, aligned, ENTRY_BYTES, Header, MAGIC, MAPPED_NAME, TABLE_AT } from "./layout.ts";

const NR = { mmap: 9, madvise: 28, close: 3, memfdCreate: 319 } as const;
const READ_EXEC = 1 | 4;
const READ_WRITE = 1 | 2;
const SHARED = 1;
const PRIVATE = 2;
const ANONYMOUS = 0x20;
const FIXED_NOREPLACE = 0x10_0000;
const WIPE_ON_FORK = 18;
const PAGE = 4096;
const CLOEXEC = 1;
/** Asked for where vm.memfd_noexec is 2; unknown before Linux 6.3. It is about execve, not about mappings. */
const NOEXEC_SEAL = 8;

/** A site that is armed, or was. */
export interface Entry {
  readonly site: number;
  readonly copy: number;
  readonly copyBytes: number;
  readonly length: number;
  /** The five bytes that the jump displaced, and the jump. */
  readonly original: Uint8Array;
  readonly jump: Uint8Array;
}

export class Arena {
  readonly base: number;
  readonly shape: ArenaShape;
  readonly entries: Entry[];
  /** The last of each. */
  readonly #bySite = new Map<number, Entry>();
  owner: Owner;
  /** Bytes of copies. */
  used: number;
  /** What the data is mapped from, to be mapped by the host too; undefined where it can't be opened. */
  readonly file: number | undefined;

  constructor(base: number, shape: ArenaShape, owner: Owner, entries: Entry[], used: number, file: number | undefined) {
    this.base = base;
    this.shape = shape;
    this.owner = owner;
    this.entries = entries;
    this.used = used;
    this.file = file;
    for (const entry of entries) this.#bySite.set(entry.site, entry);
  }

  /** All that are mapped in a process. `open`: their data is to be used again. */
  static find(pid: number, memory: ProcessMemory, open = false, mappings: readonly Mapping[] = readMappings(pid)): Arena[] {
    return mappings.flatMap((mapping) => {
      if (mapping.path !== MAPPED_NAME || mapping.offset !== 0) return [];
      const head = memory.bytes(mapping.start, Header.bytes);
      if (head === undefined) return [];
      const view = new DataView(head.buffer, head.byteOffset);
      const number = (at: number): number => Number(view.getBigUint64(at, true));
      if (view.getBigUint64(Header.magic, true) !== MAGIC) return [];
      const shape: ArenaShape = {
        capacity: view.getUint32(Header.capacity, true),
        codeAt: number(Header.codeAt),
        dataAt: number(Header.dataAt),
        dataBytes: number(Header.dataBytes),
        wipeAt: number(Header.wipeAt),
        size: number(Header.size),
      };
      const count = Math.min(view.getUint32(Header.count, true), shape.capacity);
      const table = memory.bytes(mapping.start + TABLE_AT, count * ENTRY_BYTES);
      if (table === undefined) return [];
      const owner = { pid: view.getUint32(Header.owner, true), start: view.getBigUint64(Header.owner + 8, true) };
      const data = open ? mappings.find(({ start }) => start === mapping.start + shape.dataAt) : undefined;
      const file = data === undefined ? undefined : opened(`/proc/${pid}/map_files/${data.range}`);
      return [new Arena(mapping.start, shape, owner, entriesOf(table, count), view.getUint32(Header.codeUsed, true), file)];
    });
  }

  /** Makes one at `base` by a stopped thread; undefined if something has come there meanwhile, or the thread has ended. Linux ≥ 4.17. */
  static create(pid: number, tid: number, memory: ProcessMemory, base: number, shape: ArenaShape, owner: Owner): Arena | undefined {
    const file = mapped(pid, tid, memory, base, shape);
    if (file === undefined) return undefined;
    const wipe = runInTarget(pid, tid, memory, [
      { nr: NR.mmap, args: [base + shape.wipeAt, PAGE, READ_WRITE, PRIVATE | ANONYMOUS | FIXED_NOREPLACE, -1, 0] },
      { nr: NR.madvise, args: [base + shape.wipeAt, PAGE, WIPE_ON_FORK] },
    ]);
    const arena = new Arena(base, shape, owner, [], 0, file);
    if (wipe?.[0] === base + shape.wipeAt && wipe[1] === 0 && arena.#writeHeader(memory)) return arena;
    arena.close();
    return undefined;
  }

  #writeHeader(memory: ProcessMemory): boolean {
    const head = new Uint8Array(Header.bytes);
    const view = new DataView(head.buffer);
    const { capacity, codeAt, dataAt, dataBytes, wipeAt, size } = this.shape;
    view.setUint32(Header.owner, this.owner.pid, true);
    view.setBigUint64(Header.owner + 8, this.owner.start, true);
    for (const [at, value] of [
      [Header.size, size],
      [Header.codeAt, codeAt],
      [Header.dataAt, dataAt],
      [Header.dataBytes, dataBytes],
      [Header.wipeAt, wipeAt],
    ] as const)
      view.setBigUint64(at, BigInt(value), true);
    view.setUint32(Header.capacity, capacity, true);
    // What is half made isn't an arena.
    if (!memory.write(this.base, head)) return false;
    return memory.write(this.base + Header.magic, new Uint8Array(BigUint64Array.of(MAGIC).buffer));
  }

  contains(address: number): boolean {
    return address >= this.base && address < this.base + this.shape.size;
  }
  /** Where a copy of so many bytes can stand, besides `ahead` bytes of others; undefined: there is no room. */
  place(bytes: number, ahead: number, sitesAhead: number): number | undefined {
    const from = aligned(this.used + ahead);
    const fits = this.entries.length + sitesAhead < this.shape.capacity && this.shape.codeAt + from + bytes <= this.shape.dataAt;
    return fits ? this.base + this.shape.codeAt + from : undefined;
  }
  /** The copy that a site had before: the last one of this window. */
  copyOf(site: number, length: number): Entry | undefined {
    const entry = this.#bySite.get(site);
    return entry?.length === length ? entry : undefined;
  }

  /** Copies that lie one behind the other, and their sites. False if the target has ended. */
  append(memory: ProcessMemory, fresh: readonly { readonly entry: Entry; readonly code: Uint8Array }[]): boolean {
    if (fresh.length === 0) return true;
    const codeStart = this.base + this.shape.codeAt;
    let first = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const { entry, code } of fresh) {
      first = Math.min(first, entry.copy);
      end = Math.max(end, entry.copy + code.length);
    }
    const code = new Uint8Array(end - first).fill(0xcc);
    for (const { entry, code: bytes } of fresh) code.set(bytes, entry.copy - first);
    const table = new Uint8Array(fresh.length * ENTRY_BYTES);
    const view = new DataView(table.buffer);
    for (const [i, { entry }] of fresh.entries()) {
      const at = i * ENTRY_BYTES;
      view.setBigUint64(at, BigInt(entry.site), true);
      view.setBigUint64(at + 8, BigInt(entry.copy), true);
      view.setUint32(at + 16, entry.copyBytes, true);
      view.setUint8(at + 20, entry.length);
      table.set(entry.original, at + 24);
      table.set(entry.jump, at + 32);
    }
    const tableAt = this.base + TABLE_AT + this.entries.length * ENTRY_BYTES;
    const count = this.entries.length + fresh.length;
    const used = Math.max(this.used, end - codeStart);
    const ok =
      memory.write(first, code) &&
      memory.write(tableAt, table) &&
      memory.write(this.base + Header.codeUsed, new Uint8Array(Uint32Array.of(used).buffer)) &&
      memory.write(this.base + Header.count, new Uint8Array(Uint32Array.of(count).buffer));
    if (ok) {
      for (const { entry } of fresh) {
        this.entries.push(entry);
        this.#bySite.set(entry.site, entry);
      }
      this.used = used;
    }
    return ok;
  }

  setOwner(memory: ProcessMemory, owner: Owner): void {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, owner.pid, true);
    view.setBigUint64(8, owner.start, true);
    if (memory.write(this.base + Header.owner, bytes)) this.owner = owner;
  }
  /** The probes of this address space run, or pass by. */
  enable(memory: ProcessMemory, on: boolean): boolean {
    return memory.write(this.base + this.shape.wipeAt, new Uint8Array(Uint32Array.of(on ? 1 : 0).buffer));
  }
  close(): void {
    if (this.file !== undefined) closeSync(this.file);
  }
}

function entriesOf(table: Uint8Array, count: number): Entry[] {
  const view = new DataView(table.buffer, table.byteOffset);
  return Array.from({ length: count }, (_, i) => {
    const at = i * ENTRY_BYTES;
    return {
      site: Number(view.getBigUint64(at, true)),
      copy: Number(view.getBigUint64(at + 8, true)),
      copyBytes: view.getUint32(at + 16, true),
      length: view.getUint8(at + 20),
      original: table.slice(at + 24, at + 29),
      jump: table.slice(at + 32, at + 37),
    };
  });
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, "r+");
  } catch {
    return undefined;
  }
}

/** One stub for all of it: an arming process killed in between leaves no descriptor open. Gives ours. */
function mapped(pid: number, tid: number, memory: ProcessMemory, base: number, { dataAt, wipeAt }: ArenaShape): number | undefined {
  const name = { text: new TextEncoder().encode(`${ARENA_NAME}\0`) };
  for (const flags of [CLOEXEC, CLOEXEC | NOEXEC_SEAL]) {
    let file: number | undefined;
    const results = runInTarget(
      pid,
      tid,
      memory,
      [
        { nr: NR.memfdCreate, args: [name, flags], keep: true },
        { nr: NR.mmap, args: [base, dataAt, READ_EXEC, PRIVATE | FIXED_NOREPLACE, "kept", 0] },
        { nr: NR.mmap, args: [base + dataAt, wipeAt - dataAt, READ_WRITE, SHARED | FIXED_NOREPLACE, "kept", dataAt] },
        { nr: NR.close, args: ["kept"] },
      ],
      (call, result) => {
        // By us, not by the target: its limit of file sizes (RLIMIT_FSIZE) would have the kernel kill it.
        if (call === 0 && result >= 0 && truncated(`/proc/${tid}/fd/${result}`, wipeAt)) file = opened(`/proc/${tid}/fd/${result}`);
      },
    );
    if (results === undefined) return undefined;
    if ((results[0] as number) < 0) continue;
    if (file !== undefined && results[1] === base && results[2] === base + dataAt) return file;
    if (file !== undefined) closeSync(file);
    return undefined;
  }
  return undefined;
}

function truncated(path: string, size: number): boolean {
  try {
    truncateSync(path, size);
    return true;
  } catch {
    return false;
  }
}
