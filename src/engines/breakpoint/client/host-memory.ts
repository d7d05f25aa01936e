/** The target's memory for host handlers, whose thread waits meanwhile. */
import { SondeError } from "../../../errors/error.ts";
import { ProcessMemory } from "../../../sys/process-memory.ts";

export class HostMemory {
  readonly #open = new Map<number, ProcessMemory>();

  /** At least one byte, at most `length`. Throws SONDE_MEMORY_UNREADABLE. */
  read(pid: number, address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(length, 128));
    const got = this.#try(pid, (memory) => memory.read(Number(address), bytes, length));
    if (length > 0 && got <= 0) throw fault("SONDE_MEMORY_UNREADABLE", "can't be read", pid, address);
    return bytes.subarray(0, Math.max(got, 0));
  }
  /** Throws SONDE_MEMORY_UNWRITABLE. */
  write(pid: number, address: bigint, bytes: Uint8Array): void {
    if (bytes.length > 0 && this.#try(pid, (memory) => (memory.write(Number(address), bytes) ? 1 : 0)) <= 0)
      throw fault("SONDE_MEMORY_UNWRITABLE", "can't be written", pid, address);
  }
  /** Once more with the memory of the program that runs now: after an exec the old one is gone. */
  #try(pid: number, use: (memory: ProcessMemory) => number): number {
    const known = this.#open.get(pid);
    if (known !== undefined) {
      const result = use(known);
      if (result > 0) return result;
      known.close();
      this.#open.delete(pid);
    }
    const memory = new ProcessMemory(pid);
    this.#open.set(pid, memory);
    return use(memory);
  }
  close(): void {
    for (const memory of this.#open.values()) memory.close();
    this.#open.clear();
  }
}

const fault = (code: `SONDE_${string}`, what: string, pid: number, address: bigint): SondeError =>
  new SondeError(code, `0x${address.toString(16)} in process ${pid} ${what}`, { why: "nothing is mapped there, or not for that" });
