/** Another process's memory: through /proc/PID/mem, which also writes what the process itself may not (a copy of its own is made). */
import { closeSync, openSync } from "node:fs";
import { SondeError } from "../errors/error.ts";
import { address, syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const O_RDWR_CLOEXEC = 0o2000002;

export class ProcessMemory {
  readonly pid: number;
  readonly #fd: number;

  /** Throws SONDE_PROCESS_PERMISSION, SONDE_PROCESS_NOT_FOUND. The memory is that of the program which runs now: an exec makes it useless. */
  constructor(pid: number) {
    this.pid = pid;
    try {
      this.#fd = openSync(`/proc/${pid}/mem`, O_RDWR_CLOEXEC);
    } catch (error) {
      const denied = ["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
      throw new SondeError(denied ? "SONDE_PROCESS_PERMISSION" : "SONDE_PROCESS_NOT_FOUND", `the memory of process ${pid} can't be opened`, {
        where: `pid ${pid}`,
        why: (error as Error).message,
        mend: denied ? "Run as root or as the process's owner." : "Check the number, as `ps` shows it.",
        exit: denied ? 3 : 1,
        cause: error,
      });
    }
  }
  /** Bytes read, from the start on; 0 or less if none. `into` is longer than 64 bytes, or a view of a longer buffer. */
  read(at: number, into: Uint8Array, length = into.length): number {
    return syscall(nr.pread64, this.#fd, into, length, at);
  }
  /** All `length` bytes, or undefined. */
  bytes(at: number, length: number): Uint8Array<ArrayBuffer> | undefined {
    const buffer = new Uint8Array(Math.max(length, 128));
    return this.read(at, buffer, length) === length ? buffer.subarray(0, length) : undefined;
  }
  word(at: number): number | undefined {
    return this.read(at, wordBytes, 8) === 8 ? Number(words[0]) : undefined;
  }
  /** True if all was written. Text that isn't writable is copied for this process alone. */
  write(at: number, bytes: Uint8Array): boolean {
    let from = bytes;
    if (bytes.length < 128) {
      small.set(bytes);
      from = small;
    }
    return syscall(nr.pwrite64, this.#fd, from, bytes.length, at) === bytes.length;
  }
  close(): void {
    closeSync(this.#fd);
  }
}

const words = new BigUint64Array(16);
const wordBytes = new Uint8Array(words.buffer);
const small = new Uint8Array(128);

/** struct iovec for one piece here and one there. */
const vectors = new BigUint64Array(16);
let vectorsAt = 0;
const vectorsAddress = (): number => (vectorsAt ||= Number(address(new Uint8Array(vectors.buffer))));

/** Reads by process_vm_readv(2): bytes read from the start on (less at the end of what is mapped), or minus errno. `to` is an address of our own. */
export function readVm(pid: number, at: number, to: number, length: number): number {
  const here = vectorsAddress();
  vectors[0] = BigInt(to);
  vectors[1] = BigInt(length);
  vectors[2] = BigInt(at);
  vectors[3] = vectors[1] as bigint;
  return syscall(nr.process_vm_readv, pid, here, 1, here + 16, 1, 0);
}
