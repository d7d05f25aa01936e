/**
 * Memory of the target for programs: whole or not at all, and what is left of the destination when it fails as the kernel
 * leaves it (mm/maccess.c, lib/strncpy_from_user.c). Texts are read up to the end of a page at a time, as a page is there
 * or isn't.
 */
import { errno } from "../../../sys/errno.ts";
import { address as addressOf } from "../../../sys/ffi/native.ts";
import type { HitEnvironment } from "./programs.ts";

const PAGE = 4096;
/** What a process may have mapped ends before (TASK_SIZE_MAX with four levels of page tables). */
const USER_END = 2 ** 47 - PAGE;
const PAD_ZEROS = 1;

export class UserReads {
  readonly #bytes: Uint8Array<ArrayBufferLike>;
  /** Where the memory lies in this process. */
  readonly #base: number;
  readonly #piece: { readonly at: number; readonly bytes: number };
  readonly #environment: HitEnvironment;

  /** `piece`: memory for a piece of a text on its way. */
  constructor(memory: WebAssembly.Memory, piece: { readonly at: number; readonly bytes: number }, environment: HitEnvironment) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#base = Number(addressOf(this.#bytes));
    this.#piece = piece;
    this.#environment = environment;
  }

  #read(address: number, to: number, length: number): number {
    return address + length <= USER_END ? this.#environment.readUser(address, this.#base + to, length) : 0;
  }

  /** 0, or -EFAULT with the destination cleared. */
  copy(to: number, size: number, address: number): number {
    if (size === 0 || this.#read(address, to, size) === size) return 0;
    this.#bytes.fill(0, to, to + size);
    return -errno.EFAULT;
  }

  /** Copies up to the NUL or `max` bytes; the number of bytes before the NUL, `max` if there is none, or -EFAULT. */
  #copyText(to: number, max: number, address: number): number {
    const bytes = this.#bytes;
    const { at: piece, bytes: room } = this.#piece;
    for (let at = 0; at < max; ) {
      const from = address + at;
      const wanted = Math.min(max - at, PAGE - (from % PAGE), room);
      const got = this.#read(from, piece, wanted);
      if (got <= 0) return -errno.EFAULT;
      const nul = bytes.subarray(piece, piece + got).indexOf(0);
      const length = nul < 0 ? got : nul;
      bytes.copyWithin(to + at, piece, piece + length);
      at += length;
      if (nul < 0) continue;
      // The kernel copies words: the rest of the last one is zero, what is behind it stays as it was.
      const word = (at & ~7) + 8;
      bytes.fill(0, to + at, to + (word <= max ? word : at + 1));
      return at;
    }
    return max;
  }

  /** probe_read_user_str: bytes written, the NUL included, or -EFAULT with the destination cleared. Always ends in a NUL. */
  text(to: number, size: number, address: number): number {
    if (size === 0) return 0;
    const length = this.#copyText(to, size, address);
    if (length < 0) {
      this.#bytes.fill(0, to, to + size);
      return length;
    }
    if (length < size) return length + 1;
    this.#bytes[to + size - 1] = 0;
    return size;
  }

  /** bpf_copy_from_user_str: without clearing unless BPF_F_PAD_ZEROS, which also clears what is behind the text. */
  paddedText(to: number, size: number, address: number, flags: number): number {
    if ((flags & ~PAD_ZEROS) !== 0) return -errno.EINVAL;
    if (size === 0) return 0;
    const pad = flags === PAD_ZEROS;
    const length = this.#copyText(to, size - 1, address);
    if (length < 0) {
      if (pad) this.#bytes.fill(0, to, to + size);
      return length;
    }
    if (pad) this.#bytes.fill(0, to + length, to + size);
    else this.#bytes[to + length] = 0;
    return length + 1;
  }
}
