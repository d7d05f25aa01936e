/** The sections of debug information in an ELF file, decompressed when they are first read. */
import { type ElfImage, type Section, SHT_NOBITS } from "../elf/image.ts";
import { decompressOldSection, decompressSection, LARGEST_SECTION, SHF_COMPRESSED, unreadable } from "./compression.ts";

/** Without the prefix: .debug_X, or .debug_X.dwo of split debug information. */
export type SectionName =
  | "info"
  | "abbrev"
  | "str"
  | "line_str"
  | "line"
  | "loclists"
  | "loc"
  | "rnglists"
  | "ranges"
  | "addr"
  | "str_offsets"
  | "types"
  | "aranges"
  | "cu_index"
  | "tu_index";

export interface DebugSections {
  /** Empty if the file has none. The same bytes each time. Throws SONDE_DWARF_UNREADABLE, SONDE_DWARF_COMPRESSION, SONDE_ELF_TRUNCATED. */
  get(name: SectionName): Uint8Array;
}

const NONE = new Uint8Array(0);

/** The debug information of a file; `dwo`: its .debug_*.dwo, of split debug information. Undefined: it has none. */
export function debugSections(image: ElfImage, dwo = false): DebugSections | undefined {
  const suffix = dwo ? ".dwo" : "";
  const find = (name: SectionName): Section | undefined =>
    image.sections.find((section) => section.name === `.debug_${name}${suffix}` || section.name === `.zdebug_${name}${suffix}`);
  const info = find("info");
  if (info === undefined || info.type === SHT_NOBITS || info.size === 0) return undefined;
  const read = new Map<SectionName, Uint8Array>();
  return {
    get(name) {
      let bytes = read.get(name);
      if (bytes === undefined) {
        const section = name === "info" ? info : find(name);
        bytes = section === undefined ? NONE : contents(image, section);
        read.set(name, bytes);
      }
      return bytes;
    },
  };
}

/** Debug information of which the sections are in memory. */
export function sectionsInMemory(sections: { readonly [name in SectionName]?: Uint8Array }): DebugSections {
  return { get: (name) => sections[name] ?? NONE };
}

function contents(image: ElfImage, section: Section): Uint8Array {
  if (section.type === SHT_NOBITS || section.size === 0) return NONE;
  const where = `${image.source.name} ${section.name}`;
  if (section.offset + section.size > image.source.size) throw unreadable(where, "the file is cut short");
  if (section.size > LARGEST_SECTION) throw unreadable(where, `a section of ${section.size} bytes is larger than sonde reads`);
  const bytes = image.source.read(section.offset, section.size);
  if (bytes.length < section.size) throw unreadable(where, "the file became shorter while it was read");
  if (section.name.startsWith(".z")) return decompressOldSection(bytes, where);
  return isCompressed(section) ? decompressSection(bytes, where) : bytes;
}

const isCompressed = (section: Section): boolean => (section.flags & SHF_COMPRESSED) !== 0;
