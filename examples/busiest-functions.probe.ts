// Which of a library's functions are called most, on which processors, and by how many threads at a time?
//   sonde run examples/busiest-functions.probe.ts -c 'sort /etc/services'
//   sonde run examples/busiest-functions.probe.ts -- '--pattern=libssl:SSL_*' --limit=1000
import { array, count, exit, func, hash, param, u64, uprobe, variable } from "sonde";

const pattern = param("pattern", "libc:str*", "the functions to count");
const limit = param("limit", 0, "end after so many calls; 0 for never");

/** A function as a key is a number until somebody reads it: as cheap as counting goes. */
export const calls = hash(func, count());
export const byCpu = array(256, count());
const seen = variable(u64, 0);

const probe = uprobe(pattern, (c) => {
  calls.at(c.func).add();
  byCpu.at(c.cpu).add();
  if (limit > 0) {
    seen.set(seen.get() + 1); // Another processor may do so at the same moment: near enough for a limit.
    if (seen.get() >= limit) exit();
  }
});
console.log(`${probe.sites} places are named by ${pattern}`);
