/** How messages travel between the session and the tracer: the length of what follows (u32), then the value as node:v8 writes it. */
import { deserialize, serialize } from "node:v8";

export function encode(message: unknown): Uint8Array {
  const body = serialize(message);
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32LE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** Puts messages together from whatever pieces arrive. */
export class Decoder<Message> {
  #pieces: Buffer[] = [];
  #length = 0;

  /** The messages that are whole now. */
  *push(piece: Uint8Array): Generator<Message> {
    this.#pieces.push(Buffer.from(piece));
    this.#length += piece.length;
    while (this.#length >= 4) {
      const size = 4 + this.#head(4).readUInt32LE(0);
      if (this.#length < size) return;
      const frame = this.#head(size);
      const rest = frame.subarray(size);
      this.#pieces = rest.length === 0 ? [] : [rest];
      this.#length = rest.length;
      yield deserialize(frame.subarray(4, size)) as Message;
    }
  }
  /** All pieces as one buffer, if that is needed to have `size` bytes in one. */
  #head(size: number): Buffer {
    if ((this.#pieces[0] as Buffer).length < size) this.#pieces = [Buffer.concat(this.#pieces)];
    else if (this.#pieces.length > 1 && size > 4) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] as Buffer;
  }
}
