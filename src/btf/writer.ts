/** Builds BTF: types are added once and named by their number, strings by their offset. */
import { BTF_MAGIC, HEADER_BYTES, Kind } from "./format.ts";

export interface BtfMember {
  readonly name: string;
  readonly type: number /** In bytes. */;
  readonly offset: number;
}
/** Who may call a function: its own program, or (the program itself) anybody. */
export type Linkage = "static" | "global";

/** What the encoding of an integer says besides its size (struct btf_type of BTF_KIND_INT). */
const INT_SIGNED = 1;
const INT_BOOL = 4;

export class BtfWriter {
  readonly #types: number[] = [];
  #count = 0;
  readonly #offsets = new Map<string, number>([["", 0]]);
  readonly #strings: Uint8Array[] = [Uint8Array.of(0)];
  #stringBytes = 1;
  /** Types that were added already, by what they are. */
  readonly #known = new Map<string, number>();

  /** The offset of a string in the string table. A NUL in it would end it. */
  string(text: string): number {
    const clean = text.replaceAll("\0", " ");
    let offset = this.#offsets.get(clean);
    if (offset === undefined) {
      offset = this.#stringBytes;
      const bytes = new TextEncoder().encode(`${clean}\0`);
      this.#strings.push(bytes);
      this.#stringBytes += bytes.length;
      this.#offsets.set(clean, offset);
    }
    return offset;
  }

  /** The number of a type; an equal one is added only once. */
  #add(name: string, kind: number, members: number, sizeOrType: number, rest: readonly number[]): number {
    const words = [this.string(identifier(name)), (kind << 24) | members, sizeOrType, ...rest];
    const key = words.join(" ");
    let id = this.#known.get(key);
    if (id === undefined) {
      this.#types.push(...words);
      id = ++this.#count;
      this.#known.set(key, id);
    }
    return id;
  }

  int(name: string, bytes: number, signed: boolean, bool = false): number {
    return this.#add(name, Kind.int, 0, bytes, [((bool ? INT_BOOL : signed ? INT_SIGNED : 0) << 24) | (bytes * 8)]);
  }
  float(name: string, bytes: number): number {
    return this.#add(name, Kind.float, 0, bytes, []);
  }
  pointer(to: number): number {
    return this.#add("", Kind.ptr, 0, to, []);
  }
  array(of: number, length: number): number {
    return this.#add("", Kind.array, 0, 0, [of, this.int("u32", 4, false), length]);
  }
  typedef(name: string, type: number): number {
    return this.#add(name, Kind.typedef, 0, type, []);
  }
  struct(name: string, bytes: number, members: readonly BtfMember[]): number {
    return this.#add(
      name,
      Kind.struct,
      members.length,
      bytes,
      members.flatMap((m) => [this.string(identifier(m.name)), m.type, m.offset * 8]),
    );
  }
  prototype(returns: number, parameters: readonly { readonly name: string; readonly type: number }[]): number {
    return this.#add(
      "",
      Kind.funcProto,
      parameters.length,
      returns,
      parameters.flatMap((p) => [this.string(identifier(p.name)), p.type]),
    );
  }
  func(name: string, prototype: number, linkage: Linkage): number {
    return this.#add(name, Kind.func, linkage === "global" ? 1 : 0, prototype, []);
  }

  bytes(): Uint8Array {
    const typeBytes = this.#types.length * 4;
    const blob = new Uint8Array(HEADER_BYTES + typeBytes + this.#stringBytes);
    const view = new DataView(blob.buffer);
    view.setUint16(0, BTF_MAGIC, true);
    view.setUint8(2, 1);
    // Header length, then offset and length of types and of strings.
    for (const [i, value] of [HEADER_BYTES, 0, typeBytes, typeBytes, this.#stringBytes].entries()) view.setUint32(4 + i * 4, value, true);
    for (const [i, word] of this.#types.entries()) view.setUint32(HEADER_BYTES + i * 4, word >>> 0, true);
    let at = HEADER_BYTES + typeBytes;
    for (const string of this.#strings) {
      blob.set(string, at);
      at += string.length;
    }
    return blob;
  }
}

/** As the kernel wants a name: letters, digits, `_`, not beginning with a digit, at most 127 of them. */
export function identifier(name: string): string {
  const clean = name.replaceAll(/[^A-Za-z0-9_]/g, "_").slice(0, 127);
  return /^\d/.test(clean) ? `_${clean}` : clean;
}
