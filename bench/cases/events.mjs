// Events of 32 bytes from the probe to a listener in the host: how many a second arrive, and whether any is lost.
import { measured, median } from "../tools.mjs";

export const name = "events";

const COUNT = 2_000_000;

export function run({ programs, sonde, rounds }) {
  const script = `
    const data = events({ a: u64, b: u64, time: u64, pid: u32, n: u32 });
    uprobe(${JSON.stringify(`${programs.calls}:starts_push`)}, (c) => data.emit({ a: c.arg0, b: c.arg1, time: c.time, pid: c.pid, n: 1 }));
    let got = 0, wrong = 0, first = 0n, last = 0n;
    data.on((e) => { got++; if (e.a !== 42n || e.n !== 1) wrong++; if (first === 0n) first = e.time; last = e.time; });
    end(() => console.log("EVENTS", got, wrong, Number(last - first)));`;
  const rates = [];
  let lost = 0;
  for (let i = 0; i < Math.min(rounds, 5); i++) {
    const got = measured(programs, sonde.command(script, `${programs.calls} starts_push ${COUNT} 42`), { env: sonde.env });
    const [, n, wrong, ns] = /EVENTS (\d+) (\d+) (\d+)/.exec(got.output + got.errors)?.map(Number) ?? [];
    if (wrong !== 0) throw new Error(`${wrong} events were wrong\n${got.errors}`);
    lost += COUNT - n;
    rates.push(n / (ns / 1e9));
  }
  return [
    { what: "events of 32 bytes delivered to a listener", unit: "/s", sonde: median(rates), peers: {}, atLeast: 300_000 },
    { what: "of them lost", unit: "", sonde: lost, peers: {}, atMost: 0 },
  ];
}
