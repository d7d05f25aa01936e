/** Compiles a script, or takes what an earlier run has compiled: an unchanged script never loads TypeScript. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildStamp, cacheFolder, hashOf } from "../../sys/cache-folder.ts";
import { ScriptErrors } from "../script-errors.ts";
import { type CachedScript, readCache, writeCache } from "./cache.ts";
import type { ScriptSource } from "./source.ts";

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Where what this Node's V8 made of this build's TypeScript is kept; V8 itself would take another text of the same length for it. */
export function codeFolder(): string | undefined {
  const path = join(cacheFolder(), `code-${hashOf(buildStamp(), process.version, process.arch).slice(0, 16)}`);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  } catch {
    return undefined;
  }
}

/** Throws SONDE_SCRIPT_ERRORS with all that the compiler has to say. */
export async function compiled(source: ScriptSource): Promise<CachedScript> {
  // A one-liner's imports are looked for in its folder, so that is a part of what it is.
  const identity = source.path === "-e" ? `-e ${source.folder}` : source.path;
  const cached = readCache(identity, source.text);
  if (cached !== undefined) return cached;
  const { compileScript } = await import("../../compiler/frontend/compile.ts");
  const code = codeFolder();
  const { unit, accepted, diagnostics, dependencies } = compileScript({
    path: source.path,
    folder: source.folder,
    text: source.text,
    readFile: readText,
    ...(code === undefined ? {} : { cacheFolder: code }),
  });
  if (unit === undefined) {
    const others = dependencies.map((path) => ({ path, text: readText(path) ?? "" }));
    throw new ScriptErrors(diagnostics, [{ path: source.path, text: source.text }, ...others], accepted);
  }
  const fresh: CachedScript = { unit, diagnostics, dependencies: dependencies.map((path) => [path, hashOf(readText(path) ?? "")] as const) };
  writeCache(identity, source.text, fresh);
  return fresh;
}
