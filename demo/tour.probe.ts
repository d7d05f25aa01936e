// What `sonde demo` runs: three questions to programs that were never made to be asked.
import { comm, count, func, hash, hist, uprobe } from "sonde";

// How large are the allocations, program by program?
export const sizes = hash(comm, hist());
uprobe("libc:malloc", (c) => sizes.at(c.comm).add(c.args.size));

// How long does a read take, from its call to its return?
export const nanoseconds = hist();
uprobe("libc:read", {
  enter: (c) => c.time,
  leave: (c, began) => nanoseconds.add(c.time - began),
});

// Which of libc's functions for streams, memory and text are called most?
export const calls = hash(func, count());
uprobe(["libc:f*", "libc:*alloc", "libc:str*"], (c) => calls.at(c.func).add());
