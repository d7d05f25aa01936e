/** Compiled scripts by the text they were compiled from, so that an unchanged script never loads TypeScript. */
import { readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.ts";
import type { ScriptUnit } from "../../compiler/hir/types.ts";
import { buildStamp, cacheFolder, hashOf, readCached, writeCached } from "../../sys/cache-folder.ts";

export interface CachedScript {
  readonly unit: ScriptUnit;
  /** Warnings and hints: they are shown at every run. */
  readonly diagnostics: readonly Diagnostic[];
  /** Further files that were read (declarations): path and text's hash. */
  readonly dependencies: readonly (readonly [path: string, hash: string])[];
}

const nameOf = (script: string, text: string): string => `scripts/${hashOf(buildStamp(), script, text)}.json`;

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The compiled script if it and every file that it was compiled with are unchanged. */
export function readCache(script: string, text: string): CachedScript | undefined {
  const name = nameOf(script, text);
  const content = readCached(name)?.toString("utf8");
  if (content === undefined) return undefined;
  try {
    const cached = JSON.parse(content) as CachedScript;
    const same =
      cached.unit.files.every((file, i) => i === 0 || textOf(file.path) === file.text) &&
      cached.dependencies.every(([file, hash]) => hashOf(textOf(file) ?? "") === hash);
    if (!same) return undefined;
    const now = new Date();
    utimesSync(join(cacheFolder(), name), now, now);
    return cached;
  } catch {
    // Cut short by a full disk, or written by hand: compiled again.
    return undefined;
  }
}

export function writeCache(script: string, text: string, compiled: CachedScript): void {
  writeCached(nameOf(script, text), JSON.stringify(compiled));
}
