// How much of what a program allocates meanwhile does it keep? Allocations not yet freed, by size.
//   sonde run examples/unfreed.probe.ts -p 1234 --for 10s
//   sonde run examples/unfreed.probe.ts -c 'ls -l /usr/lib'
import { count, hash, stats, sum, u64, uprobe } from "sonde";

/** The size of each piece by its address: what is left at the end wasn't freed. */
const live = hash(u64, u64, { capacity: 1_000_000 });
export const allocated = stats();
export const freed = sum();
export const unknown = count();

uprobe("libc:malloc", {
  enter: (c) => c.args.size,
  leave: (c, size) => {
    if (!c.ret) return;
    live.set(c.ret, size);
    allocated.add(size);
  },
});
uprobe("libc:free", (c) => {
  if (!c.args.ptr) return;
  const size = live.get(c.args.ptr);
  if (size === undefined) {
    unknown.add(); // It came from before, or from calloc(), realloc() and the like.
    return;
  }
  freed.add(size);
  live.delete(c.args.ptr);
});
