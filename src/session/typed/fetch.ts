/** Debug information that is needed and isn't on the disk: asked of debuginfod's servers, where DEBUGINFOD_URLS names some. */
import type { ScriptUnit } from "../../compiler/hir/types.ts";
import { readElf } from "../../elf/image.ts";
import { SondeError } from "../../errors/error.ts";
import { missingError } from "../../symbols/debug-files/missing.ts";
import { openDebugInfo, openOrFetchDebugInfo } from "../../symbols/debug-files/open.ts";
import { FileSource } from "../../symbols/file-source.ts";
import type { Resolved } from "../../symbols/in-files.ts";
import { filesFor } from "../../symbols/process-files.ts";
import { type ResolveOptions, resolveTarget } from "../../symbols/resolve.ts";
import { parseTarget } from "../../symbols/target.ts";
import type { Scope } from "../scope.ts";
import { fileOfSite } from "../signatures.ts";
import { isShipped, lackingAmong, openAgain } from "./site-types.ts";
import { usedTypes, usesAny } from "./used-types.ts";

const isAsked = (): boolean => (process.env.DEBUGINFOD_URLS ?? "").trim() !== "";

/** As resolveTarget(); a line whose debug information had to be downloaded first is looked up then. */
export async function resolveOrFetch(target: string, options: ResolveOptions): Promise<Resolved> {
  try {
    return resolveTarget(target, options);
  } catch (error) {
    const lacking = error instanceof SondeError && error.code === "SONDE_DEBUG_INFO_MISSING";
    if (!lacking || !(await fetchForTarget(target, options.pids ?? []))) throw error;
    return resolveTarget(target, options);
  }
}

/**
 * Of the files of a target that lacked it: whether there is some now that wasn't before.
 * Throws SONDE_DEBUG_INFO_MISSING with what the servers answered, where that is more than that they don't have it.
 */
export async function fetchForTarget(target: string, pids: readonly number[]): Promise<boolean> {
  if (!isAsked()) return false;
  let fetched = false;
  for (const file of filesFor(parseTarget(target).file, pids).files) {
    const found = await fetchFor(file);
    if (found === undefined) continue;
    if (!("missing" in found)) fetched = true;
    else if (found.failures.length > 0) throw missingError(found.missing, found.failures);
  }
  return fetched;
}

/** Of the programs whose types the handlers use, and of which sonde ships no prototype. Never rejects. */
export async function fetchTypes({ handlers }: Pick<ScriptUnit, "handlers">, { probes }: Pick<Scope, "probes">): Promise<void> {
  if (!isAsked()) return;
  const typed = new Set(handlers.filter((handler) => usesAny(usedTypes(handler))).map(({ id }) => id));
  const wanting = probes.filter(({ registration }) => typed.has(registration.handler));
  const sites = wanting.flatMap((entry) =>
    entry.sites.filter((site, i) => site.usdt === undefined && site.event === undefined && !isShipped(fileOfSite(entry, i), site)),
  );
  for (const site of lackingAmong(sites)) {
    try {
      openAgain(site, (await fetchFor(site))?.failures ?? []);
    } catch (error) {
      // Why it can't be read is said where it is used.
      if (!(error instanceof SondeError)) throw error;
    }
  }
}

/** Undefined: it is whole already. */
async function fetchFor({ path, display }: { readonly path: string; readonly display: string }) {
  const source = new FileSource(path, display);
  try {
    const image = readElf(source);
    const before = openDebugInfo(path, image, { display });
    return "missing" in before || before.incomplete !== undefined ? await openOrFetchDebugInfo(path, image, { display }) : undefined;
  } finally {
    source.close();
  }
}
