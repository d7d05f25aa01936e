// Each file that is asked for by stat() and its kin: which files does it look for, and where?
//   sonde run tools/statsnoop.probe.ts -c 'python3 -c "import json"'
//   sonde run tools/statsnoop.probe.ts -- --failed=true          only what isn't there
import { begin, comm, cstring, events, hash, i64, param, print, str, tracepoint, u32, u64 } from "sonde";

const failed = param("failed", false, "shows only files that couldn't be asked for");
const names = hash(u32, u64);
export const asked = events({ pid: u32, comm, result: i64, path: cstring(255) });

tracepoint(["syscalls:sys_enter_newstat", "syscalls:sys_enter_newlstat", "syscalls:sys_enter_newfstatat", "syscalls:sys_enter_statx"], (c) =>
  names.set(c.tid, c.args.filename),
);
tracepoint("syscalls:sys_enter_statfs", (c) => names.set(c.tid, c.args.pathname));
tracepoint(
  ["syscalls:sys_exit_newstat", "syscalls:sys_exit_newlstat", "syscalls:sys_exit_newfstatat", "syscalls:sys_exit_statx", "syscalls:sys_exit_statfs"],
  (c) => {
    const name = names.get(c.tid);
    if (name === undefined) return;
    names.delete(c.tid);
    if (failed && c.args.ret >= 0) return;
    asked.emit({ pid: c.pid, comm: c.comm, result: c.args.ret, path: str(name, 255) ?? "?" });
  },
);

begin(() => print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"ERR".padStart(4)} PATH`);
// An empty name asks for an open file: fstat().
asked.on((e) => e.path !== "" && print`${String(e.pid).padStart(7)} ${e.comm.padEnd(15)} ${(e.result < 0n ? String(-e.result) : "-").padStart(4)} ${e.path}`);
