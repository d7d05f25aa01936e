/** Reads relocations: which slots of a file the loader fills in, with what. */
import { type ElfImage, sectionBytes, sectionsOfType } from "./image.ts";

const SHT_RELA = 4;
const RELA_SIZE = 24;

export const R_X86_64_64 = 1;
export const R_X86_64_GLOB_DAT = 6;
export const R_X86_64_JUMP_SLOT = 7;
export const R_X86_64_IRELATIVE = 37;

export interface Relocation {
  /** Address, as linked, of the slot. */
  readonly slot: number;
  readonly type: number;
  /** Index into `.dynsym`. */
  readonly symbol: number;
  readonly addend: number;
}

/** The relocations that `accept` takes; entries it doesn't take cost no object. */
export function findRelocations(image: ElfImage, accept: (type: number, symbol: number, addend: number, slot: number) => boolean): Relocation[] {
  const found: Relocation[] = [];
  for (const section of sectionsOfType(image, SHT_RELA)) {
    if (section.entrySize !== RELA_SIZE || section.address === 0) continue;
    const bytes = sectionBytes(image, section);
    const table = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + RELA_SIZE <= bytes.length; at += RELA_SIZE) {
      const type = table.getUint32(at + 8, true);
      const symbol = table.getUint32(at + 12, true);
      const addend = table.getUint32(at + 16, true) + table.getInt32(at + 20, true) * 2 ** 32;
      const slot = table.getUint32(at, true) + table.getUint32(at + 4, true) * 2 ** 32;
      if (accept(type, symbol, addend, slot)) found.push({ slot, type, symbol, addend });
    }
  }
  return found;
}
