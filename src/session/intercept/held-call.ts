/** A call that waits for host code: its registers as signed 64-bit integers, its memory, its errno; usable until it is let go. */
import { constants } from "node:os";
import type { HostHit } from "../../engines/engine.ts";
import { SondeError } from "../../errors/error.ts";
import type { ErrnoLocations } from "../../symbols/errno-location.ts";
import { errnoName } from "../../sys/errno.ts";

/** Of the thread's fs base in the register file, behind pt_regs. */
const FS_BASE = 21;
const ERRNO_BYTES = 4;

const numbers = constants.errno as { readonly [name: string]: number };

/** From what a script assigns: a bigint, or a whole number. Throws SONDE_VALUE. */
export function wordOf(value: unknown, what: string): bigint {
  if (typeof value === "bigint") return BigInt.asUintN(64, value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt.asUintN(64, BigInt(value));
  throw new SondeError("SONDE_VALUE", `${what}: ${typeof value === "string" ? JSON.stringify(value) : String(value)} is no value for a register`, {
    mend: "Give a bigint, or a whole number up to 2^53.",
  });
}

export function errnoOf(name: unknown, what: string): number {
  const code = typeof name === "string" && Object.hasOwn(numbers, name) ? numbers[name] : undefined;
  if (code !== undefined) return code;
  throw new SondeError("SONDE_ERRNO", `${what}: there is no error ${typeof name === "string" ? name : String(name)}`, {
    mend: 'Give the name as errno(3) has it, such as "ENOENT".',
  });
}

export class HeldCall {
  readonly hit: HostHit;
  readonly #errno: ErrnoLocations;
  #live = true;
  /** Written when the call is let go, unless the handler throws. */
  #fails: { readonly address: bigint; readonly code: number } | undefined;

  constructor(hit: HostHit, errno: ErrnoLocations) {
    this.hit = hit;
    this.#errno = errno;
  }
  require(): void {
    if (this.#live) return;
    throw new SondeError("SONDE_CALL_GONE", "the call has gone on: what it was handed to can't be used any more", {
      why: "the thread waits until the function given to intercept() has returned, or its promise is resolved",
      mend: "Read what is needed before, or make the function async and await what it waits for.",
    });
  }
  read(register: number): bigint {
    this.require();
    return BigInt.asIntN(64, this.hit.regs[register]!);
  }
  write(register: number, word: bigint): void {
    this.require();
    this.hit.regs[register] = word;
  }
  #errnoAddress(): bigint {
    const { pid, regs } = this.hit;
    return this.#errno.of(pid, regs[FS_BASE]!, (address, length) => this.hit.readMemory(address, length));
  }
  /** The name of the thread's error as it is now, or as it will be. */
  errno(): string {
    this.require();
    if (this.#fails !== undefined) return errnoName(this.#fails.code);
    const bytes = this.hit.readMemory(this.#errnoAddress(), ERRNO_BYTES);
    return errnoName(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(0, true));
  }
  failWith(code: number): void {
    this.require();
    this.#fails = { address: this.#errnoAddress(), code };
  }
  /** The handler is through: from here on it can't be used. */
  release(): void {
    this.#live = false;
    if (this.#fails === undefined) return;
    const bytes = new Uint8Array(ERRNO_BYTES);
    new DataView(bytes.buffer).setInt32(0, this.#fails.code, true);
    this.hit.writeMemory(this.#fails.address, bytes);
  }
  /** The handler threw: nothing that it asked for is done. */
  abandon(): void {
    this.#live = false;
  }
}
