/**
 * The files that running processes really map under a name. A library replaced by an upgrade stays mapped as
 * "(deleted)": its inode is another one than the path's, and is only reached through /proc/PID/map_files.
 */
import { statSync } from "node:fs";
import { uptime } from "node:os";
import { basename, resolve } from "node:path";
import { SondeError } from "../errors/error.ts";
import { allMaps, executableOf, type Mapping, parseMappings, readMappings, rootOf } from "../sys/procfs.ts";
import { type FoundFile, findFiles } from "./files.ts";
import { isLibraryNamed } from "./ld-cache.ts";

/** Files found, and what the user should know. */
export interface FoundFiles {
  readonly files: readonly FoundFile[];
  readonly notes: readonly string[];
}

/** The files of a name for these processes; for every process, where there are none. Throws SONDE_FILE_NOT_FOUND, SONDE_PROCESS_…. */
export function filesFor(name: string, pids: readonly number[]): FoundFiles {
  if (pids.length === 0) return filesForAll(name);
  const notes: string[] = [];
  const files = new Map<string, FoundFile>();
  let failure: unknown;
  for (const pid of pids) {
    try {
      for (const file of filesForProcess(name, pid, notes)) addFile(files, file);
    } catch (error) {
      // One process hasn't the file; another may have it. One that isn't there is an error in any case.
      if (!(error instanceof SondeError) || error.code !== "SONDE_FILE_NOT_FOUND") throw error;
      failure ??= error;
    }
  }
  if (files.size === 0) throw failure;
  return { files: [...files.values()], notes };
}

function filesForProcess(name: string, pid: number, notes: string[]): FoundFile[] {
  const root = rootOf(pid);
  const mappings = readMappings(pid);
  const program = executableOf(pid);
  const absolute = name.includes("/") ? resolve(name) : undefined;
  const target = absolute === undefined ? undefined : realOf(absolute);
  const meant = (mapping: Mapping): boolean => {
    if (!mapping.path.startsWith("/")) return false;
    if (absolute !== undefined) {
      if (mapping.path === absolute) return true;
      // The path as we see it, for a process that sees what we see.
      return (
        root === "" &&
        target !== undefined &&
        !mapping.deleted &&
        mapping.inode === target.inode &&
        (mapping.device === target.device || basename(mapping.path) === basename(absolute))
      );
    }
    const file = basename(mapping.path);
    return isLibraryNamed(name, file) || (file === name && mapping.path === program);
  };
  const found: FoundFile[] = [];
  const seen = new Set<string>();
  for (const mapping of mappings) {
    if (mapping.permissions[2] !== "x" || !meant(mapping)) continue;
    const key = `${mapping.device}:${mapping.inode}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const path = `${root}${mapping.path}`;
    const onDisk = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (onDisk !== undefined && onDisk.ino === mapping.inode && !mapping.deleted) {
      found.push({ path, display: mapping.path });
      continue;
    }
    const old = oldFile(pid, mapping, notes);
    if (old !== undefined) found.push(old);
    if (onDisk?.isFile() === true) found.push({ path, display: mapping.path });
  }
  // Not mapped yet, perhaps soon.
  return found.length > 0 ? found : findFiles(name, root);
}

/** The files as they are on disk, with those that processes still map under the same paths. */
function filesForAll(name: string): FoundFiles {
  const files = new Map<string, FoundFile>();
  const notes: string[] = [];
  const found = findFiles(name);
  for (const file of found) addFile(files, file);
  const suspect = found.filter((file) => changedSinceBoot(file.path));
  if (suspect.length === 0) return { files: [...files.values()], notes };
  const needles = suspect.map((file) => ({ path: file.path, needle: Buffer.from(`${file.path.replaceAll("\n", "\\012")} (deleted)\n`) }));
  const seen = new Set<string>();
  for (const { pid, text } of allMaps()) {
    for (const { path, needle } of needles) {
      if (!text.includes(needle)) continue;
      for (const mapping of parseMappings(text.toString("utf8"))) {
        if (!mapping.deleted || mapping.path !== path || mapping.permissions[2] !== "x") continue;
        const key = `${mapping.device}:${mapping.inode}`;
        if (seen.has(key)) continue;
        const old = oldFile(pid, mapping, notes);
        if (old === undefined) continue;
        seen.add(key);
        notes.push(`process ${pid} still maps an older ${mapping.path}, replaced since: it is probed as well`);
        addFile(files, old);
      }
    }
  }
  return { files: [...files.values()], notes: [...new Set(notes)] };
}

/**
 * Whether a file may have been put in another's place since the system started; processes are not older than that, so only
 * then can one map an older file. Putting a file in place changes its ctime. A day is allowed for clocks that were set.
 */
function changedSinceBoot(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined || stat.ctimeMs > Date.now() - uptime() * 1000 - 86_400_000;
}

/** The mapped file behind a path that leads elsewhere now; undefined, with a note, where it can't be reached. */
function oldFile(pid: number, mapping: Mapping, notes: string[]): FoundFile | undefined {
  const path = `/proc/${pid}/map_files/${mapping.range}`;
  try {
    statSync(path);
    return { path, display: `${mapping.path} (deleted)` };
  } catch {
    notes.push(
      `process ${pid} maps an older ${mapping.path}, replaced since, which can't be opened: it is not probed (that needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE)`,
    );
    return undefined;
  }
}

function addFile(files: Map<string, FoundFile>, file: FoundFile): void {
  const stat = statSync(file.path, { bigint: true, throwIfNoEntry: false });
  const key = stat === undefined ? file.path : `${stat.dev}:${stat.ino}`;
  if (!files.has(key)) files.set(key, file);
}

function realOf(path: string): { inode: bigint; device: bigint } | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? undefined : { inode: stat.ino, device: stat.dev };
}
