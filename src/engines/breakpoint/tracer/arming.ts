/**
 * Puts breakpoints into address spaces and takes them out: which mappings hold a registered file, which bytes are displaced,
 * where their slots lie. Only private file mappings that can be executed and not written are touched; what is written there is
 * a copy of the page that this address space alone sees.
 */
import { SondeError } from "../../../errors/error.ts";
import { isArmable, type Mapping, readMappings } from "../../../sys/procfs.ts";
import { type Refusal, relocate, type Slot } from "../../../x86/relocate/relocate.ts";
import { isGo, returnInstructions } from "./go.ts";
import { internalSites } from "./internal-sites.ts";
import type { RegisteredFile, Registry } from "./registry.ts";
import { lower, raiseAll } from "./semaphores.ts";
import type { Armed, InternalUse, ProbeUse, Space } from "./space.ts";

export const INT3 = Uint8Array.of(0xcc);
/** As much as an instruction may take. */
const MAX_INSTRUCTION = 15;
/** So many sites of a mapping are read in one piece. */
const READ_TOGETHER = 64;
/** So often a page that is mapped and can't be read is tried: the program may unmap and map it all the time. */
const READS = 16;
/** A program that maps without end is followed so far at once. */
const MOST_PASSES = 4;
const PUSHF = 0x9c;
const POPF = 0x9d;

interface Wish {
  readonly address: number;
  readonly file: RegisteredFile | undefined;
  readonly offset: number;
  readonly name: string;
  readonly uses: readonly ProbeUse[];
  readonly internal: InternalUse | undefined;
  readonly go: boolean;
  /** A static probe's: where its semaphore is. */
  readonly semaphore?: number | undefined;
}

export interface ArmingParts {
  readonly registry: Registry;
  /** What the user should know. */
  note(text: string): void;
  /** The process runs code there that can't be moved, or something else is at the site; all or nothing while a session arms. */
  readonly strict: (pid: number) => boolean;
}

export class Arming {
  readonly #parts: ArmingParts;
  constructor(parts: ArmingParts) {
    this.#parts = parts;
  }

  /**
   * Looks at what is mapped now, and arms whatever is new. `tid` is a stopped thread of the space, which may have to make
   * system calls. Gives the number of sites put in.
   */
  sync(space: Space, tid: number): number {
    return this.#unlessEnded(space, () => this.#sync(space, tid));
  }
  /** The same for a forked child, which may lack our handler as well. */
  complete(space: Space, tid: number): void {
    this.#unlessEnded(space, () => {
      space.areas.adopt(tid);
      return this.#sync(space, tid);
    });
  }

  #unlessEnded(space: Space, work: () => number): number {
    if (this.#parts.strict(space.pid)) return work();
    try {
      return work();
    } catch (error) {
      // The run goes on with what is armed; a process that has ended is no news.
      if (!(error instanceof SondeError)) throw error;
      if (error.code !== "SONDE_PROCESS_NOT_FOUND")
        this.#parts.note(`Process ${space.pid} isn't probed: ${error.message}${error.why === undefined ? "" : `, for ${error.why}`}.`);
      return 0;
    }
  }

  #sync(space: Space, tid: number, passes = MOST_PASSES): number {
    const mappings = readMappings(space.pid);
    const text: { start: number; end: number }[] = [];
    const files: { start: number; end: number }[] = [];
    const mapped = new Map<string, { start: number; end: number }>();
    const wishes: Wish[] = [];
    for (const mapping of mappings) {
      if (mapping.inode !== 0n) files.push({ start: mapping.start, end: mapping.end });
      if (!isArmable(mapping)) continue;
      text.push({ start: mapping.start, end: mapping.end });
      const id = idOf(mapping);
      mapped.set(id, { start: mapping.start, end: mapping.end });
      const known = space.mapped.has(id);
      const file = this.#parts.registry.fileOf(mapping);
      if (file !== undefined) for (const wish of this.#wishes(space, mapping, file)) if (!known || !space.armed.has(wish.address)) wishes.push(wish);
      if (!known) wishes.push(...this.#internal(space.pid, mapping));
    }
    space.text = text;
    space.mapped = mapped;
    space.strays.clear();
    // What is writable for a while keeps its breakpoints, and what the program writes over them.
    for (const address of space.armed.keys()) if (!isWithin(files, address)) space.armed.delete(address);
    const armed = this.#arm(space, tid, wishes);
    raiseAll(space, mappings);
    // While the places that tell of mappings were not armed yet, other threads may have made some.
    return armed > 0 && --passes > 0 && !isSame(mapped, this.#idsOf(space.pid)) ? armed + this.#sync(space, tid, passes) : armed;
  }

  #idsOf(pid: number): ReadonlySet<string> {
    return new Set(readMappings(pid).filter(isArmable).map(idOf));
  }

  *#wishes(space: Space, mapping: Mapping, file: RegisteredFile): Generator<Wish> {
    const end = mapping.offset + (mapping.end - mapping.start);
    for (const [offset, registered] of file.sites) {
      if (offset < mapping.offset || offset >= end) continue;
      const uses = this.#parts.registry.usesFor(registered, space.pid);
      if (uses.length === 0) continue;
      const address = mapping.start + offset - mapping.offset;
      const go = isGo(file.path);
      const { name, semaphore } = registered.site;
      yield { address, file, offset, name, uses, internal: undefined, go, semaphore: semaphore && address + semaphore };
      if (!go || !uses.some(({ leave, intercept }) => leave >= 0 || intercept?.leave === true)) continue;
      const { functionOffset, size } = registered.site;
      for (const at of returnInstructions(space, mapping.start + functionOffset - mapping.offset, size))
        yield { address: at, file, offset: offset + at - address, name: `a return of ${registered.site.name}`, uses: [], internal: "return", go };
    }
  }

  *#internal(pid: number, mapping: Mapping): Generator<Wish> {
    for (const { offset, use, name } of internalSites(mapping.inode, mapping.path, `/proc/${pid}/root${mapping.path}`, this.#parts.registry.returns)) {
      if (offset < mapping.offset || offset >= mapping.offset + (mapping.end - mapping.start)) continue;
      yield { address: mapping.start + offset - mapping.offset, file: undefined, offset, name, uses: [], internal: use, go: false };
    }
  }

  /** Whether a return address can have a breakpoint; it gets one. */
  armReturn(space: Space, tid: number, address: number): Armed | undefined {
    if (!isText(space, address)) {
      this.sync(space, tid);
      if (!isText(space, address)) return undefined;
    }
    const known = space.armed.get(address);
    if (known !== undefined) {
      if (!known.inserted) this.insert(space, known);
      return known.inserted ? known : undefined;
    }
    try {
      this.#arm(space, tid, [{ address, file: undefined, offset: 0, name: "a return address", uses: [], internal: undefined, go: false }], true);
    } catch {
      // No room, or code that can't be moved: this return can't be followed, and is counted.
      return undefined;
    }
    return space.armed.get(address);
  }

  #arm(space: Space, tid: number, wishes: readonly Wish[], strict = this.#parts.strict(space.pid)): number {
    const fresh: { wish: Wish; bytes: Uint8Array }[] = [];
    const reader = new TextReader(space, wishes);
    for (const wish of wishes) {
      const known = space.armed.get(wish.address);
      // What was just unmapped may be there once more by now.
      let bytes = reader.at(wish.address);
      let there = true;
      for (let tries = 0; bytes === undefined && there && tries < READS; tries++) {
        there = this.#isStill(space, wish);
        bytes = reader.at(wish.address);
      }
      if (!there) continue;
      if (bytes === undefined) {
        this.#refuse(space, wish, "its page can't be read: the file is shorter than its mapping", strict);
        continue;
      }
      if (known !== undefined && sameCode(known, bytes)) {
        known.uses = wish.uses.length > 0 ? wish.uses : known.uses;
        known.internal ??= wish.internal;
        if (!known.inserted || bytes[0] !== 0xcc) this.insert(space, known);
        continue;
      }
      if (known?.inserted === true && known.file === wish.file?.key && known.offset === wish.offset && wish.file !== undefined) {
        // The program has written over it: that is its own from now on.
        known.inserted = false;
        known.overwritten = true;
        continue;
      }
      if (known?.overwritten === true) continue;
      const moved = wish.file === undefined ? undefined : space.originals.get(`${wish.file.key}:${wish.offset}`);
      if (bytes[0] === 0xcc && moved !== undefined) {
        // The mapping was moved, and has taken our breakpoint along.
        const restored = bytes.slice();
        restored[0] = moved;
        fresh.push({ wish, bytes: restored });
        continue;
      }
      if (bytes[0] === 0xcc) {
        this.#refuse(space, wish, "there is a breakpoint already that isn't ours (a debugger's, or the program's own)", strict);
        continue;
      }
      fresh.push({ wish, bytes });
    }
    if (fresh.length === 0) return 0;
    const moves: (Slot | Refusal)[] = [];
    const slots = space.areas.install(
      tid,
      fresh.map(({ wish, bytes }, i) => ({
        site: wish.address,
        original: bytes[0] as number,
        code: (slot) => {
          const moved = relocate(bytes, wish.address, slot);
          moves[i] = moved;
          return "refused" in moved ? undefined : moved.code;
        },
      })),
    );
    const armed: Armed[] = [];
    for (const [i, { wish, bytes }] of fresh.entries()) {
      const moved = moves[i] as Slot | Refusal;
      const slot = slots[i];
      if ("refused" in moved) this.#refuse(space, wish, `it can't be executed elsewhere: ${moved.refused}`, strict);
      else if (slot !== undefined) armed.push(makeArmed(wish, bytes, slot, moved));
    }
    for (const one of armed) {
      if (one.file !== undefined) space.originals.set(`${one.file}:${one.offset}`, one.original);
      space.armed.set(one.address, one);
      this.insert(space, one);
      if (!one.inserted) space.armed.delete(one.address);
    }
    return armed.length;
  }

  /** Whether the wish's place of its file is mapped at its address: a running program may unmap what was just there. */
  #isStill(space: Space, { address, file, offset }: Wish): boolean {
    const mapping = readMappings(space.pid).find(({ start, end }) => address >= start && address < end);
    if (mapping === undefined) return false;
    return file === undefined || (this.#parts.registry.fileOf(mapping) === file && mapping.offset + (address - mapping.start) === offset);
  }

  #refuse(space: Space, wish: Wish, why: string, strict: boolean): void {
    if (wish.internal !== undefined) return;
    const where = wish.file === undefined ? `0x${wish.address.toString(16)}` : `${wish.file.display}+0x${wish.offset.toString(16)}`;
    if (strict)
      throw new SondeError("SONDE_SITE_REFUSED", `${wish.name} can't be probed`, {
        where: `${where} in process ${space.pid}`,
        why,
        mend: "Probe another instruction (name+offset), or use another engine.",
      });
    this.#parts.note(`Process ${space.pid}: ${wish.name} (${where}) isn't probed: ${why}.`);
  }

  /** Only where the displaced code still stands: other threads run, and may have unmapped it and mapped something else there. */
  insert(space: Space, armed: Armed): void {
    armed.inserted = stands(space, armed) && space.memory.write(armed.address, INT3);
  }

  /** Takes it out, where it is still ours; the slot stays for threads that are inside. */
  remove(space: Space, armed: Armed): void {
    lower(space, armed);
    if (!armed.inserted) return;
    armed.inserted = false;
    const now = space.memory.bytes(armed.address, armed.length);
    if (now?.[0] === 0xcc && sameCode(armed, now)) space.memory.write(armed.address, Uint8Array.of(armed.original));
  }

  /** Takes it out whatever we believe: a forked child has what its parent had at that moment, not what it has now. */
  clean(space: Space, armed: Armed): void {
    armed.inserted = !armed.overwritten;
    this.remove(space, armed);
  }

  /** One probe less: its sites go where nobody else wants them. */
  detach(space: Space, probe: number): void {
    for (const armed of space.armed.values()) {
      if (!armed.uses.some((use) => use.probe === probe)) continue;
      armed.uses = armed.uses.filter((use) => use.probe !== probe);
      if (armed.uses.length === 0 && armed.waiting === 0 && armed.internal === undefined) this.remove(space, armed);
    }
  }

  /** Takes out all that is still where it was put. */
  removeAll(space: Space): void {
    try {
      const mappings = readMappings(space.pid).filter(isArmable);
      space.text = mappings.map(({ start, end }) => ({ start, end }));
    } catch {
      // The process has gone: so have its breakpoints.
      return;
    }
    for (const armed of space.armed.values()) if (isText(space, armed.address)) this.clean(space, armed);
  }
}

function makeArmed(wish: Wish, bytes: Uint8Array, slot: number, { length, positions, after }: Slot): Armed {
  const first = bytes[0] as number;
  return {
    address: wish.address,
    name: wish.name,
    file: wish.file?.key,
    offset: wish.offset,
    original: first,
    length,
    slot,
    positions,
    after,
    pushesFlags: first === PUSHF,
    popsFlags: first === POPF || (first === 0x66 && bytes[1] === POPF),
    bytes: bytes.slice(0, length),
    go: wish.go,
    uses: wish.uses,
    internal: wish.internal,
    waiting: 0,
    inserted: false,
    overwritten: false,
    idle: 0,
    semaphore: wish.semaphore,
    raised: false,
  };
}

function stands(space: Space, armed: Armed): boolean {
  const now = space.memory.bytes(armed.address, armed.length);
  return now !== undefined && sameCode(armed, now);
}

/** Whether the bytes behind the first are those that were displaced. */
function sameCode(armed: Armed, bytes: Uint8Array): boolean {
  if (bytes[0] !== 0xcc && bytes[0] !== armed.original) return false;
  for (let i = 1; i < armed.length; i++) if (bytes[i] !== armed.bytes[i]) return false;
  return true;
}

const idOf = ({ start, offset, device, inode }: Mapping): string => `${start}:${offset}:${device}:${inode}`;
const isSame = (a: ReadonlyMap<string, unknown>, b: ReadonlySet<string>): boolean => a.size === b.size && [...b].every((id) => a.has(id));

export const isText = (space: Space, address: number): boolean => isWithin(space.text, address);

function isWithin(ranges: readonly { readonly start: number; readonly end: number }[], address: number): boolean {
  for (const range of ranges) if (address >= range.start && address < range.end) return true;
  return false;
}

/** Reads the code at many places: in one piece where there are many. */
class TextReader {
  readonly #space: Space;
  readonly #pieces: { start: number; bytes: Uint8Array }[] = [];

  constructor(space: Space, wishes: readonly { readonly address: number }[]) {
    this.#space = space;
    if (wishes.length < READ_TOGETHER) return;
    for (const range of space.text) {
      let low = Number.POSITIVE_INFINITY;
      let high = 0;
      for (const { address } of wishes) {
        if (address < range.start || address >= range.end) continue;
        low = Math.min(low, address);
        high = Math.max(high, address);
      }
      if (high === 0) continue;
      const bytes = this.#space.memory.bytes(low, Math.min(high + MAX_INSTRUCTION, range.end) - low);
      if (bytes !== undefined) this.#pieces.push({ start: low, bytes });
    }
  }
  at(address: number): Uint8Array | undefined {
    for (const { start, bytes } of this.#pieces) {
      const from = address - start;
      if (from >= 0 && from < bytes.length) return bytes.subarray(from, from + MAX_INSTRUCTION);
    }
    const buffer = new Uint8Array(128);
    const got = this.#space.memory.read(address, buffer, MAX_INSTRUCTION);
    return got > 0 ? buffer.subarray(0, got) : undefined;
  }
}
