/** `sonde init`: a tsconfig.json with which an editor knows the vocabulary, wherever sonde itself is installed. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ExitStatus, SondeError } from "../../errors/error.ts";

/** The folder of the package: the bundle lies in its dist/. */
export const packageRoot = (): string => dirname(dirname(fileURLToPath(import.meta.url)));

/** Whether scripts in `folder` find it by its name. */
function resolves(folder: string, specifier: string): boolean {
  try {
    createRequire(join(folder, "x.js")).resolve(specifier);
    return true;
  } catch {
    return false;
  }
}

export function init(where: string): number {
  const folder = resolve(where);
  const file = join(folder, "tsconfig.json");
  if (existsSync(file)) {
    throw new SondeError("SONDE_EXISTS", "there is a tsconfig.json already", {
      where: file,
      mend: `Add to its compilerOptions: "paths": { "sonde": ["${join(packageRoot(), "lib/sonde.d.ts")}"] }`,
    });
  }
  const path = (to: string): string => relative(folder, to).replace(/^(?!\.)/, "./");
  const at = path(join(packageRoot(), "lib"));
  const node = resolves(folder, "@types/node/package.json");
  const compilerOptions = {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    types: node ? ["node"] : [],
    module: "esnext",
    moduleResolution: "bundler",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    moduleDetection: "force",
    ...(resolves(folder, "sonde/package.json")
      ? {}
      : { paths: { sonde: [`${at}/sonde.d.ts`], "sonde/testing": [`${at}/testing.d.ts`], "sonde/types/*": [`${at}/types/*.d.ts`] } }),
  };
  mkdirSync(folder, { recursive: true });
  // Without Node's declarations its names are known at least: console, process and the like.
  const include = ["**/*.ts", ...(node ? [] : [path(join(packageRoot(), "src/compiler/lib/host.d.ts"))])];
  writeFileSync(file, `${JSON.stringify({ compilerOptions, include }, null, 2)}\n`);
  process.stdout.write(`wrote ${relative(process.cwd(), file) || file}\n`);
  if (!node) process.stdout.write('For the types of Node\'s own modules: npm install --save-dev @types/node, and "types": ["node"] in it.\n');
  return ExitStatus.ok;
}
