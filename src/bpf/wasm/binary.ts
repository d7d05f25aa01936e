/**
 * The binary form of WebAssembly: numbers, sections, and the bytes of a function as they are written.
 *
 *     ┌────────────────┬─────────┬───────────┬────────────┬──────────┬────────┐
 *     │ "\0asm" 1 0 0 0│ 1 types │ 2 imports │ 3 functions│ 7 exports│ 10 code│   https://webassembly.github.io/spec/core/binary
 *     └────────────────┴─────────┴───────────┴────────────┴──────────┴────────┘
 *
 * Integers are LEB128: seven bits a byte, the lowest first, the top bit set in all but the last.
 */

export const ValueType = { i32: 0x7f, i64: 0x7e, f64: 0x7c } as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

export function unsigned(n: number): number[] {
  const bytes: number[] = [];
  let rest = n;
  do {
    const low = rest & 0x7f;
    rest = Math.floor(rest / 128);
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** Of 32 bits. */
export function signed(n: number): number[] {
  const bytes: number[] = [];
  for (let rest = n; ; rest >>= 7) {
    const low = rest & 0x7f;
    // The last byte's bit 6 is the sign of all that is left.
    if (rest >> 6 === 0 || rest >> 6 === -1) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** Of 64 bits. */
export function signed64(n: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt.asIntN(64, n); ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    if (rest >> 6n === 0n || rest >> 6n === -1n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

export const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
export const name = (text: string): number[] => vector([...new TextEncoder().encode(text)].map((byte) => [byte]));

interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** What a module is made of; functions are numbered in the order in which they are added, imported ones first. */
export class ModuleBytes {
  readonly #types: string[] = [];
  readonly #imports: number[][] = [];
  readonly #functions: number[][] = [];
  readonly #exports: number[][] = [];
  readonly #bodies: Uint8Array[] = [];
  #importedFunctions = 0;

  #type({ params, results }: Signature): number {
    const bytes = [0x60, ...vector(params.map((p) => [p])), ...vector(results.map((r) => [r]))].join();
    const known = this.#types.indexOf(bytes);
    return known >= 0 ? known : this.#types.push(bytes) - 1;
  }

  /** Shared memory of exactly so many pages of 64 KiB. */
  importMemory(module: string, field: string, pages: number): void {
    this.#imports.push([...name(module), ...name(field), 0x02, 0x03, ...unsigned(pages), ...unsigned(pages)]);
  }

  importFunction(module: string, field: string, signature: Signature): number {
    this.#imports.push([...name(module), ...name(field), 0x00, ...unsigned(this.#type(signature))]);
    return this.#importedFunctions++;
  }

  /** `body`: locals and instructions, as FunctionBytes gives them. */
  addFunction(signature: Signature, body: Uint8Array, exported?: string): void {
    const index = this.#importedFunctions + this.#functions.length;
    this.#functions.push(unsigned(this.#type(signature)));
    this.#bodies.push(body);
    if (exported !== undefined) this.#exports.push([...name(exported), 0x00, ...unsigned(index)]);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const section = (id: number, content: Uint8Array | readonly number[]): Uint8Array[] => [
      Uint8Array.of(id, ...unsigned(content.length)),
      Uint8Array.from(content),
    ];
    const code = concat([Uint8Array.from(unsigned(this.#bodies.length)), ...this.#bodies.flatMap((body) => [Uint8Array.from(unsigned(body.length)), body])]);
    return concat([
      Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
      ...section(1, vector(this.#types.map((type) => type.split(",").map(Number)))),
      ...section(2, vector(this.#imports)),
      ...section(3, vector(this.#functions)),
      ...section(7, vector(this.#exports)),
      ...section(10, code),
    ]);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
