// Percentiles of a function's latency, printed while it runs; paused from outside when it has seen enough.
//   sonde run examples/percentiles.probe.ts -p nginx -- --function=libc:writev --every=500
import { begin, bool, comm, count, end, hash, hist, param, print, uprobe, variable } from "sonde";

const target = param("function", "libc:write", "what is measured");
const every = param("every", 1000, "milliseconds between two prints");
const enough = param("enough", 1_000_000, "calls after which it stops to measure");
const user = Number(process.env.ONLY_UID ?? -1);

/** bits: 3 splits each power of two in eight, so a percentile is off by at most an eighth. */
export const latency = hash(comm, hist({ bits: 3 }));
export const calls = count();
const on = variable(bool, true);

uprobe(target, {
  enter: (c) => {
    // `user` is known when the probe is armed: where it is -1, this comparison isn't in the program at all.
    if (!on.get() || (user >= 0 && c.uid !== user)) return undefined;
    return c.time;
  },
  leave: (c, from) => {
    calls.add();
    latency.at(c.comm).add(c.time - from);
  },
});

begin(() => {
  setInterval(() => {
    for (const [name, h] of latency) print`${name}: p50 ${h.percentile(50)} ns, p99 ${h.percentile(99)} ns of ${h.count}`;
    if (calls.read() > BigInt(enough)) on.set(false);
  }, every).unref();
});
end(() => {
  print`${calls.read()} calls`;
});
