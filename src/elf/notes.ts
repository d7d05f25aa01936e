/** Reads notes, the build-id, the name of separate debug information, and the marks that a Go program bears. */
import { cString, type ElfImage, findSection, PT_NOTE, SHT_NOTE, sectionBytes, sectionsOfType } from "./image.ts";
import { readFully } from "./source.ts";

export interface Note {
  /** "GNU", "stapsdt", "Go". */
  readonly owner: string;
  readonly type: number;
  readonly content: Uint8Array;
}

const NT_GNU_BUILD_ID = 3;
/** Notes are small; a file that claims more is not worth the memory. */
const LARGEST_NOTES = 16 * 1024 * 1024;

/**
 * Every note of the file, from its sections, or from its segments where it has no sections:
 *
 *     owner's length:4 | content's length:4 | type:4 | owner, padded to 4 | content, padded to 4
 */
export function readNotes(image: ElfImage): Note[] {
  const sections = sectionsOfType(image, SHT_NOTE).filter((section) => section.size <= LARGEST_NOTES);
  const blocks =
    sections.length > 0
      ? sections.map((section) => sectionBytes(image, section))
      : image.segments
          .filter((segment) => segment.type === PT_NOTE && segment.fileSize <= LARGEST_NOTES)
          .map((segment) => readFully(image.source, segment.offset, segment.fileSize, "note segment"));
  return blocks.flatMap(parseNotes);
}

export function parseNotes(bytes: Uint8Array): Note[] {
  const table = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const notes: Note[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const ownerLength = table.getUint32(at, true);
    const contentLength = table.getUint32(at + 4, true);
    const content = at + 12 + align4(ownerLength);
    if (content + contentLength > bytes.length) break;
    notes.push({
      owner: cString(bytes.subarray(at + 12, at + 12 + ownerLength), 0, ownerLength),
      type: table.getUint32(at + 8, true),
      content: bytes.subarray(content, content + contentLength),
    });
    at = content + align4(contentLength);
  }
  return notes;
}

/** The build-id in hexadecimal, as debug information is filed by. */
export function buildId(image: ElfImage): string | undefined {
  const note = readNotes(image).find((candidate) => candidate.owner === "GNU" && candidate.type === NT_GNU_BUILD_ID);
  return note === undefined ? undefined : Buffer.from(note.content).toString("hex");
}

/** The file name in `.gnu_debuglink` and the checksum (CRC-32) that the file must have. */
export function debugLink(image: ElfImage): { readonly name: string; readonly checksum: number } | undefined {
  const section = findSection(image, ".gnu_debuglink");
  if (section === undefined || section.size < 8 || section.size > 4096 + 8) return undefined;
  const bytes = sectionBytes(image, section);
  if (bytes.length < 8) return undefined;
  const name = cString(bytes, 0, bytes.length - 4);
  const at = bytes.length - 4;
  return { name, checksum: new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true) };
}

/** Whether the Go compiler made it: its stacks move, so a changed return address crashes it. */
export function isGoBinary(image: ElfImage): boolean {
  return [".go.buildinfo", ".gopclntab", ".note.go.buildid"].some((name) => findSection(image, name) !== undefined);
}

function align4(length: number): number {
  return Math.ceil(length / 4) * 4;
}
