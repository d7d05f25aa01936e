// Shows each line that somebody types into an interactive bash, in every bash there is, the moment it is entered.
//   sonde run tools/bashreadline.probe.ts                    all shells, also those that start later
//   sonde run tools/bashreadline.probe.ts -p 1234            this one
//   sonde run tools/bashreadline.probe.ts -- --shell=PATH    another bash, or another program with readline built in
// Lines come from readline(), which only interactive shells call: scripts aren't seen. A line is cut at 512 bytes.
import { begin, cstring, events, param, print, str, u32, uretprobe } from "sonde";

const shell = param("shell", "/bin/bash", "the program that has readline()");
export const lines = events({ pid: u32, uid: u32, line: cstring(512) });

uretprobe(`${shell}:readline`, (c) => {
  if (c.ret === 0) return; // the end of the input (Ctrl-D)
  lines.emit({ pid: c.pid, uid: c.uid, line: str(c.ret, 512) });
});

begin(() => print`${"TIME".padEnd(8)} ${"PID".padStart(7)} ${"UID".padStart(5)}  LINE`);
lines.on(({ pid, uid, line }) => {
  const time = new Date().toTimeString().slice(0, 8);
  print`${time} ${String(pid).padStart(7)} ${String(uid).padStart(5)}  ${line}`;
});
