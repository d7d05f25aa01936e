/** A process of its own that arms a function and then waits to be killed: `armer.mjs PATH OFFSET`; the way is in SONDE_ATTACH. */
import { KernelEngine } from "../../../src/engines/kernel/kernel-engine.ts";
import type { Site } from "../../../src/symbols/site.ts";
import { counting, probeAt, program, session } from "./images.ts";

const [path = "", offset = ""] = process.argv.slice(2);
const site: Site = {
  path,
  display: path,
  file: { device: 0n, inode: 0n },
  offset: Number(offset),
  functionOffset: Number(offset),
  address: 0n,
  size: 16,
  name: "hit",
  aliases: [],
  delta: 0,
  instruction: { text: "push rbx", bytes: Uint8Array.of(0x53) },
  cost: "emulated",
  stackDelta: 0,
};
await new KernelEngine().arm(session([program("hits", counting(0))]), [probeAt([site])], { pids: [], children: false, cgroup: undefined });
process.stdout.write("armed\n");
setInterval(() => {}, 1000);
