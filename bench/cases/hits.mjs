// What a hit adds to a call: the program times its own calls, unprobed and probed, in turn.
import { measured, median } from "../tools.mjs";

export const name = "hits";

const COUNT = 300_000;
const cases = [
  {
    what: "count() on a function that starts with push",
    f: "starts_push",
    bar: 1.05,
    sonde: "export const n = count(); uprobe(TARGET, () => n.add());",
    bpftrace: "{ @ = count() }",
  },
  {
    what: "count() on one that starts endbr64; push",
    f: "starts_endbr",
    bar: 0.15,
    sonde: "export const n = count(); uprobe(TARGET, () => n.add());",
    bpftrace: "{ @ = count() }",
  },
  {
    what: "hist(arg0), push",
    f: "starts_push",
    bar: 1.05,
    sonde: "export const n = hist(); uprobe(TARGET, (c) => n.add(c.arg0));",
    bpftrace: "{ @ = hist(arg0) }",
  },
  {
    what: "hash(u32, count()) by tid, push",
    f: "starts_push",
    bar: 1.05,
    sonde: "export const n = hash(u32, count()); uprobe(TARGET, (c) => n.at(c.tid).add());",
    bpftrace: "{ @[tid] = count() }",
  },
  {
    what: "enter/leave latency histogram, push",
    f: "starts_push",
    sonde: "export const n = hist(); uprobe(TARGET, { enter: (c) => c.time, leave: (c, at) => n.add(c.time - at) });",
    pair: true,
  },
];

const nanoseconds = (got) => Number(/^ok (\d+)$/m.exec(got.output)?.[1] ?? Number.NaN) / COUNT;

export function run({ programs, sonde, peers, rounds }) {
  return cases.map(({ what, f, bar, sonde: script, bpftrace, pair }) => {
    const plain = [];
    const ours = [];
    const theirs = new Map(peers.map((peer) => [peer.name, []]));
    const inSonde = script.replace("TARGET", JSON.stringify(`${programs.calls}:${f}`));
    for (let i = 0; i < rounds; i++) {
      const command = (path) => `${path} ${f} ${COUNT} 42`;
      plain.push(nanoseconds(measured(programs, [programs.calls, f, String(COUNT), "42"])));
      ours.push(nanoseconds(measured(programs, sonde.command(inSonde, command(programs.calls)), { env: sonde.env })));
      for (const peer of peers) {
        const path = peer.at(programs.calls);
        const theirScript = pair
          ? `uprobe:${path}:${f} { @t[tid] = nsecs } uretprobe:${path}:${f} { @ = hist(nsecs - @t[tid]); delete(@t[tid]) }`
          : `uprobe:${path}:${f} ${bpftrace}`;
        theirs.get(peer.name).push(nanoseconds(measured(programs, peer.command(theirScript, command(path)), { env: peer.env })));
      }
    }
    const base = median(plain);
    return {
      what: `added per hit: ${what}`,
      unit: "ns",
      sonde: median(ours) - base,
      peers: Object.fromEntries([...theirs].map(([peer, t]) => [peer, median(t) - base])),
      bar,
    };
  });
}
