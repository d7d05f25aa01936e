// How long block I/O takes, from being handed to the block layer until it is done: a histogram by disk, at the end or each `--every`.
//   sonde run tools/biolatency.probe.ts --for 10s
//   sonde run tools/biolatency.probe.ts -- --every=5             each 5 seconds, from zero again
import { clear, hash, hist, param, show, struct, tracepoint, u32, u64 } from "sonde";

const every = param("every", 0, "seconds after which the histograms are shown and begin anew; 0: at the end alone");
const request = struct({ dev: u32, sector: u64 });
const began = hash(request, u64, { capacity: 16_384, full: "evict" });
/** By the disk's numbers as /proc/partitions has them; in microseconds. */
export const usecs = hash([u32, u32], hist());

tracepoint("block:block_io_start", (c) => began.set({ dev: c.args.dev, sector: c.args.sector }, c.time));
tracepoint("block:block_io_done", (c) => {
  const key = { dev: c.args.dev, sector: c.args.sector };
  const from = began.get(key);
  if (from === undefined) return;
  usecs.at([c.args.dev >> 20, c.args.dev & 0xfffff]).add((c.time - from) / 1000);
  began.delete(key);
});

if (every > 0) {
  setInterval(() => {
    show(usecs);
    clear(usecs);
  }, every * 1000).unref();
}
