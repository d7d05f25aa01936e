/**
 * Where everything lies in the memory that the inline engine's code works on. Many threads of many processes change the
 * shared part at once, and any of them may be killed, or interrupted for ever, between two instructions: nothing in it is
 * ever locked. All is little-endian; offsets are from the part's start; zeros are the first state of everything.
 *
 * The shared part, one memfd for a session's image, mapped by the session and by every target:
 *
 *     0             4096
 *     ┌─────────────┬───────────────────────────────┐
 *     │ header      │ maps, regions and the ring    │
 *     └─────────────┴───────────────────────────────┘
 *
 * The part of each process alone, private and MADV_WIPEONFORK, so that a child finds zeros: its probes are off.
 *
 *     0                                     4096
 *     ┌─────────────────────────────────────┬──────────────────────────────────────────┐
 *     │ u32 enabled, u32 pid (as the root   │ calls that were entered and not left:    │
 *     │ namespace counts), u32 pid (as the  │ CALLS × { u64 rsp at entry, u64 which,   │
 *     │ process sees it), i32 tidAt         │           u64 cookie, u64 0 }            │
 *     └─────────────────────────────────────┴──────────────────────────────────────────┘
 *     which: of a call that is over -1, and the place keeps its rsp (code/routines.ts)
 *     tidAt: where the thread's id lies from its fs base on, 0: not known, ask the kernel
 */
import type { MapImage, SessionImage } from "../../../compiler/image.ts";
import { SondeBug, SondeError } from "../../../errors/error.ts";
import { roundUp } from "../../../schema/layout.ts";
import type { ArrayPlace, RingPlace } from "../../memory/layout.ts";

export const MAGIC = 0x6c_6e_69_73; // "sinl"
export const LAYOUT_VERSION = 1;

/**
 * The header. A line of the cache for each word that one side writes and the other reads.
 *
 * clock: u32, which of both scales is valid; scales: { u64 tsc, u64 ns, u64 ns in a tick << 32 } each;
 * deadline: u64, the time stamp counter after which nobody looks after the probes any more, 0: never;
 * lostReturns: u64, returns whose entry isn't known; stale: u64, processes that switched their probes off at the deadline;
 * seed: u64 of the random numbers; refused: a byte for each probe, 1 once it was taken out.
 */
export const Header = {
  magic: 0,
  version: 4,
  clock: 64,
  scales: 128,
  scaleBytes: 64,
  deadline: 256,
  lostReturns: 320,
  stale: 328,
  seed: 384,
  refused: 1024,
  bytes: 4096,
} as const;
/** Probes with a byte of their own at Header.refused. */
export const REFUSABLE = Header.bytes - Header.refused;

export const ProcessWord = { enabled: 0, pid: 4, ownPid: 8, tidAt: 12, calls: 4096 } as const;
export const CALLS_LOG = 14;
export const CALL_BYTES = 32;
/** A call is looked for in so many places from its first one on. */
export const CALL_WINDOW = 16;
export const PROCESS_BYTES = ProcessWord.calls + (2 ** CALLS_LOG + CALL_WINDOW) * CALL_BYTES;

/**
 * `hash`, `lru_hash` and their per-CPU kinds, of whose values there is one copy: what is added to by several at once is
 * added to by atomic instructions.
 *
 *     at              controls                  used (evicting)   entries
 *     ┌───────┬──────┐ ┌─────┬─────┬─────┬─ ─ ─┐ ┌─────┬─────┬─ ─ ┐ ┌──────────────┬──────────────┬─ ─ ─
 *     │ count │ turn │ │ u64 │ u64 │ u64 │     │ │ u32 │ u32 │    │ │ key to 8, value to 8 │ …    │
 *     └───────┴──────┘ └─────┴─────┴─────┴─ ─ ─┘ └─────┴─────┴─ ─ ┘ └──────────────┴──────────────┴─ ─ ─
 *     0 u32    64 u32
 *
 *     control = generation << 16 | tag << 3 | state
 *
 * table.ts says how they change.
 */
export interface TablePlace {
  readonly kind: "table";
  readonly image: MapImage;
  readonly at: number;
  /** First places: 2^log of them, and behind them room for the last one's window. */
  readonly log: number;
  /** A key is in one of so many slots from its first place on. */
  readonly window: number;
  readonly controls: number;
  readonly used: number;
  readonly entries: number;
  readonly slots: number;
  readonly stride: number;
  /** In an entry; the key is at 0. */
  readonly valueAt: number;
  readonly capacity: number;
  readonly evicts: boolean;
  readonly bytes: number;
}
export const TableHeader = { count: 0, turn: 64, bytes: 128 } as const;
export const SlotState = { empty: 0, busy: 1, announced: 2, live: 3, dead: 4, mask: 7 } as const;
export const TAG_BITS = 13;
export const GENERATION_SHIFT = 16;
/** Of the hash of a key (hash.ts). */
export const HASH_FACTOR = 0x9e37_79b9_7f4a_7c15n;

export type InlinePlace = ArrayPlace | TablePlace | RingPlace;

export interface InlineLayout {
  /** Of the shared part. */
  readonly bytes: number;
  /** By the map's index in the image. */
  readonly maps: readonly InlinePlace[];
}

const PAGE = 4096;
const LINE = 64;
const WINDOW = 64;
const WINDOW_LOG = 6;
const MOST_BYTES = 2 ** 30;
/** Up to so many entries a table is filled to a quarter at the most, above to a half. */
const SPACIOUS = 65_536;

/** The same for the same image. Throws SONDE_STATE_SIZE. */
export function planInline(image: SessionImage): InlineLayout {
  let end: number = Header.bytes;
  const maps = image.maps.map((map) => {
    const place = planMap(map, end);
    end = place.at + place.bytes;
    if (end > MOST_BYTES) {
      throw new SondeError("SONDE_STATE_SIZE", `the state of this session needs more than ${MOST_BYTES / 2 ** 30} GiB`, {
        where: `map ${map.name}`,
        why: `${map.maxEntries} entries of ${map.keySize + map.valueSize} bytes are kept in the memory that the session shares with its targets`,
        mend: "Give the map a smaller capacity.",
      });
    }
    return place;
  });
  return { bytes: roundUp(end, PAGE), maps };
}

function planMap(image: MapImage, from: number): InlinePlace {
  switch (image.type) {
    case "array":
    case "percpu_array": {
      const stride = roundUp(image.valueSize, 8);
      const bytes = stride * image.maxEntries;
      const count = image.maxEntries;
      return image.mmap
        ? { kind: "array", image, at: roundUp(from, PAGE), stride, count, bytes: roundUp(bytes, PAGE) }
        : { kind: "array", image, at: roundUp(from, LINE), stride, count, bytes };
    }
    case "ringbuf":
      return planRing(image, from);
    default:
      return planTable(image, from);
  }
}

function planTable(image: MapImage, from: number): TablePlace {
  const capacity = image.maxEntries;
  const log = Math.max(WINDOW_LOG, Math.ceil(Math.log2(capacity * (capacity <= SPACIOUS ? 4 : 2))));
  // One window for all keys of a small one.
  const slots = log === WINDOW_LOG ? WINDOW : 2 ** log + WINDOW;
  const evicts = image.type === "lru_hash" || image.type === "lru_percpu_hash";
  const at = roundUp(from, LINE);
  const controls = at + TableHeader.bytes;
  const used = controls + 8 * slots;
  const entries = roundUp(used + (evicts ? 4 * slots : 0), LINE);
  const valueAt = roundUp(image.keySize, 8);
  const stride = valueAt + roundUp(image.valueSize, 8);
  return {
    kind: "table",
    image,
    at,
    log,
    window: WINDOW,
    controls,
    used,
    entries,
    slots,
    stride,
    valueAt,
    capacity,
    evicts,
    bytes: entries + slots * stride - at,
  };
}

/** As the breakpoint engine's, but that what is free is zero, so that a record that isn't begun yet is seen as such. */
const RING_HEADER_BYTES = 128;

function planRing(image: MapImage, from: number): RingPlace {
  const size = image.maxEntries;
  if (size < 8 || size > MOST_BYTES || (size & (size - 1)) !== 0) throw new SondeBug(`ring ${image.name}: ${size} bytes are no power of two`);
  const at = roundUp(from, PAGE);
  return { kind: "ring", image, at, data: at + RING_HEADER_BYTES, size, bytes: RING_HEADER_BYTES + size };
}
