// Each program that is started, with its arguments, and who started it.
//   sonde run tools/execsnoop.probe.ts
//   sonde run tools/execsnoop.probe.ts -- --match=curl           only command lines with this in them
import { begin, buf, bytes, comm, events, param, print, tracepoint, u32 } from "sonde";

const match = param("match", "", "shows only command lines that contain this");
export const started = events({ pid: u32, ppid: u32, parent: comm, args: bytes(512) });

tracepoint("sched:sched_process_exec", (c) => {
  const from = c.task.mm?.arg_start ?? 0;
  const length = (c.task.mm?.arg_end ?? 0) - from;
  started.emit({ pid: c.pid, ppid: c.task.real_parent?.tgid, parent: c.comm, args: buf(from, 512, length) });
});

begin(() => print`${"TIME".padEnd(12)} ${"PID".padStart(7)} ${"PPID".padStart(7)} ARGS`);
started.on((e) => {
  const line = Buffer.from(e.args)
    .toString("utf8")
    .replace(/\0+$/, "")
    .split("\0")
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)))
    .join(" ");
  const time = new Date().toISOString().slice(11, 23);
  if (line.includes(match)) print`${time} ${String(e.pid).padStart(7)} ${String(e.ppid).padStart(7)} ${line}${e.args.length === 512 ? " …" : ""}`;
});
