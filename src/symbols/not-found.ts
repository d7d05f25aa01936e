/** Says why a file hasn't the function that a target names, and what it has instead. */
import type { ElfImage } from "../elf/image.ts";
import { STT_OBJECT } from "../elf/symbol-table.ts";
import { SondeError } from "../errors/error.ts";
import { missingError } from "./debug-files/missing.ts";
import { openDebugInfo } from "./debug-files/open.ts";
import type { OpenFile } from "./open-file.ts";
import type { SymbolIndex } from "./symbol-index.ts";
import type { Target } from "./target.ts";

/** SONDE_FUNCTION_NOT_FOUND, _IMPORTED, _IS_DATA, _NO_MATCH, _NO_SYMBOLS. */
export function notFound({ index, image, path, display }: Pick<OpenFile, "index" | "image" | "path" | "display">, target: Target): SondeError {
  const where = target.text;
  if (index.count() === 0) {
    return new SondeError("SONDE_FUNCTION_NO_SYMBOLS", `${display} has no symbols of functions`, {
      where,
      why: image.sections.length === 0 ? "its section headers were stripped" : "it was stripped",
      mend: `Name the place by its address (bin:0x4011d6), or get what tells the names. ${symbolsFrom(path, image, display)}`,
    });
  }
  if (target.place.kind === "pattern") {
    return new SondeError("SONDE_FUNCTION_NO_MATCH", `no function of ${display} matches ${JSON.stringify(target.place.pattern)}`, {
      where,
      ...unscoped(index, target.place.pattern, target.file),
    });
  }
  const name = target.place.kind === "function" ? target.place.name : "";
  for (const table of index.tables) {
    for (const i of table.find(name)) {
      if (table.section(i) === 0) {
        return new SondeError("SONDE_FUNCTION_IMPORTED", `${display} calls ${name}, but doesn't contain it`, {
          where,
          why: "the function is in a library that the file is linked to",
          mend: `Name that library before it, for example "libc:${name}"`,
        });
      }
      if (table.type(i) === STT_OBJECT) {
        return new SondeError("SONDE_FUNCTION_IS_DATA", `${name} in ${display} is a variable, not a function`, { where, mend: "Name a function." });
      }
    }
  }
  const near = index.near(name);
  return new SondeError("SONDE_FUNCTION_NOT_FOUND", `${display} has no function ${JSON.stringify(name)}`, {
    where,
    why: "it may be inlined everywhere, or have another name",
    mend: near.length > 0 ? `Did you mean ${near.join(", ")}?` : `See what there is with: sonde list '${target.file}:*'`,
  });
}

/** Where the symbols could come from that were stripped. */
function symbolsFrom(path: string, image: ElfImage, display: string): string {
  const found = openDebugInfo(path, image, { display });
  return "missing" in found ? (missingError(found.missing).mend ?? "") : "Its debug information is here, but has no table of symbols.";
}

/** A wildcard without `::` means functions outside of all scopes. */
function unscoped(index: SymbolIndex, pattern: string, file: string): { readonly why?: string; readonly mend: string } {
  if (pattern.includes("::") || index.match(`*::${pattern}`).length === 0) return { mend: `See what there is with: sonde list '${file}:*'` };
  return { why: "without `::` a wildcard means functions that are in no namespace and no class", mend: `Did you mean '${file}:*::${pattern}'?` };
}
