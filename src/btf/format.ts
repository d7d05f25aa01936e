/**
 * The numbers of BTF, the kernel's type format (Documentation/bpf/btf.rst).
 *
 *     ┌────────────┬──────────────────┬──────────────────┐
 *     │ header: 24 │ types            │ strings          │
 *     └────────────┴──────────────────┴──────────────────┘
 *     type:  u32 name │ u32 info = flag:1 kind:5 (bit 24) members:16 │ u32 size or type │ what the kind adds
 *
 * Types are numbered from 1 in the order they stand; 0 is void.
 */
export const BTF_MAGIC = 0xeb9f;
export const HEADER_BYTES = 24;

export const Kind = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  funcProto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

/** Bytes that follow the 12 of a type: a fixed part, and a part for each member. By kind. */
const fixed: readonly number[] = [0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0];
const each: readonly number[] = [0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12];

/** Bytes of a type, all told; undefined for a kind that isn't known: what follows can't be found then. */
export function typeBytes(kind: number, members: number): number | undefined {
  const base = fixed[kind];
  return base === undefined || kind === 0 ? undefined : 12 + base + each[kind]! * members;
}
