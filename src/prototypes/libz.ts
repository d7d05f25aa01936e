/** Prototypes of zlib. Source: its manual, zlib.h of version 1.2. */
import type { PrototypeTable } from "./notation.ts";

export const libz: PrototypeTable = {
  structs:
    "z_stream { next_in *; avail_in u32; total_in u64; next_out *; avail_out u32; total_out u64; msg s; state *; zalloc *; zfree *; opaque *; data_type i32; adler u64; reserved u64 }",
  functions: `
deflateInit_(strm z_stream*, level i32, version s, stream_size i32) i32
deflateInit2_(strm z_stream*, level i32, method i32, windowBits i32, memLevel i32, strategy i32) i32
deflate(strm z_stream*, flush i32) i32
deflateEnd(strm z_stream*) i32
deflateReset(strm z_stream*) i32
deflateSetDictionary(strm z_stream*, dictionary *, dictLength u32) i32
inflateInit_(strm z_stream*, version s, stream_size i32) i32
inflateInit2_(strm z_stream*, windowBits i32, version s, stream_size i32) i32
inflate(strm z_stream*, flush i32) i32
inflateEnd(strm z_stream*) i32
inflateReset(strm z_stream*) i32
compress(dest *, destLen u64*, source *, sourceLen u64) i32
compress2(dest *, destLen u64*, source *, sourceLen u64, level i32) i32
compressBound(sourceLen u64) u64
uncompress(dest *, destLen u64*, source *, sourceLen u64) i32
crc32(crc u64, buf *, len u32) u64
adler32(adler u64, buf *, len u32) u64
gzopen(path s, mode s) *
gzread(file *, buf *, len u32) i32
gzwrite(file *, buf *, len u32) i32
gzgets(file *, buf s, len i32) s
gzclose(file *) i32
`.trim(),
};
