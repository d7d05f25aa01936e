/** One arena in an address space: made by system calls of the target, filled through its memory, found again by its name. */
import { truncateSync } from "node:fs";
import { Message, messageAt, passDescriptor } from "../../../sys/pass-descriptor.ts";
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { type Mapping, readMappings } from "../../../sys/procfs.ts";
import type { Owner } from "../../breakpoint/area/area.ts";
import { runInTarget } from "../../breakpoint/area/inject.ts";
import { ARENA_NAME, type ArenaShape, ENTRY_BYTES, Header, MAGIC, MAPPED_NAME, TABLE_AT } from "./layout.ts";

const NR = { mmap: 9, madvise: 28, close: 3, socket: 41, recvmsg: 47, memfdCreate: 319 } as const;
const Protection = { none: 0, readExec: 1 | 4, readWrite: 1 | 2 } as const;
const Flags = { shared: 1, private: 2, fixed: 0x10, anonymous: 0x20, noReserve: 0x4000, fixedNoReplace: 0x10_0000 } as const;
const Advice = { dontNeed: 4, wipeOnFork: 18 } as const;
const CLOEXEC = 1;
/** Asked for where vm.memfd_noexec is 2; unknown before Linux 6.3. It is about execve, not about mappings. */
const NOEXEC_SEAL = 8;
const AF_UNIX = 1;
/** SOCK_DGRAM | SOCK_CLOEXEC. */
const DATAGRAMS = 2 | 0x8_0000;
/** MSG_CMSG_CLOEXEC | MSG_DONTWAIT. */
const RECEIVE = 0x4000_0000 | 0x40;
/** In the process's own part, where nothing is yet. */
const MESSAGE_AT = 2048;

/** A site that is armed, or was. */
export interface Entry {
  readonly site: number;
  /** The five bytes that the jump displaced, and the jump. */
  readonly original: Uint8Array;
  readonly jump: Uint8Array;
}

/** What the session shares with its targets: a descriptor of the arming process. */
export interface SharedFile {
  readonly fd: number;
  readonly bytes: number;
}

export class Arena {
  readonly base: number;
  readonly shape: ArenaShape;
  entries: readonly Entry[];
  owner: Owner;
  /** It is nobody's, and no thread is inside: all in it may be replaced. */
  clean: boolean;

  constructor(base: number, shape: ArenaShape, state: { owner: Owner; entries: readonly Entry[]; clean: boolean }) {
    this.base = base;
    this.shape = shape;
    this.owner = state.owner;
    this.entries = state.entries;
    this.clean = state.clean;
  }

  /** All that are mapped in a process. */
  static find(pid: number, memory: ProcessMemory, mappings: readonly Mapping[] = readMappings(pid)): Arena[] {
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
        sharedAt: number(Header.sharedAt),
        sharedBytes: number(Header.sharedBytes),
        ownAt: number(Header.ownAt),
        ownBytes: number(Header.ownBytes),
        size: number(Header.size),
      };
      const count = Math.min(view.getUint32(Header.count, true), shape.capacity);
      const table = memory.bytes(mapping.start + TABLE_AT, count * ENTRY_BYTES);
      if (table === undefined) return [];
      const owner = { pid: view.getUint32(Header.owner, true), start: view.getBigUint64(Header.owner + 8, true) };
      return [new Arena(mapping.start, shape, { owner, entries: entriesOf(table, count), clean: view.getUint32(Header.clean, true) === 1 })];
    });
  }

  /** Makes one at `base` by a stopped thread; undefined if something has come there meanwhile, or the thread has ended. Linux ≥ 5.6. */
  static create(
    pid: number,
    tid: number,
    memory: ProcessMemory,
    base: number,
    shape: ArenaShape,
    parts: { owner: Owner; shared: SharedFile },
  ): Arena | undefined {
    if (!mapCode(pid, tid, memory, base, shape)) return undefined;
    const own = runInTarget(pid, tid, memory, [
      { nr: NR.mmap, args: [base + shape.ownAt, shape.ownBytes, Protection.readWrite, Flags.private | Flags.anonymous | Flags.fixedNoReplace, -1, 0] },
      { nr: NR.madvise, args: [base + shape.ownAt, shape.ownBytes, Advice.wipeOnFork] },
    ]);
    if (own?.[0] !== base + shape.ownAt || own[1] !== 0) return undefined;
    const arena = new Arena(base, shape, { owner: parts.owner, entries: [], clean: false });
    return arena.#mapShared(pid, tid, memory, parts.shared, Flags.fixedNoReplace) && arena.#writeHeader(memory) ? arena : undefined;
  }

  /** Takes a clean one for a session. False if that failed: then it is nobody's still. */
  reuse(pid: number, tid: number, memory: ProcessMemory, parts: { owner: Owner; shared: SharedFile }): boolean {
    this.#writeWord(memory, Header.clean, 0);
    this.clean = false;
    this.setOwner(memory, parts.owner);
    this.#writeWord(memory, Header.count, 0);
    this.entries = [];
    return this.#mapShared(pid, tid, memory, parts.shared, Flags.fixed);
  }

  /** Gives back the memory of a session, and says that it may be replaced. Nobody is inside. */
  release(pid: number, tid: number, memory: ProcessMemory): boolean {
    const { base, shape } = this;
    const done = runInTarget(pid, tid, memory, [
      {
        nr: NR.mmap,
        args: [base + shape.sharedAt, shape.sharedBytes, Protection.none, Flags.private | Flags.anonymous | Flags.noReserve | Flags.fixed, -1, 0],
      },
      { nr: NR.madvise, args: [base + shape.ownAt, shape.ownBytes, Advice.dontNeed] },
    ]);
    if (done?.[0] !== base + shape.sharedAt || done[1] !== 0) return false;
    this.clean = this.#writeWord(memory, Header.clean, 1);
    return this.clean;
  }

  /** One stub for all of it: an arming process killed in between leaves no descriptor open. */
  #mapShared(pid: number, tid: number, memory: ProcessMemory, shared: SharedFile, fixed: number): boolean {
    const at = this.base + this.shape.sharedAt;
    const message = this.base + this.shape.ownAt + MESSAGE_AT;
    const received = { load: message + Message.descriptor };
    if (!memory.write(message, messageAt(message, -1))) return false;
    let passed = false;
    const results = runInTarget(
      pid,
      tid,
      memory,
      [
        { nr: NR.socket, args: [AF_UNIX, DATAGRAMS, 0], keep: true },
        { nr: NR.recvmsg, args: ["kept", message, RECEIVE] },
        { nr: NR.mmap, args: [at, shared.bytes, Protection.readWrite, Flags.shared | fixed, received, 0] },
        { nr: NR.close, args: [received] },
        { nr: NR.close, args: ["kept"] },
      ],
      (call, result) => {
        if (call === 0 && result >= 0) passed = passDescriptor(pid, result, shared.fd) === 0;
      },
    );
    memory.write(message, new Uint8Array(Message.bytes));
    return passed && results?.[2] === at;
  }

  #writeHeader(memory: ProcessMemory): boolean {
    const head = new Uint8Array(Header.bytes);
    const view = new DataView(head.buffer);
    const { capacity, codeAt, sharedAt, sharedBytes, ownAt, ownBytes, size } = this.shape;
    view.setUint32(Header.owner, this.owner.pid, true);
    view.setBigUint64(Header.owner + 8, this.owner.start, true);
    for (const [at, value] of [
      [Header.size, size],
      [Header.codeAt, codeAt],
      [Header.sharedAt, sharedAt],
      [Header.sharedBytes, sharedBytes],
      [Header.ownAt, ownAt],
      [Header.ownBytes, ownBytes],
    ] as const)
      view.setBigUint64(at, BigInt(value), true);
    view.setUint32(Header.capacity, capacity, true);
    // What is half made isn't an arena.
    if (!memory.write(this.base, head)) return false;
    return memory.write(this.base + Header.magic, new Uint8Array(BigUint64Array.of(MAGIC).buffer));
  }
  #writeWord(memory: ProcessMemory, at: number, value: number): boolean {
    return memory.write(this.base + at, new Uint8Array(Uint32Array.of(value).buffer));
  }

  contains(address: number): boolean {
    return address >= this.base && address < this.base + this.shape.size;
  }
  get code(): number {
    return this.base + this.shape.codeAt;
  }
  get codeBytes(): number {
    return this.shape.sharedAt - this.shape.codeAt;
  }
  get shared(): number {
    return this.base + this.shape.sharedAt;
  }
  get own(): number {
    return this.base + this.shape.ownAt;
  }

  /** The code of a session, and the sites that lead into it. False if the target has ended. */
  fill(memory: ProcessMemory, code: Uint8Array, entries: readonly Entry[]): boolean {
    const table = new Uint8Array(entries.length * ENTRY_BYTES);
    const view = new DataView(table.buffer);
    for (const [i, { site, original, jump }] of entries.entries()) {
      view.setBigUint64(i * ENTRY_BYTES, BigInt(site), true);
      table.set(original, i * ENTRY_BYTES + 8);
      table.set(jump, i * ENTRY_BYTES + 16);
    }
    if (entries.length > this.shape.capacity || code.length > this.codeBytes) throw new RangeError("an arena is too small for what was asked for");
    this.entries = entries;
    return memory.write(this.code, code) && memory.write(this.base + TABLE_AT, table) && this.#writeWord(memory, Header.count, entries.length);
  }

  setOwner(memory: ProcessMemory, owner: Owner): void {
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, owner.pid, true);
    view.setBigUint64(8, owner.start, true);
    if (memory.write(this.base + Header.owner, bytes)) this.owner = owner;
  }
}

function entriesOf(table: Uint8Array, count: number): Entry[] {
  const view = new DataView(table.buffer, table.byteOffset);
  return Array.from({ length: count }, (_, i) => {
    const at = i * ENTRY_BYTES;
    return { site: Number(view.getBigUint64(at, true)), original: table.slice(at + 8, at + 13), jump: table.slice(at + 16, at + 21) };
  });
}

/** One stub for all of it, as above. */
function mapCode(pid: number, tid: number, memory: ProcessMemory, base: number, { sharedAt }: ArenaShape): boolean {
  const name = { text: new TextEncoder().encode(`${ARENA_NAME}\0`) };
  for (const flags of [CLOEXEC, CLOEXEC | NOEXEC_SEAL]) {
    let sized = false;
    const results = runInTarget(
      pid,
      tid,
      memory,
      [
        { nr: NR.memfdCreate, args: [name, flags], keep: true },
        { nr: NR.mmap, args: [base, sharedAt, Protection.readExec, Flags.private | Flags.fixedNoReplace, "kept", 0] },
        { nr: NR.close, args: ["kept"] },
      ],
      (call, result) => {
        // By us, not by the target: its limit of file sizes (RLIMIT_FSIZE) would have the kernel kill it.
        if (call === 0 && result >= 0) sized = truncated(`/proc/${tid}/fd/${result}`, sharedAt);
      },
    );
    if (results === undefined) return false;
    if ((results[0] as number) < 0) continue;
    return sized && results[1] === base;
  }
  return false;
}

function truncated(path: string, size: number): boolean {
  try {
    truncateSync(path, size);
    return true;
  } catch {
    return false;
  }
}
