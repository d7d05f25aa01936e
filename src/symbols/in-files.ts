/** What a target means in each of the files that have its name. */
import { SondeError } from "../errors/error.ts";
import { FileSource } from "./file-source.ts";
import { filesFor } from "./process-files.ts";
import type { FunctionSite } from "./site.ts";

export interface Resolved {
  /** By file, then by address. */
  readonly sites: readonly FunctionSite[];
  /** What the user should know. */
  readonly notes: readonly string[];
}

/** A file of a target, which is open while its sites are looked for. */
export interface TargetFile {
  readonly source: FileSource;
  readonly path: string;
  /** As a person knows it. */
  readonly display: string;
}

/**
 * The sites in all files of a target: a library's older inode that processes still map counts too, and each process's own. A file
 * in which `find` throws is passed over if another one has sites. Throws SONDE_FILE_…, SONDE_PROCESS_…, and what `find` throws.
 */
export function inFiles(
  target: { readonly text: string; readonly file: string },
  pids: readonly number[],
  find: (file: TargetFile, notes: string[]) => readonly FunctionSite[],
): Resolved {
  const { files, notes: fileNotes } = filesFor(target.file, pids);
  const notes = [...fileNotes];
  const sites: FunctionSite[] = [];
  let failure: SondeError | undefined;
  for (const { path, display } of files) {
    const source = new FileSource(path, display);
    try {
      // A pattern's may be too many for arguments of one call.
      for (const site of find({ source, path, display }, notes)) sites.push(site);
    } catch (error) {
      if (!(error instanceof SondeError) || files.length === 1) throw error;
      failure ??= error;
    } finally {
      source.close();
    }
  }
  if (sites.length === 0) throw failure ?? new SondeError("SONDE_FILE_NOT_FOUND", `no file of ${target.text} could be read`, { where: target.text });
  return { sites, notes };
}
