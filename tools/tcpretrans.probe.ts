// Each TCP packet that is sent once more since nobody has confirmed it: a network that loses packets shows here first.
//   sonde run tools/tcpretrans.probe.ts
import { begin, buf, bytes, count, events, hash, i32, print, tracepoint, u16 } from "sonde";

const STATES = ["", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"];
export const packets = events({ family: u16, sport: u16, dport: u16, source: bytes(16), target: bytes(16), state: i32 });
/** By the port that is sent to. */
export const byPort = hash(u16, count());

tracepoint("tcp:tcp_retransmit_skb", (c) => {
  const { family, sport, dport, state } = c.args;
  byPort.at(dport).add();
  packets.emit({ family, sport, dport, source: buf(c.args.saddr_v6, 16), target: buf(c.args.daddr_v6, 16), state });
});

const address = (raw: Uint8Array, family: number): string =>
  family === 2 ? [...raw.subarray(12)].join(".") : (Buffer.from(raw).toString("hex").match(/.{4}/g) ?? []).join(":");
begin(() => print`${"TIME".padEnd(12)} ${"FROM".padEnd(22)} ${"TO".padEnd(22)} STATE`);
packets.on((e) => {
  const ends = [`${address(e.source, e.family)}:${e.sport}`, `${address(e.target, e.family)}:${e.dport}`].map((end) => end.padEnd(22)).join(" ");
  print`${new Date().toISOString().slice(11, 23)} ${ends} ${STATES[e.state] ?? String(e.state)}`;
});
