// 10,000 functions of one program attached, hit once each, detached: the whole run.
import { measured, median } from "../tools.mjs";

export const name = "many";

export function run({ programs, sonde, peers, rounds }) {
  const ours = [];
  const theirs = new Map(peers.map((peer) => [peer.name, []]));
  const script = `export const n = count(); const p = uprobe(${JSON.stringify(`${programs.many}:fn_*`)}, () => n.add()); end(() => { if (p.sites !== 10000 || n.read() !== 10000n) throw new Error(p.sites + " sites, " + n.read() + " hits"); });`;
  for (let i = 0; i < Math.min(rounds, 5); i++) {
    const got = measured(programs, sonde.command(script, programs.many), { env: sonde.env });
    if (got.status !== 0) throw new Error(`sonde: status ${got.status}\n${got.errors}`);
    ours.push(got.seconds);
    for (const peer of peers) {
      // Old releases attach one by one, and detach for minutes: only those with multi links are asked.
      if (Number(peer.name.split(" ")[1].split(".")[1]) < 21) continue;
      const path = peer.at(programs.many);
      theirs
        .get(peer.name)
        .push(measured(programs, peer.command(`uprobe:${path}:fn_* { @ = count() }`, path), { env: { ...peer.env, BPFTRACE_MAX_PROBES: "20000" } }).seconds);
    }
  }
  return [
    {
      what: "10,000 functions: attach, a hit each, detach",
      unit: "s",
      sonde: median(ours),
      peers: Object.fromEntries([...theirs].filter(([, t]) => t.length > 0).map(([peer, t]) => [peer, median(t)])),
      bar: 0.8,
    },
  ];
}
