/**
 * Reads little-endian integers of any size from bytes. Behind the end all is zero: hostile input gives wrong values, but no
 * exception and no endless number.
 */

/** Where a read ended. One for each that reads, handed on, so that a value costs no object. */
export interface Position {
  at: number;
}

export const u16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);
export const u24 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
export const u32 = (bytes: Uint8Array, at: number): number => (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
/** Exact to 2⁵³. */
export const u64 = (bytes: Uint8Array, at: number): number => u32(bytes, at) + u32(bytes, at + 4) * 2 ** 32;
export const big64 = (bytes: Uint8Array, at: number): bigint => BigInt(u32(bytes, at)) | (BigInt(u32(bytes, at + 4)) << 32n);

/** Unsigned LEB128 (DWARF 5 §7.6), exact to 2⁵³. */
export function uleb(bytes: Uint8Array, position: Position): number {
  let at = position.at;
  let byte = bytes[at++]!;
  let value = byte & 0x7f;
  if (byte & 0x80) {
    let shift = 7;
    do {
      byte = bytes[at++]!;
      // Past 28 bits the operators on 32 would overflow; past 70 there are only zeros that pad.
      if (shift < 28) value |= (byte & 0x7f) << shift;
      else if (shift < 70) value += (byte & 0x7f) * 2 ** shift;
      shift += 7;
    } while (byte & 0x80);
  }
  position.at = at;
  return value;
}

/** Unsigned LEB128, modulo 2⁶⁴. */
export function bigUleb(bytes: Uint8Array, position: Position): bigint {
  let low = 0n;
  let shift = 0n;
  let byte: number;
  do {
    byte = bytes[position.at++]!;
    if (shift < 70n) low |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
  } while (byte & 0x80);
  return BigInt.asUintN(64, low);
}

/** Signed LEB128, modulo 2⁶⁴. */
export function bigSleb(bytes: Uint8Array, position: Position): bigint {
  let value = 0n;
  let shift = 0n;
  let byte: number;
  do {
    byte = bytes[position.at++]!;
    if (shift < 70n) value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
  } while (byte & 0x80);
  if (byte & 0x40 && shift < 70n) value |= -1n << shift;
  return BigInt.asIntN(64, value);
}

/** Behind a LEB128. */
export function afterLeb(bytes: Uint8Array, at: number): number {
  while (bytes[at++]! & 0x80);
  return at;
}

/** The text up to a NUL, `most` bytes at most; "" outside. */
export function textAt(bytes: Uint8Array, at: number, most = 1 << 20): string {
  if (!(at < bytes.length)) return "";
  const window = bytes.subarray(at, Math.min(bytes.length, at + most));
  const end = window.indexOf(0);
  return Buffer.from(window.buffer, window.byteOffset, end < 0 ? window.length : end).toString("utf8");
}
