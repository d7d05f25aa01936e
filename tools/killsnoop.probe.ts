// Who sends signals to whom, and whether that went well.
//   sonde run tools/killsnoop.probe.ts
//   sonde run tools/killsnoop.probe.ts -- --signal=9             SIGKILL alone
import { constants } from "node:os";
import { begin, comm, events, hash, i32, i64, param, print, struct, tracepoint, u32 } from "sonde";

const signal = param("signal", 0, "only this signal; 0: all but 0, which sends nothing");
const sent = hash(u32, struct({ target: i32, signal: i32 }));
export const signals = events({ pid: u32, comm, target: i32, signal: i32, result: i64 });

tracepoint("syscalls:sys_enter_kill", (c) => {
  const number = i32(c.args.sig);
  if (signal === 0 ? number !== 0 : number === signal) sent.set(c.tid, { target: i32(c.args.pid), signal: number });
});
tracepoint("syscalls:sys_enter_tgkill", (c) => {
  const number = i32(c.args.sig);
  if (signal === 0 ? number !== 0 : number === signal) sent.set(c.tid, { target: i32(c.args.pid), signal: number });
});
tracepoint(["syscalls:sys_exit_kill", "syscalls:sys_exit_tgkill"], (c) => {
  const what = sent.get(c.tid);
  if (what === undefined) return;
  signals.emit({ pid: c.pid, comm: c.comm, target: what.target, signal: what.signal, result: c.args.ret });
  sent.delete(c.tid);
});

const name = (number: number): string => Object.entries(constants.signals).find(([, n]) => n === number)?.[0] ?? String(number);
begin(() => print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"SIGNAL".padEnd(10)} ${"TARGET".padStart(7)} RESULT`);
signals.on((e) => print`${String(e.pid).padStart(7)} ${e.comm.padEnd(15)} ${name(e.signal).padEnd(10)} ${String(e.target).padStart(7)} ${String(e.result)}`);
