// How large are the allocations of each program?
//   sonde run examples/malloc-sizes.probe.ts -c 'find /usr/share/doc -name copyright'
import { comm, count, hash, hist, uprobe } from "sonde";

export const calls = count();
export const size = hash(comm, hist());

uprobe("libc:malloc", (c) => {
  calls.add();
  size.at(c.comm).add(c.args.size);
});
