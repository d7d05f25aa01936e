/**
 * An arena: memory of ours in a target near the code that is armed. It describes itself, so that a later sonde can put back what
 * a dead one has left.
 *
 *     base      4096                      codeAt            sharedAt          ownAt
 *     ┌────────┬─────────────────────────┬─────────────────┬─────────────────┬──────────────┐
 *     │ header │ sites, 24 bytes each    │ code            │ shared          │ own          │
 *     └────────┴─────────────────────────┴─────────────────┴─────────────────┴──────────────┘
 *      r-x, private, written through /proc/PID/mem          rw-, the session's rw-, private, zeros in a forked child
 *
 * Nothing is ever both writable and executable. An arena is never unmapped, and what is in it is only replaced where it is known
 * that no thread is inside: it is clean then.
 *
 *     header   0 u64 magic     8 u32 owner's pid    16 u64 its start    24 u64 bytes of all    32 u64 codeAt    40 u64 sharedAt
 *              48 u64 shared bytes    56 u64 ownAt    64 u32 sites    68 u32 room for sites    72 u32 clean    80 u64 own bytes
 *     site     0 u64 address   8 u8[8] bytes displaced   16 u8[8] jump
 */
export const MAGIC = 0x3249_4145_444e_4f53n; // "SONDEAI2"
export const ARENA_NAME = "sonde-inline";
/** As it stands in /proc/PID/maps. */
export const MAPPED_NAME = `/memfd:${ARENA_NAME}`;

export const Header = {
  magic: 0,
  owner: 8,
  size: 24,
  codeAt: 32,
  sharedAt: 40,
  sharedBytes: 48,
  ownAt: 56,
  count: 64,
  capacity: 68,
  clean: 72,
  ownBytes: 80,
  bytes: 128,
} as const;

export const TABLE_AT = 4096;
export const ENTRY_BYTES = 24;
const PAGE = 4096;
/** Copies begin at a cache line each. */
export const COPY_ALIGNMENT = 64;

export interface ArenaShape {
  readonly capacity: number;
  readonly codeAt: number;
  readonly sharedAt: number;
  readonly sharedBytes: number;
  readonly ownAt: number;
  readonly ownBytes: number;
  /** Of all. */
  readonly size: number;
}

const pages = (n: number): number => Math.ceil(n / PAGE) * PAGE;
export const aligned = (n: number): number => Math.ceil(n / COPY_ALIGNMENT) * COPY_ALIGNMENT;

export function shapeOf(capacity: number, codeBytes: number, sharedBytes: number, ownBytes: number): ArenaShape {
  const codeAt = pages(TABLE_AT + capacity * ENTRY_BYTES);
  const sharedAt = codeAt + pages(codeBytes);
  const ownAt = sharedAt + pages(sharedBytes);
  return { capacity, codeAt, sharedAt, sharedBytes: pages(sharedBytes), ownAt, ownBytes: pages(ownBytes), size: ownAt + pages(ownBytes) };
}

const JMP = 0xe9;

/** jmp: five bytes at a site that lead to its copy. */
export function jumpTo(site: number, copy: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = JMP;
  new DataView(bytes.buffer).setInt32(1, copy - (site + 5), true);
  return bytes;
}

/** Where a jump of five bytes leads; undefined if it is none. */
export function jumpTarget(site: number, bytes: Uint8Array): number | undefined {
  return bytes[0] === JMP && bytes.length >= 5 ? site + 5 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(1, true) : undefined;
}
