// How large the block I/O of each program is, in bytes, at the moment when it goes to the disk.
//   sonde run tools/bitesize.probe.ts --for 10s
import { comm, cstring, hash, hist, tracepoint } from "sonde";

export const bytes = hash(comm, hist());
/** The same by what is done: R reads, W writes, S synchronously, M metadata, F flushes, A reads ahead. */
export const byKind = hash(cstring(10), hist());

tracepoint("block:block_rq_issue", (c) => {
  bytes.at(c.comm).add(c.args.bytes);
  byKind.at(c.args.rwbs).add(c.args.bytes);
});
