// How much of what a program allocates does it keep? What wasn't freed while it was watched, by size.
//   sonde run examples/unfreed.probe.ts -p 1234 --for 10s
//   sonde run examples/unfreed.probe.ts -c 'ls -l /usr/lib'
import { count, end, hash, print, stats, sum, u64, uprobe } from "sonde";

/** The size of each piece by its address: what is left at the end wasn't freed. */
const live = hash(u64, u64, { capacity: 1_000_000 });
export const allocated = stats();
export const freed = sum();
/** Pieces that came from before, or from calloc() and the like. */
export const unknown = count();

uprobe("libc:malloc", {
  enter: (c) => c.args.size,
  leave: (c, size) => {
    if (!c.ret) return;
    live.set(c.ret, size);
    allocated.add(size);
  },
});
uprobe("libc:realloc", {
  enter: (c) => ({ size: c.args.size, from: c.args.ptr, was: live.get(c.args.ptr) }),
  leave: (c, at) => {
    if (!c.ret) return;
    if (at.was !== undefined) {
      // At another address, another thread may have got this one since; sizes add up all the same.
      if (c.ret !== at.from) live.delete(at.from);
      freed.add(at.was);
    }
    live.set(c.ret, at.size);
    allocated.add(at.size);
  },
});
uprobe("libc:free", (c) => {
  if (!c.args.ptr) return;
  const size = live.get(c.args.ptr);
  if (size === undefined) {
    unknown.add();
    return;
  }
  freed.add(size);
  live.delete(c.args.ptr);
});

end(() => {
  const kept = new Map<bigint, number>();
  for (const [, size] of live) kept.set(size, (kept.get(size) ?? 0) + 1);
  const largest = [...kept].sort(([a, m], [b, n]) => Number(b) * n - Number(a) * m);
  print`kept: ${largest.reduce((all, [, n]) => all + n, 0)} pieces`;
  for (const [size, n] of largest.slice(0, 10)) print`${String(n).padStart(8)} of ${size} bytes`;
});
