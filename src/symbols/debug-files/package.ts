/** A package of split debug information, a .dwp: each unit's parts of its sections. */
import { decompressSection, SHF_COMPRESSED } from "../../dwarf/compression.ts";
import { type DebugSections, debugSections, type SectionName } from "../../dwarf/sections.ts";
import { type ElfImage, findSection, SHT_NOBITS, sectionBytes } from "../../elf/image.ts";
import { type Contribution, type Contributions, PackageIndex } from "./package-index.ts";

const NONE = new Uint8Array(0);

export class SplitPackage {
  readonly #image: ElfImage;
  readonly #whole: DebugSections;
  readonly #units: PackageIndex | undefined;
  readonly #types: PackageIndex | undefined;

  private constructor(image: ElfImage, whole: DebugSections) {
    this.#image = image;
    this.#whole = whole;
    this.#units = indexIn(image, ".debug_cu_index");
    this.#types = indexIn(image, ".debug_tu_index");
  }

  /** Undefined: it isn't a package. Throws SONDE_ELF_…, SONDE_DWARF_…. */
  static open(image: ElfImage): SplitPackage | undefined {
    const whole = debugSections(image, true);
    if (whole === undefined) return undefined;
    const opened = new SplitPackage(image, whole);
    return opened.#units === undefined ? undefined : opened;
  }

  /** Of the unit with the skeleton's number. */
  unit(id: bigint): DebugSections | undefined {
    return this.#parts(this.#units?.find(id));
  }

  /** Of the type with a signature. */
  type(signature: bigint): DebugSections | undefined {
    return this.#parts(this.#types?.find(signature));
  }

  #parts(parts: Contributions | undefined): DebugSections | undefined {
    if (parts === undefined) return undefined;
    const read = new Map<SectionName, Uint8Array>();
    return {
      get: (name) => {
        // Strings are shared by all units.
        if (name === "str") return this.#whole.get(name);
        let bytes = read.get(name);
        if (bytes === undefined) {
          const part = parts.get(name);
          bytes = part === undefined ? NONE : this.#read(name, part);
          read.set(name, bytes);
        }
        return bytes;
      },
    };
  }

  /** Nothing, where the part isn't inside of the section. */
  #read(name: SectionName, { offset, size }: Contribution): Uint8Array {
    const section = findSection(this.#image, `.debug_${name}.dwo`);
    if (section === undefined || section.type === SHT_NOBITS) return NONE;
    // The whole section may be of gigabytes.
    if ((section.flags & SHF_COMPRESSED) === 0) {
      return offset + size <= section.size && section.offset + offset + size <= this.#image.source.size
        ? this.#image.source.read(section.offset + offset, size)
        : NONE;
    }
    const whole = this.#whole.get(name);
    return offset + size <= whole.length ? whole.subarray(offset, offset + size) : NONE;
  }
}

function indexIn(image: ElfImage, name: string): PackageIndex | undefined {
  const section = findSection(image, name);
  if (section === undefined) return undefined;
  const bytes = sectionBytes(image, section);
  return PackageIndex.read((section.flags & SHF_COMPRESSED) === 0 ? bytes : decompressSection(bytes, `${image.source.name} ${name}`));
}
