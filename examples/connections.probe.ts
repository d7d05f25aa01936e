// Who talks to whom over TCP, how much, for how long? State for each connection, in a struct that handlers change in place.
//   sonde run examples/connections.probe.ts -c 'curl -s http://localhost:8080/'
import { comm, duration, events, hash, i32, print, type Seen, struct, u16, u32, u64, uprobe } from "sonde";

const Connection = struct({ opened: u64, address: u32, port: u16, sent: u64, received: u64, messages: u32 });
/** By process and file descriptor. */
export const open = hash([u32, i32], Connection, { capacity: 16_384, full: "evict" });
export const closed = events({ pid: u32, comm, connection: Connection });

const AF_INET = 2;
const bigEndian16 = (x: number): number => ((x & 0xff) << 8) | ((x >> 8) & 0xff);

function busy(k: Seen<typeof Connection>): boolean {
  return k.messages === 1000 || k.messages === 100_000;
}

uprobe("libc:connect", (c) => {
  const to = c.args.addr;
  if (to.sin_family !== AF_INET) return;
  const port = to.sin_port;
  const address = to.sin_addr.s_addr;
  if (port === undefined || address === undefined) return;
  open.set([c.pid, c.args.fd], { opened: c.time, address, port: bigEndian16(port), sent: 0, received: 0, messages: 0 });
});
uprobe(["libc:send", "libc:write", "libc:sendto"], {
  enter: (c) => (open.has([c.pid, i32(c.arg0)]) ? i32(c.arg0) : undefined), // Other descriptors don't have their leave run.
  leave: (c, fd) => {
    const k = open.get([c.pid, fd]);
    if (k === undefined || c.ret < 0) return;
    k.sent += c.ret;
    k.messages++;
    if (busy(k)) print`${c.comm}[${c.pid}] port ${k.port}: ${k.messages} messages in ${duration(c.time - k.opened)}`;
  },
});
uprobe(["libc:recv", "libc:read", "libc:recvfrom"], {
  enter: (c) => (open.has([c.pid, i32(c.arg0)]) ? i32(c.arg0) : undefined),
  leave: (c, fd) => {
    const k = open.get([c.pid, fd]);
    if (k !== undefined && c.ret > 0) k.received += c.ret;
  },
});
uprobe("libc:close", (c) => {
  const k = open.get([c.pid, c.args.fd]);
  if (k === undefined) return;
  closed.emit({ pid: c.pid, comm: c.comm, connection: k });
  open.delete([c.pid, c.args.fd]);
});

closed.on(({ pid, comm, connection: k }) => {
  const address = [k.address & 0xff, (k.address >> 8) & 0xff, (k.address >> 16) & 0xff, k.address >>> 24].join(".");
  print`${comm}[${pid}] ${address}:${k.port}: ${k.sent} bytes sent, ${k.received} received`;
});
