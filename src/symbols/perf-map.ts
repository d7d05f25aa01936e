/**
 * What programs that compile while they run say of their code: `/tmp/perf-PID.map`, a line for each function. Source:
 * the kernel's tools/perf/Documentation/jit-interface.txt.
 *
 *     START SIZE name of the function            both in hexadecimal; what comes later holds
 *
 * Anybody may write into /tmp: only the process's owner and root are believed, and only for what is shown.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { innerPid } from "../sys/procfs.ts";

const MOST_BYTES = 64 * 1024 * 1024;
const MOST_ENTRIES = 1 << 20;
const LONGEST_NAME = 512;
/** So many functions that begin before an address are looked at: those that were compiled anew may overlap. */
const MOST_OVERLAPS = 64;

export interface JitFunction {
  readonly name: string;
  readonly address: number;
  readonly size: number;
}

/** The functions that a map's text tells of. Lines that aren't entries are passed over. */
export class PerfMap {
  /** In the order of the lines. */
  readonly #functions: JitFunction[] = [];
  /** Indices by address. */
  #sorted: number[] | undefined;
  /** The beginning of a line whose end isn't there yet. */
  #rest = "";

  get size(): number {
    return this.#functions.length;
  }

  /** Reads on where the text before ended. */
  add(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = (lines.pop() as string).slice(0, 2 * LONGEST_NAME);
    for (const line of lines) {
      if (this.#functions.length >= MOST_ENTRIES) return;
      const match = /^(?:0x)?([0-9a-fA-F]{1,14}) (?:0x)?([0-9a-fA-F]{1,12}) (.+)$/.exec(line);
      if (match === null) continue;
      const name = (match[3] as string).slice(0, LONGEST_NAME).trimEnd();
      if (name === "") continue;
      this.#functions.push({ name, address: Number.parseInt(match[1] as string, 16), size: Number.parseInt(match[2] as string, 16) });
      this.#sorted = undefined;
    }
  }

  /** The function that covers an address; of several the one that was told of last. */
  at(address: number): JitFunction | undefined {
    const functions = this.#functions;
    const start = (index: number): number => (functions[index] as JitFunction).address;
    this.#sorted ??= functions.map((_, i) => i).sort((a, b) => start(a) - start(b) || a - b);
    const sorted = this.#sorted;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (start(sorted[middle] as number) <= address) low = middle + 1;
      else high = middle;
    }
    let best = -1;
    for (let i = low - 1; i >= Math.max(0, low - MOST_OVERLAPS); i--) {
      const index = sorted[i] as number;
      if (index > best && address < start(index) + (functions[index] as JitFunction).size) best = index;
    }
    return best < 0 ? undefined : functions[best];
  }
}

/** A process's map, read on as it grows. */
export class PerfMapFile {
  readonly #pid: number;
  readonly #map = new PerfMap();
  #read = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Where there is no map, or none that is to be believed, there are no functions. */
  at(address: number): JitFunction | undefined {
    return this.#map.at(address);
  }

  /** Reads what was added since. */
  update(): void {
    const descriptor = openMap(this.#pid);
    if (descriptor === undefined) return;
    try {
      const length = Math.min(fstatSync(descriptor).size, MOST_BYTES) - this.#read;
      if (length <= 0) return;
      const bytes = Buffer.alloc(length);
      const got = readSync(descriptor, bytes, 0, length, this.#read);
      this.#read += got;
      this.#map.add(bytes.toString("latin1", 0, got));
    } catch {
      // What is known of it still holds.
    } finally {
      closeSync(descriptor);
    }
  }
}

/** In the process's own /tmp, by the number that it knows itself by; of one that has ended, in ours. */
function openMap(pid: number): number | undefined {
  try {
    const owner = statSync(`/proc/${pid}`).uid;
    return openOwned(`/proc/${pid}/root/tmp/perf-${innerPid(pid)}.map`, owner);
  } catch {
    return openOwned(`/tmp/perf-${pid}.map`, process.geteuid?.() ?? 0);
  }
}

function openOwned(path: string, owner: number): number | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  const stat = fstatSync(descriptor);
  if (stat.isFile() && (stat.uid === 0 || stat.uid === owner)) return descriptor;
  closeSync(descriptor);
  return undefined;
}
