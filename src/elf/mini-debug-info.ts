/** The symbols of functions that distributions leave in stripped programs: .gnu_debugdata, an ELF file packed by xz. */
import { SondeError } from "../errors/error.ts";
import { type ElfImage, findSection, readElf, SHT_NOBITS, sectionBytes } from "./image.ts";
import { LzmaDamage } from "./mini-debug-info-lzma.ts";
import { unpackXz } from "./mini-debug-info-xz.ts";
import { memorySource } from "./source.ts";

/** Symbols of the largest programs are some megabytes. */
const LARGEST = 128 * 1024 * 1024;

/**
 * The packed file: its .symtab has functions that aren't in the program's .dynsym, at the same addresses as linked.
 * Undefined: the program has none. Throws SONDE_ELF_MALFORMED and the other errors of reading ELF if it is damaged.
 * Source: the GDB manual, "Debugging information in a special section".
 */
export function miniDebugInfo(image: ElfImage): ElfImage | undefined {
  const section = findSection(image, ".gnu_debugdata");
  if (section === undefined || section.type === SHT_NOBITS || section.size === 0) return undefined;
  const name = `${image.source.name} .gnu_debugdata`;
  const packed = sectionBytes(image, section);
  try {
    return readElf(memorySource(unpackXz(packed, LARGEST), name));
  } catch (cause) {
    if (!(cause instanceof LzmaDamage)) throw cause;
    throw new SondeError("SONDE_ELF_MALFORMED", `${name} is damaged: ${cause.message}`, {
      where: image.source.name,
      mend: "Copy or build the file again.",
      cause,
    });
  }
}
