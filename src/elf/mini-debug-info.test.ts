/** .xz is unpacked as xz packs it, and damage is never more than an error. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SondeError } from "../errors/error.ts";
import type { ElfImage } from "./image.ts";
import { miniDebugInfo } from "./mini-debug-info.ts";
import { LzmaDamage } from "./mini-debug-info-lzma.ts";
import { unpackXz } from "./mini-debug-info-xz.ts";
import { memorySource } from "./source.ts";

const MOST = 64 << 20;
/** Of a stream, in bytes. */
const FOOTER = 12;
/** Code, tables and text of this very Node. */
const program = readFileSync(process.execPath).subarray(0, 400_000);

const pack = (bytes: Uint8Array, ...args: readonly string[]): Buffer => execFileSync("xz", ["-c", ...args], { input: bytes, maxBuffer: 1 << 28 });
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("what xz packs is unpacked", { timeout: 60_000 }, () => {
  test.each([
    ["quickly", ["-0"]],
    ["as usual", []],
    ["as well as it can", ["-9e"]],
    ["in blocks", ["--block-size=100000"]],
    ["with a small window", ["--lzma2=dict=4KiB"]],
    ["with other properties", ["--lzma2=lc=0,lp=4,pb=0"]],
    ["with others still", ["--lzma2=lc=4,lp=0,pb=4"]],
    ["with CRC-32", ["--check=crc32"]],
    ["with SHA-256", ["--check=sha256"]],
    ["without a checksum", ["--check=none"]],
  ])("%s", (_, args) => expect(digest(unpackXz(pack(program, ...args), MOST))).toBe(digest(program)));

  test("what can't be packed, nothing, and one byte a million times", () => {
    const noise = createHash("shake256", { outputLength: 300_000 }).update("noise").digest();
    for (const bytes of [noise, new Uint8Array(0), new Uint8Array(1 << 20).fill(7)]) expect(digest(unpackXz(pack(bytes), MOST))).toBe(digest(bytes));
  });
  test("several streams, one behind the other, with padding between", () => {
    const both = Buffer.concat([pack(Buffer.from("first ")), new Uint8Array(8), pack(Buffer.from("second")), new Uint8Array(4)]);
    expect(Buffer.from(unpackXz(both, MOST)).toString()).toBe("first second");
  });
  test("bytes of any kind", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.uint8Array({ maxLength: 9 }), fc.nat(500)).map(([part, n]) => Buffer.concat(Array(n).fill(part))),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }).map((parts) => Buffer.concat(parts)),
        fc.constantFrom("-0", "-6", "-9e"),
        (bytes, level) => bytes.equals(unpackXz(pack(bytes, level), MOST)),
      ),
      { numRuns: 20 },
    );
  });
});

describe("is refused", { timeout: 60_000 }, () => {
  const packed = pack(program.subarray(0, 100_000));
  const flipped = (at: number): Buffer => {
    const bytes = Buffer.from(packed);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  };
  test("what unpacks to more than is allowed", () =>
    expect(() => unpackXz(pack(new Uint8Array(4 << 20)), 1 << 20)).toThrow("it unpacks to more than 1048576 bytes"));
  test("what isn't .xz", () => expect(() => unpackXz(Buffer.from("\x7fELF, as it happens"), MOST)).toThrow("it isn't of the format .xz"));
  test("a changed byte of the data", () => expect(() => unpackXz(flipped(30_000), MOST)).toThrow(LzmaDamage));
  test("a wrong checksum", () => expect(() => unpackXz(flipped(packed.length - FOOTER - 1), MOST)).toThrow(/the checksum of .* is wrong/));
  test("another filter", () => expect(() => unpackXz(pack(program.subarray(0, 1000), "--x86", "--lzma2"), MOST)).toThrow("a filter other than LZMA2"));
  test("a file cut short anywhere", () => {
    const small = pack(program.subarray(0, 2000));
    for (let length = 0; length < small.length; length += 3) expect(() => unpackXz(small.subarray(0, length), MOST)).toThrow(LzmaDamage);
  });
  test("or is read, whatever is changed: nothing but this error is thrown", () => {
    const small = pack(program.subarray(1000, 5000), "--check=none");
    const change = fc.tuple(fc.nat(small.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(small.length), (changes, cut) => {
        const bytes = Buffer.from(small.subarray(0, small.length - (cut % 7 === 0 ? cut : 0)));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        // The header of the block again in order, so that what lies behind it is reached.
        if (bytes.length > 24) bytes.writeUInt32LE(crc32(bytes.subarray(12, 20)), 20);
        try {
          return unpackXz(bytes, 1 << 20).length <= 1 << 20;
        } catch (error) {
          return error instanceof LzmaDamage;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe(".gnu_debugdata", () => {
  const withSection = (content: Uint8Array): ElfImage => ({
    source: memorySource(content, "a.out"),
    type: "shared",
    entry: 0,
    segments: [],
    sections: [{ index: 1, name: ".gnu_debugdata", type: 1, flags: 0, address: 0, offset: 0, size: content.length, link: 0, info: 0, entrySize: 0 }],
  });
  test("that isn't .xz is an error that names the file", () => {
    expect(() => miniDebugInfo(withSection(Buffer.from("nothing of the kind")))).toThrow(SondeError);
    expect(() => miniDebugInfo(withSection(Buffer.from("nothing of the kind")))).toThrow("a.out .gnu_debugdata is damaged: it isn't of the format .xz");
  });
  test("that holds no ELF file is an error", () => expect(() => miniDebugInfo(withSection(pack(Buffer.from("text"))))).toThrow("is not an ELF file"));
});
