import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { le } from "../../test/dwarf/assemble.ts";
import { decompressOldSection, decompressSection } from "./compression.ts";

const plain = Buffer.from("int main int argc char argv ".repeat(40));
const withHeader = (type: number, size: number, packed: Uint8Array): Uint8Array =>
  Uint8Array.from([...le(type, 4), ...le(0, 4), ...le(size, 8), ...le(1, 8), ...packed]);
/** A frame of zstd (RFC 8878) with the size of its content, an uncompressed block, and one that repeats a byte. */
const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 9, ...le((4 << 3) | 0, 3), 0x61, 0x62, 0x63, 0x64, ...le((5 << 3) | 2 | 1, 3), 0x7a]);
const code = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
};

test("a section packed by zlib is unpacked", () => {
  expect(Buffer.from(decompressSection(withHeader(1, plain.length, deflateSync(plain)), "f"))).toEqual(plain);
  expect(decompressSection(withHeader(1, 0, deflateSync(Buffer.alloc(0))), "f")).toHaveLength(0);
});

test("a section packed by zstd is unpacked", () => {
  expect(Buffer.from(decompressSection(withHeader(2, 9, frame), "f")).toString()).toBe("abcdzzzzz");
});

test("an old .zdebug section is unpacked", () => {
  const packed = Buffer.concat([Buffer.from("ZLIB"), Buffer.from([0, 0, 0, 0, 0, 0, plain.length >> 8, plain.length & 0xff]), deflateSync(plain)]);
  expect(Buffer.from(decompressOldSection(packed, "f"))).toEqual(plain);
  expect(code(() => decompressOldSection(packed.subarray(1), "f"))).toBe("SONDE_DWARF_UNREADABLE");
});

test("damaged and lying sections are unreadable, and cost no memory", () => {
  const packed = deflateSync(plain);
  for (const [type, size, bytes] of [
    [1, plain.length, packed.subarray(0, 20)],
    [1, plain.length, Buffer.from("not packed")],
    [1, plain.length + 1, packed],
    [1, plain.length - 1, packed],
    [1, 2 ** 40, packed],
    [1, 2 ** 31 - 1, packed],
    [2, 9, frame.subarray(0, 12)],
    [2, 2 ** 31 - 1, frame],
    [2, 9, packed],
  ] as const)
    expect(code(() => decompressSection(withHeader(type, size, bytes), "f"))).toBe("SONDE_DWARF_UNREADABLE");
  expect(code(() => decompressSection(new Uint8Array(23), "f"))).toBe("SONDE_DWARF_UNREADABLE");
  expect(code(() => decompressSection(withHeader(3, 1, packed), "f"))).toBe("SONDE_DWARF_COMPRESSION");
});
