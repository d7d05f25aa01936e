// Each TCP connection when it ends: between whom, and how long it lived.
//   sonde run tools/tcplife.probe.ts
// Who is shown is who ran when the connection began; of one that others opened it may be the kernel.
import { begin, buf, bytes, comm, events, hash, print, struct, tracepoint, u16, u32, u64 } from "sonde";

const CLOSE = 7;
const SYN_SENT = 2;
const SYN_RECV = 3;
const ESTABLISHED = 1;
const TCP = 6;
const born = hash(u64, struct({ time: u64, pid: u32, comm }), { capacity: 16_384, full: "evict" });
export const lives = events({ pid: u32, comm, family: u16, sport: u16, dport: u16, source: bytes(16), target: bytes(16), ns: u64 });

tracepoint("sock:inet_sock_set_state", (c) => {
  if (c.args.protocol !== TCP) return;
  const state = c.args.newstate;
  if (state === SYN_SENT || state === SYN_RECV || (state === ESTABLISHED && !born.has(c.args.skaddr)))
    born.set(c.args.skaddr, { time: c.time, pid: c.pid, comm: c.comm });
  if (state !== CLOSE) return;
  const from = born.get(c.args.skaddr);
  if (from === undefined) return;
  const { family, sport, dport } = c.args;
  lives.emit({
    pid: from.pid,
    comm: from.comm,
    family,
    sport,
    dport,
    source: buf(c.args.saddr_v6, 16),
    target: buf(c.args.daddr_v6, 16),
    ns: c.time - from.time,
  });
  born.delete(c.args.skaddr);
});

/** An IPv4 address stands at the end of its form in IPv6. */
function address(raw: Uint8Array, family: number): string {
  if (family === 2) return [...raw.subarray(12)].join(".");
  const words = Array.from({ length: 8 }, (_, i) => ((raw[2 * i]! << 8) | raw[2 * i + 1]!).toString(16));
  return words.join(":").replace(/(^|:)0(:0)+(:|$)/, "::");
}
begin(() => print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"FROM".padEnd(22)} ${"TO".padEnd(22)} ${"LIVED".padStart(12)}`);
lives.on((e) => {
  const ends = [`${address(e.source, e.family)}:${e.sport}`, `${address(e.target, e.family)}:${e.dport}`].map((end) => end.padEnd(22)).join(" ");
  print`${String(e.pid).padStart(7)} ${e.comm.padEnd(15)} ${ends} ${`${(Number(e.ns) / 1e6).toFixed(2)} ms`.padStart(12)}`;
});
