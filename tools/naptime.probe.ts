// Who sleeps for a time of its own choosing, and for how long: what polls instead of waiting is found so.
//   sonde run tools/naptime.probe.ts
import { begin, comm, events, hash, hist, i64, print, read, struct, tracepoint, u32 } from "sonde";

const timespec = struct({ sec: i64, nsec: i64 });
export const naps = events({ pid: u32, comm, ppid: u32, parent: comm, ns: i64 });
/** In microseconds, by program. */
export const usecs = hash(comm, hist());

tracepoint(["syscalls:sys_enter_nanosleep", "syscalls:sys_enter_clock_nanosleep"], (c) => {
  const time = read(c.args.rqtp, timespec);
  if (time === undefined) return;
  const ns = time.sec * 1_000_000_000 + time.nsec;
  usecs.at(c.comm).add(ns / 1000);
  naps.emit({ pid: c.pid, comm: c.comm, ppid: c.task.real_parent?.tgid, parent: c.comm, ns });
});

begin(() => print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"PPID".padStart(7)} SECONDS`);
naps.on((e) => print`${String(e.pid).padStart(7)} ${e.comm.padEnd(15)} ${String(e.ppid).padStart(7)} ${(Number(e.ns) / 1e9).toFixed(3)}`);
