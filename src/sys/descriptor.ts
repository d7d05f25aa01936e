/** Closing file descriptors that system calls gave. */
import { closeTogether, syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

/** Closes each; a descriptor that is closed already is not an error. */
export function closeAll(fds: Iterable<number>): void {
  for (const fd of fds) syscall(nr.close, fd);
}

/** Closes those of links and events, where each close waits for the kernel: side by side. */
export function closeLinks(fds: readonly number[]): void {
  if (fds.length > 1) closeTogether(fds);
  else closeAll(fds);
}
