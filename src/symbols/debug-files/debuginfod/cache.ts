/**
 * The folder with what debuginfod servers gave, laid out as elfutils does so that both use the same:
 *
 *     BUILD-ID/debuginfo          the file; empty: no server had it when it was last asked for
 *     cache_clean_interval_s      seconds between cleanings; its mtime says when the last one was
 *     max_unused_age_s            seconds after which a file that nobody read goes
 *     cache_miss_s                seconds for which an empty file is believed
 *
 * Source: debuginfod-client.c of elfutils 0.192.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { statFile } from "../stat-file.ts";

const SECOND = 1000;
const CLEAN_INTERVAL = ["cache_clean_interval_s", 86_400] as const;
const UNUSED_AGE = ["max_unused_age_s", 604_800] as const;
const MISS = ["cache_miss_s", 600] as const;
/** What we and elfutils put below a build-id; with six more characters, a download that was killed. */
const OURS = /^(?:hdr.*|debuginfo|executable|source.*|section.*)(?:\.[A-Za-z0-9]{6})?$/;

export const fileInCache = (cache: string, buildId: string): string => join(cache, buildId, "debuginfo");

/** The file, if it is there. Its time of access is set, by which unused ones are told. */
export function cached(cache: string, buildId: string): string | undefined {
  const path = fileInCache(cache, buildId);
  const stat = statFile(path);
  if (stat === undefined || stat.size === 0) return undefined;
  try {
    utimesSync(path, new Date(), stat.mtime);
  } catch {
    // Another user's, or read-only: it is as good without.
  }
  return path;
}

/** Whether no server had it a short time ago. */
export function isKnownMissing(cache: string, buildId: string): boolean {
  const stat = statFile(fileInCache(cache, buildId));
  return stat?.size === 0 && Date.now() - stat.mtimeMs <= setting(cache, MISS) * SECOND;
}

export function rememberMissing(cache: string, buildId: string): void {
  const path = fileInCache(cache, buildId);
  try {
    // Not over one that somebody else has got meanwhile.
    if (statFile(path)?.size === 0) rmSync(path, { force: true });
    closeSync(openSync(path, "wx", 0o600));
  } catch {
    // It is asked for again next time.
  }
}

/** The folder of a build-id, made if it isn't there. Throws Node's errors. */
export function folderFor(cache: string, buildId: string): string {
  const folder = join(cache, buildId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Takes out what nobody has read for a week, once a day, or as the folder's own settings say. */
export function clean(cache: string): void {
  try {
    const marker = join(cache, CLEAN_INTERVAL[0]);
    const interval = setting(cache, CLEAN_INTERVAL);
    if (Date.now() - statSync(marker).mtimeMs < interval * SECOND) return;
    utimesSync(marker, new Date(), new Date());
    const before = Date.now() - setting(cache, UNUSED_AGE) * SECOND;
    for (const id of readdirSync(cache)) if (/^[0-9a-f]+$/.test(id)) cleanFolder(join(cache, id), before);
  } catch {
    // Somebody else cleans, or nobody may.
  }
}

function cleanFolder(folder: string, before: number): void {
  const { mtimeMs } = statSync(folder);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (OURS.test(name) && statSync(path).atimeMs < before) rmSync(path, { force: true });
  }
  if (mtimeMs < before && readdirSync(folder).length === 0) rmdirSync(folder);
}

/** A number in a file of the folder, which is made with the default if it isn't there. */
function setting(cache: string, [name, usual]: readonly [string, number]): number {
  const path = join(cache, name);
  try {
    const value = Number.parseInt(readFileSync(path, "utf8"), 10);
    return Number.isSafeInteger(value) ? value : usual;
  } catch {
    try {
      writeFileSync(path, `${usual}`, { flag: "wx", mode: 0o600 });
    } catch {
      // Read-only, or made by somebody else meanwhile.
    }
    return usual;
  }
}
