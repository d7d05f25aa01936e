/**
 * An area: memory of ours in a target, readable and executable, written through /proc/PID/mem alone. It describes itself,
 * so that a handler in the target and a later sonde can make sense of it when the tracer that made it is gone.
 *
 *     0        256            4096                                                  slots
 *     ┌────────┬──────────────┬──────────┬─────────────┬──────────────────┬────────────┬────────────┬─
 *     │ header │ handler of   │ sites    │ semaphores  │ displaced bytes  │ slot 0     │ slot 1     │ …
 *     │        │ SIGTRAP      │ u64 each │ u64 each    │ u8 each          │ 64 bytes   │            │
 *     └────────┴──────────────┴──────────┴─────────────┴──────────────────┴────────────┴────────────┴─
 *
 * Entry i is a site's address, the semaphore that we have counted up for it (0: none), the byte that its breakpoint displaced,
 * and its slot. Entries are only appended: what they say is written first, then the count, in one word. Offsets in the header:
 *
 *     0 u64 magic          24 u64 next area, or 0     48 u32 count        64 u32 SIGTRAP was ignored
 *     8 u32 tracer's pid   32 u64 size of this        52 u32 capacity     68 u32 SIGTRAP is ours
 *     16 u64 its start     40 u64 address of slots
 */
export const MAGIC = 0x3250_4245_444e_4f53n; // "SONDEBP2"
export const AREA_NAME = "sonde-breakpoints";

export const Header = {
  magic: 0,
  owner: 8,
  ownerStart: 16,
  next: 24,
  size: 32,
  slots: 40,
  count: 48,
  capacity: 52,
  ignored: 64,
  handles: 68,
  bytes: 256,
} as const;

export const HANDLER_AT = 256;
export const TABLE_AT = 4096;
export const SLOT_BYTES = 64;
const PAGE = 4096;

export interface AreaShape {
  readonly capacity: number;
  /** Offsets of the semaphores, the displaced bytes and the slots. */
  readonly semaphoresAt: number;
  readonly bytesAt: number;
  readonly slotsAt: number;
  /** A multiple of the page size. */
  readonly size: number;
}

const pages = (n: number): number => Math.ceil(n / PAGE) * PAGE;

export function shapeOf(capacity: number): AreaShape {
  const semaphoresAt = TABLE_AT + capacity * 8;
  const bytesAt = semaphoresAt + capacity * 8;
  const slotsAt = pages(bytesAt + capacity);
  return { capacity, semaphoresAt, bytesAt, slotsAt, size: pages(slotsAt + capacity * SLOT_BYTES) };
}
