/**
 * Starts a program by posix_spawn(3), not by node:child_process: that would take the stops of whatever this process traces
 * as the ends of its children.
 */

import { callError } from "./errno.ts";
import { spawnProcess, syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const F_SETFD = 2;
const FD_CLOEXEC = 1;

/**
 * Its process id. It inherits these descriptors under their own numbers (Node marks all that it was given itself to be
 * closed on exec), besides those that aren't marked, and an empty environment. Throws SONDE_SYS_…
 */
export function spawnProgram(path: string, argv: readonly string[], inherited: readonly number[] = []): number {
  for (const fd of inherited) syscall(nr.fcntl, fd, F_SETFD, 0);
  try {
    const { pid, error } = spawnProcess(path, argv);
    if (error !== 0)
      throw callError("posix_spawn", error, {
        where: path,
        mend: "The folder of sonde's cache must allow programs to be run (no noexec): set XDG_CACHE_HOME.",
      });
    return pid;
  } finally {
    for (const fd of inherited) syscall(nr.fcntl, fd, F_SETFD, FD_CLOEXEC);
  }
}
