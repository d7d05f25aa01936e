/** Debug information that is needed and isn't on the disk: asked of debuginfod's servers, where DEBUGINFOD_URLS names some. */
import type { ScriptUnit } from "../../compiler/hir/types.ts";
import { readElf } from "../../elf/image.ts";
import { missingError } from "../../symbols/debug-files/missing.ts";
import { openDebugInfo, openOrFetchDebugInfo } from "../../symbols/debug-files/open.ts";
import { FileSource } from "../../symbols/file-source.ts";
import { filesFor } from "../../symbols/process-files.ts";
import { parseTarget } from "../../symbols/target.ts";
import type { Scope } from "../scope.ts";
import { fetchDebugInfoOf } from "./site-types.ts";
import { usedTypes, usesAny } from "./used-types.ts";

const isAsked = (): boolean => (process.env.DEBUGINFOD_URLS ?? "").trim() !== "";

/**
 * Of the files of a target that lacked it: whether there is some now that wasn't before.
 * Throws SONDE_DEBUG_INFO_MISSING with what the servers answered, where that is more than that they don't have it.
 */
export async function fetchForTarget(target: string, pids: readonly number[]): Promise<boolean> {
  if (!isAsked()) return false;
  let fetched = false;
  for (const { path, display } of filesFor(parseTarget(target).file, pids).files) {
    const source = new FileSource(path, display);
    try {
      const image = readElf(source);
      if (!("missing" in openDebugInfo(path, image, { display }))) continue;
      const found = await openOrFetchDebugInfo(path, image, { display });
      if (!("missing" in found)) fetched = true;
      else if ((found.failures ?? []).length > 0) throw missingError(found.missing, found.failures);
    } finally {
      source.close();
    }
  }
  return fetched;
}

/** Of the programs whose types the handlers use. Never rejects. */
export async function fetchTypes({ handlers }: Pick<ScriptUnit, "handlers">, { probes }: Pick<Scope, "probes">): Promise<void> {
  if (!isAsked()) return;
  const typed = new Set(handlers.filter((handler) => usesAny(usedTypes(handler))).map(({ id }) => id));
  await fetchDebugInfoOf(probes.filter(({ registration }) => typed.has(registration.handler)).flatMap(({ sites }) => sites));
}
