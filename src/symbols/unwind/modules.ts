/** The code that a process maps, recorded: to unwind its stacks and to name their frames while it runs and when it is gone. */
import { type BigIntStats, statSync } from "node:fs";
import { type ElfImage, PF_X, PT_LOAD } from "../../elf/image.ts";
import { SondeError } from "../../errors/error.ts";
import { unlessRefused } from "../../errors/unless-refused.ts";
import { ProcessMemory } from "../../sys/process-memory.ts";
import { type Mapping, parseMappings, readCodeMappings, rootOf } from "../../sys/procfs.ts";
import { PerfMapFile } from "../perf-map.ts";
import { Module } from "./module.ts";
import type { MappedCode } from "./unwind.ts";

/** A range of a process's addresses that is executable. */
export interface MappedModule extends MappedCode {
  readonly start: number;
  readonly end: number;
  readonly module: Module;
}

/** Files that are held open at the same time, each by two descriptors. Of further ones only names of the file are known. */
const MOST_FILES = 2048;
const LARGEST_VDSO = 1 << 20;
const PAGE = 4096;

/** The files that are mapped by any of the processes: each is opened once. */
export class ModuleFiles implements Disposable {
  readonly #files = new Map<string, Module>();
  readonly #images = new Map<string, Module>();

  /** A mapping's file, as the process reaches it; undefined: it can't be reached. */
  of(pid: number, mapping: Mapping, root: string): Module | undefined {
    for (const path of pathsOf(pid, mapping, root)) {
      const stat = statOf(path);
      if (stat === undefined || !stat.isFile()) continue;
      // It is held open, so nothing else gets its number.
      const key = `${stat.dev}:${stat.ino}`;
      const known = this.#files.get(key);
      if (known !== undefined) return known;
      if (this.#files.size >= MOST_FILES) return undefined;
      const module = Module.ofFile(path, mapping.deleted ? `${mapping.path} (deleted)` : mapping.path);
      if (module === undefined) continue;
      this.#files.set(key, module);
      return module;
    }
    return undefined;
  }

  /** A file by its path, whether or not it is mapped. */
  open(path: string, display: string): void {
    const stat = statOf(path);
    if (stat === undefined || !stat.isFile() || this.#files.has(`${stat.dev}:${stat.ino}`) || this.#files.size >= MOST_FILES) return;
    const module = Module.ofFile(path, display);
    if (module !== undefined) this.#files.set(`${stat.dev}:${stat.ino}`, module);
  }

  /** One of those that were opened. `id` has 40 digits, as the kernel gives them: zeros behind a shorter one. */
  withBuildId(id: string): Module | undefined {
    for (const module of this.#files.values()) if (module.buildId?.padEnd(40, "0") === id) return module;
    return undefined;
  }

  /** An image in a process's memory. All processes have the same: it is told by its bytes. */
  inMemory(bytes: Uint8Array, name: string): Module {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    let module = this.#images.get(key);
    if (module === undefined) {
      module = Module.ofBytes(bytes, name);
      this.#images.set(key, module);
    }
    return module;
  }

  [Symbol.dispose](): void {
    for (const module of this.#files.values()) module.close();
    this.#files.clear();
  }
}

/** The path below the process's root, if it leads to the mapped file; else the mapping itself, which root alone may open. */
function pathsOf(pid: number, mapping: Mapping, root: string): readonly string[] {
  const path = root + mapping.path;
  const mapped = `/proc/${pid}/map_files/${mapping.range}`;
  if (mapping.deleted) return [mapped];
  // Some file systems (overlayfs) tell other numbers of a mapping than of the file.
  return statOf(path)?.ino === mapping.inode ? [path] : [mapped, path];
}

/** Undefined: it isn't there, or its process has just ended. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

/** What a process maps, as often as it is looked at. What is gone from it meanwhile is still known, unless something else has taken its place. */
export class ProcessModules {
  readonly pid: number;
  readonly #files: ModuleFiles;
  /** By address; none overlaps another. */
  #mapped: readonly MappedModule[] = [];
  #perfMap: PerfMapFile | undefined;
  /** The lines of /proc/PID/maps that `#mapped` was made from. */
  #seen: string | undefined;

  private constructor(pid: number, files: ModuleFiles) {
    this.pid = pid;
    this.#files = files;
  }

  /** Throws SONDE_PROCESS_NOT_FOUND, SONDE_PROCESS_PERMISSION. */
  static record(pid: number, files: ModuleFiles): ProcessModules {
    const modules = new ProcessModules(pid, files);
    modules.#look();
    return modules;
  }

  /** Looks again, as after a pc that nothing was known at; false: the process is gone, or may not be looked into, and what was known stays. */
  update(): boolean {
    try {
      this.#look();
      return true;
    } catch (error) {
      if (error instanceof SondeError) return false;
      throw error;
    }
  }

  get mapped(): readonly MappedModule[] {
    return this.#mapped;
  }

  /** Undefined: nothing executable was there. */
  at(address: number): MappedModule | undefined {
    return mappedAt(this.#mapped, address);
  }

  /** What the program itself tells of code that it has compiled (perf-PID.map). */
  compiledAt(address: number): { readonly name: string; readonly address: number } | undefined {
    return this.#perfMap?.at(address);
  }

  #look(): void {
    const { pid } = this;
    const seen = readCodeMappings(pid);
    if (seen !== this.#seen) {
      const root = rootOf(pid);
      const code = parseMappings(seen).filter(({ end }) => Number.isSafeInteger(end));
      const found = code.map((mapping) => mappedModule(mapping, this.#moduleOf(mapping, root)));
      if (found.some(({ module }) => module.image === undefined)) this.#perfMap ??= new PerfMapFile(pid);
      this.#mapped = merge(found, this.#mapped);
      this.#seen = seen;
    }
    this.#perfMap?.update();
  }

  #moduleOf(mapping: Mapping, root: string): Module {
    if (mapping.path.startsWith("/")) return this.#files.of(this.pid, mapping, root) ?? Module.ofBytes(new Uint8Array(0), mapping.path);
    if (mapping.path !== "[vdso]") return Module.anonymous;
    const bytes = mapping.end - mapping.start > LARGEST_VDSO ? undefined : readOnce(this.pid, mapping);
    return bytes === undefined ? Module.anonymous : this.#files.inMemory(bytes, mapping.path);
  }
}

function readOnce(pid: number, { start, end }: Mapping): Uint8Array | undefined {
  return unlessRefused(() => {
    const memory = new ProcessMemory(pid);
    try {
      return memory.bytes(start, end - start);
    } finally {
      memory.close();
    }
  });
}

/** A module where a mapping has it. */
export function mappedModule({ start, end, offset }: Pick<Mapping, "start" | "end" | "offset">, module: Module): MappedModule {
  const bias = module.image === undefined ? start - offset : biasOf(module.image, start, offset);
  return {
    start,
    end,
    module,
    bias,
    get frames() {
      return module.frames;
    },
  };
}

/** What was added to addresses as linked where the file's part at `offset` is mapped at `start`: segments are mapped by whole pages. */
function biasOf(image: ElfImage, start: number, offset: number): number {
  const holds = (executable: boolean) =>
    image.segments.find(
      (segment) =>
        segment.type === PT_LOAD &&
        (!executable || (segment.flags & PF_X) !== 0) &&
        offset >= segment.offset - (segment.offset % PAGE) &&
        offset < segment.offset + segment.fileSize,
    );
  const segment = holds(true) ?? holds(false);
  return segment === undefined ? start - offset : start - offset - (segment.address - segment.offset);
}

/** The new ones, and of the old ones those that no new one overlaps; by address. */
function merge(found: readonly MappedModule[], old: readonly MappedModule[]): readonly MappedModule[] {
  const sorted = found.toSorted((a, b) => a.start - b.start);
  const kept = old.filter(({ start, end }) => {
    const next = sorted[after(sorted, end - 1) - 1];
    return next === undefined || next.end <= start;
  });
  return [...sorted, ...kept].sort((a, b) => a.start - b.start);
}

/** How many begin at an address or before it. */
function after(mapped: readonly MappedModule[], address: number): number {
  let low = 0;
  let high = mapped.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (mapped[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `mapped` by address. */
export function mappedAt(mapped: readonly MappedModule[], address: number): MappedModule | undefined {
  const found = mapped[after(mapped, address) - 1];
  return found !== undefined && address < found.end ? found : undefined;
}
