/** Captured stacks by their numbers: the session's table of them. */
import type { SessionImage } from "../../compiler/image.ts";
import type { Armed, MapAccess } from "../../engines/engine.ts";
import { FILE_BYTES, FILES_AT, type Frame, KERNEL, MOST_FRAMES, MOST_IN_FILES, STACK_HEAD, Stack, type StackReader } from "../../schema/stack.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import type { RecordedPlace } from "../../symbols/unwind/recorded-code.ts";
import type { CodeNames } from "./code-names.ts";

/** Stacks that were made into objects, which are the same object each time. */
const MOST_STACKS = 1 << 16;

export class StackTable {
  #map: Pick<MapAccess, "lookup" | "entries"> | undefined;
  readonly #stacks = new Map<bigint, Stack>();
  readonly #names: CodeNames;

  constructor(names: CodeNames) {
    this.#names = names;
  }

  readonly read: StackReader = (id) => {
    let stack = this.#stacks.get(id);
    if (stack === undefined) {
      if (this.#stacks.size >= MOST_STACKS) this.#stacks.clear();
      stack = new Stack(id, () => this.#frames(id));
      this.#stacks.set(id, stack);
    }
    return stack;
  };

  /** `probed`: files that processes may have mapped which are gone when names are asked for. */
  attach(armed: Armed, { stacks }: Pick<SessionImage, "stacks">, probed: Iterable<FunctionSite>): void {
    if (stacks === undefined) return;
    this.#map = armed.map(stacks);
    for (const { path, display, event } of probed) if (event === undefined) this.#names.open(path, display);
  }
  /** The engine's memory goes: what was captured gets its names now, if it may be asked for still. */
  detach(keep: boolean): void {
    for (const [key] of (keep && this.#map?.entries()) || []) void this.read(new DataView(key.buffer, key.byteOffset, 8).getBigUint64(0, true)).frames;
    this.#map = undefined;
  }

  #frames(id: bigint): readonly Frame[] {
    const key = new DataView(new ArrayBuffer(8));
    key.setBigUint64(0, id, true);
    const entry = this.#map?.lookup(new Uint8Array(key.buffer));
    if (entry === undefined) return [];
    const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
    const pid = view.getUint32(0, true);
    const addresses = addressesOf(view);
    if (pid === KERNEL) return addresses.map((address) => this.#names.kernelFrame(address));
    const code = this.#names.codeOf(pid, placesOf(view));
    return addresses.flatMap((address, i) => this.#names.framesAt(code, address, i > 0));
  }
}

/** Innermost first; the caller of a function at its entry, where frame pointers don't lead to it yet, behind that. */
function addressesOf(view: DataView): bigint[] {
  const bytes = Math.min(view.getInt16(4, true), 8 * MOST_FRAMES);
  const addresses = Array.from({ length: Math.max(0, bytes >> 3) }, (_, i) => view.getBigUint64(STACK_HEAD + 8 * i, true));
  const caller = view.getBigUint64(8, true);
  if (caller !== 0n && addresses.length > 0 && addresses[1] !== caller) addresses.splice(1, 0, caller);
  return addresses.slice(0, view.getUint16(6, true));
}

const IN_FILE = 1;

/** In which files the addresses are, as far as the kernel said so. */
function placesOf(view: DataView): RecordedPlace[] {
  const count = Math.min(Math.max(0, view.getInt16(4, true) >> 3), MOST_IN_FILES);
  return Array.from({ length: count }, (_, i) => FILES_AT + FILE_BYTES * i).flatMap((at, i) => {
    if (view.getInt32(at, true) !== IN_FILE) return [];
    const buildId = Buffer.from(view.buffer, view.byteOffset + at + 4, 20).toString("hex");
    return { address: Number(view.getBigUint64(STACK_HEAD + 8 * i, true)), buildId, offset: Number(view.getBigUint64(at + 24, true)) };
  });
}
