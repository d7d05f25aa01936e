// Which host names are slow to resolve, for whom? lookups.test.ts tests it.
import { cstring, duration, hash, hist, param, print, str, u32, uprobe } from "sonde";

const slow = param("slow", 10_000_000, "nanoseconds from which a lookup is shown");
export const latency = hash([u32, cstring(64)], hist());

uprobe("libc:getaddrinfo", {
  enter: (c) => ({ from: c.time, host: str(c.args.node) }),
  leave: (c, at) => {
    const ns = c.time - at.from;
    latency.at([c.pid, at.host]).add(ns);
    if (ns >= slow) print`${c.comm}[${c.pid}] resolving ${at.host}: ${duration(ns)}`;
  },
});
