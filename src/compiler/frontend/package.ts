/** What the front end takes from its own package: TypeScript, and the declarations that scripts are checked against. The only part of the compiler that reads files. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's root: where its package.json is, from the sources as from the bundle. */
export const packageRoot: string = (() => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
  }
})();

/** Declarations by the path that the program gives them. All are below `packageRoot`. */
export const declarations = {
  es: join(packageRoot, "src/compiler/lib/es.d.ts"),
  host: join(packageRoot, "src/compiler/lib/host.d.ts"),
  sonde: join(packageRoot, "lib/sonde.d.ts"),
  testing: join(packageRoot, "lib/testing.d.ts"),
  types: join(packageRoot, "lib/types"),
} as const;

const texts = new Map<string, string | undefined>();

/** The text of a declaration file of the package; undefined if there is none. */
export function packageText(path: string): string | undefined {
  if (!texts.has(path)) texts.set(path, existsSync(path) ? readFileSync(path, "utf8") : undefined);
  return texts.get(path);
}
