/** From the name of a library or program to the files that are meant. */
import { accessSync, constants, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { SondeError } from "../errors/error.ts";
import { nearNames } from "../errors/near-names.ts";
import { isLibraryNamed, parseLoaderCache } from "./ld-cache.ts";

/** A file to look for the function in. */
export interface FoundFile {
  /** To open it by. */
  readonly path: string;
  /** For people. */
  readonly display: string;
}

const LIBRARY_FOLDERS = ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"];

/**
 * The files of a name, below `root` ("" for our own): a path if it has a slash, else a library as the loader would find
 * it, else a program in PATH. LD_LIBRARY_PATH is not looked at: it is ours, not the target's.
 * Throws SONDE_FILE_NOT_FOUND.
 */
export function findFiles(name: string, root = ""): FoundFile[] {
  if (name.includes("/")) {
    const path = resolve(name);
    return [{ path: root === "" ? real(path) : root + path, display: path }];
  }
  const libraries = findLibraries(name, root);
  if (libraries.length > 0) return libraries;
  const program = findProgram(name, root);
  if (program !== undefined) return [program];
  const near = nearNames(name, candidates(root), 3);
  throw new SondeError("SONDE_FILE_NOT_FOUND", `there is no library or program named ${JSON.stringify(name)}`, {
    where: name,
    why: "it is neither in the loader's cache and folders nor in PATH",
    mend: near.length > 0 ? `Did you mean ${near.join(", ")}? Else write its path.` : "Write its path.",
  });
}

function findLibraries(name: string, root: string): FoundFile[] {
  const paths: string[] = [];
  for (const library of loaderCache(root, name)) if (isLibraryNamed(name, library.soname)) paths.push(library.path);
  if (paths.length === 0) {
    for (const folder of LIBRARY_FOLDERS) for (const file of list(root + folder)) if (isLibraryNamed(name, file)) paths.push(join(folder, file));
  }
  const files = new Map<string, FoundFile>();
  for (const path of paths) {
    const stat = statSync(root + path, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile()) continue;
    // A linker script under the name (libc.so) is not a library.
    if (path.endsWith(".so") && stat.size < 1024) continue;
    const key = `${stat.dev}:${stat.ino}`;
    if (!files.has(key)) files.set(key, root === "" ? { path: real(path), display: real(path) } : { path: root + path, display: path });
  }
  return [...files.values()];
}

function findProgram(name: string, root: string): FoundFile | undefined {
  const folders = root === "" ? (process.env.PATH ?? "").split(":") : ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  for (const folder of folders) {
    if (folder === "") continue;
    const path = join(folder, name);
    try {
      accessSync(root + path, constants.X_OK);
      if (!statSync(root + path).isFile()) continue;
      return root === "" ? { path: real(path), display: real(path) } : { path: root + path, display: path };
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** The libraries in the loader's cache whose name begins so. */
function loaderCache(root: string, prefix = ""): ReturnType<typeof parseLoaderCache> {
  try {
    return parseLoaderCache(readFileSync(`${root}/etc/ld.so.cache`), prefix);
  } catch {
    // No cache (musl, a minimal container): the usual folders are searched.
    return [];
  }
}

function* candidates(root: string): Iterable<string> {
  for (const library of loaderCache(root)) yield library.soname.replace(/\.so.*$/, "");
  for (const folder of (process.env.PATH ?? "").split(":")) if (folder !== "") yield* list(root + folder);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Without symbolic links, as the kernel's maps show it; the path itself where it doesn't exist. */
function real(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
