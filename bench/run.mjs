// `npm run bench [-- --rounds 7] [-- --only startup,hits]`: one table, every figure a median of one run, ratios against bpftrace or gdb where they are here.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildPrograms } from "./build.mjs";
import * as breakpoint from "./cases/breakpoint.mjs";
import * as cost from "./cases/cost.mjs";
import * as debugInfo from "./cases/debug-info.mjs";
import * as events from "./cases/events.mjs";
import * as hits from "./cases/hits.mjs";
import * as inline from "./cases/inline.mjs";
import * as jumps from "./cases/jumps.mjs";
import * as kinds from "./cases/kinds.mjs";
import * as many from "./cases/many.mjs";
import * as startup from "./cases/startup.mjs";
import { judge, table } from "./report.mjs";
import { bpftraces, sonde } from "./tools.mjs";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" }, only: { type: "string" } } });
const rounds = Number(values.rounds);
const wanted = values.only?.split(",");

if (process.getuid() !== 0) {
  process.stderr.write("bench: the kernel engine needs root (or CAP_BPF and CAP_PERFMON)\n");
  process.exit(3);
}

const folder = mkdtempSync(join(tmpdir(), "sonde-bench-"));
try {
  const programs = buildPrograms(folder);
  const peers = bpftraces();
  if (peers.length === 0) process.stderr.write("bench: no bpftrace here, so there are no ratios (apt-get install bpftrace)\n");
  const context = { programs, sonde: sonde(join(folder, "cache")), peers, rounds, folder };
  const rows = [];
  for (const measurement of [startup, hits, many, events, kinds, cost, breakpoint, jumps, inline, debugInfo]) {
    if (wanted && !wanted.includes(measurement.name)) continue;
    process.stderr.write(`bench: ${measurement.name} …\n`);
    rows.push(...(await measurement.run(context)));
  }
  process.stdout.write(`${table(rows, peers)}\n`);
  const results = join(import.meta.dirname, "results");
  mkdirSync(results, { recursive: true });
  const reference = peers.at(-1)?.name;
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
  const data = {
    version,
    kernel: release(),
    node: process.version,
    rounds,
    peers: peers.map((peer) => peer.name),
    rows: rows.map((row) => ({ ...row, ...judge(row, reference) })),
  };
  writeFileSync(join(results, "latest.json"), `${JSON.stringify(data, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
