/** Where a program's separate debug information may be: paths in the order in which they are tried. */
import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";

export type Environment = { readonly [name: string]: string | undefined };

/** A file of the program, as the processes that map it know it. */
export interface Place {
  /** Below which the processes' paths are; "" for our own. */
  readonly root: string;
  /** Absolute, below the root. */
  readonly path: string;
}

const USUAL_FOLDER = "/usr/lib/debug";
const BELOW_ROOT = /^(\/proc\/\d+\/root)(\/.*)$/;
const MAPPED = /^(\/proc\/\d+)\/map_files\//;
const DELETED = / \(deleted\)$/;

/** What the path to open a file by says of it; `display` is the path for people, which counts where a mapping is opened. */
export function placeOf(path: string, display: string): Place {
  const below = BELOW_ROOT.exec(path);
  if (below !== null) return { root: below[1]!, path: below[2]! };
  const mapped = MAPPED.exec(path);
  if (mapped !== null && isAbsolute(display)) return { root: `${mapped[1]}/root`, path: display.replace(DELETED, "") };
  return { root: "", path: real(resolve(path)) };
}

/** SONDE_DEBUG_PATH's folders, then the usual one. */
export function debugFolders(environment: Environment): readonly string[] {
  const own = (environment.SONDE_DEBUG_PATH ?? "").split(":").filter((folder) => folder !== "");
  return [...new Set([...own.map((folder) => resolve(folder)), USUAL_FOLDER])];
}

/** A build-id's file: FOLDER/.build-id/xx/yyyy.debug, in the program's root and in our own. */
export function byBuildId(id: string, root: string, folders: readonly string[]): readonly string[] {
  if (!/^[0-9a-f]{4,128}$/.test(id)) return [];
  const name = `.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`;
  return inRoots(
    root,
    folders.map((folder) => join(folder, name)),
  );
}

/** .gnu_debuglink's file: beside the program, in .debug, and in each folder as the program is in its own. */
export function byLink(name: string, place: Place, folders: readonly string[]): readonly string[] {
  if (name === "" || name.includes("/")) return [];
  const folder = dirname(place.path);
  // Packages from before /lib became a link to /usr/lib file it without /usr.
  const parents = folder.startsWith("/usr/") ? [folder, folder.slice("/usr".length)] : [folder];
  const beside = [join(folder, name), join(folder, ".debug", name)].map((path) => place.root + path);
  return [
    ...beside,
    ...inRoots(
      place.root,
      folders.flatMap((each) => parents.map((parent) => join(each, parent, name))),
    ),
  ];
}

/** A supplementary file, as the file `of` names it: a path, or one relative to its own folder; where distributions put them; by its id. */
export function bySupplementaryLink(name: string, id: string, of: string, root: string, folders: readonly string[]): readonly string[] {
  const named = isAbsolute(name) ? inRoots(root, [name]) : [...new Set([of, real(of)])].map((path) => join(dirname(path), name));
  const usual = inRoots(
    root,
    // Debian has a folder for each architecture below .dwz; a tree of it may be kept elsewhere.
    folders.flatMap((folder) => {
      const below = /\/\.dwz\/(.+)$/.exec(name)?.[1];
      return [...(below === undefined ? [] : [join(folder, ".dwz", below)]), join(folder, ".dwz", basename(name))];
    }),
  );
  return [...new Set([...named, ...byBuildId(id, root, folders), ...usual])];
}

/** A split unit's file: as its skeleton names it, then beside the program, where programs are moved to. */
export function bySplitName(name: string, compDir: string | undefined, place: Place): readonly string[] {
  const folder = dirname(place.path);
  const built = isAbsolute(name) ? name : compDir !== undefined && isAbsolute(compDir) ? join(compDir, name) : undefined;
  const beside = [isAbsolute(name) ? [] : [join(folder, name)], join(folder, basename(name))].flat();
  return [...new Set([...(built === undefined ? [] : inRoots(place.root, [built])), ...beside.map((path) => place.root + path)])];
}

/** A program's package of split units: PROGRAM.dwp beside it, beside its debug information, or below the usual folders. */
export function byPackageName(place: Place, debugPath: string, folders: readonly string[]): readonly string[] {
  const name = `${place.path}.dwp`;
  return [
    ...new Set([
      place.root + name,
      `${debugPath}.dwp`,
      ...inRoots(
        place.root,
        folders.map((folder) => join(folder, name)),
      ),
    ]),
  ];
}

/** The files of the process's root first; ours are as good, since each is checked. */
const inRoots = (root: string, paths: readonly string[]): string[] => (root === "" ? [...paths] : [...paths.map((path) => root + path), ...paths]);

/** Not below a process's root: its link is resolved to what it is for the process. */
function real(path: string): string {
  if (path.startsWith("/proc/")) return path;
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
