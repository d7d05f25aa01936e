/** The prototypes that are shipped: what the commonest functions of common libraries take and give, without debug information. */
import type { Signature } from "../schema/ctypes.ts";
import { libc } from "./libc.ts";
import { libm } from "./libm.ts";
import { libcrypto, libssl } from "./libssl.ts";
import { libz } from "./libz.ts";
import { type PrototypeTable, readSignature } from "./notation.ts";

/** By the library's name as targets write it. */
export const PROTOTYPE_TABLES: { readonly [library: string]: PrototypeTable } = { libc, libm, libz, libssl, libcrypto };

/** Parts of the C library that were files of their own, up to glibc 2.33. */
const IN_LIBC = new Set(["libpthread", "libdl", "librt", "libresolv", "libutil", "ld-musl-x86_64", "libc.musl-x86_64"]);

/** "/usr/lib/libc.so.6", "libc-2.31.so", "libc.so.6 (deleted)", "libpthread" → "libc"; any other file's name without folder and version. */
export function libraryName(file: string): string {
  const base =
    file
      .replace(/ \(deleted\)$/, "")
      .split("/")
      .pop() ?? file;
  const stem = base.replace(/\.so(?:\.[0-9.]+)?$/, "").replace(/-\d[0-9.]*$/, "");
  return IN_LIBC.has(stem) ? "libc" : stem;
}

/** What a function takes and gives; `library` by name, file name or path. */
export function signatureOf(library: string, name: string): Signature | undefined {
  const stem = libraryName(library);
  return Object.hasOwn(PROTOTYPE_TABLES, stem) ? readSignature(PROTOTYPE_TABLES[stem] as PrototypeTable, name) : undefined;
}
