// When the kernel writes dirty pages back to the disks, for what reason, how much, and how long it takes.
//   sonde run tools/writeback.probe.ts
import { begin, cstring, events, hash, i64, print, tracepoint, u32, u64 } from "sonde";

const REASONS = ["background", "vmscan", "sync", "periodic", "laptop timer", "free space", "forker thread", "foreign flush"];
const began = hash(u64, u64);
export const written = events({ device: cstring(32), reason: u32, pages: i64, ns: u64 });

tracepoint("writeback:writeback_start", (c) => began.set(c.args.sb_dev, c.time));
tracepoint("writeback:writeback_written", (c) => {
  const from = began.get(c.args.sb_dev);
  if (from === undefined) return;
  began.delete(c.args.sb_dev);
  written.emit({ device: c.args.name, reason: c.args.reason, pages: c.args.nr_pages, ns: c.time - from });
});

begin(() => print`${"TIME".padEnd(12)} ${"DEVICE".padEnd(10)} ${"REASON".padEnd(14)} ${"PAGES LEFT".padStart(20)} LATENCY`);
written.on((e) => {
  const reason = REASONS[e.reason] ?? String(e.reason);
  print`${new Date().toISOString().slice(11, 23)} ${e.device.padEnd(10)} ${reason.padEnd(14)} ${String(e.pages).padStart(20)} ${(Number(e.ns) / 1e6).toFixed(2)} ms`;
});
