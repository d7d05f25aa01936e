// Each block I/O: who asked for it, where it went, how long it took.
//   sonde run tools/biosnoop.probe.ts
//   sonde run tools/biosnoop.probe.ts -- --slow=10               those of 10 ms or more
// What is written back later is done by the kernel's own threads (kworker), not by the program that wrote.
import { begin, comm, cstring, events, hash, param, print, struct, tracepoint, u32, u64 } from "sonde";
import { diskName } from "./disks.ts";

const slow = param("slow", 0, "milliseconds from which an I/O is shown");
const request = struct({ dev: u32, sector: u64 });
const asked = hash(request, struct({ time: u64, pid: u32, comm }), { capacity: 16_384, full: "evict" });
export const done = events({ pid: u32, comm, dev: u32, sector: u64, bytes: u64, how: cstring(10), ns: u64 });

tracepoint("block:block_io_start", (c) => asked.set({ dev: c.args.dev, sector: c.args.sector }, { time: c.time, pid: c.pid, comm: c.comm }));
tracepoint("block:block_rq_complete", (c) => {
  const key = { dev: c.args.dev, sector: c.args.sector };
  const from = asked.get(key);
  if (from === undefined) return;
  const ns = c.time - from.time;
  if (ns >= slow * 1_000_000)
    done.emit({ pid: from.pid, comm: from.comm, dev: c.args.dev, sector: c.args.sector, bytes: c.args.nr_sector * 512, how: c.args.rwbs, ns });
  asked.delete(key);
});

begin(
  () =>
    print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"DISK".padEnd(8)} ${"HOW".padEnd(5)} ${"SECTOR".padStart(11)} ${"BYTES".padStart(8)} ${"LATENCY".padStart(10)}`,
);
done.on((e) => {
  const ms = `${(Number(e.ns) / 1e6).toFixed(2)} ms`;
  const where = `${diskName(e.dev).padEnd(8)} ${e.how.padEnd(5)} ${String(e.sector).padStart(11)} ${String(e.bytes).padStart(8)}`;
  print`${String(e.pid).padStart(7)} ${e.comm.padEnd(15)} ${where} ${ms.padStart(10)}`;
});
