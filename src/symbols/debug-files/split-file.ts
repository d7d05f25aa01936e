/** One file of split debug information, a .dwo: read when it is asked for, and not held open, as a program may have thousands. */
import { type DebugSections, debugSections, type SectionName } from "../../dwarf/sections.ts";
import { type ElfImage, readElf, type Section, SHT_NOBITS } from "../../elf/image.ts";
import type { ByteSource } from "../../elf/source.ts";
import { SondeError } from "../../errors/error.ts";
import { FileSource } from "../file-source.ts";
import type { FileIdentity } from "../site.ts";

/** Undefined: the file has no split debug information. Throws SONDE_FILE_…, SONDE_ELF_…. */
export function openSplitFile(path: string): DebugSections | undefined {
  return splitSections(readElf(new ReopenedFile(path), true));
}

/**
 * The sections .debug_*.dwo. Compilers give each unit of types a section of its own, all of one name: here they are one, as a
 * linker would make them.
 */
export function splitSections(image: ElfImage): DebugSections | undefined {
  const sections = image.sections.filter(({ name, type }) => name.startsWith(".debug_") && name.endsWith(".dwo") && type !== SHT_NOBITS);
  const names = new Set(sections.map(({ name }) => name));
  if (names.size === sections.length) return debugSections(image, true);
  const info = sections.find(({ name, size }) => name === ".debug_info.dwo" && size > 0);
  if (info === undefined) return undefined;
  // They can't lie over one another: what is read is bounded by the file.
  if (sections.reduce((sum, { size }) => sum + size, 0) > image.source.size) {
    throw new SondeError("SONDE_ELF_MALFORMED", `${image.source.name} is damaged: its sections overlap`, {
      where: image.source.name,
      mend: "Build the program or its debug information again.",
    });
  }
  const read = new Map<SectionName, Uint8Array>();
  return {
    get(name) {
      let bytes = read.get(name);
      if (bytes === undefined) {
        const parts = sections.filter((section) => section.name === `.debug_${name}.dwo`).map((section) => alone(image, section, info).get(name));
        bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        read.set(name, bytes);
      }
      return bytes;
    },
  };
}

/** As if the section were the only one of its name. `info`, without which there is no debug information, is read by nobody. */
const alone = (image: ElfImage, section: Section, info: Section): DebugSections =>
  debugSections({ ...image, sections: section.name === info.name ? [section] : [info, section] }, true) ?? { get: () => new Uint8Array(0) };

/** Opened for each read. Throws SONDE_FILE_REPLACED if it isn't the same file any more. */
class ReopenedFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #identity: FileIdentity;

  constructor(path: string) {
    const source = new FileSource(path);
    source.close();
    this.name = path;
    this.size = source.size;
    this.#identity = source.identity;
  }

  read(offset: number, length: number): Uint8Array {
    const source = new FileSource(this.name);
    try {
      const { identity, size } = source;
      if (identity.inode !== this.#identity.inode || identity.device !== this.#identity.device || size !== this.size) {
        throw new SondeError("SONDE_FILE_REPLACED", `${this.name} was replaced while it was looked at`, { where: this.name, mend: "Start again." });
      }
      // A view would keep the source's whole window.
      return source.read(offset, length).slice();
    } finally {
      source.close();
    }
  }
}
