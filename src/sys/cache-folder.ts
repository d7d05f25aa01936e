/**
 * The folder for what is kept between runs: compiled scripts, the modules that Node imports, facts about the kernel. What
 * lies in it is run, as root mostly, so a folder that belongs to somebody else, or could be moved away by somebody else,
 * isn't used. A cache that can't be used is as good as none.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;
const OTHERS = 0o077;
/** What hasn't been used for so long goes. */
const KEEP_MS = 30 * 24 * 3_600_000;

/** Folders of which each entry has its own age. */
const SHELVES = ["scripts", "modules", "functions"];

const own = (): number => process.getuid?.() ?? 0;

/** Nobody but us and root can rename what lies in it. */
function parentIsSafe(path: string): boolean {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return false;
  if ((stat.mode & STICKY) !== 0) return true;
  return (stat.uid === own() || stat.uid === 0) && (stat.mode & OTHERS_WRITE) === 0;
}

/** The folder, made if it isn't there; undefined if it can't be trusted or made. */
function claim(path: string): string | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true });
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") return undefined;
    }
    const stat = lstatSync(path);
    const ours = stat.isDirectory() && stat.uid === own() && (stat.mode & OTHERS) === 0;
    return ours && parentIsSafe(dirname(path)) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The XDG rules: a path that isn't absolute counts as none. */
function usual(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base?.startsWith("/") ? base : join(homedir(), ".cache"), "sonde");
}

let found: string | undefined;

/** $XDG_CACHE_HOME/sonde or ~/.cache/sonde; else one in the folder for temporary files; else one for this process alone. */
export function cacheFolder(): string {
  found ??= claim(usual()) ?? claim(join(tmpdir(), `sonde-${own()}`)) ?? forThisProcess();
  return found;
}

function forThisProcess(): string {
  const path = mkdtempSync(join(tmpdir(), "sonde-"));
  process.on("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

let stamp: string | undefined;

/**
 * Which build of sonde this is: what another one has kept isn't read. Put in by the build, a hash of all that it is made
 * from; where sonde runs from its sources, the newest of their times.
 */
export function buildStamp(): string {
  stamp ??= process.env.SONDE_BUILD ?? newestSource();
  return stamp;
}

function newestSource(): string {
  const here = fileURLToPath(import.meta.url);
  if (!here.endsWith(".ts")) return `bundle ${statSync(here).mtimeMs}`;
  const root = join(dirname(here), "../..");
  let newest = 0;
  for (const folder of [join(root, "src"), join(root, "lib")]) {
    for (const name of readdirSync(folder, { recursive: true }) as string[])
      newest = Math.max(newest, statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  }
  return `source ${newest}`;
}

/** A name that stands for these texts. */
export function hashOf(...texts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  // With its length before it, no text can pass for the end of another one.
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}\n`).update(text);
  return hash.digest("hex");
}

/** Whole or not at all, whoever else writes the same file now: written beside and renamed. Throws Node's errors. */
export function writeWhole(path: string, content: string | Uint8Array, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(temporary, content, { mode, flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

export function readCached(name: string): Buffer | undefined {
  try {
    return readFileSync(join(cacheFolder(), name));
  } catch {
    return undefined;
  }
}

/** Also takes out what nobody has used for a month: a run that only reads doesn't pay for that. */
export function writeCached(name: string, content: Uint8Array | string): void {
  try {
    writeWhole(join(cacheFolder(), name), content);
    for (const folder of [cacheFolder(), ...SHELVES.map((shelf) => join(cacheFolder(), shelf))]) sweep(folder);
  } catch {
    // A full disk or a read-only folder: it is computed again next time.
  }
}

function sweep(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (SHELVES.includes(name)) continue;
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && Date.now() - stat.mtimeMs > KEEP_MS) rmSync(path, { recursive: true, force: true });
  }
}
