/**
 * What `sonde` starts: the bundle of the command line, which the build puts beside this file, with the code that V8 has
 * compiled of it in an earlier run. Parsing and compiling it would be a third of a short run.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { hashOf, readCached, writeCached } from "../sys/cache-folder.ts";
import type { main } from "./main.ts";

const path = join(dirname(fileURLToPath(import.meta.url)), "cli.cjs");
const bundle = readFileSync(path);

const ASKING = new Set(["-h", "--help", "-V", "--version", "--params"]);

/** Each command runs other parts of the bundle, and loads no code of the others'. */
function kindOf(argv: readonly string[]): string {
  if (argv.some((word) => ASKING.has(word))) return "help";
  return argv[0] !== undefined && /^[a-z]+$/.test(argv[0]) ? argv[0] : "run";
}

const argv = process.argv.slice(2);
const code = `cli-${hashOf(bundle, kindOf(argv), process.version, process.arch).slice(0, 24)}`;
const cachedData = readCached(code);
// The build leaves ASCII in it alone, so that a character takes a byte of memory.
const script = new Script(`(function (exports, require, module, __filename, __dirname) {${bundle.toString("latin1")}\n})`, {
  filename: path,
  ...(cachedData === undefined ? {} : { cachedData }),
});
const module = { exports: {} as { readonly main: typeof main } };
(script.runInThisContext() as (...args: unknown[]) => void)(module.exports, createRequire(import.meta.url), module, path, dirname(path));

const status = await module.exports.main(argv, (url) => import(url));
// Now V8 has compiled what such a run needs, and no more.
if (status === 0 && (cachedData === undefined || script.cachedDataRejected === true)) writeCached(code, script.createCachedData());
// A script may have left a timer or a socket: the run is over all the same. What was written to pipes and files is written.
process.exit(status);
