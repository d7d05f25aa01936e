/** From a target as written to the functions it names, in all the files that it means. */
import { readElf } from "../elf/image.ts";
import { SondeError } from "../errors/error.ts";
import { FileSource } from "./file-source.ts";
import { findFiles } from "./files.ts";
import type { FunctionSite } from "./site.ts";
import { SymbolIndex } from "./symbol-index.ts";
import { parseTarget } from "./target.ts";

export interface ResolveOptions {
  /** Look in these processes first: their mappings, their root. */
  readonly pids?: readonly number[];
  /** Whether the probe is at the entry or at the return. */
  readonly mode: "entry" | "return";
}

export interface Resolved {
  readonly sites: readonly FunctionSite[];
  /** What the user should know. */
  readonly notes: readonly string[];
}

/** Throws SONDE_TARGET_…, SONDE_FILE_…, SONDE_ELF_…, SONDE_FUNCTION_…. */
export function resolveTarget(text: string, options: ResolveOptions): Resolved {
  const target = parseTarget(text);
  const notes: string[] = [];
  const sites: FunctionSite[] = [];
  for (const file of findFiles(target.file)) {
    const source = new FileSource(file.path, file.display);
    const index = new SymbolIndex(readElf(source));
    const place = target.place;
    if (place.kind === "address") continue;
    const entries = place.kind === "function" ? index.find(place.name) : index.match(place.pattern);
    for (const entry of entries) {
      sites.push({
        path: file.path, display: file.display, file: source.identity, functionOffset: entry.offset, address: BigInt(entry.address), size: entry.size,
        name: entry.name, aliases: entry.aliases, delta: place.kind === "function" ? place.delta : 0,
      });
    }
    source.close();
  }
  if (sites.length === 0) throw new SondeError("SONDE_FUNCTION_NOT_FOUND", `no function ${text}`, { where: text });
  void options;
  return { sites, notes };
}
