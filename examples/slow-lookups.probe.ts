// Which host names are slow to resolve, for whom?
//   sonde run examples/slow-lookups.probe.ts -- --slow=5000000
//   sonde run examples/slow-lookups.probe.ts --params              lists the parameters
import { cstring, duration, hash, hist, param, print, str, u32, uprobe } from "sonde";

const slow = param("slow", 10_000_000, "nanoseconds from which a lookup is shown");
export const latency = hash([u32, cstring(64)], hist({ bits: 2 }), { capacity: 4096, full: "evict" });

uprobe("libc:getaddrinfo", {
  // What enter gives, leave gets: at the return, the arguments are gone.
  enter: (c) => ({ from: c.time, host: str(c.args.node) }),
  leave: (c, at) => {
    const ns = c.time - at.from;
    latency.at([c.pid, at.host]).add(ns);
    if (ns >= slow) print`${c.comm}[${c.pid}] resolving ${at.host}: ${duration(ns)}, result ${c.ret}`;
  },
});
