// Structures, enumerations' stand-ins, floats, arguments on the stack, and pointers that lead nowhere.
import { buf, cstring, events, f64, hex, i32, i64, print, str, u16, u32, uprobe } from "sonde";

export const connects = events({ fd: i32, family: u16, length: u32 });
export const times = events({ sec: i64, nsec: i64 });
export const wide = events({ seventh: i64, x: f64 });
export const names = events({ name: cstring(16), shell: cstring(16) });

uprobe("libc:connect", (c) => connects.emit({ fd: c.args.fd, family: c.args.addr.sin_family, length: c.args.len }));
uprobe("libc:nanosleep", (c) => times.emit({ sec: c.args.req.tv_sec, nsec: c.args.req.tv_nsec }));
uprobe("nowhere:wide", (c) => {
  wide.emit({ seventh: c.arg(6), x: c.farg0 });
  print`${hex(buf(c.arg0, 4))} ${c.regs.rbx}`;
});
uprobe("libc:getpwnam", { enter: (c) => ({ name: str(c.args.name) }), leave: (c, at) => names.emit({ name: at.name, shell: str(c.ret?.pw_shell) }) });
