/**
 * Places in the program's own libraries that the tracer has to know of: where the loader says that it has mapped something,
 * where mappings are made, where stacks are unwound.
 */
import { PT_INTERP, readElf } from "../../../elf/image.ts";
import { FileSource } from "../../../symbols/file-source.ts";
import { SymbolIndex } from "../../../symbols/symbol-index.ts";
import type { InternalUse } from "./space.ts";

export interface InternalSite {
  readonly offset: number;
  readonly name: string;
  readonly use: InternalUse;
}

const LOADER = /^ld-(linux|musl)|^ld\.so|^ld64\.so/;
const C_LIBRARY = /^(libc[.-]|ld-musl)/;
const CXX_LIBRARY = /^(libstdc\+\+|libc\+\+abi|libgcc_s)/;

const MAPPING_CALLS = ["mmap", "mprotect", "mremap"];
const JUMPS = ["longjmp", "_longjmp", "siglongjmp", "__longjmp_chk", "setcontext", "swapcontext"];
const LANDINGS = ["__cxa_begin_catch", "_Unwind_Resume"];

const known = new Map<string, readonly InternalSite[]>();

/** Of a file that is shown as `display`; `returns`: whether calls are followed to their returns. */
export function internalSites(inode: bigint, display: string, path: string, returns: boolean): readonly InternalSite[] {
  const key = `${inode} ${display} ${returns}`;
  let sites = known.get(key);
  if (sites === undefined) {
    sites = find(display, path, returns);
    known.set(key, sites);
  }
  return sites;
}

function find(display: string, path: string, returns: boolean): InternalSite[] {
  const name = display.slice(display.lastIndexOf("/") + 1);
  let source: FileSource;
  try {
    source = new FileSource(path);
  } catch {
    // Deleted, or in another mount namespace that we can't enter: nothing to be told of there.
    return [];
  }
  try {
    const image = readElf(source);
    const index = new SymbolIndex(image);
    const sites = new Map<number, InternalSite>();
    const add = (names: readonly string[], use: InternalUse): void => {
      for (const one of names)
        for (const { offset, indirect } of index.find(one)) if (!indirect && !sites.has(offset)) sites.set(offset, { offset, name: one, use });
    };
    // A static program brings its own C library.
    const alone = image.entry !== 0 && !image.segments.some(({ type }) => type === PT_INTERP);
    if (LOADER.test(name)) add(["_dl_debug_state"], "loader");
    if (C_LIBRARY.test(name) || alone) add(MAPPING_CALLS, "map");
    if (returns && (C_LIBRARY.test(name) || alone)) add(JUMPS, "longjmp");
    if (returns && (CXX_LIBRARY.test(name) || alone)) add(LANDINGS, "landing");
    return [...sites.values()];
  } catch {
    // Not an ELF file that we can read.
    return [];
  } finally {
    source.close();
  }
}
