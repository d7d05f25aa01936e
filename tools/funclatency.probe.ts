// How long a function, or each of several, takes from its call to its return: histograms in nanoseconds.
//   sonde run tools/funclatency.probe.ts -p postgres -- --of=postgres:exec_simple_query
//   sonde run tools/funclatency.probe.ts -c 'gzip -k FILE' -- --of=libc:read,libc:write
// Waiting counts as time, and so does the time of functions that it calls.
import { func, hash, hist, param, uprobe } from "sonde";

const of = param("of", "libc:read", "the functions, as FILE:PATTERN; several with commas");
/** Nanoseconds, by function. */
export const latency = hash(func, hist());

uprobe(of.split(","), {
  enter: (c) => c.time,
  leave: (c, from) => latency.at(c.func).add(c.time - from),
});
