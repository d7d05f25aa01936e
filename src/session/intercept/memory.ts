/** The target's memory as host code sees it while a call waits. */
import { SondeError } from "../../errors/error.ts";
import type { HeldCall } from "./held-call.ts";

const MOST_BYTES = 1 << 24;
const MOST_TEXT = 4096;
/** Texts are mostly short. */
const TEXT_PIECE = 256;
const PAGE = 4096n;

function lengthOf(value: unknown, what: string, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new SondeError("SONDE_VALUE", `${what} is ${String(value)}: it is a whole number from 0 to ${most}`);
}

function addressOf(value: unknown, what: string): bigint {
  if (typeof value === "bigint") return BigInt.asUintN(64, value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt.asUintN(64, BigInt(value));
  throw new SondeError("SONDE_VALUE", `${what}: ${String(value)} is no address`, { mend: "Give a bigint, such as c.arg0." });
}

export class TargetMemory {
  readonly #call: HeldCall;

  constructor(call: HeldCall) {
    this.#call = call;
  }
  #refused(address: bigint, length: number, done: string, cause: unknown): never {
    if (!(cause instanceof SondeError)) throw cause;
    throw new SondeError("SONDE_MEMORY", `${length} bytes at 0x${address.toString(16)} of process ${this.#call.hit.pid} can't be ${done}`, {
      ...(cause.why === undefined ? {} : { why: cause.why }),
      mend: "Is it an address, and of memory that is mapped?",
      cause,
    });
  }
  read(address: bigint, length: number): Uint8Array {
    this.#call.require();
    const from = addressOf(address, "memory.read()");
    const bytes = new Uint8Array(lengthOf(length, "memory.read(): the length", MOST_BYTES));
    for (let at = 0; at < bytes.length; ) {
      try {
        const piece = this.#call.hit.readMemory(from + BigInt(at), bytes.length - at);
        bytes.set(piece, at);
        at += piece.length;
      } catch (error) {
        this.#refused(from, bytes.length, "read", error);
      }
    }
    return bytes;
  }
  text(address: bigint, max = MOST_TEXT): string {
    this.#call.require();
    const from = addressOf(address, "memory.text()");
    const most = lengthOf(max, "memory.text(): the most bytes", MOST_BYTES);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < most; ) {
      const here = from + BigInt(at);
      // Not beyond a page: the next one may not be there, and the text may end before it.
      const length = Math.min(TEXT_PIECE, most - at, Number(PAGE - (here % PAGE)));
      let piece: Uint8Array;
      try {
        piece = this.#call.hit.readMemory(here, length);
      } catch (error) {
        if (at === 0) this.#refused(from, length, "read", error);
        break;
      }
      const end = piece.indexOf(0);
      pieces.push(end < 0 ? piece : piece.subarray(0, end));
      if (end >= 0) break;
      at += piece.length;
    }
    return Buffer.concat(pieces).toString("utf8");
  }
  write(address: bigint, data: Uint8Array | string): void {
    this.#call.require();
    const to = addressOf(address, "memory.write()");
    if (typeof data !== "string" && !(data instanceof Uint8Array))
      throw new SondeError("SONDE_VALUE", "memory.write(): what is written is neither bytes nor text", { mend: "Give a Uint8Array, or a string." });
    const bytes = typeof data === "string" ? new Uint8Array(Buffer.from(data, "utf8")) : data;
    try {
      if (bytes.length > 0) this.#call.hit.writeMemory(to, bytes);
    } catch (error) {
      this.#refused(to, bytes.length, "written", error);
    }
  }
}
