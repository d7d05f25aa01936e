/** Decompresses sections: SHF_COMPRESSED with zlib or zstd (System V ABI, "Section Compression"), and the older .zdebug_*. */
import { inflateSync } from "node:zlib";
import { decompress as unzstd } from "fzstd";
import { SondeError } from "../errors/error.ts";
import { u32, u64 } from "./leb.ts";

export const SHF_COMPRESSED = 0x800;

const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
/** ch_type, ch_reserved, ch_size, ch_addralign. */
const HEADER_SIZE = 24;

/** The largest section that is read. Offsets in one have 32 bits almost everywhere. */
export const LARGEST_SECTION = 2 ** 31 - 1;
/** Deflate can't do better than this (a match of 258 bytes takes two bits); a header that claims more lies. */
const BEST_OF_ZLIB = 1040;
/** zstd can repeat a byte 128 Ki times by four bytes. */
const BEST_OF_ZSTD = 1 << 15;

export const unreadable = (where: string, why: string): SondeError =>
  new SondeError("SONDE_DWARF_UNREADABLE", `the debug information is unreadable: ${why}`, { where, mend: "Build the program or its debug information again." });

/** What a section with SHF_COMPRESSED holds. Throws SONDE_DWARF_UNREADABLE, SONDE_DWARF_COMPRESSION. */
export function decompressSection(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes.length < HEADER_SIZE) throw unreadable(where, "a compressed section is shorter than its header");
  const type = u32(bytes, 0);
  const size = u64(bytes, 8);
  const packed = bytes.subarray(HEADER_SIZE);
  if (type === ELFCOMPRESS_ZLIB) return inflate(packed, size, where);
  if (type === ELFCOMPRESS_ZSTD) return zstd(packed, size, where);
  throw new SondeError("SONDE_DWARF_COMPRESSION", `sonde can't decompress the debug information: it is packed by method ${type}`, {
    where,
    why: "sonde knows zlib (1) and zstd (2)",
    mend: "Decompress it with `objcopy --decompress-debug-sections FILE`.",
  });
}

/** What a .zdebug_* section holds: "ZLIB", the size as 8 bytes with the highest first, and a stream of zlib. */
export function decompressOldSection(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes.length < 12 || u32(bytes, 0) !== 0x42494c5a) throw unreadable(where, 'a .zdebug section doesn\'t begin with "ZLIB"');
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, 12);
  return inflate(bytes.subarray(12), header.readUInt32BE(4) * 2 ** 32 + header.readUInt32BE(8), where);
}

function inflate(packed: Uint8Array, size: number, where: string): Uint8Array {
  if (size === 0) return new Uint8Array(0);
  if (size > LARGEST_SECTION || size > packed.length * BEST_OF_ZLIB + 64) throw unreadable(where, `a compressed section claims ${size} bytes`);
  let out: Uint8Array;
  try {
    // In one chunk: the result isn't put together from parts.
    out = inflateSync(packed, { chunkSize: Math.max(64, size), maxOutputLength: Math.max(64, size) });
  } catch (cause) {
    throw unreadable(where, `a compressed section is damaged (${cause instanceof Error ? cause.message : cause})`);
  }
  if (out.length !== size) throw unreadable(where, `a compressed section has ${out.length} bytes, and claims ${size}`);
  return out;
}

/** Fills as many bytes as the header claims: what the stream has less of stays zero, what it has more of is left out. */
function zstd(packed: Uint8Array, size: number, where: string): Uint8Array {
  if (size === 0) return new Uint8Array(0);
  if (size > LARGEST_SECTION || size > packed.length * BEST_OF_ZSTD + 64) throw unreadable(where, `a compressed section claims ${size} bytes`);
  try {
    return unzstd(packed, new Uint8Array(size));
  } catch (cause) {
    throw unreadable(where, `a compressed section is damaged (${cause instanceof Error ? cause.message : cause})`);
  }
}
