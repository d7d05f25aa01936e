// Shows each resolution of a host name by libc, who asked and how long it took; at the end, the distribution by program.
//   sonde run tools/gethostlatency.probe.ts
//   sonde run tools/gethostlatency.probe.ts -- --slow=100      only lookups of 100 ms or more
//   sonde run tools/gethostlatency.probe.ts -c 'getent ahosts example.org'
// RESULT is 0 for an answer. getaddrinfo() gives its EAI_… code; gethostbyname() has none, so there it is 0 or -1.
import { begin, comm, cstring, events, func, hash, hist, i32, param, print, str, u32, u64, uprobe } from "sonde";

const slow = param("slow", 0, "milliseconds from which a lookup is shown");
const host = cstring(128);
export const latency = hash(comm, hist());
export const lookups = events({ pid: u32, comm, how: func, host, result: i32, ns: u64 });

uprobe("libc:getaddrinfo", {
  enter: (c) => ({ from: c.time, node: c.args.node }),
  leave: (c, at) => {
    const ns = c.time - at.from;
    latency.at(c.comm).add(ns);
    // Without a name it is a wildcard address that is asked for: nothing is looked up.
    if (at.node && ns >= slow * 1_000_000) lookups.emit({ pid: c.pid, comm: c.comm, how: c.func, host: str(at.node, 128), result: c.ret, ns });
  },
});
uprobe(["libc:gethostbyname", "libc:gethostbyname2"], {
  enter: (c) => ({ from: c.time, name: c.args.name }),
  leave: (c, at) => {
    const ns = c.time - at.from;
    latency.at(c.comm).add(ns);
    if (ns >= slow * 1_000_000) lookups.emit({ pid: c.pid, comm: c.comm, how: c.func, host: str(at.name, 128), result: c.ret ? 0 : -1, ns });
  },
});

begin(() => print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"FUNCTION".padEnd(14)} ${"LATENCY".padStart(9)} RESULT HOST`);
lookups.on((e) => {
  const ms = `${(Number(e.ns) / 1e6).toFixed(2)} ms`;
  print`${String(e.pid).padStart(7)} ${e.comm.padEnd(15)} ${e.how.padEnd(14)} ${ms.padStart(9)} ${String(e.result).padStart(6)} ${e.host}`;
});
