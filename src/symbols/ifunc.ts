/**
 * Finds what an indirect function really calls. Such a symbol (memcpy, strlen, … in glibc) names a resolver, which the
 * loader calls once to choose an implementation for this processor; a probe on it would count resolutions, not calls.
 *
 * The choice stands in a slot that the loader filled in, in every process that uses the function:
 *
 *     the library's own IRELATIVE relocation, whose addend is the resolver ─┐
 *     a program's JUMP_SLOT or GLOB_DAT relocation for the name ────────────┴→ slot in memory → implementation
 *
 * Where no process that may be read has such a slot, every address that the resolver can return is a candidate.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { codeSegment, type ElfImage, offsetToAddress, readElf } from "../elf/image.ts";
import { findRelocations, R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_IRELATIVE, R_X86_64_JUMP_SLOT } from "../elf/relocations.ts";
import { readSymbolTable, type SymbolTable } from "../elf/symbol-table.ts";
import { isMappingOf, type Mapping, processesMapping, readMappings } from "../sys/procfs.ts";
import { loadedAddresses } from "../x86/full-decoder.ts";
import { FileSource } from "./file-source.ts";
import type { FileIdentity } from "./site.ts";
import type { FunctionEntry } from "./symbol-index.ts";

export interface Implementations {
  /** Addresses, as linked, in the same file. */
  readonly addresses: readonly number[];
  /** Read from a process, or all that the resolver could give. */
  readonly from: "process" | "resolver";
  /** Some process uses the kernel's own code (vdso), which no probe reaches. */
  readonly vdso: boolean;
}

interface IndirectFile extends FileIdentity {
  readonly path: string;
  readonly image: ElfImage;
}

/** A file mapped in a process, as far as relocations go. */
interface LoadedObject {
  readonly image: ElfImage;
  readonly code: Mapping;
  readonly symbols: SymbolTable | undefined;
}

/** A process, looked at once for all functions. */
interface Snapshot {
  readonly mappings: readonly Mapping[];
  /** The indirect functions' own file in it. */
  readonly own: Mapping;
  /** Descriptor of its memory. */
  readonly memory: number;
  objects: readonly LoadedObject[] | undefined;
}

/** Processes that are looked into before the resolver's code is. */
const MOST_PROCESSES = 8;

/** The indirect functions of one file; whoever makes it closes it. */
export class IndirectFunctions {
  readonly #file: IndirectFile;
  readonly #pids: readonly number[];
  readonly #snapshots = new Map<number, Snapshot | undefined>();
  readonly #open: FileSource[] = [];
  #others: readonly number[] | undefined;
  /** The file's own slots, by the resolver that fills them. */
  #ownSlots: Map<number, number[]> | undefined;

  /** `pids`: the processes that count; none: any that can tell, first of all this one, which the C library is mapped in too. */
  constructor(file: IndirectFile, pids: readonly number[]) {
    this.#file = file;
    this.#pids = pids;
  }

  implementationsOf(entry: FunctionEntry): Implementations {
    const addresses = new Set<number>();
    let vdso = false;
    const look = (pid: number): boolean => {
      const used = this.#usedBy(pid, entry);
      for (const address of used.addresses) addresses.add(address);
      vdso ||= used.vdso;
      return used.addresses.length > 0 || used.vdso;
    };
    let found = false;
    for (const pid of this.#pids) found = look(pid) || found;
    if (!found && !look(process.pid)) {
      this.#others ??= processesMapping(this.#file)
        .filter((pid) => pid !== process.pid)
        .slice(0, MOST_PROCESSES);
      for (const pid of this.#others) if (look(pid)) break;
    }
    if (addresses.size > 0 || vdso) return { addresses: [...addresses], from: "process", vdso };
    return { addresses: candidates(entry, this.#file.image), from: "resolver", vdso: false };
  }

  close(): void {
    for (const snapshot of this.#snapshots.values()) if (snapshot !== undefined) closeSync(snapshot.memory);
    for (const source of this.#open) source.close();
    this.#snapshots.clear();
    this.#open.length = 0;
  }

  /** What a process's slots for the function hold. */
  #usedBy(pid: number, entry: FunctionEntry): { addresses: readonly number[]; vdso: boolean } {
    const snapshot = this.#snapshot(pid);
    if (snapshot === undefined) return { addresses: [], vdso: false };
    const own = this.#readSlots(snapshot, entry, this.#file.image, snapshot.own, this.#slotsOf(entry.address));
    if (own.addresses.length > 0 || own.vdso) return own;
    const names = [entry.name, ...entry.aliases];
    snapshot.objects ??= this.#objects(pid, snapshot.mappings);
    for (const object of snapshot.objects) {
      const used = this.#readSlots(snapshot, entry, object.image, object.code, slotsFor(object, names));
      if (used.addresses.length > 0 || used.vdso) return used;
    }
    return { addresses: [], vdso: false };
  }

  #snapshot(pid: number): Snapshot | undefined {
    if (this.#snapshots.has(pid)) return this.#snapshots.get(pid);
    let snapshot: Snapshot | undefined;
    try {
      const mappings = readMappings(pid);
      const own = mappings.find((mapping) => mapping.permissions[2] === "x" && isMappingOf(mapping, this.#file));
      if (own !== undefined) snapshot = { mappings, own, memory: openSync(`/proc/${pid}/mem`, "r"), objects: undefined };
    } catch {
      // Gone, or not ours to read: another process may tell.
    }
    this.#snapshots.set(pid, snapshot);
    return snapshot;
  }

  #readSlots(
    snapshot: Snapshot,
    entry: FunctionEntry,
    image: ElfImage,
    code: Mapping,
    slots: readonly number[],
  ): { addresses: readonly number[]; vdso: boolean } {
    const addresses = new Set<number>();
    let vdso = false;
    const bias = slots.length === 0 ? undefined : biasOf(image, code);
    if (bias === undefined) return { addresses: [], vdso };
    const word = new DataView(new ArrayBuffer(8));
    for (const slot of slots) {
      try {
        if (readSync(snapshot.memory, word, 0, 8, slot + bias) !== 8) continue;
      } catch {
        // Unmapped since, or the process is gone.
        continue;
      }
      const value = Number(word.getBigUint64(0, true));
      const target = snapshot.mappings.find((mapping) => value >= mapping.start && value < mapping.end);
      if (target === undefined || target.permissions[2] !== "x") continue;
      if (target.path === "[vdso]") vdso = true;
      else if (target.inode === snapshot.own.inode && target.device === snapshot.own.device) {
        const address = offsetToAddress(this.#file.image, value - target.start + target.offset);
        // A slot that isn't filled in yet points into a table of stubs, or at the resolver.
        if (address !== undefined && address !== entry.address && !isStub(this.#file.image, address)) addresses.add(address);
      }
    }
    return { addresses: [...addresses], vdso };
  }

  #slotsOf(resolver: number): readonly number[] {
    if (this.#ownSlots === undefined) {
      this.#ownSlots = new Map();
      for (const { addend, slot } of findRelocations(this.#file.image, (type) => type === R_X86_64_IRELATIVE)) {
        const slots = this.#ownSlots.get(addend);
        if (slots === undefined) this.#ownSlots.set(addend, [slot]);
        else slots.push(slot);
      }
    }
    return this.#ownSlots.get(resolver) ?? [];
  }

  #objects(pid: number, mappings: readonly Mapping[]): LoadedObject[] {
    const loaded: LoadedObject[] = [];
    for (const code of codeMappings(mappings)) {
      for (const path of [`/proc/${pid}/map_files/${code.range}`, `/proc/${pid}/root${code.path}`]) {
        try {
          const source = new FileSource(path, code.path);
          this.#open.push(source);
          const image = readElf(source);
          loaded.push({ image, code, symbols: readSymbolTable(image, "dynsym") });
          break;
        } catch {
          // map_files needs rights that the path may not need; what isn't ELF has no slots.
        }
      }
    }
    return loaded;
  }
}

/** The code mapping of each file, once. */
function codeMappings(mappings: readonly Mapping[]): Mapping[] {
  const seen = new Set<string>();
  return mappings.filter((mapping) => {
    if (mapping.inode === 0n || mapping.permissions[2] !== "x") return false;
    const key = `${mapping.device}:${mapping.inode}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

function slotsFor(object: LoadedObject, names: readonly string[]): number[] {
  const { symbols, image } = object;
  if (symbols === undefined) return [];
  const wanted = new Set(names.flatMap((name) => symbols.find(name)));
  if (wanted.size === 0) return [];
  return findRelocations(
    image,
    (type, symbol, addend) => wanted.has(symbol) && (type === R_X86_64_JUMP_SLOT || type === R_X86_64_GLOB_DAT || (type === R_X86_64_64 && addend === 0)),
  ).map((relocation) => relocation.slot);
}

/** What is added to addresses as linked: the code segment is one mapping, and begins on a page. */
function biasOf(image: ElfImage, code: Mapping): number | undefined {
  for (const segment of image.segments) {
    if (segment.type !== 1 || (segment.flags & 1) === 0) continue;
    const page = segment.offset - (segment.offset % 4096);
    if (code.offset >= page && code.offset < segment.offset + segment.fileSize) return code.start - (code.offset - segment.offset + segment.address);
  }
  return undefined;
}

/** In a procedure linkage table: not yet resolved. */
function isStub(image: ElfImage, address: number): boolean {
  return image.sections.some((section) => section.name.startsWith(".plt") && address >= section.address && address < section.address + section.size);
}

/** The addresses that the resolver's code loads and that hold code: one of them is what it returns. */
function candidates(entry: FunctionEntry, image: ElfImage): number[] {
  const code = image.source.read(entry.offset, entry.size > 0 ? Math.min(entry.size, 16_384) : 512);
  return loadedAddresses(code, entry.address).filter(
    (address) => address !== entry.address && codeSegment(image, address) !== undefined && !isStub(image, address),
  );
}
