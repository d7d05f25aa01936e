/**
 * How the kernel copies from the target: whole or not at all, and what is left in the destination when it fails
 * (mm/maccess.c, lib/strncpy_from_user.c, kernel/trace/bpf_trace.c).
 */
import type { UserMemory } from "./environment.ts";
import { Errno } from "./errno.ts";

/** probe_read_user, copy_from_user: 0, or -EFAULT with the destination cleared. */
export function copyFromUser(user: UserMemory, destination: Uint8Array, address: bigint): number {
  if (destination.length === 0) return 0;
  const bytes = user.read(address, destination.length);
  if (bytes === undefined) {
    destination.fill(0);
    return -Errno.EFAULT;
  }
  destination.set(bytes);
  return 0;
}

/** Copies up to the NUL or `max` bytes; the number of bytes before the NUL, `max` if there is none, or -EFAULT. */
function copyText(user: UserMemory, destination: Uint8Array, address: bigint, max: number): number {
  let at = 0;
  // Eight bytes at a time as long as they can be read: behind the NUL its word is zero, further bytes are left alone.
  while (max - at >= 8) {
    const word = user.read(address + BigInt(at), 8);
    if (word === undefined) break;
    const nul = word.indexOf(0);
    if (nul >= 0) word.fill(0, nul);
    destination.set(word, at);
    if (nul >= 0) return at + nul;
    at += 8;
  }
  for (; at < max; at++) {
    const byte = user.read(address + BigInt(at), 1);
    if (byte === undefined) return -Errno.EFAULT;
    destination[at] = byte[0]!;
    if (byte[0] === 0) return at;
  }
  return max;
}

/** probe_read_user_str: bytes written, the NUL included, or -EFAULT with the destination cleared. Always ends in a NUL. */
export function readText(user: UserMemory, destination: Uint8Array, address: bigint): number {
  const size = destination.length;
  if (size === 0) return 0;
  const length = copyText(user, destination, address, size);
  if (length < 0) {
    destination.fill(0);
    return length;
  }
  if (length >= size) {
    destination[size - 1] = 0;
    return size;
  }
  return length + 1;
}

/** bpf_copy_from_user_str: as above, but without clearing unless `pad`, which also clears what is behind the text. */
export function copyTextFromUser(user: UserMemory, destination: Uint8Array, address: bigint, pad: boolean): number {
  const size = destination.length;
  if (size === 0) return 0;
  const length = copyText(user, destination, address, size - 1);
  if (length < 0) {
    if (pad) destination.fill(0);
    return length;
  }
  if (pad) destination.fill(0, length);
  else destination[length] = 0;
  return length + 1;
}
