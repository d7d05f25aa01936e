/** The maps that the test of shared memory and the process that it starts have in common. */
import { imageOf, mapImage } from "../../../src/engines/memory/testing.ts";

export const STABLE = 100;
export const LARGE = 4096;
export const CAPACITY = 400;
export const CHANGING = 150;
export const COUNTS = 2_000_000;
export const ROUNDS = 200_000;
export const RECORDS = 300_000;
export const SPORADIC = 400;

/** Indices of the image's maps. */
export const maps = { hash: 0, lru: 1, words: 2, ring: 3, funcs: 4, large: 5 } as const;
/** Words (u32) in the first value of `words`. */
export const words = { lock: 0, plain: 1, done: 2, lost: 3, started: 4 } as const;

export const image = imageOf([
  mapImage("hash", { valueSize: 32, maxEntries: CAPACITY }),
  mapImage("lru_hash", { keySize: 16, valueSize: 32, maxEntries: CAPACITY }),
  mapImage("array", { valueSize: 64, maxEntries: 1, mmap: true }),
  mapImage("ringbuf", { maxEntries: 1 << 16 }),
  mapImage("array", { valueSize: 16, maxEntries: 1, mmap: true, initial: Uint8Array.from([5, 6, 7]) }),
  mapImage("hash", { valueSize: LARGE, maxEntries: 4 }),
]);

/** The length of a record by its number, so that the reader can check it. */
export const lengthOf = (number: number): number => 8 + ((number * 7919) % 300);
