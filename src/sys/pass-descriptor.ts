/**
 * Gives another process a descriptor of ours: through a datagram socket that it has made itself, since we may take its
 * descriptors (pidfd_getfd(2), Linux ≥ 5.6) but can't put any there. The message goes from the socket to itself, whatever
 * network namespace it is in, and waits to be received.
 */
import { closeAll } from "./descriptor.ts";
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";
import { Struct } from "./struct.ts";

const AF_UNIX = 1;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const ADDRESS_BYTES = 128;

/** struct msghdr, one struct iovec, a byte and a control message with one descriptor (include/linux/socket.h). */
export const Message = { header: 0, vector: 64, byte: 80, control: 88, descriptor: 104, controlBytes: 24, bytes: 112 } as const;

/** A message that lies at `at`, to be received into or sent; `descriptor`: what is in it. */
export function messageAt(at: number | bigint, descriptor: number, name?: { readonly at: bigint; readonly length: number }): Uint8Array {
  const base = BigInt(at);
  const message = new Struct(Message.bytes)
    .u64(16, base + BigInt(Message.vector))
    .u64(24, 1)
    .u64(32, base + BigInt(Message.control))
    .u64(40, Message.controlBytes)
    .u64(Message.vector, base + BigInt(Message.byte))
    .u64(Message.vector + 8, 1)
    .u64(Message.control, Message.descriptor + 4 - Message.control)
    .u32(Message.control + 8, SOL_SOCKET)
    .u32(Message.control + 12, SCM_RIGHTS)
    .i32(Message.descriptor, descriptor);
  if (name !== undefined) message.u64(0, name.at).u32(8, name.length);
  return message.bytes;
}

/** 0, or minus errno. `socket`: the other's, of AF_UNIX and SOCK_DGRAM, and not bound yet. */
export function passDescriptor(pid: number, socket: number, descriptor: number): number {
  const process = syscall(nr.pidfd_open, pid, 0);
  if (process < 0) return process;
  const own = syscall(nr.pidfd_getfd, process, socket, 0);
  closeAll([process]);
  if (own < 0) return own;
  try {
    return sendToItself(own, descriptor);
  } finally {
    closeAll([own]);
  }
}

function sendToItself(socket: number, descriptor: number): number {
  // System calls get no small array: it could move while they run.
  const memory = new Struct(4 * ADDRESS_BYTES);
  const at = memory.address;
  const [name, length, message] = [at, at + BigInt(ADDRESS_BYTES), at + BigInt(2 * ADDRESS_BYTES)];
  // The kernel chooses a name.
  memory.u16(0, AF_UNIX).u32(ADDRESS_BYTES, ADDRESS_BYTES);
  const bound = syscall(nr.bind, socket, name, 2);
  if (bound < 0) return bound;
  const named = syscall(nr.getsockname, socket, name, length);
  if (named < 0) return named;
  memory.bytes.set(messageAt(message, descriptor, { at: name, length: memory.getU32(ADDRESS_BYTES) }), 2 * ADDRESS_BYTES);
  const sent = syscall(nr.sendmsg, socket, message, 0);
  return sent < 0 ? sent : 0;
}
