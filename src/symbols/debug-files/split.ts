/** Debug information of which units are in other files: each .dwo beside where it was compiled, or all of them in a .dwp. */
import { DW_AT } from "../../dwarf/constants.ts";
import type { Entry } from "../../dwarf/entry.ts";
import type { DebugSections } from "../../dwarf/sections.ts";
import { DebugInfo, type DebugInfoParts, type Unit } from "../../dwarf/units.ts";
import { readElf } from "../../elf/image.ts";
import { SondeError } from "../../errors/error.ts";
import { FileSource } from "../file-source.ts";
import { type Rejected, wordsOf } from "./candidate.ts";
import { SplitPackage } from "./package.ts";
import { openSplitFile } from "./split-file.ts";
import { statFile } from "./stat-file.ts";
import { byPackageName, bySplitName, type Place } from "./where.ts";

/** How many units that weren't found are remembered by name. */
const MOST_NOTED = 100;

/** Where split units are; nothing is opened before one is asked for. */
export class SplitUnits {
  readonly #place: Place;
  readonly #packages: readonly string[];
  #package: { readonly path: string; readonly opened: SplitPackage } | null | undefined;
  /** Units that aren't found, and why: without them, functions are unknown. At most a hundred. */
  readonly missing: Rejected[] = [];
  /** How many units came from files of their own. */
  files = 0;

  constructor(place: Place, debugPath: string, folders: readonly string[]) {
    this.#place = place;
    this.#packages = byPackageName(place, debugPath, folders);
  }

  /** The file with the package, if there is one. */
  get packagePath(): string | undefined {
    return this.#opened?.path;
  }

  /** A skeleton's unit: only one with its number, so that no file of another build is taken for it. */
  sectionsOf(unit: Unit): DebugSections | undefined {
    const { dwoId, dwoName } = unit;
    const packaged = dwoId === undefined ? undefined : this.#opened?.opened.unit(dwoId);
    if (packaged !== undefined) return packaged;
    if (dwoName === undefined) return undefined;
    const rejected: Rejected[] = [];
    // The skeleton's own attribute: `compDir` would ask for the split unit.
    for (const path of bySplitName(dwoName, unit.own.text(DW_AT.comp_dir), this.#place)) {
      const found = openUnit(path, unit);
      if (found === undefined) continue;
      if (!("why" in found)) {
        this.files++;
        return found;
      }
      rejected.push(found);
    }
    if (this.missing.length < MOST_NOTED) this.missing.push(rejected[0] ?? { path: dwoName, why: "it isn't there" });
    return undefined;
  }

  /** The unit of a type that is in the package. */
  type(signature: bigint): DebugSections | undefined {
    return this.#opened?.opened.type(signature);
  }

  get #opened(): { readonly path: string; readonly opened: SplitPackage } | undefined {
    if (this.#package === undefined) this.#package = this.#open() ?? null;
    return this.#package ?? undefined;
  }

  #open(): { readonly path: string; readonly opened: SplitPackage } | undefined {
    for (const path of this.#packages) {
      if (statFile(path) === undefined) continue;
      let source: FileSource | undefined;
      try {
        source = new FileSource(path);
        const opened = SplitPackage.open(readElf(source, true));
        if (opened !== undefined) return { path, opened };
        this.missing.push({ path, why: "it isn't a package of split debug information" });
      } catch (error) {
        if (!(error instanceof SondeError)) throw error;
        this.missing.push({ path, why: wordsOf(error, path) });
      }
      source?.close();
    }
    return undefined;
  }
}

function openUnit(path: string, skeleton: Unit): DebugSections | Rejected | undefined {
  if (statFile(path) === undefined) return undefined;
  try {
    const sections = openSplitFile(path);
    if (sections === undefined) return { path, why: "it has no split debug information" };
    const id = skeleton.dwoId;
    const units = new DebugInfo({ sections }, skeleton).units.filter(({ signature }) => signature === undefined);
    return id === undefined || units.some(({ dwoId }) => dwoId === id) ? sections : { path, why: "it is of another build" };
  } catch (error) {
    if (error instanceof SondeError) return { path, why: wordsOf(error, path) };
    throw error;
  }
}

/** A program's debug information, with units and types that are in other files. */
export class ProgramDebugInfo extends DebugInfo {
  readonly #split: SplitUnits;
  readonly #types = new Map<bigint, PackagedTypes | undefined>();

  constructor(parts: Omit<DebugInfoParts, "split">, split: SplitUnits) {
    super({ ...parts, split: (unit) => split.sectionsOf(unit) });
    this.#split = split;
  }

  override typeUnit(signature: bigint): Entry | undefined {
    return super.typeUnit(signature) ?? this.#packaged(signature);
  }

  /** A package has each type once, in a unit with sections of its own, wherever it is referred to from. */
  #packaged(signature: bigint): Entry | undefined {
    if (!this.#types.has(signature)) {
      const sections = this.#split.type(signature);
      this.#types.set(signature, sections && new PackagedTypes(sections, this));
    }
    return this.#types.get(signature)?.ownTypeUnit(signature);
  }
}

class PackagedTypes extends DebugInfo {
  readonly #program: DebugInfo;

  constructor(sections: DebugSections, program: DebugInfo) {
    super(program.supplementary === undefined ? { sections } : { sections, supplementary: program.supplementary });
    this.#program = program;
  }

  ownTypeUnit(signature: bigint): Entry | undefined {
    return super.typeUnit(signature);
  }

  override typeUnit(signature: bigint): Entry | undefined {
    return super.typeUnit(signature) ?? this.#program.typeUnit(signature);
  }
}
