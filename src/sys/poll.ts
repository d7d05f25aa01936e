/** Waiting for one file descriptor, without an event loop: poll(2). */
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const EVENTS = { read: 1, write: 4 } as const;
const entry = new Uint8Array(128);
const view = new DataView(entry.buffer);

/** True if it can be read or written now, or its other end is gone; false after `ms` (-1: no limit) or a signal. */
export function poll(fd: number, what: keyof typeof EVENTS, ms: number): boolean {
  view.setInt32(0, fd, true);
  view.setUint16(4, EVENTS[what], true);
  view.setUint16(6, 0, true);
  return syscall(nr.poll, entry, 1, ms) > 0;
}
