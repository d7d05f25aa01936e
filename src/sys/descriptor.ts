/** Closing file descriptors that system calls gave. */
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

/** Closes each; a descriptor that is closed already is not an error. */
export function closeAll(fds: Iterable<number>): void {
  for (const fd of fds) syscall(nr.close, fd);
}
