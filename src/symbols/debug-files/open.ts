/**
 * The door to a program's debug information, wherever it is: in the program, in a file filed by its build-id or named by
 * .gnu_debuglink, or in what debuginfod gave; with the supplementary file of dwz, and split units.
 */
import { statSync } from "node:fs";
import { debugSections } from "../../dwarf/sections.ts";
import { DebugInfo } from "../../dwarf/units.ts";
import { type SupplementaryLink, supplementaryLink } from "../../elf/debug-link.ts";
import { type ElfImage, readElf } from "../../elf/image.ts";
import { buildId, debugLink } from "../../elf/notes.ts";
import { FileSource } from "../file-source.ts";
import { type DebugFile, examine, firstOf, type Rejected, type Wanted } from "./candidate.ts";
import { cached, fileInCache } from "./debuginfod/cache.ts";
import { type DownloadOptions, download } from "./debuginfod/download.ts";
import { cacheFolderOf, debuginfodSettings } from "./debuginfod/settings.ts";
import type { MissingDebugInfo } from "./missing.ts";
import { ProgramDebugInfo, SplitUnits } from "./split.ts";
import { byBuildId, byLink, bySupplementaryLink, debugFolders, type Environment, type Place, placeOf } from "./where.ts";

/** What led to the file with the debug information. */
export type DebugOrigin = "program" | "build-id" | "link" | "debuginfod";

export interface OpenedDebugInfo {
  readonly debug: DebugInfo;
  readonly from: DebugOrigin;
  /** Paths of what is read: the file with the debug information, the supplementary one. */
  readonly files: readonly string[];
  /** The file with the debug information; it has a full symbol table as a rule. */
  readonly image: ElfImage;
  /** What offsets in it are valid for: another text where another file is read. */
  readonly identity: string;
  /** The units that are in files of their own. */
  readonly split: SplitUnits;
  /** The supplementary file isn't there: names and types that are in it are unknown, and so are functions that it declares. */
  readonly incomplete?: MissingDebugInfo;
}
interface Missing {
  readonly missing: MissingDebugInfo;
}
export interface OpenOptions {
  /** The path for people; undefined: the image's name. */
  readonly display?: string;
  /** Undefined: the process's own. */
  readonly environment?: Environment;
}

/** By file and by what the environment says of where to look. The files stay open; of an incomplete one, what lacks is looked for again. */
const opened = new Map<string, OpenedDebugInfo>();

/**
 * Looks on disk alone: what debuginfod has is found once `fetchDebugInfo` got it. A file is opened once in a process.
 * Throws SONDE_FILE_… if the program can't be opened, SONDE_ELF_… if it is damaged, SONDE_DWARF_… if what it is found by is.
 */
export function openDebugInfo(path: string, image: ElfImage, options: OpenOptions = {}): OpenedDebugInfo | Missing {
  const { display = image.source.name, environment = process.env } = options;
  const place = placeOf(path, display);
  const key = keyOf(path, place, environment);
  const known = opened.get(key);
  const search = new Search(path, display, place, environment);
  if (known !== undefined && (known.incomplete === undefined || !search.completes(known))) return known;
  const found = search.open(image);
  if (!("missing" in found)) opened.set(key, found);
  return found;
}

export interface FetchResult {
  /** The cache has it now. */
  readonly fetched: boolean;
  /** What went wrong, for `missingError`. */
  readonly failures: readonly string[];
}

/** Asks the servers of DEBUGINFOD_URLS; without them nothing is asked. Rejects with nothing but the signal's reason. */
export async function fetchDebugInfo(missing: MissingDebugInfo, options: DownloadOptions = {}): Promise<FetchResult> {
  if (missing.buildId === undefined) return { fetched: false, failures: [] };
  const accept = (path: string): string | undefined => {
    const found = examine(path, { buildId: missing.buildId });
    if (found === undefined || "why" in found) return found?.why ?? "nothing";
    found.close();
    return undefined;
  };
  const result = await download(debuginfodSettings(missing.environment), missing.buildId, accept, options);
  return { fetched: result.kind === "got", failures: result.kind === "failed" ? result.reasons : [] };
}

/**
 * What is found on disk, else by debuginfod; a supplementary file may be a second download. `failures` of an incomplete one: why
 * the rest wasn't got.
 */
export async function openOrFetchDebugInfo(
  path: string,
  image: ElfImage,
  options: OpenOptions & DownloadOptions = {},
): Promise<(OpenedDebugInfo & Partial<Pick<FetchResult, "failures">>) | (FetchResult & Missing)> {
  const asked = new Set<string | undefined>();
  for (;;) {
    const found = openDebugInfo(path, image, options);
    if (!("missing" in found) && found.incomplete === undefined) return found;
    const missing = "missing" in found ? found.missing : found.incomplete!;
    // What was just got and isn't taken after all isn't got again.
    const result = asked.has(missing.buildId) ? { fetched: false, failures: [] } : await fetchDebugInfo(missing, options);
    if (!result.fetched) return "missing" in found ? { missing, ...result } : { ...found, failures: result.failures };
    asked.add(missing.buildId);
  }
}

function keyOf(path: string, { root }: Place, environment: Environment): string {
  const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
  return JSON.stringify([`${dev}:${ino}:${size}:${mtimeNs}`, root, environment.SONDE_DEBUG_PATH, cacheFolderOf(environment)]);
}

interface Found {
  readonly file: DebugFile;
  readonly from: DebugOrigin;
}

/** One program's, with what was met on the way. */
class Search {
  readonly #path: string;
  readonly #display: string;
  readonly #place: Place;
  readonly #environment: Environment;
  readonly #folders: readonly string[];
  readonly #rejected: Rejected[] = [];

  constructor(path: string, display: string, place: Place, environment: Environment) {
    this.#path = path;
    this.#display = display;
    this.#place = place;
    this.#environment = environment;
    this.#folders = debugFolders(environment);
  }

  open(image: ElfImage): OpenedDebugInfo | Missing {
    const id = buildId(image);
    const found = this.#own(image) ?? this.#separate(image, id);
    if (found === undefined) return { missing: this.#missing(id, undefined) };
    try {
      return this.#with(found);
    } catch (error) {
      found.file.close();
      throw error;
    }
  }

  /** Whether what was missing is there now. */
  completes({ image, files }: OpenedDebugInfo): boolean {
    const link = supplementaryLink(image);
    const other = link && this.#supplementary(link, files[0]!);
    other?.close();
    return other !== undefined;
  }

  #with({ file, from }: Found): OpenedDebugInfo {
    const split = new SplitUnits(this.#place, file.path, this.#folders);
    const result = { from, image: file.image, split };
    const link = supplementaryLink(file.image);
    const other = link && this.#supplementary(link, file.path);
    if (other === undefined) {
      return {
        ...result,
        debug: new ProgramDebugInfo({ sections: file.sections }, split),
        files: [file.path],
        identity: `${identityOf(file)}${link === undefined ? "" : " incomplete"}`,
        ...(link && { incomplete: this.#missing(link.id, { name: link.name, of: file.path }) }),
      };
    }
    const supplementary = new DebugInfo({ sections: other.sections });
    return {
      ...result,
      debug: new ProgramDebugInfo({ sections: file.sections, supplementary }, split),
      files: [file.path, other.path],
      identity: `${identityOf(file)} ${identityOf(other)}`,
    };
  }

  #supplementary({ name, id }: SupplementaryLink, of: string): DebugFile | undefined {
    const paths = bySupplementaryLink(name, id, of, this.#place.root, this.#folders);
    return firstOf(paths, { buildId: id }, this.#rejected) ?? this.#fromCache(id);
  }

  /** Opened anew: whoever read the image closes its source. */
  #own(image: ElfImage): Found | undefined {
    if (debugSections(image) === undefined) return undefined;
    const source = new FileSource(this.#path, this.#display);
    const own = readElf(source);
    const sections = debugSections(own);
    if (sections !== undefined) return { file: { path: this.#path, image: own, sections, close: () => source.close() }, from: "program" };
    source.close();
    return undefined;
  }

  #separate(image: ElfImage, id: string | undefined): Found | undefined {
    const { ino: inode, dev: device } = statSync(this.#path, { bigint: true });
    const look = (from: DebugOrigin, paths: readonly string[], wanted: Wanted) => {
      const file = firstOf(paths, { ...wanted, except: { inode, device } }, this.#rejected);
      return file && { file, from };
    };
    const filed = id === undefined ? undefined : look("build-id", byBuildId(id, this.#place.root, this.#folders), { buildId: id });
    if (filed !== undefined) return filed;
    const link = debugLink(image);
    const linked = link && look("link", byLink(link.name, this.#place, this.#folders), { buildId: id, checksum: link.checksum });
    if (linked !== undefined) return linked;
    const file = id === undefined ? undefined : this.#fromCache(id);
    return file && { file, from: "debuginfod" };
  }

  #fromCache(id: string): DebugFile | undefined {
    const folder = cacheFolderOf(this.#environment);
    if (!/^[0-9a-f]{4,128}$/.test(id) || cached(folder, id) === undefined) return undefined;
    return firstOf([fileInCache(folder, id)], { buildId: id }, this.#rejected);
  }

  #missing(id: string | undefined, supplementary: MissingDebugInfo["supplementary"]): MissingDebugInfo {
    return { display: this.#display, place: this.#place, buildId: id, supplementary, rejected: this.#rejected, environment: this.#environment };
  }
}

/** A build-id isn't enough: dwz and strip change what is in a file, and leave that. The sections' sizes tell, without a look into them. */
function identityOf({ path, image }: DebugFile): string {
  const { size, mtimeNs, ino } = statSync(path, { bigint: true });
  const id = buildId(image);
  if (id === undefined) return `${path} ${ino} ${size} ${mtimeNs}`;
  const sizes = image.sections.filter(({ name }) => /^\.z?debug_/.test(name)).map((section) => section.size);
  return `${id} ${size} ${sizes.join(" ")}`;
}
