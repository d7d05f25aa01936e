/** What programs of an engine of ours do with maps and rings in shared memory: the kernel's helpers, on offsets into that memory. */

/** A map: arrays have u32 keys, from 0 on. */
export interface MapStore {
  /** The value's offset, or 0. `key` is the offset of the key's bytes; it needs no alignment. */
  lookup(key: number): number;
  /** Flags as the kernel's: 0 any, 1 only new, 2 only existing. 0, or minus errno: EEXIST, ENOENT, E2BIG (full), EINVAL. */
  update(key: number, value: number, flags: number): number;
  /** 0, or minus errno: ENOENT; EINVAL for arrays, whose values never go. */
  delete(key: number): number;
}

/** The producer's side of a ring. */
export interface RingStore {
  /** The offset of `size` bytes (aligned to 8) that the consumer doesn't see yet, or 0 if they don't fit. */
  reserve(size: number): number;
  /** Gives a reserved record to the consumer, or drops it. */
  submit(address: number, discard: boolean): void;
  /** Copies `size` bytes into a record. 0, or -EAGAIN if they don't fit. */
  output(address: number, size: number): number;
}

/** Whether a process still runs (a zombie doesn't). Asked only about a lock that is held for unusually long. */
export type IsAlive = (pid: number) => boolean;
