// The engine of our own breakpoints: what a hit costs beside gdb's with a condition that is false, and what arming costs the process.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { measured, median } from "../tools.mjs";

export const name = "breakpoint";

const HITS = 100_000;
/** Of gdb's, which take 0.3 ms each. */
const THEIR_HITS = 1_000;
const SITES = 1_000;
const THREADS = 500;

const nanoseconds = (got, hits) => Number(/^ok (\d+)$/m.exec(got.output)?.[1] ?? Number.NaN) / hits;

function gdb() {
  const { stdout, status } = spawnSync("gdb", ["--version"], { encoding: "utf8" });
  return status === 0 ? `gdb ${/(\d+\.\d+)\s*$/m.exec(stdout)?.[1] ?? ""}`.trim() : undefined;
}

function hits({ programs, sonde, rounds }) {
  const script = `export const n = count(); uprobe(${JSON.stringify(`${programs.calls}:starts_push`)}, () => n.add()); end(() => { if (n.read() !== ${HITS}n) throw new Error(n.read() + " hits"); });`;
  const peer = gdb();
  if (peer === undefined) process.stderr.write("bench: no gdb here, so there is no ratio for the engine breakpoint (apt-get install gdb)\n");
  const ours = [];
  const theirs = [];
  const run = (hits) => [programs.calls, "starts_push", String(hits), "42"];
  const plain = nanoseconds(measured(programs, run(HITS)), HITS);
  for (let i = 0; i < Math.min(rounds, 5); i++) {
    const got = measured(programs, sonde.command(script, run(HITS).join(" "), "--engine", "breakpoint"), { env: sonde.env });
    if (got.status !== 0) throw new Error(`sonde: status ${got.status}\n${got.errors}`);
    ours.push(nanoseconds(got, HITS) - plain);
    if (peer === undefined) continue;
    const condition = "break *starts_push if $rdi == 0xdead";
    theirs.push(nanoseconds(measured(programs, ["gdb", "-nx", "-batch", "-ex", condition, "-ex", "run", "--args", ...run(THEIR_HITS)]), THEIR_HITS) - plain);
  }
  return {
    what: "engine breakpoint, added per hit: count() beside gdb's false condition",
    unit: "µs",
    sonde: median(ours) / 1000,
    peers: peer === undefined ? {} : { [peer]: median(theirs) / 1000 },
    reference: peer,
    bar: 0.1,
  };
}

export function run(context) {
  const { programs, sonde, rounds } = context;
  const command = [join(import.meta.dirname, "../workloads/arming.mjs"), programs.armed, "breakpoint", Math.min(rounds, 5), SITES, THREADS].map(String);
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { encoding: "utf8", env: sonde.env });
  if (status !== 0) throw new Error(`arming: status ${status}\n${stderr}`);
  const got = JSON.parse(stdout);
  const bare = { unit: "ms", peers: {} };
  return [
    hits(context),
    { ...bare, what: `engine breakpoint: open() with ${SITES} sites, beyond open() with one`, sonde: median(got.all) - median(got.one), atMost: 100 },
    { ...bare, what: "engine breakpoint: open() with one site in a running process", sonde: median(got.one) },
    { ...bare, what: `longest pause of a process while ${SITES} sites are armed`, sonde: median(got.allGap), atMost: 100 },
    { ...bare, what: `longest pause of a process of ${THREADS} threads while one site is armed`, sonde: median(got.threadsGap), atMost: 50 },
    { ...bare, what: "longest pause of that process in as much time without sonde", sonde: median(got.quiet) },
    {
      what: `a loop in a process with ${SITES} armed sites that aren't hit, against none`,
      unit: "×",
      peers: {},
      sonde: median(got.armed),
      atMost: 1.02,
    },
    {
      what: "the same in a process that isn't probed, beside one that is",
      unit: "×",
      peers: {},
      sonde: median(got.bystander),
      atMost: 1.02,
    },
  ];
}
