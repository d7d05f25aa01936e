/** Windows of running programs, and a probe of the tests' own: it counts, and leaves everything as it was. */
import { readlinkSync } from "node:fs";
import { addressToOffset, type ElfImage, PT_LOAD, readElf } from "../../../src/elf/image.ts";
import { type ArenaPlace, ArmerProcess, type ArmParts, type Copy, type InlineSite } from "../../../src/engines/inline/attach/arm.ts";
import { FileCode } from "../../../src/engines/inline/code/file-code.ts";
import { PROCESS_BYTES, ProcessWord } from "../../../src/engines/inline/memory/layout.ts";
import { FileSource } from "../../../src/symbols/file-source.ts";
import { SymbolIndex } from "../../../src/symbols/symbol-index.ts";
import { closeAll } from "../../../src/sys/descriptor.ts";
import { createMemfd } from "../../../src/sys/memfd.ts";
import { mapWhileHeld } from "../../../src/sys/memory.ts";
import { readMappings } from "../../../src/sys/procfs.ts";
import { relocateWindow } from "../../../src/x86/relocate/relocate.ts";
import { isWindow, type Window } from "../../../src/x86/windows/windows.ts";

export interface ProbedSite extends InlineSite {
  readonly window: Window;
}

/** The windows of a function of a program: its entry's, and those of its exits. `path`: a copy that has the symbols, of a stripped program. */
export function sitesOf(pid: number, name: string, path = `/proc/${pid}/exe`): ProbedSite[] {
  const source = new FileSource(path);
  try {
    const image = readElf(source);
    const index = new SymbolIndex(image);
    const [entry] = index.find(name);
    if (entry === undefined) throw new Error(`no ${name} in ${path}`);
    const [found] = new FileCode(image, index).windows([entry]);
    if (found === undefined) throw new Error(`${name} isn't in its code`);
    const windows = new Set([found.entry, ...found.exits.map(({ window }) => window)]);
    return [...windows].map((window) => {
      if (!isWindow(window)) throw new Error(`${name}: ${window.reason}`);
      const address = runtimeAddress(pid, image, entry.address) + window.start;
      return { address, name, original: new Uint8Array(source.read(entry.offset + window.start, window.length)), most: 256, window };
    });
  } finally {
    source.close();
  }
}

function runtimeAddress(pid: number, image: ElfImage, address: number): number {
  if (image.type === "executable") return address;
  const exe = readlinkSync(`/proc/${pid}/exe`);
  const first = readMappings(pid).find((mapping) => mapping.path === exe && mapping.offset === 0);
  if (first === undefined) throw new Error("its program isn't mapped");
  return first.start + address;
}

/** All windows of a file that a process has mapped; none overlaps another. */
export function allSitesOf(pid: number, file: RegExp): ProbedSite[] {
  const map = readMappings(pid).find(({ path, offset }) => offset === 0 && file.test(path));
  if (map === undefined) throw new Error(`no ${file} is mapped`);
  const source = new FileSource(map.path);
  try {
    const image = readElf(source);
    const index = new SymbolIndex(image);
    const sizes = new Map<number, number>();
    for (const table of index.tables)
      for (let i = 0; i < table.count; i++) if (table.isFunction(i)) sizes.set(table.address(i), Math.max(sizes.get(table.address(i)) ?? 0, table.size(i)));
    const functions = [...sizes].map(([address, size]) => ({ address, size })).sort((a, b) => a.address - b.address);
    const lowest = Math.min(...image.segments.filter(({ type }) => type === PT_LOAD).map(({ address }) => address));
    const bias = image.type === "executable" ? 0 : map.start - lowest;
    const sites: ProbedSite[] = [];
    let end = 0;
    for (const [i, found] of new FileCode(image, index).windows(functions).entries()) {
      const start = (functions[i] as { address: number }).address;
      for (const window of new Set([found?.entry, ...(found?.exits ?? []).map((exit) => exit.window)])) {
        if (window === undefined || !isWindow(window) || start + window.start < end) continue;
        end = start + window.start + window.length;
        const original = new Uint8Array(source.read(addressToOffset(image, start + window.start) as number, window.length));
        sites.push({ address: bias + start + window.start, name: (start + window.start).toString(16), original, most: 256, window });
      }
    }
    return sites;
  } finally {
    source.close();
  }
}

/** An arming process with memory for counters. */
export class CountingArmer extends ArmerProcess {
  readonly counts: BigInt64Array;

  constructor(most = 512) {
    const bytes = Math.ceil((8 * most) / 4096) * 4096;
    const fd = createMemfd("sonde-counters", bytes);
    super({ fd, bytes });
    this.counts = new BigInt64Array(mapWhileHeld(fd, bytes));
    closeAll([fd]);
  }
}

/** Of a counter per window's probe, 8 bytes each. */
export class Counters implements ArmParts {
  readonly ownBytes = PROCESS_BYTES;
  readonly commonBytes = 16;
  readonly #numbers = new Map<string, number>();
  readonly #counts: BigInt64Array;

  constructor({ counts }: CountingArmer) {
    this.#counts = counts;
  }

  common(): Uint8Array {
    this.#counts.fill(0n);
    return new Uint8Array(0);
  }
  build(site: InlineSite, at: number, arena: ArenaPlace): Copy {
    const { window } = site as ProbedSite;
    const offsets = new Map(window.probes.map(({ offset, kind }) => [site.address + offset - window.start, kind]));
    const copy = relocateWindow(site.original, site.address, site.original.length, at, 256, (address, place) => {
      const kind = offsets.get(address);
      return kind === undefined ? undefined : counting(place, arena.shared + 8 * this.#number(`${site.name} ${kind}`), arena.own + ProcessWord.enabled);
    });
    if ("refused" in copy) throw new Error(copy.refused);
    return copy;
  }
  #number(name: string): number {
    const known = this.#numbers.get(name) ?? this.#numbers.size;
    this.#numbers.set(name, known);
    return known;
  }
  /** Probes that were hit, and how often in all. */
  sums(): { readonly probes: number; readonly hits: bigint } {
    let [probes, hits] = [0, 0n];
    for (const count of this.#counts) {
      if (count > 0n) probes++;
      hits += count;
    }
    return { probes, hits };
  }
  /** How often the probe of a function's entry, return or jump has run. */
  read(name: string): number {
    return Number(this.#counts[this.#number(name)]);
  }
}

/** lea rsp, [rsp-128]; pushfq; cmp dword [enabled], 0; je over; lock inc qword [counter]; over: popfq; lea rsp, [rsp+128] */
function counting(at: number, counter: number, enabled: number): Uint8Array {
  return Uint8Array.from([
    ...[0x48, 0x8d, 0x64, 0x24, 0x80, 0x9c],
    ...[0x83, 0x3d, ...int32(enabled - (at + 13)), 0],
    ...[0x74, 8],
    ...[0xf0, 0x48, 0xff, 0x05, ...int32(counter - (at + 23))],
    ...[0x9d, 0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0],
  ]);
}

const int32 = (value: number): number[] => [...new Uint8Array(Int32Array.of(value).buffer)];
