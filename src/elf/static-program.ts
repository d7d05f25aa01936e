/** A program of a few instructions without any library: a static ELF file of one header, one segment and its code. */

const BASE = 0x40_0000;
const HEADERS = 64 + 56;

/** Machine code from a listing: on each line bytes in hexadecimal, then a bar and what they mean. */
export const machineCode = (listing: string): Uint8Array =>
  Uint8Array.from(listing.split("\n").flatMap((line) => ((line.split("|")[0] as string).match(/[0-9a-f]{2}/g) ?? []).map((byte) => Number.parseInt(byte, 16))));

/** For a listing: a number as its four bytes, lowest first. */
export const int32 = (n: number): string => Buffer.from(Int32Array.of(n).buffer).toString("hex").replace(/(..)/g, "$1 ");

/** The whole file; the code begins at its first byte (System V ABI: rsp points to argc there). */
export function staticProgram(code: Uint8Array): Uint8Array {
  const file = new Uint8Array(HEADERS + code.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 62, true); // x86-64
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE + HEADERS), true); // entry
  view.setBigUint64(32, 64n, true); // program headers
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true); // PT_LOAD
  view.setUint32(68, 5, true); // r-x
  view.setBigUint64(80, BigInt(BASE), true);
  view.setBigUint64(88, BigInt(BASE), true);
  view.setBigUint64(96, BigInt(file.length), true);
  view.setBigUint64(104, BigInt(file.length), true);
  view.setBigUint64(112, 0x1000n, true);
  file.set(code, HEADERS);
  return file;
}
