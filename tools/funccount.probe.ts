// Counts the calls of every function that a pattern names, busiest first.
//   sonde run tools/funccount.probe.ts -c 'sort FILE' -- --of='libc:str*'
//   sonde run tools/funccount.probe.ts -p nginx --every 1s -- --of='/usr/sbin/nginx:ngx_http_*'
// `sonde list PATTERN` shows beforehand how many functions that are, and what a hit costs.
import { count, func, hash, param, uprobe } from "sonde";

const of = param("of", "libc:*alloc", "the functions, as FILE:PATTERN");
export const calls = hash(func, count());

uprobe(of, (c) => calls.at(c.func).add());
