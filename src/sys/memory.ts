/** Memory shared with the kernel or another process: mmap(2) of file descriptors as ArrayBuffers. */
import { callError } from "./errno.ts";
import { address, syscall, view } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FIXED = 0x10;

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
 * Maps `length` bytes of a file descriptor, shared and writable, for as long as anybody holds the buffer: it can be given
 * to others, who may read it when the descriptor is closed long since.
 */
export function mapWhileHeld(fd: number, length: number, offset = 0): ArrayBuffer {
  const at = map(fd, length, offset, true);
  const buffer = view(at, length);
  forgotten.register(buffer, { at, length });
  return buffer;
}

/** Puts the first `length` bytes of a file descriptor, shared and writable, in the place of pages that this process has at `at`. */
export function mapOver(at: number | bigint, length: number, fd: number): void {
  const result = syscall(nr.mmap, at, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  if (result < 0) throw callError("mmap", -result, { doing: `map ${length} bytes at 0x${at.toString(16)}` });
}

/**
 * Makes a WebAssembly memory be the file descriptor's: what it held is gone, and what its programs write the other
 * processes see. The memory must be `shared` and never grow (V8 could move it), and the descriptor at least as long
 * (pages behind its end raise SIGBUS).
 */
export function adoptMemory(memory: { readonly buffer: ArrayBufferLike }, fd: number): void {
  const { buffer } = memory;
  mapOver(address(new Uint8Array(buffer)), buffer.byteLength, fd);
}
