/** Captured stacks by their numbers: the session's table of them. */
import { basename } from "node:path";
import type { SessionImage } from "../../compiler/image.ts";
import type { Armed, MapAccess } from "../../engines/engine.ts";
import { plainText } from "../../output/value.ts";
import {
  CUT,
  FILE_BYTES,
  FILES_AT,
  type FoundFrames,
  type Frame,
  KERNEL,
  MOST_FRAMES,
  MOST_IN_FILES,
  STACK_BYTES,
  STACK_HEAD,
  Stack,
  type StackReader,
  stackNumber,
} from "../../schema/stack.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import type { RecordedPlace } from "../../symbols/unwind/recorded-code.ts";
import type { CodeNames } from "./code-names.ts";
import { type CopiedStack, StackWalks } from "./stack-walks.ts";

/** Stacks that were made into objects, which are the same object each time. */
const MOST_STACKS = 1 << 16;

export class StackTable {
  #map: Pick<MapAccess, "lookup" | "entries" | "update"> | undefined;
  #walks: StackWalks | undefined;
  /** Stacks that were found in copies: by the number that a handler gave one, the number of the whole. */
  readonly #copied = new Map<bigint, bigint>();
  readonly #stacks = new Map<bigint, Stack>();
  readonly #names: CodeNames;
  readonly #note: (text: string) => void;
  /** By the kernel's frame pointers, which not all programs have. */
  #byPointers = false;

  /** `note`: says something about the stacks of the session, for people. */
  constructor(names: CodeNames, note: (text: string) => void) {
    this.#names = names;
    this.#note = note;
  }

  /** Of a stack that was copied, the number of those that are like it. */
  readonly numberOf = (id: bigint): bigint => this.#copied.get(id) ?? id;
  readonly read: StackReader = (number) => {
    const id = this.numberOf(number);
    let stack = this.#stacks.get(id);
    if (stack === undefined) {
      if (this.#stacks.size >= MOST_STACKS) this.#stacks.clear();
      stack = new Stack(id, () => this.#frames(id));
      this.#stacks.set(id, stack);
    }
    return stack;
  };

  /** `probed`: files that processes may have mapped which are gone when names are asked for. */
  attach(armed: Armed, image: SessionImage, probed: Iterable<FunctionSite>): void {
    const { stacks, walks } = image;
    if (stacks === undefined) return;
    this.#map = armed.map(stacks);
    this.#byPointers = armed.engine === "kernel" && walks === undefined;
    if (walks !== undefined) this.#walks = new StackWalks(armed, { ...image, walks }, (pid, again) => this.#names.modulesOf(pid, again));
    for (const { path, display, event } of probed) if (event === undefined) this.#names.open(path, display);
  }
  /** Several numbers may be of one stack: those in copies. */
  get hasCopies(): boolean {
    return this.#copied.size > 0;
  }
  /** A handler came to a frame that it has no rule for, and sent a copy of the stack. */
  copied(record: DataView, at: number): void {
    const copy = this.#walks?.read(record, at);
    if (copy !== undefined) this.#complete(copy);
  }
  /** Under the number that a handler gives it when it knows the rules, so that it is one stack with those to come. */
  #complete({ id, pid, known, frames, cut }: CopiedStack): void {
    const entry = this.#entry(id);
    if (entry === undefined || this.#map === undefined) return;
    const asked = entry.getUint16(6, true) & ~CUT;
    const all = [...wordsOf(entry).slice(0, known - 1), ...frames].slice(0, asked);
    if (all.length < known) return;
    const head = asked | (cut && all.length < asked ? CUT : 0);
    const whole = stackNumber(pid, head, all);
    const view = new DataView(new ArrayBuffer(STACK_BYTES));
    new Uint8Array(view.buffer).set(new Uint8Array(entry.buffer, entry.byteOffset, entry.byteLength));
    view.setInt16(4, 8 * all.length, true);
    view.setUint16(6, head, true);
    for (const [i, address] of all.entries()) view.setBigUint64(STACK_HEAD + 8 * i, address, true);
    this.#map.update(keyOf(whole), new Uint8Array(view.buffer), "any");
    this.#copied.set(id, whole);
    this.#stacks.delete(id);
  }

  /** The engine's memory goes: what was captured gets its names now, if it may be asked for still. */
  detach(keep: boolean): void {
    for (const [key] of (keep && this.#map?.entries()) || []) void this.read(new DataView(key.buffer, key.byteOffset, 8).getBigUint64(0, true)).frames;
    this.#map = undefined;
    this.#walks = undefined;
  }

  #entry(id: bigint): DataView | undefined {
    const entry = this.#map?.lookup(keyOf(id));
    return entry && new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  }
  #frames(id: bigint): FoundFrames {
    const view = this.#entry(id);
    if (view === undefined) return { frames: [], cut: false };
    const cut = (view.getUint16(6, true) & CUT) !== 0;
    const pid = view.getUint32(0, true);
    const addresses = addressesOf(view);
    if (pid === KERNEL) return { frames: addresses.map((address) => this.#names.kernelFrame(address)), cut };
    // The kernel says of frames that it has found itself in which files they are: of a handler's, the first alone is one of them.
    const code = this.#names.codeOf(pid, placesOf(view, this.#walks === undefined ? MOST_IN_FILES : 1));
    const frames = addresses.flatMap((address, i) => this.#names.framesAt(code, address, i > 0));
    if (addresses.length < (view.getUint16(6, true) & ~CUT)) this.#judge(frames);
    return { frames, cut };
  }
  /** Says once that frame pointers don't lead to the end. */
  #judge(frames: readonly Frame[]): void {
    const last = frames.findLast(({ module }) => module !== undefined);
    if (!this.#byPointers || last?.module === undefined || OUTERMOST.test(last.name ?? "")) return;
    this.#byPointers = false;
    this.#note(
      `stacks end early where code has no frame pointers, as in ${basename(last.module)} behind ${plainText(last.name ?? "?")}: --unwind tables finds their callers, at about 0.2 µs a frame`,
    );
  }
}

function keyOf(id: bigint): Uint8Array {
  const key = new DataView(new ArrayBuffer(8));
  key.setBigUint64(0, id, true);
  return new Uint8Array(key.buffer);
}

function wordsOf(view: DataView): bigint[] {
  const bytes = Math.min(view.getInt16(4, true), 8 * MOST_FRAMES);
  return Array.from({ length: Math.max(0, bytes >> 3) }, (_, i) => view.getBigUint64(STACK_HEAD + 8 * i, true));
}

/** Innermost first; the caller of a function at its entry, where frame pointers don't lead to it yet, behind that. */
function addressesOf(view: DataView): bigint[] {
  const addresses = wordsOf(view);
  const caller = view.getBigUint64(8, true);
  if (caller !== 0n && addresses.length > 0 && addresses[1] !== caller) addresses.splice(1, 0, caller);
  return addresses.slice(0, view.getUint16(6, true) & ~CUT);
}

/** What has no caller that anybody would miss, as the C library and Go's runtime call it. */
const OUTERMOST = /^(_start|main|(__)?clone3?|start_thread|__libc_start.*|_dl_start_user|_dl_start|runtime\.(goexit|mstart|rt0_go|morestack).*)$/;

const IN_FILE = 1;

/** In which files the addresses are, as far as the kernel said so. */
function placesOf(view: DataView, most: number): RecordedPlace[] {
  const count = Math.min(Math.max(0, view.getInt16(4, true) >> 3), most);
  return Array.from({ length: count }, (_, i) => FILES_AT + FILE_BYTES * i).flatMap((at, i) => {
    if (view.getInt32(at, true) !== IN_FILE) return [];
    const buildId = Buffer.from(view.buffer, view.byteOffset + at + 4, 20).toString("hex");
    return { address: Number(view.getBigUint64(STACK_HEAD + 8 * i, true)), buildId, offset: Number(view.getBigUint64(at + 24, true)) };
  });
}
