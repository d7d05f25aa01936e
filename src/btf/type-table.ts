/** BTF's types by their numbers and names, each read when it is asked for (Documentation/bpf/btf.rst). */
import { Kind, typeBytes } from "./format.ts";
import type { BtfSections } from "./reader.ts";

export interface BtfMember {
  readonly name: string;
  readonly type: number;
  /** Of the member's lowest bit, from the structure's start. */
  readonly bitOffset: number;
  /** Of a bit-field; 0: it isn't one. */
  readonly bitSize: number;
}

type KindNumber = (typeof Kind)[keyof typeof Kind];

export class BtfTypeTable {
  readonly #words: Int32Array;
  readonly #strings: Uint8Array;
  /** Where each type stands, in words; the first is void, which stands nowhere. */
  readonly #at: Uint32Array;
  /** Of all structures and unions. */
  readonly memberCount: number;
  readonly #names = new Map<number, Map<string, number>>();

  constructor({ words, strings }: BtfSections) {
    this.#words = words;
    this.#strings = strings;
    const at: number[] = [0];
    let members = 0;
    for (let here = 0; here + 3 <= words.length; ) {
      const info = words[here + 1]!;
      const kind = (info >>> 24) & 0x1f;
      const bytes = typeBytes(kind, info & 0xffff);
      // What follows an unknown kind, or reaches over the end, can't be read.
      if (bytes === undefined || here + (bytes >>> 2) > words.length) break;
      at.push(here);
      if (kind === Kind.struct || kind === Kind.union) members += info & 0xffff;
      here += bytes >>> 2;
    }
    this.#at = Uint32Array.from(at);
    this.memberCount = members;
  }

  /** Types, void included. */
  get length(): number {
    return this.#at.length;
  }

  /** 0 for void and for numbers that no type has. */
  kind(id: number): number {
    return this.#has(id) ? (this.#word(id, 1) >>> 24) & 0x1f : 0;
  }

  name(id: number): string {
    return this.#has(id) ? this.#string(this.#word(id, 0)) : "";
  }

  /** Of structures, unions, integers, floats and enumerations: bytes. */
  size(id: number): number {
    return this.#has(id) ? this.#word(id, 2) >>> 0 : 0;
  }

  /** Of pointers, typedefs and qualifiers: the type that they refer to. */
  refersTo(id: number): number {
    return this.#has(id) ? this.#word(id, 2) >>> 0 : 0;
  }

  /** Of an integer. `bits` is less than its size says for bit-fields as old compilers described them. */
  integer(id: number): { readonly signed: boolean; readonly bool: boolean; readonly bits: number; readonly bitOffset: number } {
    const word = this.#word(id, 3);
    return { signed: (word & 0x0100_0000) !== 0, bool: (word & 0x0400_0000) !== 0, bits: word & 0xff, bitOffset: (word >>> 16) & 0xff };
  }

  array(id: number): { readonly of: number; readonly length: number } {
    return { of: this.#word(id, 3) >>> 0, length: this.#word(id, 5) >>> 0 };
  }

  /** Of a structure or union, in order. */
  *members(id: number): Generator<BtfMember> {
    const [count, flag] = this.#counted(id);
    for (let i = 0; i < count; i++) {
      const offset = this.#word(id, 5 + 3 * i);
      yield {
        name: this.#string(this.#word(id, 3 + 3 * i)),
        type: this.#word(id, 4 + 3 * i) >>> 0,
        bitOffset: flag ? offset & 0xff_ffff : offset >>> 0,
        bitSize: flag ? offset >>> 24 : 0,
      };
    }
  }

  /** Of an enumeration of either width. */
  enumerators(id: number): { readonly signed: boolean; readonly names: (readonly [name: string, value: bigint])[] } {
    const [count, signed] = this.#counted(id);
    const wide = this.kind(id) === Kind.enum64;
    const names = Array.from({ length: count }, (_, i) => {
      const at = 3 + i * (wide ? 3 : 2);
      const low = this.#word(id, at + 1);
      const value = wide ? (BigInt(this.#word(id, at + 2)) << 32n) | BigInt(low >>> 0) : BigInt(low);
      return [this.#string(this.#word(id, at)), signed ? value : BigInt.asUintN(wide ? 64 : 32, value)] as const;
    });
    return { signed, names };
  }

  /** The first type of this kind and name. */
  find(kind: KindNumber, name: string): number | undefined {
    let ids = this.#names.get(kind);
    if (ids === undefined) {
      ids = new Map();
      for (let id = this.length - 1; id > 0; id--) if (this.kind(id) === kind) ids.set(this.name(id), id);
      this.#names.set(kind, ids);
    }
    return name === "" ? undefined : ids.get(name);
  }

  /** Names of all types of a kind that have one. */
  names(kind: KindNumber): string[] {
    this.find(kind, "");
    return [...this.#names.get(kind)!.keys()].filter((name) => name !== "");
  }

  #has(id: number): boolean {
    return id > 0 && id < this.#at.length;
  }

  #word(id: number, index: number): number {
    return this.#words[this.#at[id]! + index] ?? 0;
  }

  #counted(id: number): [count: number, flag: boolean] {
    const info = this.#has(id) ? this.#word(id, 1) : 0;
    return [info & 0xffff, info < 0];
  }

  #string(offset: number): string {
    const start = offset >>> 0;
    const end = this.#strings.indexOf(0, start);
    return end < start ? "" : Buffer.from(this.#strings.buffer, this.#strings.byteOffset + start, end - start).toString("latin1");
  }
}
