/** The only door to native code: raw system calls and raw memory through koffi, loaded at the first use. */
import { createRequire } from "node:module";
import type Koffi from "koffi";
import type { LibraryHandle } from "koffi";
import { nr } from "../numbers.ts";

type Quick = (nr: number, a: number, b: number, c: number | bigint, d: number | bigint, e: number) => number | bigint;
type Raw = (nr: number, a: Arg, b: Arg, c: Arg, d: Arg, e: Arg, f: Arg) => number | bigint;
/** An integer argument, or memory whose address is passed. */
export type Arg = number | bigint | Uint8Array | null;

interface Native {
  readonly koffi: typeof Koffi;
  readonly libc: LibraryHandle;
  readonly raw: Raw;
  readonly quick: Quick;
}
let loaded: Native | undefined;

/** Loading costs about 11 ms, so it is put off until a system call is made. */
function native(): Native {
  if (loaded !== undefined) return loaded;
  const koffi = createRequire(import.meta.url)("koffi") as typeof Koffi;
  const libc = koffi.load(null);
  // syscall(2) is variadic; on x86-64 integer arguments go the same way as for a plain function.
  const raw = libc.func("syscall", "int64", ["int64", "int64", "int64", "int64", "int64", "int64", "int64"]) as unknown as Raw;
  const quick = libc.func("syscall", "int64", ["int64", "int64", "int64", "int64", "int64", "int64"]) as unknown as Quick;
  loaded = { koffi, libc, raw, quick };
  return loaded;
}

const plain = (koffi: typeof Koffi, arg: Arg | undefined): number | bigint => {
  if (arg === undefined || arg === null) return 0;
  return typeof arg === "object" ? koffi.address(arg) : arg;
};

/** A raw system call. Gives its result, or minus errno. Memory given as argument must stay referenced by the caller. */
export function syscall(nr: number, a?: Arg, b?: Arg, c?: Arg, d?: Arg, e?: Arg, f?: Arg): number {
  const { koffi, raw } = native();
  const result = raw(nr, plain(koffi, a), plain(koffi, b), plain(koffi, c), plain(koffi, d), plain(koffi, e), plain(koffi, f));
  return Number(result) === -1 ? -koffi.errno() : Number(result);
}

/** The same for calls that are made many thousand times a second: five arguments at most, addresses as numbers. */
export function quickSyscall(nr: number, a: number, b: number, c: number | bigint, d: number | bigint, e: number): number {
  const { koffi, quick } = loaded ?? native();
  const result = quick(nr, a, b, c, d, e);
  return result === -1 || result === -1n ? -koffi.errno() : Number(result);
}

/** The address of a buffer's first byte. It is valid as long as the buffer is referenced. */
export function address(memory: Uint8Array): bigint {
  return native().koffi.address(memory);
}

/** Foreign memory as an ArrayBuffer, without copying. Once it is unmapped, touching it crashes the process. */
export function view(at: number | bigint, length: number): ArrayBuffer {
  return native().koffi.view(BigInt(at), length);
}

/** The function that lies at an address, takes nothing and gives an integer. */
export function functionAt(at: number | bigint): () => number | bigint {
  const { koffi } = native();
  return koffi.decode(BigInt(at), koffi.proto("uint64 ()")) as () => number | bigint;
}

/** At most so many threads at once. */
const MOST_CLOSERS = 32;

/**
 * Closes file descriptors side by side, and returns when all are closed. Where a close waits for the kernel (that of a
 * probe's link does, about 20 ms, until no program runs any more) all wait for the same moment instead of in turn.
 */
export function closeTogether(fds: readonly number[]): void {
  const { create, join, close } = threads();
  for (let from = 0; from < fds.length; from += MOST_CLOSERS) {
    const running: (number | bigint)[] = [];
    for (const fd of fds.slice(from, from + MOST_CLOSERS)) {
      const thread: (number | bigint)[] = [0];
      if (create(thread, null, close, BigInt(fd)) === 0) running.push(thread[0]!);
      else syscall(nr.close, fd);
    }
    for (const thread of running) join(thread, null);
  }
}

interface Threads {
  readonly create: (thread: (number | bigint)[], attributes: null, start: unknown, argument: bigint) => number;
  readonly join: (thread: number | bigint, result: null) => number;
  readonly close: unknown;
}
let threadCalls: Threads | undefined;

function threads(): Threads {
  if (threadCalls !== undefined) return threadCalls;
  const { libc } = native();
  threadCalls = {
    create: libc.func("int pthread_create(_Out_ uint64_t *thread, void *attributes, void *start, void *argument)") as unknown as Threads["create"],
    join: libc.func("int pthread_join(uint64_t thread, void *result)") as unknown as Threads["join"],
    // close(2) takes and gives one integer, in the registers in which a thread's function takes and gives a pointer.
    close: libc.symbol("close"),
  };
  return threadCalls;
}

let spawnCall: ((pid: number[], path: string, actions: null, attributes: null, argv: (string | null)[], environment: (string | null)[]) => number) | undefined;

/** posix_spawn(3): the error is a positive errno, or 0. */
export function spawnProcess(path: string, argv: readonly string[]): { readonly pid: number; readonly error: number } {
  spawnCall ??= native().libc.func(
    "int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **environment)",
  ) as unknown as NonNullable<typeof spawnCall>;
  const pid = [0];
  const error = spawnCall(pid, path, null, null, [...argv, null], [null]);
  return { pid: pid[0] as number, error };
}

/** Watches a file descriptor from Node's event loop. */
export interface Watch {
  /** Calls back, again and again while the descriptor is readable, until stopped. */
  start(readable: () => void): void;
  stop(): void;
  close(): void;
}

/** Watches a file descriptor; it doesn't keep the process alive. The descriptor must stay open until the watch is closed. */
export function watchReadable(fd: number): Watch {
  const handle = native().koffi.node.poll(fd, { readable: true }, () => {});
  handle.stop();
  handle.unref();
  return {
    start: (readable) => handle.start({ readable: true }, () => readable()),
    stop: () => handle.stop(),
    close: () => handle.close(),
  };
}
