/** What the front end takes from its own package: TypeScript, and the declarations that scripts are checked against. The only part of the compiler that reads files. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";

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
  types: join(packageRoot, "lib/types"),
} as const;
/** Those of the vocabulary: `declarations.sonde`, and the files whose declarations it exports. */
export const vocabularyFiles: ReadonlySet<string> = new Set([declarations.sonde, ...["hits", "session"].map((name) => join(packageRoot, `lib/${name}.d.ts`))]);

const texts = new Map<string, string | undefined>();

/** The text of a declaration file of the package; undefined for any other path, and if there is none. */
export function packageText(path: string): string | undefined {
  const { es, host, types } = declarations;
  if (path !== es && path !== host && !vocabularyFiles.has(path) && !path.startsWith(`${types}/`)) return undefined;
  if (!texts.has(path)) texts.set(path, existsSync(path) ? readFileSync(path, "utf8") : undefined);
  return texts.get(path);
}

/** The compiler's script, if this run had to compile it without kept code. */
let compiledHere: Script | undefined;

/**
 * TypeScript. From the bundle: its part in dist/, made by scripts/build-typescript.mjs, with the code that V8 compiled of
 * it in an earlier run: dist/typescript.code, or, where that is another V8's, the file in `cacheFolder`.
 */
export function loadCompiler(cacheFolder: string | undefined): unknown {
  const require = createRequire(import.meta.url);
  const path = join(packageRoot, "dist/typescript.cjs");
  if (import.meta.url.endsWith(".ts") || !existsSync(path)) return require("typescript");
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, "latin1")}\n})`;
  let script: Script | undefined;
  for (const folder of [join(packageRoot, "dist"), cacheFolder]) {
    if (folder === undefined || !existsSync(codeIn(folder))) continue;
    script = new Script(wrapped, { filename: path, cachedData: readFileSync(codeIn(folder)) });
    if (script.cachedDataRejected !== true) break;
  }
  if (script === undefined || script.cachedDataRejected === true) compiledHere = script ??= new Script(wrapped, { filename: path });
  const module = { exports: {} };
  (script.runInThisContext() as (...args: unknown[]) => void)(module.exports, fewBuiltins(require), module, path, dirname(path));
  return module.exports;
}

/** TypeScript asks for more than it needs here (it hashes nothing), and does without. */
const fewBuiltins =
  (require: NodeJS.Require) =>
  (name: string): unknown => {
    if (name === "crypto" || name === "inspector") throw new Error(`${name} was left out`);
    return require(name);
  };

const codeIn = (folder: string): string => join(folder, "typescript.code");

/** Keeps what V8 has compiled by now, functions run since included, if this run had to compile them itself. */
export function keepCompiledCode(folder: string): void {
  if (compiledHere === undefined) return;
  const path = codeIn(folder);
  try {
    writeFileSync(`${path}.${process.pid}`, compiledHere.createCachedData(), { mode: 0o644 });
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // A full disk or a read-only folder: the next run compiles again.
  }
  compiledHere = undefined;
}
