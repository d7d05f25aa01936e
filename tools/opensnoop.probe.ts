// Each file that is opened, by whom, and what came of it: which configuration does it read, which file is it looking for?
//   sonde run tools/opensnoop.probe.ts -c 'ssh -V'
//   sonde run tools/opensnoop.probe.ts -- --failed=true          only what couldn't be opened
import { begin, comm, cstring, events, hash, i64, param, print, str, tracepoint, u32, u64 } from "sonde";

const failed = param("failed", false, "shows only files that couldn't be opened");
const names = hash(u32, u64);
export const opened = events({ pid: u32, comm, result: i64, path: cstring(255) });

tracepoint(["syscalls:sys_enter_open", "syscalls:sys_enter_openat", "syscalls:sys_enter_openat2"], (c) => names.set(c.tid, c.args.filename));
tracepoint(["syscalls:sys_exit_open", "syscalls:sys_exit_openat", "syscalls:sys_exit_openat2"], (c) => {
  const name = names.get(c.tid);
  if (name === undefined) return;
  names.delete(c.tid);
  if (failed && c.args.ret >= 0) return;
  // At the return the kernel has read the name, and so it is in memory.
  opened.emit({ pid: c.pid, comm: c.comm, result: c.args.ret, path: str(name, 255) ?? "?" });
});

begin(() => print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"FD".padStart(4)} ${"ERR".padStart(4)} PATH`);
opened.on(({ pid, comm, result, path }) => {
  const [fd, error] = result < 0n ? ["-", String(-result)] : [String(result), "-"];
  print`${String(pid).padStart(7)} ${comm.padEnd(15)} ${fd.padStart(4)} ${error.padStart(4)} ${path}`;
});
