/** Files that may have a program's debug information: each is checked before it is believed. */
import { crc32 } from "node:zlib";
import { type DebugSections, debugSections } from "../../dwarf/sections.ts";
import { supplementaryChecksum } from "../../elf/debug-link.ts";
import { type ElfImage, readElf } from "../../elf/image.ts";
import { buildId } from "../../elf/notes.ts";
import { SondeError } from "../../errors/error.ts";
import { FileSource } from "../file-source.ts";
import type { FileIdentity } from "../site.ts";

/** A file with debug information, open until it is closed. */
export interface DebugFile {
  readonly path: string;
  readonly image: ElfImage;
  readonly sections: DebugSections;
  close(): void;
}
/** A file that was there and isn't taken. */
export interface Rejected {
  readonly path: string;
  /** Completes "PATH: …". */
  readonly why: string;
}

/** What the file must be. */
export interface Wanted {
  /** In hexadecimal. */
  readonly buildId: string | undefined;
  /** CRC-32 of the whole file, for one without a build-id. */
  readonly checksum?: number;
  /** The program itself, which a link may lead back to. */
  readonly except?: FileIdentity;
}

const CHUNK = 1 << 20;
/** Larger ones aren't read for their checksum: seconds of reading. */
const LARGEST_CHECKED = 2 ** 31;

/** The first of the files that is there and is what is wanted; notes in `rejected` those that aren't. */
export function firstOf(paths: readonly string[], wanted: Wanted, rejected: Rejected[]): DebugFile | undefined {
  for (const path of paths) {
    const found = examine(path, wanted);
    if (found === undefined) continue;
    if (!("why" in found)) return found;
    if (!rejected.some((other) => other.path === path)) rejected.push(found);
  }
  return undefined;
}

/** Undefined: there is no file, or it is the program itself. */
export function examine(path: string, wanted: Wanted): DebugFile | Rejected | undefined {
  let source: FileSource | undefined;
  try {
    source = new FileSource(path);
    const { device, inode } = source.identity;
    const found = wanted.except?.device === device && wanted.except.inode === inode ? undefined : judge(source, wanted);
    if (found === undefined || "why" in found) source.close();
    return found;
  } catch (error) {
    source?.close();
    if (!(error instanceof SondeError)) throw error;
    return error.code === "SONDE_FILE_NOT_FOUND" ? undefined : { path, why: wordsOf(error, path) };
  }
}

function judge(source: FileSource, wanted: Wanted): DebugFile | Rejected {
  const { path } = source;
  // Those that dwz makes are object files.
  const image = readElf(source, true);
  const ids = [buildId(image), supplementaryChecksum(image)].filter((id) => id !== undefined);
  const [id] = ids;
  if (wanted.buildId !== undefined && id !== undefined) {
    if (!ids.includes(wanted.buildId)) return { path, why: `it is of another build: its build-id is ${id}, not ${wanted.buildId}` };
  } else if (wanted.checksum === undefined) return { path, why: "whether it is of this build can't be told: it has no build-id" };
  else {
    const checksum = checksumOf(source);
    if (checksum !== wanted.checksum) {
      return {
        path,
        why: checksum === undefined ? "it is too large to be checked" : `it is of another build: its checksum is ${hex(checksum)}, not ${hex(wanted.checksum)}`,
      };
    }
  }
  const sections = debugSections(image);
  return sections === undefined ? { path, why: "it has no debug information itself" } : { path, image, sections, close: () => source.close() };
}

/** Completes "PATH: …", where the message begins with the path. */
export const wordsOf = ({ message }: SondeError, path: string): string => (message.startsWith(`${path} `) ? `it ${message.slice(path.length + 1)}` : message);

function checksumOf(source: FileSource): number | undefined {
  if (source.size > LARGEST_CHECKED) return undefined;
  let checksum = 0;
  for (let at = 0; at < source.size; at += CHUNK) {
    const bytes = source.read(at, Math.min(CHUNK, source.size - at));
    if (bytes.length === 0) return undefined;
    checksum = crc32(bytes, checksum);
  }
  return checksum;
}

const hex = (checksum: number): string => checksum.toString(16).padStart(8, "0");
