/** Finds the packages that a script imports, from the script's folder, as Node would from a module there. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { SondeError } from "../../errors/error.ts";

type Exports = string | null | readonly Exports[] | { readonly [key: string]: Exports };

const CONDITIONS = ["import", "module-sync", "node", "default"];

/** The first target whose conditions hold; `*` stands for what the subpath put in its place. */
function target(entry: Exports | undefined, star: string): string | undefined {
  if (entry === undefined || entry === null) return undefined;
  if (typeof entry === "string") return entry.replaceAll("*", star);
  if (Array.isArray(entry)) return (entry as readonly Exports[]).map((one) => target(one, star)).find((one) => one !== undefined);
  for (const [condition, inner] of Object.entries(entry)) {
    if (!CONDITIONS.includes(condition)) continue;
    const found = target(inner, star);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Node's rules for `exports`: exact subpaths, then the pattern with the longest part before its star. */
export function resolveExports(exports: Exports, subpath: string): string | undefined {
  const byPath = typeof exports === "object" && exports !== null && !Array.isArray(exports) && Object.keys(exports).some((key) => key.startsWith("."));
  if (!byPath) return subpath === "." ? target(exports, "") : undefined;
  const paths = exports as { readonly [key: string]: Exports };
  if (Object.hasOwn(paths, subpath)) return target(paths[subpath], "");
  const patterns = Object.keys(paths)
    .filter((key) => key.includes("*"))
    .sort((a, b) => b.indexOf("*") - a.indexOf("*"));
  for (const pattern of patterns) {
    const [head, tail] = pattern.split("*") as [string, string];
    if (subpath.startsWith(head) && subpath.endsWith(tail) && subpath.length >= pattern.length)
      return target(paths[pattern], subpath.slice(head.length, subpath.length - tail.length));
  }
  return undefined;
}

function importTarget(specifier: string, folder: string): string | undefined {
  const [, name, rest] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(specifier) ?? [];
  if (name === undefined || rest === undefined) return undefined;
  for (let at = folder; ; at = dirname(at)) {
    const root = join(at, "node_modules", name);
    const manifest = join(root, "package.json");
    if (existsSync(manifest)) {
      const { exports, module } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly exports?: Exports; readonly module?: string };
      const found = exports === undefined ? (rest === "" ? module : undefined) : resolveExports(exports, `.${rest}`);
      return found === undefined ? undefined : join(root, found);
    }
    if (at === dirname(at)) return undefined;
  }
}

/** The URL to import a bare specifier by. Throws SONDE_IMPORT. */
export function resolveBare(specifier: string, folder: string): string {
  if (isBuiltin(specifier)) return specifier.startsWith("node:") ? specifier : `node:${specifier}`;
  const own = importTarget(specifier, folder);
  if (own !== undefined) return pathToFileURL(own).href;
  try {
    return pathToFileURL(createRequire(join(folder, "script.js")).resolve(specifier)).href;
  } catch (error) {
    throw new SondeError("SONDE_IMPORT", `the script imports "${specifier}", which isn't installed`, {
      where: folder,
      mend: `Run npm install ${specifier} in the script's folder.`,
      cause: error,
    });
  }
}
