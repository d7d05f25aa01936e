/** Compiled scripts by the text they were compiled from, so that an unchanged script never loads TypeScript. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.ts";
import type { ScriptUnit } from "../../compiler/hir/types.ts";
import { privateFolder } from "./private-folder.ts";

export interface CachedScript {
  readonly unit: ScriptUnit;
  /** Warnings and hints: they are shown at every run. */
  readonly diagnostics: readonly Diagnostic[];
  /** Further files that were read (declarations): path and text's hash. */
  readonly dependencies: readonly (readonly [path: string, hash: string])[];
}

/** Compiled scripts that haven't been used for so long go. */
const KEEP_MS = 30 * 24 * 3_600_000;

export const hashOf = (...texts: readonly string[]): string => {
  const hash = createHash("sha256");
  // With its length before it, no text can pass for the end of another one.
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}\n`).update(text);
  return hash.digest("hex");
};

/** Whole or not at all, whoever else writes the same file now. */
export function writeWhole(path: string, content: string | Uint8Array, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  writeFileSync(temporary, content, { mode, flag: "wx" });
  renameSync(temporary, path);
}

/** What would compile differently: the version, or, where sonde runs from its sources, the newest of the compiler's files. */
let stamp: string | undefined;
function toolStamp(): string {
  if (stamp !== undefined) return stamp;
  const here = fileURLToPath(import.meta.url);
  let newest = 0;
  if (here.endsWith(".ts")) {
    const compiler = join(dirname(here), "../../compiler");
    for (const name of readdirSync(compiler, { recursive: true }) as string[]) newest = Math.max(newest, statSync(join(compiler, name)).mtimeMs);
    const lib = join(dirname(here), "../../../lib");
    for (const name of readdirSync(lib, { recursive: true }) as string[]) newest = Math.max(newest, statSync(join(lib, name)).mtimeMs);
  } else {
    // The entries are written by every build, also where this chunk is the same as before.
    for (const entry of ["cli.mjs", "index.mjs"]) newest = Math.max(newest, statSync(join(dirname(here), entry), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  }
  stamp = `${process.env.SONDE_VERSION ?? "source"} ${newest} ${process.version}`;
  return stamp;
}

const pathOf = (script: string, text: string): string => join(privateFolder(), "scripts", `${hashOf(toolStamp(), script, text)}.json`);

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The compiled script if it and every file that it was compiled with are unchanged. */
export function readCache(script: string, text: string): CachedScript | undefined {
  const path = pathOf(script, text);
  const content = textOf(path);
  if (content === undefined) return undefined;
  try {
    const cached = JSON.parse(content) as CachedScript;
    const same =
      cached.unit.files.every((file, i) => i === 0 || textOf(file.path) === file.text) &&
      cached.dependencies.every(([file, hash]) => hashOf(textOf(file) ?? "") === hash);
    if (!same) return undefined;
    const now = new Date();
    utimesSync(path, now, now);
    return cached;
  } catch {
    // Cut short by a full disk, or written by hand: compiled again.
    return undefined;
  }
}

export function writeCache(script: string, text: string, compiled: CachedScript): void {
  try {
    writeWhole(pathOf(script, text), JSON.stringify(compiled));
    sweep(join(privateFolder(), "scripts"));
    sweep(join(privateFolder(), "modules"));
  } catch {
    // A cache that can't be written costs time, nothing else.
  }
}

/** Only when something new is written: a run from the cache doesn't pay for it. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (Date.now() - statSync(path).mtimeMs > KEEP_MS) rmSync(path, { recursive: true, force: true });
  }
}
