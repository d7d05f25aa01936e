// What a program asks of the C library: how often it allocates, how much it writes to which descriptor, what it opens.
//   sonde run examples/assertions/asked.probe.ts -c 'ls -d /'
import { count, cstring, hash, i32, str, sum, uprobe } from "sonde";

export const allocations = count();
export const writes = count();
export const written = hash(i32, sum());
export const opened = hash(cstring(200), count());

uprobe(["libc:malloc", "libc:calloc", "libc:realloc"], () => allocations.add());
uprobe("libc:write", (c) => {
  writes.add();
  written.at(i32(c.arg0)).add(c.arg2);
});
uprobe(["libc:open", "libc:openat"], (c) => {
  const path = str(c.func === "open" ? c.arg0 : c.arg1, 200);
  if (path !== undefined) opened.at(path).add();
});
