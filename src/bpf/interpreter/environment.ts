/** What an interpreted program finds around it: who runs it, when, on which CPU, and the memory of the target. */

/** The target's memory. */
export interface UserMemory {
  /** `length` bytes at `address`, or undefined if any of them can't be read. */
  read(address: bigint, length: number): Uint8Array | undefined;
}

export interface Environment {
  /** Monotonic nanoseconds; asked at every call. */
  time(): bigint;
  /** The process (thread group), the thread, and the user, as the root namespace counts. */
  readonly pid: number;
  readonly tid: number;
  readonly uid: number;
  readonly gid: number;
  /** The thread's name; the first 15 bytes count. */
  readonly comm: string;
  /** Which CPU runs the program; less than the number of CPUs that the maps were made for. */
  readonly cpu: number;
  /** Ids of the thread's cgroup and its ancestors: index 0 is the root, the last its own. */
  readonly cgroups: readonly bigint[];
  readonly user: UserMemory;
  /** The cookie of the site that was hit. */
  readonly cookie: bigint;
  /** The address of the probed function. */
  readonly functionAddress: bigint;
  /** In a session program: which of its two runs this is. `cookie` is kept from the first to the second. */
  readonly session?: { readonly isReturn: boolean; readonly cookie: Uint8Array };
  /** The program may fault pages in (`copy_from_user`). */
  readonly sleepable: boolean;
  /** A random 32-bit number. */
  random(): number;
  /** A signal that the program sends to its own thread or process. */
  signal(number: number, to: "process" | "thread"): void;
}

/** User memory made of pieces, everything between them unreadable. */
export class UserPieces implements UserMemory {
  readonly #pieces: readonly { readonly address: bigint; readonly bytes: Uint8Array }[];

  constructor(pieces: readonly { readonly address: bigint; readonly bytes: Uint8Array }[]) {
    this.#pieces = pieces;
  }

  read(address: bigint, length: number): Uint8Array | undefined {
    for (const piece of this.#pieces) {
      const at = address - piece.address;
      if (at >= 0n && at + BigInt(length) <= BigInt(piece.bytes.length)) return Uint8Array.from(piece.bytes.subarray(Number(at), Number(at) + length));
    }
    return undefined;
  }
}
