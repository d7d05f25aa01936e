/** The loader's cache, made by hand: both formats, damage, and which file names mean a library. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isLibraryNamed, parseLoaderCache } from "./ld-cache.ts";

/** A cache with these libraries: soname, path, flags. */
function cache(libraries: readonly (readonly [soname: string, path: string, flags: number])[], old = false): Buffer {
  const strings: number[] = [];
  const base = 48 + libraries.length * 24;
  const text = (value: string): number => {
    const at = base + strings.length;
    strings.push(...Buffer.from(`${value}\0`));
    return at;
  };
  const entries = libraries.map(([soname, path, flags]) => {
    const entry = Buffer.alloc(24);
    entry.writeUInt32LE(flags, 0);
    entry.writeUInt32LE(text(soname), 4);
    entry.writeUInt32LE(text(path), 8);
    return entry;
  });
  const header = Buffer.alloc(48);
  header.write("glibc-ld.so.cache1.1", 0, "latin1");
  header.writeUInt32LE(libraries.length, 20);
  header.writeUInt32LE(strings.length, 24);
  // The old format in front: a header and one entry of 12 bytes, to a multiple of 8.
  const front = Buffer.alloc(old ? 32 : 0);
  if (old) {
    front.write("ld.so-1.7.0\0", 0, "latin1");
    front.writeUInt32LE(1, 12);
  }
  return Buffer.concat([front, header, ...entries, Buffer.from(strings)]);
}

test.each([false, true])("libraries for x86-64 are read, others left out (old format in front: %s)", (old) => {
  const bytes = cache(
    [
      ["libc.so.6", "/lib/x/libc.so.6", 0x303],
      ["libc.so.6", "/lib32/libc.so.6", 3],
      ["libz.so.1", "/lib/x/libz.so.1", 0x303],
    ],
    old,
  );
  expect(parseLoaderCache(bytes)).toEqual([
    { soname: "libc.so.6", path: "/lib/x/libc.so.6", capabilities: 0n },
    { soname: "libz.so.1", path: "/lib/x/libz.so.1", capabilities: 0n },
  ]);
});

test("damaged caches give what is whole, never an exception", () => {
  const whole = cache([["libc.so.6", "/lib/libc.so.6", 0x303]]);
  fc.assert(
    fc.property(fc.nat(whole.length), fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }), (length, edits) => {
      const bytes = Buffer.from(whole);
      for (const [at, byte] of edits) bytes[at] = byte;
      expect(parseLoaderCache(bytes.subarray(0, length)).length).toBeLessThanOrEqual(1);
    }),
  );
});

test.each([
  ["libssl", "libssl.so.3", true],
  ["libssl", "libssl.so", true],
  ["libssl", "libssl.so.1.1", true],
  ["libc", "libc-2.31.so", true],
  ["libssl", "libssl3.so", false],
  ["libc", "libcrypt.so.1", false],
  ["libc.so.6", "libc.so.6", true],
  ["libz.so.1", "libz.so.1.2.13", true],
  ["libstdc++", "libstdc++.so.6.0.30", true],
  ["libssl.so", "libssl.so.3", true],
  ["libssl.so.1", "libssl.so.3", false],
])("%s means %s: %s", (wanted, file, expected) => {
  expect(isLibraryNamed(wanted, file)).toBe(expected);
});
