/**
 * Which Go has made a program, by `.go.buildinfo`. Source: Go's debug/buildinfo.
 *
 *     "\xff Go buildinf:" pointer size:1 flags:1 | flags & 2: at 32 the version, its length (7 bits a byte) before it
 *                                                | else: at 16 the address of a string (address, length)
 */
import { addressToOffset, type ElfImage, findSection, sectionBytes } from "./image.ts";

const MAGIC = Buffer.from("\xff Go buildinf:", "latin1");
const INLINE = 2;
const LONGEST = 128;

/** The minor version: 19 of go1.19.8. Undefined where it isn't Go 1, or can't be told. */
export function goVersion(image: ElfImage): number | undefined {
  const section = findSection(image, ".go.buildinfo");
  if (section === undefined || section.size < 32) return undefined;
  const all = sectionBytes(image, section);
  const bytes = Buffer.from(all.buffer, all.byteOffset, all.length);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const text = ((bytes[15] as number) & INLINE) !== 0 ? inline(bytes) : pointed(image, bytes);
  const match = /^(?:go|devel go)1\.(\d{1,3})\b/.exec(text ?? "");
  return match === null ? undefined : Number(match[1]);
}

function inline(bytes: Buffer): string | undefined {
  const length = bytes[32];
  return length === undefined || length > 127 ? undefined : bytes.toString("latin1", 33, 33 + length);
}

function pointed(image: ElfImage, bytes: Buffer): string | undefined {
  const string = addressToOffset(image, Number(bytes.readBigUInt64LE(16)));
  if (string === undefined) return undefined;
  const header = Buffer.from(image.source.read(string, 16));
  if (header.length < 16) return undefined;
  const at = addressToOffset(image, Number(header.readBigUInt64LE(0)));
  const length = Number(header.readBigUInt64LE(8));
  return at === undefined || length > LONGEST ? undefined : Buffer.from(image.source.read(at, length)).toString("latin1");
}
