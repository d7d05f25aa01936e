/** One file of a target, open, and the sites in it. */
import type { ElfImage } from "../elf/image.ts";
import type { FileSource } from "./file-source.ts";
import type { IndirectFunctions } from "./ifunc.ts";
import type { FunctionSite, SourceSite } from "./site.ts";
import type { FunctionEntry, SymbolIndex } from "./symbol-index.ts";

export interface OpenFile {
  readonly source: FileSource;
  readonly image: ElfImage;
  readonly index: SymbolIndex;
  readonly indirect: IndirectFunctions;
  readonly path: string;
  readonly display: string;
}

/** `delta` bytes behind the start of a function; `source` where it stands for a place of the source, with the name that it has there. */
export function siteOf(file: OpenFile, entry: FunctionEntry, delta: number, source?: SourceSite & { readonly name: string }): FunctionSite {
  return {
    path: file.path,
    display: file.display,
    file: file.source.identity,
    functionOffset: entry.offset,
    address: BigInt(entry.address),
    size: entry.size,
    name: source?.name ?? entry.name,
    symbol: entry.symbol,
    aliases: source === undefined ? entry.aliases : [],
    delta,
    ...(source === undefined
      ? {}
      : { source: { kind: source.kind, file: source.file, line: source.line, column: source.column, in: source.in, scope: source.scope } }),
  };
}
