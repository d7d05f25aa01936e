/** Finds names like one that isn't there, for "did you mean". */

/** The at most `most` names nearest to `name`: few edits away, or with it as a part. Time is bounded by the number of names. */
export function nearNames(name: string, names: Iterable<string>, most = 3): string[] {
  const wanted = name.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const best: { name: string; distance: number }[] = [];
  const seen = new Set<string>();
  for (const candidate of names) {
    if (candidate === "" || Math.abs(candidate.length - wanted.length) > Math.max(limit, 24)) continue;
    const lower = candidate.toLowerCase();
    let distance: number;
    if (Math.abs(lower.length - wanted.length) <= limit) distance = editDistance(wanted, lower, limit);
    else distance = Number.POSITIVE_INFINITY;
    if (distance > limit && wanted.length >= 3 && lower.includes(wanted)) distance = limit + 1 + (lower.length - wanted.length) / 100;
    if (!Number.isFinite(distance) || distance > limit + 2 || seen.has(candidate)) continue;
    if (best.length === most && distance >= (best[most - 1] as { distance: number }).distance) continue;
    seen.add(candidate);
    best.push({ name: candidate, distance });
    best.sort((a, b) => a.distance - b.distance || a.name.length - b.name.length || (a.name < b.name ? -1 : 1));
    if (best.length > most) best.pop();
  }
  return best.map((entry) => entry.name);
}

/** Insertions, deletions, changes and swaps of neighbours; Infinity above `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let cost = Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, (previous[j - 1] as number) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a.charCodeAt(i - 1) === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === b.charCodeAt(j - 1)) {
        cost = Math.min(cost, (before[j - 2] as number) + 1);
      }
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return Number.POSITIVE_INFINITY;
    before = previous;
    previous = row;
  }
  const distance = previous[b.length] as number;
  return distance <= limit ? distance : Number.POSITIVE_INFINITY;
}
