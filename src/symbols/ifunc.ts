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
import { readSymbolTable } from "../elf/symbol-table.ts";
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

/** Processes that are looked into before the resolver's code is. */
const MOST_PROCESSES = 8;

export function implementationsOf(entry: FunctionEntry, file: IndirectFile, pids: readonly number[]): Implementations {
  const addresses = new Set<number>();
  let vdso = false;
  const look = (pid: number): boolean => {
    try {
      const used = usedBy(pid, entry, file);
      for (const address of used.addresses) addresses.add(address);
      vdso ||= used.vdso;
      return used.addresses.length > 0 || used.vdso;
    } catch {
      // Gone, or not ours to read: another process may tell.
      return false;
    }
  };
  let found = false;
  for (const pid of pids) found = look(pid) || found;
  if (!found && !look(process.pid)) {
    for (const pid of processesMapping({ device: file.device, inode: file.inode, path: file.path }).slice(0, MOST_PROCESSES)) {
      if (pid !== process.pid && look(pid)) break;
    }
  }
  if (addresses.size > 0 || vdso) return { addresses: [...addresses], from: "process", vdso };
  return { addresses: candidates(entry, file.image), from: "resolver", vdso: false };
}

/** What a process's slots for the function hold. */
function usedBy(pid: number, entry: FunctionEntry, file: IndirectFile): { addresses: number[]; vdso: boolean } {
  const mappings = readMappings(pid);
  const addresses = new Set<number>();
  let vdso = false;
  const own = mappings.find((mapping) => isMappingOf(mapping, { device: file.device, inode: file.inode, path: file.path }) && mapping.permissions[2] === "x");
  if (own === undefined) return { addresses: [], vdso };
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const readSlots = (image: ElfImage, code: Mapping, slots: readonly number[]): void => {
    const bias = biasOf(image, code);
    if (bias === undefined) return;
    const word = new DataView(new ArrayBuffer(8));
    for (const slot of slots) {
      if (readSync(memory, word, 0, 8, slot + bias) !== 8) continue;
      const value = Number(word.getBigUint64(0, true));
      const target = mappings.find((mapping) => value >= mapping.start && value < mapping.end);
      if (target === undefined || target.permissions[2] !== "x") continue;
      if (target.path === "[vdso]") vdso = true;
      else if (target.inode === own.inode && target.device === own.device) {
        const address = offsetToAddress(file.image, value - target.start + target.offset);
        // A slot that isn't filled in yet points into a table of stubs, or at the resolver.
        if (address !== undefined && address !== entry.address && !isStub(file.image, address)) addresses.add(address);
      }
    }
  };
  try {
    readSlots(file.image, own, findRelocations(file.image, (type, _, addend) => type === R_X86_64_IRELATIVE && addend === entry.address).map((relocation) => relocation.slot));
    if (addresses.size === 0 && !vdso) {
      const names = [entry.name, ...entry.aliases];
      for (const code of objects(mappings)) {
        const image = openObject(pid, code);
        if (image === undefined) continue;
        try {
          readSlots(image.elf, code, slotsFor(image.elf, names));
        } finally {
          image.close();
        }
        if (addresses.size > 0 || vdso) break;
      }
    }
  } finally {
    closeSync(memory);
  }
  return { addresses: [...addresses], vdso };
}

/** The code mapping of each file, once. */
function objects(mappings: readonly Mapping[]): Mapping[] {
  const seen = new Set<string>();
  return mappings.filter((mapping) => {
    if (mapping.inode === 0n || mapping.permissions[2] !== "x") return false;
    const key = `${mapping.device}:${mapping.inode}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

function openObject(pid: number, mapping: Mapping): { elf: ElfImage; close(): void } | undefined {
  for (const path of [`/proc/${pid}/map_files/${mapping.range}`, `/proc/${pid}/root${mapping.path}`]) {
    try {
      const source = new FileSource(path, mapping.path);
      try {
        return { elf: readElf(source), close: () => source.close() };
      } catch {
        source.close();
      }
    } catch {
      // map_files needs rights that the path may not need.
    }
  }
  return undefined;
}

function slotsFor(image: ElfImage, names: readonly string[]): number[] {
  const table = readSymbolTable(image, "dynsym");
  if (table === undefined) return [];
  const symbols = new Set(names.flatMap((name) => table.find(name)));
  if (symbols.size === 0) return [];
  return findRelocations(
    image,
    (type, symbol, addend) => symbols.has(symbol) && (type === R_X86_64_JUMP_SLOT || type === R_X86_64_GLOB_DAT || (type === R_X86_64_64 && addend === 0)),
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
  return loadedAddresses(code, entry.address).filter((address) => address !== entry.address && codeSegment(image, address) !== undefined && !isStub(image, address));
}
