/** One record of what the program passes and of what the kernel knows of it; and the kernel's own event that follows from the call. */
import { count, cstring, events, i64, param, read, str, tracepoint, u32, uprobe } from "sonde";

const at = param("at", "", "the function");
export const records = events({ argument: i64, pid: u32, group: u32, parent: u32, name: cstring(16) });
export const calls = count();

uprobe(at, (c) => records.emit({ argument: c.arg0, pid: c.pid, group: c.task.tgid, parent: c.task.real_parent?.tgid, name: str(c.task.comm) }));
tracepoint("syscalls:sys_enter_getppid", (c) => {
  if (read(c.task.comm, u32) !== undefined) calls.add();
});
