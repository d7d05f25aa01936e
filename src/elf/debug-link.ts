/** What an ELF file says of the file that it shares debug information with: .gnu_debugaltlink, or .debug_sup of DWARF 5. */
import { cString, type ElfImage, findSection, SHT_NOBITS, sectionBytes } from "./image.ts";

export interface SupplementaryLink {
  /** Absolute, or relative to the folder of the file that has the link. */
  readonly name: string;
  /** The supplementary file's build-id, or its checksum in .debug_sup; in hexadecimal. */
  readonly id: string;
}

/** A path and a build-id; more is not a link. */
const LARGEST = 4096 + 256;
const SUP_VERSION = 5;

/**
 * The link to the supplementary file, as dwz writes it. Undefined: there is none, or it can't be read.
 * Sources: dwz(1); DWARF 5 §7.3.6.
 *
 *     .gnu_debugaltlink   name, NUL | build-id
 *     .debug_sup          version:2 | 0:1 | name, NUL | checksum's length:uleb | checksum
 */
export function supplementaryLink(image: ElfImage): SupplementaryLink | undefined {
  const old = smallSection(image, ".gnu_debugaltlink");
  if (old !== undefined) {
    const end = old.indexOf(0);
    return end <= 0 || end + 1 >= old.length ? undefined : { name: cString(old, 0, end), id: hex(old.subarray(end + 1)) };
  }
  const sup = readSup(image);
  return sup === undefined || sup.isSupplementary || sup.name === "" || sup.id === "" ? undefined : { name: sup.name, id: sup.id };
}

/** What a supplementary file of DWARF 5 says of itself, in hexadecimal. */
export function supplementaryChecksum(image: ElfImage): string | undefined {
  const sup = readSup(image);
  return sup?.isSupplementary === true ? sup.id : undefined;
}

function readSup(image: ElfImage): { readonly isSupplementary: boolean; readonly name: string; readonly id: string } | undefined {
  const bytes = smallSection(image, ".debug_sup");
  if (bytes === undefined || bytes.length < 5 || bytes[0] !== SUP_VERSION || bytes[1] !== 0) return undefined;
  const end = bytes.indexOf(0, 3);
  if (end < 0 || end + 1 >= bytes.length) return undefined;
  // A checksum of 128 bytes and more would take a second byte of the number; none is as long.
  const length = bytes[end + 1]!;
  if (length > 127 || end + 2 + length > bytes.length) return undefined;
  return { isSupplementary: bytes[2] === 1, name: cString(bytes, 3, end - 3), id: hex(bytes.subarray(end + 2, end + 2 + length)) };
}

function smallSection(image: ElfImage, name: string): Uint8Array | undefined {
  const section = findSection(image, name);
  return section === undefined || section.type === SHT_NOBITS || section.size > LARGEST ? undefined : sectionBytes(image, section);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
