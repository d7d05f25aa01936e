/** Debug information that is needed and isn't on the disk: asked of debuginfod's servers, where DEBUGINFOD_URLS names some. */
import type { HandlerHir, ScriptUnit } from "../../compiler/hir/types.ts";
import { readElf } from "../../elf/image.ts";
import { SondeError } from "../../errors/error.ts";
import { openOrFetchDebugInfo } from "../../symbols/debug-files/open.ts";
import { FileSource } from "../../symbols/file-source.ts";
import { filesFor } from "../../symbols/process-files.ts";
import { parseTarget } from "../../symbols/target.ts";
import type { Scope } from "../scope.ts";
import { fetchDebugInfoOf } from "./site-types.ts";
import { usedTypes, usesAny } from "./used-types.ts";

const isAsked = (): boolean => (process.env.DEBUGINFOD_URLS ?? "").trim() !== "";

/** Of the files of source lines that the script's text names: to be done before it runs, for its probes are resolved at once. Never rejects. */
export async function fetchLines({ handlers }: Pick<ScriptUnit, "handlers">, pids: readonly number[]): Promise<void> {
  if (!isAsked()) return;
  for (const target of new Set(handlers.flatMap(({ targets }) => targets ?? []))) {
    await unlessRefused(async () => {
      const { place, file } = parseTarget(target);
      if (place.kind !== "line") return;
      for (const { path, display } of filesFor(file, pids).files) await fetchOf(path, display);
    });
  }
}

/** Of the programs whose types the handlers use. Never rejects. */
export async function fetchTypes({ handlers }: Pick<ScriptUnit, "handlers">, { probes }: Pick<Scope, "probes">): Promise<void> {
  if (!isAsked()) return;
  const typed = new Set(handlers.filter((handler: HandlerHir) => usesAny(usedTypes(handler))).map(({ id }) => id));
  await fetchDebugInfoOf(probes.filter(({ registration }) => typed.has(registration.handler)).flatMap(({ sites }) => sites));
}

async function fetchOf(path: string, display: string): Promise<void> {
  const source = new FileSource(path, display);
  try {
    await openOrFetchDebugInfo(path, readElf(source), { display });
  } finally {
    source.close();
  }
}

/** Whatever is wrong is said where the target is resolved. */
async function unlessRefused(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof SondeError)) throw error;
  }
}
