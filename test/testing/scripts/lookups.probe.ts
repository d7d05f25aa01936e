// Which hosts are looked up, and how long it takes.
import { begin, cstring, duration, end, events, func, hash, hist, interval, param, print, show, str, sum, u32, u64, uprobe, uretprobe, usdt } from "sonde";

const slow = param("slow", 1000, "nanoseconds from which a lookup is shown");
export const latency = hash([u32, cstring(64)], hist());
export const lookups = events({ pid: u32, host: cstring(64), ns: u64 });
export const bytes = hash(func, sum());
export const results = hash(u32, sum());
export const lines = hash(cstring(64), sum());

uprobe("libc:getaddrinfo", {
  enter: (c) => ({ from: c.time, host: str(c.args.node) }),
  leave: (c, at) => {
    const ns = c.time - at.from;
    latency.at([c.pid, at.host]).add(ns);
    if (ns > slow && c.ret === 0) print`${c.comm}[${c.pid}] resolving ${at.host}: ${duration(ns)}`;
    lookups.emit({ pid: c.pid, host: at.host, ns });
  },
});
uprobe("nowhere:send_*", (c) => bytes.at(c.func).add(c.arg2));
uretprobe("nowhere:receive", (c) => results.at(c.tid).add(c.ret));
usdt("nowhere:python:line", (c) => lines.at(str(c.args.filename)).add(c.args.lineno));
interval("1s", () => show(bytes));
begin(() => print`begun`);
end(() => print`ended`);
