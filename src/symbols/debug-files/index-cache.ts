/** The index of a program's functions, kept between runs: made once for the same debug information and the same sonde. */
import { readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { decodeIndex, encodeIndex, type FunctionIndex, indexFunctions } from "../../dwarf/index.ts";
import { buildStamp, cacheFolder, hashOf, writeWhole } from "../../sys/cache-folder.ts";
import type { OpenedDebugInfo } from "./open.ts";
import { statFile } from "./stat-file.ts";

/** What all of them may take, in bytes: the oldest go. One alone may take half. */
const MOST = 1 << 30;

const folder = (): string => join(cacheFolder(), "functions");

/**
 * From the cache, or made and kept there. Units in files of their own (.dwo) may change without the program: with them
 * nothing is kept. Throws what reading all of the debug information throws.
 */
export function functionIndex(opened: OpenedDebugInfo, most = MOST): FunctionIndex {
  const path = join(folder(), hashOf(buildStamp(), opened.identity, packageIdentity(opened)));
  const kept = read(path);
  if (kept !== undefined) return kept;
  const index = indexFunctions(opened.debug);
  if (opened.split.files === 0 && opened.split.missing.length === 0) keep(path, encodeIndex(index), most);
  return index;
}

function packageIdentity({ split }: OpenedDebugInfo): string {
  const path = split.packagePath;
  const stat = path === undefined ? undefined : statFile(path);
  return stat === undefined ? "" : `${path} ${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

function read(path: string): FunctionIndex | undefined {
  try {
    const index = decodeIndex(readFileSync(path));
    // So that the oldest are those that nobody uses.
    if (index !== undefined) utimesSync(path, new Date(), new Date());
    return index;
  } catch {
    return undefined;
  }
}

function keep(path: string, bytes: Uint8Array, most: number): void {
  if (bytes.length > most / 2) return;
  try {
    makeRoom(most - bytes.length);
    writeWhole(path, bytes);
  } catch {
    // A full disk or a read-only folder: it is made again next time.
  }
}

function makeRoom(most: number): void {
  let names: readonly string[];
  try {
    names = readdirSync(folder());
  } catch {
    return;
  }
  const files = names.flatMap((name) => {
    const path = join(folder(), name);
    const stat = statFile(path);
    return stat === undefined ? [] : [{ path, size: stat.size, used: stat.mtimeMs }];
  });
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of files.sort((a, b) => a.used - b.used)) {
    if (total <= most) return;
    rmSync(path, { force: true });
    total -= size;
  }
}
