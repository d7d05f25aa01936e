// How large the pieces are that programs ask libc's allocator for: a histogram in bytes for each program.
//   sonde run tools/mallocsizes.probe.ts --for 10s
//   sonde run tools/mallocsizes.probe.ts -c 'find /usr/share -name x' --children
// malloc() within realloc() or calloc() isn't seen twice: libc calls its own inner functions. Other allocators aren't seen.
import { comm, hash, hist, sum, uprobe } from "sonde";

export const sizes = hash(comm, hist());
export const bytes = hash(comm, sum());

uprobe("libc:malloc", (c) => {
  sizes.at(c.comm).add(c.args.size);
  bytes.at(c.comm).add(c.args.size);
});
uprobe("libc:calloc", (c) => {
  sizes.at(c.comm).add(c.args.nmemb * c.args.size);
  bytes.at(c.comm).add(c.args.nmemb * c.args.size);
});
uprobe(["libc:realloc", "libc:aligned_alloc"], (c) => {
  sizes.at(c.comm).add(c.args.size);
  bytes.at(c.comm).add(c.args.size);
});
