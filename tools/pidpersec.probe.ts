// How many processes and threads are made in each second: what starts them so often may be worth a look with execsnoop.
//   sonde run tools/pidpersec.probe.ts
import { begin, clear, comm, count, hash, interval, print, show, tracepoint } from "sonde";

export const made = hash(comm, count());

tracepoint("sched:sched_process_fork", (c) => made.at(c.comm).add());
// In a handler, so that it is in order with what was counted before.
interval("1s", () => {
  show(made, { top: 5 });
  clear(made);
});

begin(() => print`By who makes them, each second:`);
