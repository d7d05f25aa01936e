/** Unpacks .xz: streams of blocks of LZMA2, each with a checksum. Source: the .xz file format 1.2.1. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { Lzma2Decoder, LzmaDamage, Unpacked } from "./mini-debug-info-lzma.ts";

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const HEADER_SIZE = 12;
const FILTER_LZMA2 = 0x21;
/** Bytes of the checksum by its kind: none, CRC-32, CRC-64, SHA-256; others are reserved. */
const CHECK_SIZES: { readonly [kind: number]: number } = { 0: 0, 1: 4, 4: 8, 10: 32 };

/** What a file of .xz holds. Throws LzmaDamage if it is damaged, or would be larger than `most` bytes. */
export function unpackXz(bytes: Uint8Array, most: number): Uint8Array {
  const out = new Unpacked(most);
  let at = 0;
  do {
    at = readStream(bytes, at, out);
    // Padding between streams is of four zeros each.
    while (at + 4 <= bytes.length && word(bytes, at) === 0) at += 4;
  } while (at < bytes.length);
  return out.bytes;
}

function readStream(bytes: Uint8Array, start: number, out: Unpacked): number {
  if (start + HEADER_SIZE > bytes.length || MAGIC.some((byte, i) => bytes[start + i] !== byte)) throw new LzmaDamage("it isn't of the format .xz");
  const check = bytes[start + 7]!;
  const checkSize = CHECK_SIZES[check];
  verify(crc32(bytes.subarray(start + 6, start + 8)) === word(bytes, start + 8), "its header");
  if (bytes[start + 6] !== 0 || checkSize === undefined) throw new LzmaDamage("its checksums are of an unknown kind");
  let at = start + HEADER_SIZE;
  while (byteAt(bytes, at) !== 0) {
    at = readBlockHeader(bytes, at);
    const unpacked = out.length;
    at = aligned(new Lzma2Decoder(bytes, at, out).decode(), start);
    if (at + checkSize > bytes.length) throw new LzmaDamage("it is cut short");
    verify(checks(check, out.bytes.subarray(unpacked), bytes.subarray(at, at + checkSize)), "a block");
    at += checkSize;
  }
  return readIndex(bytes, at, start) + HEADER_SIZE;
}

/** size | flags | [sizes] | filters | padding | CRC-32. Gives the offset of the data. */
function readBlockHeader(bytes: Uint8Array, start: number): number {
  const end = start + (bytes[start]! + 1) * 4;
  if (end > bytes.length) throw new LzmaDamage("it is cut short");
  verify(crc32(bytes.subarray(start, end - 4)) === word(bytes, end - 4), "a block's header");
  const flags = bytes[start + 1]!;
  let at = start + 2;
  if ((flags & 0x40) !== 0) at = number(bytes, at).next;
  if ((flags & 0x80) !== 0) at = number(bytes, at).next;
  const filter = number(bytes, at);
  if ((flags & 0x3f) !== 0 || filter.value !== FILTER_LZMA2) throw new LzmaDamage("it is packed by a filter other than LZMA2");
  return end;
}

/** Sizes of all blocks, which aren't needed; its checksum covers them. Gives the offset of the footer. */
function readIndex(bytes: Uint8Array, start: number, stream: number): number {
  const count = number(bytes, start + 1);
  let { next } = count;
  for (let i = 0; i < count.value; i++) next = number(bytes, number(bytes, next).next).next;
  const end = aligned(next, stream);
  if (end + 4 + HEADER_SIZE > bytes.length) throw new LzmaDamage("it is cut short");
  verify(crc32(bytes.subarray(start, end)) === word(bytes, end), "its index");
  return end + 4;
}

/** Seven bits a byte, the lowest first; nine bytes at most. */
function number(bytes: Uint8Array, start: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = byteAt(bytes, start + i);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: start + i + 1 };
  }
  throw new LzmaDamage("a number in it is too long");
}

function checks(kind: number, content: Uint8Array, checksum: Uint8Array): boolean {
  if (kind === 1) return crc32(content) === word(checksum, 0);
  if (kind === 4) {
    const [low, high] = crc64(content);
    return low === word(checksum, 0) && high === word(checksum, 4);
  }
  return kind === 0 || createHash("sha256").update(content).digest().equals(checksum);
}

const verify = (holds: boolean, what: string): void => {
  if (!holds) throw new LzmaDamage(`the checksum of ${what} is wrong`);
};

function byteAt(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) throw new LzmaDamage("it is cut short");
  return bytes[at]!;
}

const word = (bytes: Uint8Array, at: number): number => (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
const aligned = (at: number, start: number): number => start + Math.ceil((at - start) / 4) * 4;

/** For each byte, lower half then upper half. */
let table: Uint32Array | undefined;

/** CRC-64 of ECMA-182, reflected. In two halves. */
function crc64(bytes: Uint8Array): readonly [low: number, high: number] {
  table ??= crc64Table();
  let low = 0xffffffff;
  let high = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    const entry = ((low ^ bytes[i]!) & 0xff) << 1;
    low = (low >>> 8) ^ (high << 24) ^ table[entry]!;
    high = (high >>> 8) ^ table[entry + 1]!;
  }
  return [~low >>> 0, ~high >>> 0];
}

function crc64Table(): Uint32Array {
  const made = new Uint32Array(512);
  for (let byte = 0; byte < 256; byte++) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const carry = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (carry === 1) {
        low ^= 0xd7870f42;
        high ^= 0xc96c5795;
      }
    }
    made[byte * 2] = low >>> 0;
    made[byte * 2 + 1] = high >>> 0;
  }
  return made;
}
