/** The kernel's own symbols, by /proc/kallsyms: root alone is told the addresses. */
import { readFileSync } from "node:fs";

export interface KernelSymbol {
  readonly name: string;
  readonly address: bigint;
  /** The module that it belongs to; undefined: the kernel itself. */
  readonly module: string | undefined;
}

/** `ffffffff81000000 T _stext`, and behind a module's the name: `[nf_tables]`. */
const LINE = /^([0-9a-f]+) ([a-zA-Z]) (\S+)(?:\t\[(.+)\])?$/;

export class KernelSymbols {
  readonly #text: () => string;
  #addresses: BigUint64Array | undefined;
  #symbols: KernelSymbol[] = [];

  /** Read when an address is asked for. */
  constructor(text: () => string = () => readFileSync("/proc/kallsyms", "latin1")) {
    this.#text = text;
  }

  /** The function at an address; undefined: the kernel doesn't tell. */
  at(address: bigint): KernelSymbol | undefined {
    const addresses = this.#read();
    let low = 0;
    let high = addresses.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (addresses[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return this.#symbols[low - 1];
  }

  #read(): BigUint64Array {
    if (this.#addresses !== undefined) return this.#addresses;
    const found: KernelSymbol[] = [];
    for (const line of readable(this.#text).split("\n")) {
      const [, hex, kind, name, module] = LINE.exec(line) ?? [];
      // Code: text symbols, weak ones too.
      if (hex === undefined || name === undefined || !/[tTwW]/.test(kind as string)) continue;
      const address = BigInt(`0x${hex}`);
      if (address !== 0n) found.push({ name, address, module });
    }
    this.#symbols = found.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    this.#addresses = BigUint64Array.from(this.#symbols, ({ address }) => address);
    return this.#addresses;
  }
}

function readable(text: () => string): string {
  try {
    return text();
  } catch {
    return "";
  }
}
