/** Reads the dynamic loader's cache of libraries, /etc/ld.so.cache. */

export interface CachedLibrary {
  /** As programs ask for it: "libc.so.6". */
  readonly soname: string;
  readonly path: string;
  /** Zero for the plain library; else a variant for some processors only. */
  readonly capabilities: bigint;
}

const NEW_MAGIC = "glibc-ld.so.cache1.1";
const OLD_MAGIC = "ld.so-1.7.0";
const OLD_HEADER = 16;
const OLD_ENTRY = 12;
const NEW_HEADER = 48;
const NEW_ENTRY = 24;
/** An ELF library for glibc (3) on 64-bit x86 (0x300). */
const X86_64_LIBRARY = 0x303;

/**
 * The x86-64 libraries in the cache whose name begins with `prefix`, in its order; none if the bytes aren't a cache that we know. A cache in the old
 * format may stand before the new one:
 *
 *     [ old magic, count, entries of 12 bytes, to a multiple of 8 ]
 *     new magic:20 count:4 strings:4 flags:4 extensions:4 unused:12 | entries | strings
 *     entry: flags:4 soname:4 path:4 osversion:4 capabilities:8      (offsets from the new magic)
 *
 * Source: glibc, sysdeps/generic/dl-cache.h.
 */
export function parseLoaderCache(bytes: Uint8Array, prefix = ""): CachedLibrary[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let start = 0;
  if (buffer.toString("latin1", 0, OLD_MAGIC.length) === OLD_MAGIC) {
    if (buffer.length < OLD_HEADER) return [];
    start = OLD_HEADER + buffer.readUInt32LE(12) * OLD_ENTRY;
    start = Math.ceil(start / 8) * 8;
  }
  if (buffer.length < start + NEW_HEADER || buffer.toString("latin1", start, start + NEW_MAGIC.length) !== NEW_MAGIC) return [];
  const count = Math.min(buffer.readUInt32LE(start + 20), Math.floor((buffer.length - start - NEW_HEADER) / NEW_ENTRY));
  const text = (offset: number): string => {
    const from = start + offset;
    const end = from < buffer.length ? buffer.indexOf(0, from) : -1;
    return end < 0 || end - from > 4096 ? "" : buffer.toString("utf8", from, end);
  };
  const wanted = Buffer.from(prefix);
  const libraries: CachedLibrary[] = [];
  for (let i = 0, at = start + NEW_HEADER; i < count; i++, at += NEW_ENTRY) {
    if (buffer.readUInt32LE(at) !== X86_64_LIBRARY) continue;
    const name = start + buffer.readUInt32LE(at + 4);
    // Byte by byte: most entries differ in the first few, and this runs at every start, before anything is optimised.
    let same = 0;
    while (same < wanted.length && buffer[name + same] === wanted[same]) same++;
    if (same < wanted.length) continue;
    const soname = text(buffer.readUInt32LE(at + 4));
    const path = text(buffer.readUInt32LE(at + 8));
    if (soname !== "" && path.startsWith("/")) libraries.push({ soname, path, capabilities: buffer.readBigUInt64LE(at + 16) });
  }
  return libraries;
}

/** Whether a file of this name is the library that is meant: "libssl" is "libssl.so", "libssl.so.3" and "libssl-1.1.so", not "libssl3.so". */
export function isLibraryNamed(wanted: string, fileName: string): boolean {
  if (fileName === wanted) return true;
  if (!fileName.startsWith(wanted)) return false;
  const rest = fileName.slice(wanted.length);
  if (wanted.includes(".so")) return /^(?:\.\d+)+$/.test(rest);
  return /^(?:-[0-9.]+)?\.so(?:\.\d+)*$/.test(rest);
}
