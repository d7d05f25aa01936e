// How long threads that could run wait for a CPU: are there enough of them?
//   sonde run tools/runqlat.probe.ts --for 10s
//   sonde run tools/runqlat.probe.ts --for 10s -- --by=true      for each program apart
import { comm, hash, hist, param, tracepoint, u32, u64 } from "sonde";

const by = param("by", false, "a histogram for each program");
const ready = hash(u32, u64, { capacity: 65_536, full: "evict" });
/** Microseconds. */
export const usecs = hist();
export const byProgram = hash(comm, hist());

tracepoint(["sched:sched_wakeup", "sched:sched_wakeup_new"], (c) => ready.set(c.args.pid, c.time));
tracepoint("sched:sched_switch", (c) => {
  // Put aside while it could go on: it waits again.
  if (c.args.prev_state === 0) ready.set(c.args.prev_pid, c.time);
  const since = ready.get(c.args.next_pid);
  if (since === undefined) return;
  ready.delete(c.args.next_pid);
  const waited = (c.time - since) / 1000;
  if (by) byProgram.at(c.args.next_comm).add(waited);
  else usecs.add(waited);
});
