/**
 * A stack as the host sees it, and where handlers keep what they captured.
 *
 * A handler has a stack's number: a hash of whose it is and of all its addresses. The addresses stand once for each number in
 * the session's table:
 *
 *     0     u32  the process; KERNEL: of the kernel
 *     4     i16  bytes of addresses (negative: it couldn't be captured)
 *     6     u16  how many frames were asked for; bit 15: there are more, which weren't found
 *     8     u64  the return address at the probed function's entry, 0: not known
 *    16     u64… addresses, innermost first
 *    1032   …    of a program's: in which files they are, a struct bpf_stack_build_id each (32 bytes: i32 status, 1 where it is
 *                known; 20 bytes of build-id; u64 offset in the file). The kernel tells it at the first hit with the stack, so
 *                that names can be found when the process is gone.
 */

export const KERNEL = 0xffff_ffff;
/** Where the addresses begin. */
export const STACK_HEAD = 16;
/** Frames at most: what Linux captures unless it is told otherwise (kernel.perf_event_max_stack). */
export const MOST_FRAMES = 127;
export const FILES_AT = STACK_HEAD + 8 * MOST_FRAMES;
/** Frames of which it is recorded in which files they are: further ones are in the same. */
export const MOST_IN_FILES = 64;
export const FILE_BYTES = 32;
/** Of the u16 at 6. */
export const CUT = 0x8000;
/** Bytes of an entry. */
export const STACK_BYTES = FILES_AT + FILE_BYTES * MOST_IN_FILES;

/** Odd, and its bits are as even as they come: 2^64 divided by the golden ratio. */
export const STACK_MIX = 0x9e37_79b9_7f4a_7c15n;

/** The number that a handler gives a stack which it has unwound itself. `head`: the u16 at 6. */
export function stackNumber(pid: number, head: number, addresses: readonly bigint[]): bigint {
  return [...addresses, BigInt(head)].reduce((hash, word) => {
    const mixed = BigInt.asUintN(64, (hash ^ word) * STACK_MIX);
    return mixed ^ (mixed >> 29n);
  }, BigInt(pid));
}

/** A frame of a stack. What isn't known is left out. */
export interface Frame {
  readonly address: bigint;
  /** The function, demangled. */
  readonly name?: string;
  /** Bytes from the function's start; from the module's, where the function isn't known. */
  readonly offset: number;
  /** The mapped file, or "[kernel]". */
  readonly module?: string;
  readonly file?: string;
  readonly line?: number;
  /** It was inlined into the next frame's. */
  readonly inlined: boolean;
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const bracketed = (module: string): string => (module.startsWith("[") ? module : `[${lastOf(module)}]`);

/** One line: `work+0x1c (jobs.c:12) [jobs]`. */
export function frameText({ address, name, offset, module, file, line, inlined }: Frame): string {
  const hex = `0x${offset.toString(16)}`;
  const where = file === undefined || line === undefined ? "" : ` (${lastOf(file)}:${line})`;
  if (inlined) return `${name ?? "?"}${where} [inlined]`;
  if (name !== undefined) return `${name}+${hex}${where}${module === undefined ? "" : ` ${bracketed(module)}`}`;
  return module === undefined ? `0x${address.toString(16)}` : `${lastOf(module)}+${hex}${where}`;
}

export interface FoundFrames {
  readonly frames: readonly Frame[];
  readonly cut: boolean;
}

export class Stack {
  /** What handlers know it by; the number alone where nothing else is kept of it. */
  readonly #id: bigint;
  readonly #find: () => FoundFrames;
  #found: FoundFrames | undefined;

  /** Frames are looked up when they are asked for. */
  constructor(id: bigint, find: () => FoundFrames) {
    this.#id = id;
    this.#find = find;
  }
  static idOf(stack: Stack): bigint {
    return stack.#id;
  }
  /** Innermost first. */
  get frames(): readonly Frame[] {
    this.#found ??= this.#find();
    return this.#found.frames;
  }
  /** There are more frames, which couldn't be found. */
  get cut(): boolean {
    this.#found ??= this.#find();
    return this.#found.cut;
  }
  /** A line a frame; a last one of `…` where it is cut. */
  toString(): string {
    return [...this.frames.map(frameText), ...(this.cut ? ["…"] : [])].join("\n");
  }
}

/** A stack by its number. */
export type StackReader = (id: bigint) => Stack;
export const unknownStack: StackReader = (id) => new Stack(id, () => ({ frames: [], cut: false }));
