// Who becomes another user, and whether that was permitted: logins, sudo, daemons that drop their rights.
//   sonde run tools/setuids.probe.ts
import { begin, comm, events, func, hash, i32, i64, print, struct, tracepoint, u32 } from "sonde";

const asked = hash(u32, struct({ real: i32, effective: i32, saved: i32 }));
/** An id of -1 stays as it is. */
export const changes = events({ pid: u32, comm, uid: u32, how: func, real: i32, effective: i32, saved: i32, result: i64 });

tracepoint("syscalls:sys_enter_setuid", (c) => asked.set(c.tid, { real: i32(c.args.uid), effective: i32(c.args.uid), saved: i32(c.args.uid) }));
tracepoint("syscalls:sys_enter_setreuid", (c) => asked.set(c.tid, { real: i32(c.args.ruid), effective: i32(c.args.euid), saved: -1 }));
tracepoint("syscalls:sys_enter_setresuid", (c) => asked.set(c.tid, { real: i32(c.args.ruid), effective: i32(c.args.euid), saved: i32(c.args.suid) }));
tracepoint("syscalls:sys_enter_setfsuid", (c) => asked.set(c.tid, { real: -1, effective: i32(c.args.uid), saved: -1 }));
tracepoint(["syscalls:sys_exit_setuid", "syscalls:sys_exit_setreuid", "syscalls:sys_exit_setresuid", "syscalls:sys_exit_setfsuid"], (c) => {
  const ids = asked.get(c.tid);
  if (ids === undefined) return;
  changes.emit({ pid: c.pid, comm: c.comm, uid: c.uid, how: c.func, real: ids.real, effective: ids.effective, saved: ids.saved, result: c.args.ret });
  asked.delete(c.tid);
});

begin(() => print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"UID".padStart(6)} ${"CALL".padEnd(10)} ${"REAL,EFF,SAVED".padEnd(18)} RESULT`);
changes.on((e) => {
  const ids = [e.real, e.effective, e.saved].map((id) => (id === -1 ? "-" : String(id))).join(",");
  print`${String(e.pid).padStart(7)} ${e.comm.padEnd(15)} ${String(e.uid).padStart(6)} ${e.how.replace(/^.*sys_exit_/, "").padEnd(10)} ${ids.padEnd(18)} ${String(e.result)}`;
});
