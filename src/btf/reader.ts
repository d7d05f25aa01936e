/** Reads a few things out of BTF without decoding all of it: function ids by name, and offsets of structure members. */
import { BTF_MAGIC, HEADER_BYTES, Kind, typeBytes } from "./format.ts";

export interface BtfSections {
  /** The types as 32-bit words. */
  readonly words: Int32Array;
  readonly strings: Uint8Array;
}

/** The two parts of a BTF blob; undefined if it isn't one in this machine's byte order. */
export function btfSections(blob: Uint8Array): BtfSections | undefined {
  if (blob.length < HEADER_BYTES) return undefined;
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (view.getUint16(0, true) !== BTF_MAGIC) return undefined;
  const header = view.getUint32(4, true);
  const [typeAt, typeLength, stringAt, stringLength] = [8, 12, 16, 20].map((at) => view.getUint32(at, true)) as [number, number, number, number];
  if (header + typeAt + typeLength > blob.length || header + stringAt + stringLength > blob.length) return undefined;
  const from = blob.byteOffset + header + typeAt;
  const words =
    from % 4 === 0
      ? new Int32Array(blob.buffer, from, typeLength >>> 2)
      : new Int32Array(blob.slice(header + typeAt, header + typeAt + (typeLength & ~3)).buffer);
  return { words, strings: blob.subarray(header + stringAt, header + stringAt + stringLength) };
}

export interface Wanted {
  readonly functions: readonly string[];
  /** Members by structure: { task_struct: ["tgid"] }. */
  readonly members: { readonly [struct: string]: readonly string[] };
}
export interface Found {
  /** BTF ids. */
  readonly functions: { readonly [name: string]: number };
  /** Offsets in bytes, "task_struct.tgid": 2460. */
  readonly members: { readonly [path: string]: number };
}

/** Finds what is wanted in one pass over the types; what isn't there is missing in the result. */
export function findInBtf(sections: BtfSections, wanted: Wanted): Found {
  const { words, strings } = sections;
  const functionNames = nameOffsets(strings, wanted.functions);
  const structNames = nameOffsets(strings, Object.keys(wanted.members));
  const functions: { [name: string]: number } = {};
  const members: { [path: string]: number } = {};
  for (let at = 0, id = 1; at + 3 <= words.length; id++) {
    const info = words[at + 1]!;
    const kind = (info >>> 24) & 0x1f;
    const count = info & 0xffff;
    const bytes = typeBytes(kind, count);
    if (bytes === undefined) break;
    if (kind === Kind.func) {
      const name = functionNames.get(words[at]!);
      if (name !== undefined) functions[name] ??= id;
    } else if (kind === Kind.struct) {
      const name = structNames.get(words[at]!);
      if (name !== undefined) {
        const memberNames = nameOffsets(strings, wanted.members[name]!);
        const bitfields = info < 0;
        for (let i = 0; i < count; i++) {
          const member = memberNames.get(words[at + 3 + i * 3]!);
          const bits = words[at + 5 + i * 3]! & (bitfields ? 0xff_ffff : -1);
          if (member !== undefined) members[`${name}.${member}`] ??= bits >>> 3;
        }
      }
    }
    at += bytes >>> 2;
  }
  return { functions, members };
}

/** Where names stand in the string table. The kernel's is deduplicated: each name stands there once. */
function nameOffsets(strings: Uint8Array, names: readonly string[]): Map<number, string> {
  const table = Buffer.from(strings.buffer, strings.byteOffset, strings.byteLength);
  const offsets = new Map<number, string>();
  for (const name of names) {
    const at = table.indexOf(`\0${name}\0`, 0, "latin1");
    if (at >= 0) offsets.set(at + 1, name);
  }
  return offsets;
}
