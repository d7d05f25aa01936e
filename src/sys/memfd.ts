/** Memory that is a file descriptor: memfd_create(2), to be mapped by several processes. */
import { closeAll } from "./descriptor.ts";
import { callError } from "./errno.ts";
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";
import { cString } from "./struct.ts";

const MFD_CLOEXEC = 1;
/** System calls get no small array: it could move while they run. */
const LEAST_BUFFER = 128;

/** A descriptor of `bytes` zeros, closed on exec; a page takes memory once it is used. `name` is what /proc/PID/maps shows behind "/memfd:". */
export function createMemfd(name: string, bytes: number): number {
  const text = new Uint8Array(Math.max(LEAST_BUFFER, name.length * 3 + 1));
  text.set(cString(name));
  const fd = syscall(nr.memfd_create, text, MFD_CLOEXEC);
  if (fd < 0) throw callError("memfd_create", -fd, { doing: `create ${name}` });
  const result = syscall(nr.ftruncate, fd, bytes);
  if (result < 0) {
    closeAll([fd]);
    throw callError("ftruncate", -result, { doing: `give ${name} ${bytes} bytes` });
  }
  return fd;
}
