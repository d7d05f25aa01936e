/** The tracer's end of the socket, by plain reads and writes: it has no event loop. */
import { address, syscall } from "../../../sys/ffi/native.ts";
import { nr } from "../../../sys/numbers.ts";
import { poll } from "../../../sys/poll.ts";

const PIECE = 1 << 16;
const EAGAIN = -11;
const EINTR = -4;

export class Channel<In, Out> {
  readonly fd: number;
  /** The other end is gone. */
  ended = false;
  readonly #decoder: { push(piece: Uint8Array): Iterable<In> };
  readonly #encode: (message: Out) => Uint8Array;
  readonly #piece = new Uint8Array(PIECE);
  readonly #ready: In[] = [];

  constructor(fd: number, decoder: { push(piece: Uint8Array): Iterable<In> }, encode: (message: Out) => Uint8Array) {
    this.fd = fd;
    this.#decoder = decoder;
    this.#encode = encode;
  }

  /** All messages that are there, without waiting. */
  take(): In[] {
    while (!this.ended && poll(this.fd, "read", 0)) this.#read();
    return this.#ready.splice(0);
  }
  /** Waits for a message; undefined once the other end is gone. */
  next(): In | undefined {
    while (this.#ready.length === 0 && !this.ended) if (poll(this.fd, "read", -1)) this.#read();
    return this.#ready.shift();
  }
  #read(): void {
    const got = syscall(nr.read, this.fd, this.#piece, PIECE);
    if (got === EAGAIN || got === EINTR) return;
    if (got <= 0) {
      this.ended = true;
      return;
    }
    for (const message of this.#decoder.push(this.#piece.slice(0, got))) this.#ready.push(message);
  }

  send(message: Out): void {
    const bytes = this.#encode(message);
    // Small arrays may move while they are used.
    const frame = new Uint8Array(Math.max(bytes.length, 128));
    frame.set(bytes);
    const at = Number(address(frame));
    for (let sent = 0; sent < bytes.length && !this.ended; ) {
      const wrote = syscall(nr.write, this.fd, at + sent, bytes.length - sent);
      if (wrote > 0) sent += wrote;
      else if (wrote === EAGAIN) poll(this.fd, "write", -1);
      else if (wrote !== EINTR) this.ended = true;
    }
  }
}
