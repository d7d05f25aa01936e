/**
 * Runs a compiled script's host side: its modules are written where Node can import them, bound to the session's scope.
 * A script of one file is a function that every session calls. The files of others are asked for by URLs that name the session,
 * so that each session has its own instances: Node keeps those for as long as the process lives.
 */
import { existsSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ScriptUnit } from "../../compiler/hir/types.ts";
import { SondeBug, SondeError } from "../../errors/error.ts";
import { cacheFolder, hashOf, writeWhole } from "../../sys/cache-folder.ts";
import { Registration } from "../registration.ts";
import type { ModuleBindings, Scope } from "../scope.ts";
import type { Vocabulary } from "../vocabulary/vocabulary.ts";
import { resolveBare } from "./bare-specifier.ts";
import { nativeImport } from "./native-import.ts";
import type { ScriptSource } from "./source.ts";

/** What the first line of a compiled module asks for. */
interface ModuleScope {
  readonly vocabulary: Vocabulary;
  handler(id: number, captures: () => { readonly [name: string]: unknown }): Registration;
  /** `exports`: exported name → name in the module. */
  module(bindings: ModuleBindings, exports: { readonly [exported: string]: string }): void;
}

/** One for all copies of sonde in this process: the command line's, and the library's, should a package that the script imports open a session. */
interface Door {
  (url: string): ModuleScope;
  readonly modules: Map<string, ModuleScope>;
  sessions: number;
  /** How often the import of a module of one file has failed: Node would fail again, whatever has changed. */
  readonly failures: Map<string, number>;
}

const DOOR = Symbol.for("sonde.scope");

function door(): Door {
  const modules = new Map<string, ModuleScope>();
  const open = (url: string): ModuleScope => {
    const scope = modules.get(url);
    if (scope === undefined) throw new SondeBug(`no session for the module ${url}`);
    return scope;
  };
  const global = globalThis as { [DOOR]?: Door };
  global[DOOR] ??= Object.assign(open, { modules, sessions: 0, failures: new Map<string, number>() });
  return global[DOOR];
}

/** It is in use, so it isn't swept. */
function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // Swept just now: what is needed is written again.
  }
}

/** The modules' folder and URLs. The text of a module names the session only if it imports another one. */
function writeModules(unit: ScriptUnit, source: ScriptSource, session: number): string[] {
  const alone = unit.files.length === 1;
  const name = (n: number): string => (alone ? `${n}.mjs` : `${n}.mjs?session=${session}`);
  const resolved = new Map<string, string>();
  const bare = (specifier: string): string => {
    if (!resolved.has(specifier)) resolved.set(specifier, resolveBare(specifier, source.folder));
    return resolved.get(specifier)!;
  };
  // The placeholders stand in string literals: what they hold is escaped as in JSON.
  const unquoted = (text: string): string => JSON.parse(`"${text}"`) as string;
  const quoted = (text: string): string => JSON.stringify(text).slice(1, -1);
  const texts = unit.files.map(({ code }) =>
    code
      .replace(/__SONDE_FILE_(\d+)__/g, (_, n: string) => `./${name(Number(n))}`)
      .replace(/__SONDE_BARE_\((.*?)\)__/g, (_, specifier: string) => quoted(bare(unquoted(specifier))))
      .replace(/__SONDE_URL_\((.*?)\)__/g, (_, path: string) => quoted(pathToFileURL(unquoted(path)).href)),
  );
  const folder = join(cacheFolder(), "modules", hashOf(...texts).slice(0, 40));
  if (existsSync(folder)) touch(folder);
  for (const [n, text] of texts.entries()) {
    const path = join(folder, `${n}.mjs`);
    if (!existsSync(path)) writeWhole(path, text);
  }
  return texts.map((_, n) => `${pathToFileURL(folder).href}/${name(n)}`);
}

/** Puts the script's own paths in the place of the written modules' in a stack. Lines are the same. */
function originalStack(stack: string, urls: readonly string[], unit: ScriptUnit): string {
  let text = stack;
  for (const [n, url] of urls.entries()) {
    const path = unit.files[n]!.path;
    text = text.replaceAll(url, path).replaceAll(fileURLToPath(url), path).replaceAll(url.replace(/\?.*$/, ""), path);
  }
  return text;
}

/** The first place in one of the script's files: `path:line`. */
function placeIn(stack: string, unit: ScriptUnit): string | undefined {
  for (const line of stack.split("\n")) {
    for (const { path } of unit.files) {
      const at = line.indexOf(`${path}:`);
      const found = at < 0 ? null : /^:(\d+)/.exec(line.slice(at + path.length));
      if (found) return `${path}:${found[1]}`;
    }
  }
  return undefined;
}

export interface LoadedScript {
  /** What the script's host code threw, as an error with the script's own file and line. */
  fault(error: unknown): SondeError;
  /** After the session is closed no module of it is imported any more. */
  forget(): void;
}

export async function loadScript(unit: ScriptUnit, source: ScriptSource, scope: Scope, vocabulary: Vocabulary): Promise<LoadedScript> {
  const ours = door();
  const { modules, failures } = ours;
  ours.sessions += 1;
  const urls = writeModules(unit, source, ours.sessions);
  const scopeOf = (file: number): ModuleScope => ({
    vocabulary,
    handler: (id, captures) => new Registration(id, captures),
    module: (bindings, exports) => scope.publish(file, bindings, exports),
  });
  const [main] = urls as [string];
  const fault = (error: unknown): SondeError => scriptFault(error, urls, unit);
  const forget = (): void => {
    for (const url of urls) modules.delete(url);
  };
  try {
    if (urls.length === 1) await (await importAlone(main, failures))(scopeOf(0));
    else {
      for (const [file, url] of urls.entries()) modules.set(url, scopeOf(file));
      await nativeImport(main);
    }
    return { fault, forget };
  } catch (error) {
    forget();
    throw fault(error);
  }
}

/** The function that a script of one file is. */
async function importAlone(url: string, failures: Map<string, number>): Promise<(scope: ModuleScope) => Promise<void>> {
  const failed = failures.get(url) ?? 0;
  try {
    const { default: script } = await nativeImport(failed === 0 ? url : `${url}?again=${failed}`);
    return script as (scope: ModuleScope) => Promise<void>;
  } catch (error) {
    failures.set(url, failed + 1);
    throw error;
  }
}

function scriptFault(error: unknown, urls: readonly string[], unit: ScriptUnit): SondeError {
  const stack = originalStack(error instanceof Error ? (error.stack ?? "") : "", urls, unit);
  const where = placeIn(stack, unit);
  if (error instanceof SondeError) {
    if (error instanceof SondeBug || where === undefined) return error;
    const { message, code, why, mend, exit } = error;
    const place = error.where === undefined || error.where === where ? where : `${where} (${error.where})`;
    return new SondeError(code as `SONDE_${string}`, message, {
      where: place,
      exit,
      cause: error,
      ...(why === undefined ? {} : { why }),
      ...(mend === undefined ? {} : { mend }),
    });
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const frames = stack
    .split("\n")
    .filter((line) => unit.files.some(({ path }) => line.includes(`${path}:`)))
    .map((line) => line.trim());
  return new SondeError("SONDE_SCRIPT_THREW", `the script threw ${originalStack(message, urls, unit)}`, {
    ...(where === undefined ? {} : { where }),
    ...(frames.length > 1 ? { why: frames.join("\n") } : {}),
    cause: error,
  });
}
