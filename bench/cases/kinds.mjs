// Stacks, static probes and samples: what each costs, and how fast a million frames get their names.
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { measured, median } from "../tools.mjs";

export const name = "kinds";

const root = join(import.meta.dirname, "../..");
const COUNT = 300_000;
const nanoseconds = (got) => Number(/^ok (\d+)$/m.exec(got.output)?.[1] ?? Number.NaN) / COUNT;

/** What a hit adds, with sonde and with its peers, in turn. `theirs` gives a peer's program for the path that it knows. */
function added({ programs, sonde, peers, rounds }, { what, command, script, theirs, bar }) {
  const [path, ...rest] = command;
  const plain = [];
  const ours = [];
  const others = new Map(peers.map((peer) => [peer.name, []]));
  for (let i = 0; i < rounds; i++) {
    plain.push(nanoseconds(measured(programs, command)));
    ours.push(nanoseconds(measured(programs, sonde.command(script, command.join(" ")), { env: sonde.env })));
    for (const peer of peers) {
      const at = peer.at(path);
      others.get(peer.name).push(nanoseconds(measured(programs, peer.command(theirs(at), [at, ...rest].join(" ")), { env: peer.env })));
    }
  }
  const base = median(plain);
  return { what, unit: "ns", sonde: median(ours) - base, peers: Object.fromEntries([...others].map(([peer, t]) => [peer, median(t) - base])), bar };
}

/** Names of a million frames of 10,000 addresses, in the program that runs us. */
async function naming(folder, rounds) {
  const file = join(folder, "name-frames.mjs");
  const bundle = await rolldown({
    input: join(root, "bench/workloads/name-frames.ts"),
    cwd: root,
    platform: "node",
    external: [/^node:/, "koffi", "iced-x86"],
  });
  await bundle.write({ file, format: "esm" });
  const seconds = [];
  for (let i = 0; i < Math.min(rounds, 5); i++) {
    seconds.push(JSON.parse(execFileSync(process.execPath, [file, process.execPath], { encoding: "utf8", cwd: root })).seconds);
  }
  return { what: "names of a million frames, 10,000 distinct addresses", unit: "s", sonde: median(seconds), peers: {}, atMost: 2 };
}

const SAMPLED_SECONDS = 8;

/** The share of a CPU that sonde itself takes while every CPU is busy and sampled, without its start and its end. */
async function sampling({ programs, sonde, rounds }) {
  const script = `
    const stacks = hash([comm, stack, stack], count()); profile("99hz", (c) => stacks.at([c.comm, c.ustack(), c.kstack()]).add());
    let from, began;
    setTimeout(() => { from = process.cpuUsage(); began = performance.now(); }, 3000);
    setTimeout(() => {
      const { user, system } = process.cpuUsage(from);
      console.log("SHARE", (user + system) / 1000 / (performance.now() - began), [...stacks.entries()].reduce((sum, [, n]) => sum + Number(n), 0));
      exit(0);
    }, ${1000 * (3 + SAMPLED_SECONDS)});`;
  const shares = [];
  for (let i = 0; i < Math.min(rounds, 3); i++) {
    const busy = [0, 1].map(() => spawn(programs.calls, ["starts_push", "100000000000", "1"], { stdio: "ignore" }));
    const got = measured(programs, sonde.command(script), { env: sonde.env });
    for (const one of busy) one.kill("SIGKILL");
    const [, share, samples] = /SHARE ([\d.e-]+) (\d+)/.exec(got.output + got.errors)?.map(Number) ?? [];
    if (!(samples > 99 * SAMPLED_SECONDS)) throw new Error(`${samples} samples\n${got.output}${got.errors}`);
    shares.push(100 * share);
  }
  return { what: 'profile("99hz") with both stacks: sonde, of a CPU', unit: "%", sonde: median(shares), peers: {}, atMost: 1 };
}

export async function run(context) {
  const { programs, folder, rounds } = context;
  return [
    added(context, {
      what: "added per hit: count() by user stack, push",
      command: [programs.calls, "starts_push", String(COUNT), "42"],
      script: `export const n = hash(stack, count()); uprobe(${JSON.stringify(`${programs.calls}:starts_push`)}, (c) => n.at(c.ustack()).add());`,
      theirs: (path) => `uprobe:${path}:starts_push { @[ustack] = count() }`,
      bar: 1.1,
    }),
    added(context, {
      what: "added per hit of a static probe: hist() of an argument",
      command: [programs.usdt, String(COUNT)],
      script: `export const n = hist(); usdt(${JSON.stringify(`${programs.usdt}:bench:passed`)}, (c) => n.add(c.arg0));`,
      theirs: (path) => `usdt:${path}:bench:passed { @ = hist(arg0) }`,
      bar: 1.05,
    }),
    await naming(folder, rounds),
    await sampling(context),
  ];
}
