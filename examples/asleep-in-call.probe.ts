// What a function's calls wait for in the kernel: for how long, by where in the kernel their thread was put aside, beside how long they ran.
//   sonde run examples/asleep-in-call.probe.ts --for 10s -- --of=libc:fsync
import { hash, hist, param, stack, struct, sum, tracepoint, u32, u64, uprobe } from "sonde";

const of = param("of", "libc:fsync", "the function whose calls are meant");

const inCall = hash(u32, u64);
const putAside = hash(u32, struct({ since: u64, where: stack }));
export const tookNs = hist();
export const waitedNs = hash(stack, sum());

uprobe(of, {
  enter: (c) => {
    inCall.set(c.tid, c.time);
    return c.time;
  },
  leave: (c, at) => {
    inCall.delete(c.tid);
    tookNs.add(c.time - at);
  },
});
tracepoint("sched:sched_switch", (c) => {
  if (inCall.has(c.args.prev_pid)) putAside.set(c.args.prev_pid, { since: c.time, where: c.kstack() });
});
tracepoint("sched:sched_switch", (c) => {
  const before = putAside.get(c.args.next_pid);
  if (before === undefined) return;
  waitedNs.at(before.where).add(c.time - before.since);
  putAside.delete(c.args.next_pid);
});
