/**
 * A file that processes map code of, or code that is in no file: what is needed to unwind and to name what runs in it. It stays
 * usable when those processes are gone and the file is deleted: it is held open.
 */
import { closeSync, constants, openSync, statSync } from "node:fs";
import { type Frames, framesOf } from "../../dwarf/frames.ts";
import type { DebugInfo } from "../../dwarf/units.ts";
import { type ElfImage, readElf } from "../../elf/image.ts";
import { buildId } from "../../elf/notes.ts";
import { memorySource } from "../../elf/source.ts";
import { SondeError } from "../../errors/error.ts";
import { unlessRefused } from "../../errors/unless-refused.ts";
import { openDebugInfo } from "../debug-files/open.ts";
import { symbolsElsewhere } from "../debug-files/symbols.ts";
import { FileSource } from "../file-source.ts";
import { rememberedFrames } from "./frame-rows.ts";
import { FunctionNames } from "./function-names.ts";

export class Module {
  /** The path for people; "[vdso]". */
  readonly display: string;
  /** In hexadecimal; undefined: it has none, or isn't an ELF file. */
  readonly buildId: string | undefined;
  readonly image: ElfImage | undefined;
  /** To open it by, while it is held; undefined: it isn't a file. */
  readonly path: string | undefined;
  /** As it was found: what is beside it is looked for there, as long as it is there. */
  readonly #found: string | undefined;
  readonly #close: () => void;
  #frames: Frames | undefined | null = null;
  #names: FunctionNames | undefined;
  #debug: DebugInfo | undefined | null = null;

  private constructor(display: string, image: ElfImage | undefined, place: { path: string; found: string } | undefined, close: () => void) {
    this.display = display;
    this.image = image;
    this.path = place?.path;
    this.#found = place?.found;
    this.#close = close;
    this.buildId = image && unlessRefused(() => buildId(image));
  }

  /** Undefined: it can't be opened. What isn't an ELF file is a module without an image. */
  static ofFile(found: string, display: string): Module | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(found, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
      return undefined;
    }
    // A path that leads to this very file whatever becomes of the other ones: for all that opens it again.
    const path = `/proc/self/fd/${descriptor}`;
    const sources: FileSource[] = [];
    const close = (): void => {
      for (const source of sources) source.close();
      closeSync(descriptor);
    };
    try {
      const source = new FileSource(path, display);
      sources.push(source);
      return new Module(display, readElf(source), { path, found }, close);
    } catch (error) {
      close();
      if (!(error instanceof SondeError)) throw error;
      return new Module(display, undefined, undefined, () => {});
    }
  }

  /** Of an ELF image that is nowhere but in memory, as the kernel's own page of code (vdso(7)). */
  static ofBytes(bytes: Uint8Array, display: string): Module {
    return new Module(
      display,
      unlessRefused(() => readElf(memorySource(bytes, display))),
      undefined,
      () => {},
    );
  }

  /** Code that isn't from a file: what is compiled while a program runs. */
  static readonly anonymous = new Module("", undefined, undefined, () => {});

  /** Undefined: there are no tables. */
  get frames(): Frames | undefined {
    if (this.#frames === null) {
      const { image } = this;
      const frames = image && unlessRefused(() => framesOf(image, this.#debugImage()));
      this.#frames = frames === undefined || frames.tables.length === 0 ? undefined : rememberedFrames(frames);
    }
    return this.#frames;
  }

  get names(): FunctionNames {
    this.#names ??= new FunctionNames(
      this.image,
      () => this.image && this.#fromFile((path, image) => symbolsElsewhere(path, image, { display: this.display })),
    );
    return this.#names;
  }

  /** Undefined: there is none on this machine. */
  get debug(): DebugInfo | undefined {
    if (this.#debug === null) this.#debug = this.#opened()?.debug;
    return this.#debug;
  }

  close(): void {
    this.#close();
  }

  /** .debug_frame is only looked for where the program itself has no table. */
  #debugImage(): ElfImage | undefined {
    const { image } = this;
    if (image === undefined || image.sections.some(({ name }) => name === ".eh_frame")) return image;
    return this.#opened()?.image ?? image;
  }

  #opened(): { readonly debug: DebugInfo; readonly image: ElfImage } | undefined {
    return this.#fromFile((path, image) => {
      const opened = openDebugInfo(path, image, { display: this.display });
      return "missing" in opened ? undefined : opened;
    });
  }

  /** By the path that it was found by, while that leads to the same file, else by the one that is held. */
  #fromFile<T>(look: (path: string, image: ElfImage) => T | undefined): T | undefined {
    const { image, path } = this;
    if (image === undefined || path === undefined) return undefined;
    const found = this.#found;
    return (found !== undefined && isSame(found, path) ? unlessRefused(() => look(found, image)) : undefined) ?? unlessRefused(() => look(path, image));
  }
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

/** What is damaged or gone counts as absent: a frame then has fewer names. */
