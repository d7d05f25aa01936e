/** Texts between JavaScript and the fixed-size bytes of a `cstring`: encoding, cutting, and a quick decoder. */
import type { CStringSchema } from "./types.ts";

/** Stands at the end of a text that was cut. */
export const CUT = "…";

const utf8 = new TextEncoder();

/** Writes `value` (padded with NULs up to `schema.size`), cut and marked if it is too long. A NUL ends the text. */
export function encodeText(schema: CStringSchema, value: string, view: DataView, at: number): void {
  const target = new Uint8Array(view.buffer, view.byteOffset + at, schema.size).fill(0);
  const nul = value.indexOf("\0");
  const bytes = utf8.encode(nul < 0 ? value : value.slice(0, nul));
  target.set(bytes.length > schema.length ? bytes.subarray(0, schema.length) : bytes);
  if (bytes.length > schema.length) target[schema.length] = 1;
}

/** Bytes at the end that begin a character and don't finish it: what cutting left of it. */
function danglingBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

function decodeBytes(view: DataView, at: number, length: number): string {
  let end = 0;
  while (end < length && view.getUint8(at + end) !== 0) end++;
  const bytes = Buffer.from(view.buffer as ArrayBuffer, view.byteOffset + at, end);
  if (view.getUint8(at + length) === 0) return bytes.toString("utf8");
  return bytes.subarray(0, end - danglingBytes(bytes)).toString("utf8") + CUT;
}

/** Texts up to this many bytes are remembered: names of processes and functions come again and again. */
const REMEMBERED_BYTES = 64;
const SLOTS = 256;

/**
 * A reader of one `cstring`. A text that was cut ends in "…", which encodes to the same bytes again: it is longer than
 * what was kept, so it is cut and marked in the same place.
 */
export function textReader(schema: CStringSchema): (view: DataView, at: number) => string {
  const { length, size } = schema;
  if (size > REMEMBERED_BYTES) return (view, at) => decodeBytes(view, at, length);
  const words = size / 4;
  const seen = new Uint32Array(SLOTS * words);
  const texts: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  return (view, at) => {
    let mix = 0;
    for (let i = 0; i < words; i++) mix = Math.imul(mix ^ view.getUint32(at + i * 4, true), 0x9e3779b1);
    const slot = (mix ^ (mix >>> 15)) & (SLOTS - 1);
    const base = slot * words;
    const known = texts[slot];
    if (known !== undefined) {
      let same = 0;
      while (same < words && seen[base + same] === view.getUint32(at + same * 4, true)) same++;
      if (same === words) return known;
    }
    for (let i = 0; i < words; i++) seen[base + i] = view.getUint32(at + i * 4, true);
    const text = decodeBytes(view, at, length);
    texts[slot] = text;
    return text;
  };
}
