// All functions with their parameters from a program's debug information, of more than 100 MB: read anew, from what was kept
// of it, and by bpftrace -lv and gdb, which find it by the program's .gnu_debuglink.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { rolldown } from "rolldown";
import { unpacked } from "../packages.mjs";
import { measured, median } from "../tools.mjs";

export const name = "debug-info";

const root = join(import.meta.dirname, "../..");
/** A peer that takes longer is stopped: the ratio is then at most what is shown. */
const PATIENCE_SECONDS = 120;

async function build(folder) {
  const file = join(folder, "index-functions.mjs");
  const bundle = await rolldown({ input: join(root, "bench/workloads/index-functions.ts"), cwd: root, platform: "node", external: [/^node:/] });
  await bundle.write({ file, format: "esm" });
  return file;
}

/** The program with its debug information where debuggers look: in .debug beside it. */
function prepare(folder) {
  const packages = unpacked("ceph-mgr", "ceph-mgr-dbg");
  if (packages === undefined) return undefined;
  const program = join(folder, "debug-info/ceph-mgr");
  mkdirSync(join(dirname(program), ".debug"), { recursive: true });
  copyFileSync(join(packages, "usr/bin/ceph-mgr"), program);
  const debug = readdirSync(join(packages, "usr/lib/debug"), { recursive: true }).find((path) => path.endsWith(".debug"));
  const separate = join(dirname(program), ".debug", basename(debug));
  copyFileSync(join(packages, "usr/lib/debug", debug), separate);
  return { program, separate };
}

/** Seconds until the command ends; `PATIENCE_SECONDS` if it was stopped then. */
function timed(programs, peer, command, env) {
  const got = measured(programs, ["timeout", "-s", "KILL", String(PATIENCE_SECONDS), ...command], { env });
  // Killed itself by the signal that it sends.
  if (got.status === 0) return got.seconds;
  if (got.seconds < PATIENCE_SECONDS * 0.9) throw new Error(`${peer}: status ${got.status}\n${got.errors}`);
  process.stderr.write(`bench: ${peer} was stopped after ${PATIENCE_SECONDS} s: the ratio is at most what is shown\n`);
  return got.seconds;
}

export async function run({ programs, peers, rounds, folder }) {
  const files = prepare(folder);
  if (files === undefined) return [];
  const script = await build(folder);
  const kept = join(folder, "debug-info/functions");
  const ours = (...more) => {
    const got = measured(programs, [process.execPath, script, files.separate, kept, ...more]);
    if (got.status !== 0) throw new Error(`sonde: status ${got.status}\n${got.errors}`);
    return { whole: got.seconds, peak: got.peakKiB, ...JSON.parse(got.output) };
  };
  const cold = Array.from({ length: rounds }, () => ours());
  const cached = Array.from({ length: rounds }, () => ours("cached"));
  const megabytes = Math.round(ours("size").bytes / 1e6);

  const theirs = {};
  for (const peer of peers) {
    const file = peer.at(files.program);
    if (file !== files.program) {
      process.stderr.write(`bench: ${peer.name} is below another root, where the debug information isn't found: left out\n`);
      continue;
    }
    theirs[peer.name] = timed(programs, peer.name, ["bpftrace", "-lv", `uprobe:${file}:*`], peer.env);
  }
  const gdb = {};
  if (spawnSync("gdb", ["--version"]).status === 0)
    gdb.gdb = timed(programs, "gdb", ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "info functions", files.program], process.env);
  const what = `${cold[0].functions} functions with parameters from ${megabytes} MB of debug information`;
  const seconds = median(cold.map((one) => one.whole));
  const rows = [{ what, unit: "s", sonde: seconds, peers: theirs, bar: 0.3, reference: Object.keys(theirs).at(-1) }];
  if (gdb.gdb !== undefined) rows.push({ what: "the same, beside gdb's info functions", unit: "s", sonde: seconds, peers: gdb, bar: 0.3, reference: "gdb" });
  rows.push(
    { what: "the same, from what was kept", unit: "s", sonde: median(cached.map((one) => one.ready)), peers: {}, atMost: 0.05 },
    { what: "peak memory of the index", unit: "MB", sonde: median(cold.map((one) => one.peak)) / 1000, peers: {} },
  );
  return rows;
}
