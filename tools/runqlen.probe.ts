// How many threads are on each CPU's run queue besides the one that runs, looked at 99 times a second.
//   sonde run tools/runqlen.probe.ts --for 10s
import { count, hash, lhist, profile, u32 } from "sonde";

export const waiting = lhist(0, 64, 1);
/** Samples in which somebody waited, by CPU. */
export const busy = hash(u32, count());

profile("99hz", (c) => {
  const running = c.task.se.cfs_rq?.rq?.nr_running;
  if (running === undefined) return;
  const others = running > 0 ? running - 1 : 0;
  waiting.add(others);
  if (others > 0) busy.at(c.cpu).add();
});
