// Shows what goes through OpenSSL, in clear: each handshake, and each piece that is read or written, with who, how much, how long.
//   sonde run tools/sslsnoop.probe.ts
//   sonde run tools/sslsnoop.probe.ts -p nginx -- --chars=300      more of each piece (its first 4,096 bytes are seen)
//   sonde run tools/sslsnoop.probe.ts --format json                the event's `data` holds the bytes themselves
// It sees what libssl sees. Programs with another TLS, or with OpenSSL built in, aren't seen (node has it built in: --library=PATH/node).
import { begin, buf, bytes, comm, events, func, i32, param, print, read, u32, u64, uprobe } from "sonde";

const library = param("library", "libssl", "the library or program that has SSL_read() and so on");
const chars = param("chars", 60, "how many characters of a piece are shown");

export const pieces = events({ pid: u32, comm, how: func, length: u32, ns: u64, data: bytes(4096) });
export const handshakes = events({ pid: u32, comm, how: func, result: i32, ns: u64 });

uprobe([`${library}:SSL_read`, `${library}:SSL_write`], {
  enter: (c) => ({ from: c.time, data: c.arg1 }),
  leave: (c, at) => {
    const length = i32(c.ret);
    if (length > 0) pieces.emit({ pid: c.pid, comm: c.comm, how: c.func, length, ns: c.time - at.from, data: buf(at.data, 4096, length) });
  },
});
// These give 1, and the length through a pointer.
uprobe([`${library}:SSL_read_ex`, `${library}:SSL_write_ex`], {
  enter: (c) => ({ from: c.time, data: c.arg1, length: c.arg3 }),
  leave: (c, at) => {
    if (i32(c.ret) !== 1) return;
    const length = read(at.length, u64);
    if (length) pieces.emit({ pid: c.pid, comm: c.comm, how: c.func, length, ns: c.time - at.from, data: buf(at.data, 4096, length) });
  },
});
uprobe(`${library}:SSL_do_handshake`, {
  enter: (c) => c.time,
  leave: (c, from) => handshakes.emit({ pid: c.pid, comm: c.comm, how: c.func, result: i32(c.ret), ns: c.time - from }),
});

function line(e: { pid: number; comm: string; how: string; ns: bigint }, size: string, text: string): void {
  const took = `${(Number(e.ns) / 1e6).toFixed(3)} ms`;
  print`${String(e.pid).padStart(7)} ${e.comm.padEnd(15)} ${e.how.padEnd(16)} ${took.padStart(12)} ${size.padStart(7)}  ${text}`;
}

/** Bytes as text on one line: what isn't printable is a dot, as in a hex dump. */
function readable(data: Uint8Array): string {
  const text = new TextDecoder().decode(data.subarray(0, chars * 4)).replace(/\r?\n/g, "↵");
  return Array.from(text.replace(/[\p{C}�]/gu, "."))
    .slice(0, chars)
    .join("");
}

begin(() => print`${"PID".padStart(7)} ${"COMM".padEnd(15)} ${"FUNCTION".padEnd(16)} ${"TOOK".padStart(12)} ${"BYTES".padStart(7)}  TEXT`);
pieces.on((e) => line(e, String(e.length), readable(e.data)));
handshakes.on((e) => line(e, "", e.result === 1 ? "done" : `not done (${e.result})`));
