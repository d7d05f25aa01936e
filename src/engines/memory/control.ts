/** The control block: what the engine and the session tell each other without a message (layout.ts draws it). */
import { SondeBug } from "../../errors/error.ts";
import { Control, LAYOUT_VERSION, MAGIC, type MemoryLayout } from "./layout.ts";

/** By whoever made the memory. */
export function signMemory(memory: ArrayBufferLike, layout: MemoryLayout): void {
  new Uint32Array(memory, layout.control).set([MAGIC, LAYOUT_VERSION]);
}

/** By whoever was given it: that both mean the same layout. */
export function checkMemory(memory: ArrayBufferLike, layout: MemoryLayout): void {
  const [magic, version] = new Uint32Array(memory, layout.control, 2);
  if (magic !== MAGIC || version !== LAYOUT_VERSION || memory.byteLength < layout.bytes) {
    throw new SondeBug(
      `the shared memory is not what was planned: magic ${magic?.toString(16)}, version ${version}, ${memory.byteLength} of ${layout.bytes} bytes`,
    );
  }
}

/**
 * Counts the runs of programs: odd while one runs. What is deleted from a map during a run keeps its memory until the
 * run is over, as the program may hold its address; that is the kernel's grace period, for an engine that runs one program at a time.
 */
export class Runs {
  readonly #words: Int32Array;

  constructor(memory: ArrayBufferLike, layout: MemoryLayout) {
    this.#words = new Int32Array(memory, layout.control + Control.run, 1);
  }
  enter(): void {
    Atomics.store(this.#words, 0, (this.#words[0] as number) | 1);
  }
  leave(): void {
    Atomics.store(this.#words, 0, ((this.#words[0] as number) | 1) + 1);
  }
}
