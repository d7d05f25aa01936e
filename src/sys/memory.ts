/** Memory shared with the kernel: mmap(2) of file descriptors as ArrayBuffers. */
import { callError } from "./errno.ts";
import { syscall, view } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

export interface Mapping {
  readonly buffer: ArrayBuffer;
  /** Afterwards the buffer must not be touched: that would crash the process. */
  unmap(): void;
}

function map(fd: number, length: number, offset: number, writable: boolean): number {
  const at = syscall(nr.mmap, 0, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, offset);
  if (at < 0) throw callError("mmap", -at, { doing: `map ${length} bytes` });
  return at;
}

/** Maps `length` bytes of a file descriptor, shared. `length` and `offset` are multiples of the page size. */
export function mapShared(fd: number, length: number, offset: number, writable: boolean): Mapping {
  const at = map(fd, length, offset, writable);
  let mapped = true;
  return {
    buffer: view(at, length),
    unmap() {
      if (mapped) syscall(nr.munmap, at, length);
      mapped = false;
    },
  };
}

const forgotten = new FinalizationRegistry<{ readonly at: number; readonly length: number }>(({ at, length }) => syscall(nr.munmap, at, length));

/**
 * Maps the first `length` bytes of a file descriptor, shared and writable, for as long as anybody holds the buffer:
 * it can be given to others, who may read it when the descriptor is closed long since.
 */
export function mapWhileHeld(fd: number, length: number): ArrayBuffer {
  const at = map(fd, length, 0, true);
  const buffer = view(at, length);
  forgotten.register(buffer, { at, length });
  return buffer;
}
