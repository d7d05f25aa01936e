/**
 * The ring between many threads of many processes and the session.
 *
 *     at             64             128 = data                                          data + size
 *     ┌──────────────┬──────────────┬────────────────────┬───────────────────┬───┬─ ─ ─ ─ ─ ─┐
 *     │ u32 consumer │ u32 producer │ u32 head, u32 pid  │ payload, to 8     │ … │ padding   │
 *     └──────────────┴──────────────┴────────────────────┴───────────────────┴───┴─ ─ ─ ─ ─ ─┘
 *     head = length | present << 29 | discarded << 30 | busy << 31
 *
 * A thread takes its bytes by moving the producer's position, then writes the head, busy, with its process's id; then the
 * payload; and last the head once more, present. All that is free is zero, which the session sees to before it gives room
 * back: so a head of zero was taken and isn't begun, and if its thread died right then, the next head is the next word
 * that isn't zero. A record is never cut in two; what is left before the end is skipped by a discarded one.
 */
export const Ring = {
  consumer: 0,
  producer: 64,
  headBytes: 8,
  length: 0x1fff_ffff,
  present: 0x2000_0000,
  discarded: 0x4000_0000,
  busy: 0x8000_0000,
} as const;
