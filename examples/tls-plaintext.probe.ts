// What goes through TLS, before it is encrypted and after it was decrypted?
//   sonde run examples/tls-plaintext.probe.ts -c 'curl -s https://example.org'
import { bool, buf, bytes, comm, events, u32, uprobe } from "sonde";

export const data = events({ pid: u32, comm, out: bool, length: u32, head: bytes(256) });

uprobe("libssl:SSL_write", (c) => {
  if (c.args.num <= 0) return;
  data.emit({ pid: c.pid, comm: c.comm, out: true, length: c.args.num, head: buf(c.args.buf, 256, c.args.num) });
});
uprobe("libssl:SSL_read", {
  enter: (c) => c.args.buf,
  leave: (c, at) => {
    if (c.ret > 0) data.emit({ pid: c.pid, comm: c.comm, out: false, length: c.ret, head: buf(at, 256, c.ret) });
  },
});

// Listeners are ordinary Node: an event comes with its bytes as a Uint8Array.
const text = new TextDecoder();
data.on(({ comm, out, length, head }) => console.log(comm, out ? ">" : "<", length, JSON.stringify(text.decode(head))));
