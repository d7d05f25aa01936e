// Who has data written through to the disk, by which call, and how long that takes.
//   sonde run tools/syncsnoop.probe.ts
import { begin, comm, events, func, hash, hist, print, struct, tracepoint, u32, u64 } from "sonde";

const CALLS = ["sync", "syncfs", "fsync", "fdatasync", "sync_file_range", "msync"];
const began = hash(u32, u64);
export const syncs = events(struct({ pid: u32, comm, how: func, ns: u64 }));
/** Microseconds, by program. */
export const usecs = hash(comm, hist());

tracepoint(
  CALLS.map((name) => `syscalls:sys_enter_${name}`),
  (c) => began.set(c.tid, c.time),
);
tracepoint(
  CALLS.map((name) => `syscalls:sys_exit_${name}`),
  (c) => {
    const from = began.get(c.tid);
    if (from === undefined) return;
    began.delete(c.tid);
    const ns = c.time - from;
    usecs.at(c.comm).add(ns / 1000);
    syncs.emit({ pid: c.pid, comm: c.comm, how: c.func, ns });
  },
);

begin(() => print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"CALL".padEnd(16)} LATENCY`);
syncs.on((e) => print`${String(e.pid).padStart(7)} ${e.comm.padEnd(15)} ${e.how.replace(/^.*sys_exit_/, "").padEnd(16)} ${(Number(e.ns) / 1e6).toFixed(2)} ms`);
