/** Puts moves that are meant to happen at once into an order that does the same one after the other; cycles go through a spare register. */
export interface Move {
  readonly from: number;
  readonly to: number;
}

export function parallelMoves(moves: readonly Move[], spare: number): Move[] {
  const pending = moves.filter((m) => m.from !== m.to);
  const out: Move[] = [];
  while (pending.length > 0) {
    const ready = pending.findIndex((m) => !pending.some((other) => other !== m && other.from === m.to));
    if (ready >= 0) {
      out.push(...pending.splice(ready, 1));
      continue;
    }
    // Only cycles are left: one source steps aside.
    const first = pending[0] as Move;
    out.push({ from: first.from, to: spare });
    for (const [i, m] of pending.entries()) if (m.from === first.from) pending[i] = { from: spare, to: m.to };
  }
  return out;
}
