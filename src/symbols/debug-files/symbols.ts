/** Symbols of a stripped program that are elsewhere: in its debug information's file, or packed in itself. */
import { type ElfImage, findSection, SHT_NOBITS } from "../../elf/image.ts";
import { miniDebugInfo } from "../../elf/mini-debug-info.ts";
import { SondeError } from "../../errors/error.ts";
import { type OpenOptions, openDebugInfo } from "./open.ts";

/**
 * The file of which the .symtab counts for the program, whose own was stripped; its addresses are the program's. Undefined:
 * the program has its own, or there is none. What is damaged counts as none.
 */
export function symbolsElsewhere(path: string, image: ElfImage, options: OpenOptions = {}): ElfImage | undefined {
  if (hasSymbols(image)) return undefined;
  for (const look of [() => separate(path, image, options), () => miniDebugInfo(image)]) {
    try {
      const found = look();
      if (found !== undefined && hasSymbols(found)) return found;
    } catch (error) {
      if (!(error instanceof SondeError)) throw error;
    }
  }
  return undefined;
}

function separate(path: string, image: ElfImage, options: OpenOptions): ElfImage | undefined {
  const opened = openDebugInfo(path, image, options);
  return "missing" in opened ? undefined : opened.image;
}

function hasSymbols(image: ElfImage): boolean {
  const section = findSection(image, ".symtab");
  return section !== undefined && section.type !== SHT_NOBITS && section.size > 0;
}
