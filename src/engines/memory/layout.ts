/**
 * Where everything lies in the memory that an engine of ours shares with the session: one memfd for a session's image.
 * All is little-endian; offsets are from the memory's start, and 0 is never the offset of anything, so that it can mean "none".
 * Whatever is zero is in its first state: nothing is written before it is used, and pages that aren't used cost nothing.
 *
 *     0        4096            8192      8704         12800     16896
 *     ┌────────┬───────────────┬─────────┬────────────┬─────────┬───────────────────────────────┐
 *     │ unused │ control block │ context │ stacks     │ scratch │ maps, regions and the ring    │
 *     │        │               │ 512     │ 8 × 512    │ 4096    │ one after the other           │
 *     └────────┴───────────────┴─────────┴────────────┴─────────┴───────────────────────────────┘
 *
 * The control block; each word that one side writes and the other reads has a cache line of its own:
 *
 *     0                        64                                   128
 *     ┌────────────────────────┬────────────────────────────────────┬─────────────────────────────────────────┐
 *     │ u32 magic, u32 version │ u32 run: odd while a program runs  │ u32 waiting: 1, the consumer sleeps and │
 *     │                        │ (the engine counts at both ends)   │ wants a wake-up (ring.ts)               │
 *     └────────────────────────┴────────────────────────────────────┴─────────────────────────────────────────┘
 *     192: u64 returns that couldn't be followed; 1024: a byte for each probe, 1 once the session has taken it out
 */
import type { MapImage, SessionImage } from "../../compiler/image.ts";
import { SondeBug, SondeError } from "../../errors/error.ts";
import { roundUp } from "../../schema/layout.ts";

export const MAGIC = 0x64_6e_6f_73; // "sond"
export const LAYOUT_VERSION = 1;

/** Offsets in the control block. */
export const Control = { magic: 0, version: 4, run: 64, waiting: 128, lostReturns: 192, refused: 1024, bytes: 4096 } as const;
/** Probes with a byte of their own at Control.refused. */
export const REFUSABLE = Control.bytes - Control.refused;

export const CONTEXT_BYTES = 512;
export const STACK_BYTES = 512;
export const STACKS = 8;
export const SCRATCH_BYTES = 4096;

/** Of WebAssembly's memories. */
const WASM_PAGE = 65_536;
const PAGE = 4096;
const LINE = 64;
/** Offsets stay small integers, and their sums too. */
const MOST_BYTES = 2 ** 30;

/**
 * `array`, `percpu_array` and regions (which begin on a page, so that they can be mapped alone):
 *
 *     at                stride
 *     ┌─────────┬───────┬─────────┬───────┬─
 *     │ value 0 │ to 8  │ value 1 │ to 8  │ …
 *     └─────────┴───────┴─────────┴───────┴─
 */
export interface ArrayPlace {
  readonly kind: "array";
  readonly image: MapImage;
  readonly at: number;
  /** The value's size, rounded up to 8. */
  readonly stride: number;
  readonly count: number;
  readonly bytes: number;
}

/**
 * `hash`, `lru_hash` and their per-CPU kinds: a table of chains, and entries of a fixed place. hash.ts says how they change.
 *
 *     at (64 bytes)             buckets                         entries, number 1 first
 *     ┌───────────────────────┐ ┌─────┬─────┬─────┬─────┬─ ─ ─┐ ┌─────────┬─────────┬─────────┬─ ─ ─
 *     │ header                │ │ u32 │ u32 │ u32 │ u32 │     │ │ entry 1 │ entry 2 │ entry 3 │
 *     └───────────────────────┘ └─────┴──┬──┴─────┴─────┴─ ─ ─┘ └─────────┴─────────┴─────────┴─ ─ ─
 *       u32 lock, version,               └─ the number of the chain's first entry, or 0        ▲ stride
 *       count, made, freeFirst,
 *       freeLast, newest, oldest
 *
 *     an entry         16              valueAt          stride
 *     ┌────────────────┬───────┬───────┬───────┬────────┐    next: number of the chain's next entry, or in the free queue
 *     │ u32 next, mark │ key   │ zeros │ value │ to 8   │    mark: 0 free, 1 live, 3 live and used since (evicting maps)
 *     │ newer, older   │       │ to 8  │       │        │    newer, older: neighbours in the order of insertion (evicting
 *     └────────────────┴───────┴───────┴───────┴────────┘    maps); of a free entry, newer is the run in which it was freed
 *
 * The bucket of a key: its bytes as u32 words w (the last filled up with zeros), h = 0,
 * for each: h = (h ^ h >>> 16 ^ w) * 0x9e3779b1 mod 2^32; then h >>> shift.
 */
export interface HashPlace {
  readonly kind: "hash";
  readonly image: MapImage;
  readonly at: number;
  readonly buckets: number;
  /** The table has 2^(32 - shift) buckets. */
  readonly shift: number;
  /** Of entry 1. */
  readonly entries: number;
  readonly stride: number;
  /** In an entry; the key is at HashEntry.key. */
  readonly valueAt: number;
  /** Live entries at most. */
  readonly capacity: number;
  /** Entries there is room for: those just deleted aren't used again while a program may hold the address of their value. */
  readonly room: number;
  /** A new key in a full map takes the place of an old one. */
  readonly evicts: boolean;
  readonly bytes: number;
}

/** Offsets in a hash's header, and in an entry. */
export const HashHeader = { lock: 0, version: 4, count: 8, made: 12, freeFirst: 16, freeLast: 20, newest: 24, oldest: 28, bytes: 64 } as const;
export const HashEntry = { next: 0, mark: 4, newer: 8, older: 12, key: 16 } as const;

/**
 * The ring; ring.ts says how both sides use it.
 *
 *     at                64                128 = data                                  data + size
 *     ┌─────────────────┬─────────────────┬──────────┬───────┬───────────────────┬───┬─ ─ ─ ─ ─ ─┐
 *     │ u32 consumer's  │ u32 producer's  │ u32 head │ u32 0 │ payload, to 8     │ … │ padding   │
 *     │ position        │ position        │          │       │                   │   │           │
 *     └─────────────────┴─────────────────┴──────────┴───────┴───────────────────┴───┴─ ─ ─ ─ ─ ─┘
 *     head = length | busy << 31 | discarded << 30
 *
 * Positions count bytes mod 2^32. No record is cut in two: what doesn't fit before the end is skipped by a discarded record.
 */
export interface RingPlace {
  readonly kind: "ring";
  readonly image: MapImage;
  readonly at: number;
  readonly data: number;
  /** A power of two. */
  readonly size: number;
  readonly bytes: number;
}
export const RingHeader = { consumer: 0, producer: 64, bytes: 128 } as const;

export type MapPlace = ArrayPlace | HashPlace | RingPlace;

export interface MemoryLayout {
  /** A multiple of 64 KiB. */
  readonly bytes: number;
  /** The control block. */
  readonly control: number;
  /** What programs get as their context. */
  readonly contextAt: number;
  /** The stack frames of programs, STACKS × STACK_BYTES: the main function's and those of its calls. */
  readonly stackAt: number;
  /** For what helpers have to put somewhere. */
  readonly scratchAt: number;
  /** By the map's index in the image. */
  readonly maps: readonly MapPlace[];
}

/** The same for the same image: the session and the engine's process each plan for themselves. Throws SONDE_STATE_SIZE. */
export function planMemory(image: SessionImage): MemoryLayout {
  const control = PAGE;
  const contextAt = control + Control.bytes;
  const stackAt = contextAt + CONTEXT_BYTES;
  const scratchAt = stackAt + STACKS * STACK_BYTES;
  let end = scratchAt + SCRATCH_BYTES;
  const maps: MapPlace[] = [];
  for (const map of image.maps) {
    const place = planMap(map, end);
    maps.push(place);
    end = place.at + place.bytes;
    if (end > MOST_BYTES) {
      throw new SondeError("SONDE_STATE_SIZE", `the state of this session needs more than ${MOST_BYTES / 2 ** 30} GiB`, {
        where: `map ${map.name}`,
        why: `${map.maxEntries} entries of ${map.keySize + map.valueSize} bytes are kept in the memory that the session shares with its engine`,
        mend: "Give the map a smaller capacity.",
      });
    }
  }
  return { bytes: roundUp(end, WASM_PAGE), control, contextAt, stackAt, scratchAt, maps };
}

function planMap(image: MapImage, from: number): MapPlace {
  switch (image.type) {
    case "array":
    case "percpu_array":
      return planArray(image, from);
    case "hash":
    case "percpu_hash":
      return planHash(image, from, false);
    case "lru_hash":
    case "lru_percpu_hash":
      return planHash(image, from, true);
    case "ringbuf":
      return planRing(image, from);
  }
}

function planArray(image: MapImage, from: number): ArrayPlace {
  const stride = roundUp(image.valueSize, 8);
  const bytes = stride * image.maxEntries;
  const count = image.maxEntries;
  return image.mmap
    ? { kind: "array", image, at: roundUp(from, PAGE), stride, count, bytes: roundUp(bytes, PAGE) }
    : { kind: "array", image, at: roundUp(from, LINE), stride, count, bytes };
}

/** More spare entries than any program deletes in one run, but for loops over thousands. */
const MOST_SPARE = 4096;
const LEAST_BUCKETS_LOG = 4;

function planHash(image: MapImage, from: number, evicts: boolean): HashPlace {
  const capacity = image.maxEntries;
  const room = capacity + Math.max(16, Math.min(capacity, MOST_SPARE));
  const log = Math.max(LEAST_BUCKETS_LOG, Math.ceil(Math.log2(capacity)));
  const at = roundUp(from, LINE);
  const buckets = at + HashHeader.bytes;
  const entries = roundUp(buckets + 4 * 2 ** log, LINE);
  const valueAt = HashEntry.key + roundUp(image.keySize, 8);
  const stride = valueAt + roundUp(image.valueSize, 8);
  return { kind: "hash", image, at, buckets, shift: 32 - log, entries, stride, valueAt, capacity, room, evicts, bytes: entries + room * stride - at };
}

function planRing(image: MapImage, from: number): RingPlace {
  const size = image.maxEntries;
  if (size < 8 || size > MOST_BYTES || (size & (size - 1)) !== 0) throw new SondeBug(`ring ${image.name}: ${size} bytes are no power of two`);
  const at = roundUp(from, PAGE);
  return { kind: "ring", image, at, data: at + RingHeader.bytes, size, bytes: RingHeader.bytes + size };
}
