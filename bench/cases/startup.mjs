// From start to exit of a one-liner with one uprobe and hist(arg0): a script never seen, the same again, and bpftrace's.
import { measured, median } from "../tools.mjs";

export const name = "startup";

export function run({ programs, sonde, peers, rounds }) {
  const times = { "new script": [], "compiled before": [] };
  const peaks = { "new script": [], "compiled before": [] };
  const theirs = new Map(peers.map((peer) => [peer.name, { seconds: [], peak: [] }]));
  const one = (salt) => `export const size = hist(); uprobe("libc:malloc", (c) => size.add(c.arg0)); // ${salt}`;
  const known = one(`known ${process.pid}`);
  measured(programs, sonde.command(known, programs.idle), { env: sonde.env });
  for (let i = 0; i < rounds; i++) {
    for (const [kind, script] of [
      ["new script", one(`new ${process.pid} ${i}`)],
      ["compiled before", known],
    ]) {
      const got = measured(programs, sonde.command(script, programs.idle), { env: sonde.env });
      if (got.status !== 0) throw new Error(`sonde: status ${got.status}\n${got.errors}`);
      times[kind].push(got.seconds);
      peaks[kind].push(got.peakKiB);
    }
    for (const peer of peers) {
      const got = measured(programs, peer.command("uprobe:libc:malloc { @ = hist(arg0) }", programs.idle), { env: peer.env });
      const sums = theirs.get(peer.name);
      sums.seconds.push(got.seconds);
      sums.peak.push(got.peakKiB);
    }
  }
  const rows = [];
  for (const [kind, bar] of [
    ["new script", 0.75],
    ["compiled before", 0.5],
  ]) {
    rows.push({
      what: `start to exit, ${kind}`,
      unit: "s",
      sonde: median(times[kind]),
      peers: Object.fromEntries([...theirs].map(([peer, t]) => [peer, median(t.seconds)])),
      bar,
    });
  }
  rows.push({
    what: "peak memory, new script",
    unit: "MB",
    sonde: median(peaks["new script"]) / 1000,
    peers: Object.fromEntries([...theirs].map(([peer, t]) => [peer, median(t.peak) / 1000])),
    bar: 0.75,
  });
  return rows;
}
