/** A file's code as windows are looked for in it: functions with the room behind them, and all that leads into their middle. */
import { addressToOffset, type ElfImage, findSection, PF_X, PT_LOAD, type Segment, sectionBytes } from "../../../elf/image.ts";
import { landingPads } from "../../../elf/landing-pads.ts";
import { findRelocations } from "../../../elf/relocations.ts";
import { functionStarts } from "../../../elf/unwind-table.ts";
import type { SymbolIndex } from "../../../symbols/symbol-index.ts";
import { type Sweep, sweep } from "../../../x86/windows/sweep.ts";
import { type FunctionCode, type FunctionWindows, functionWindows, type Window, type WindowRefusal, windowAt } from "../../../x86/windows/windows.ts";
import { type CodeRange, entrances } from "./entrances.ts";

const R_X86_64_RELATIVE = 8;
/** struct rseq_cs (include/uapi/linux/rseq.h): version, flags, start, length, where it is aborted to. */
const RSEQ_BYTES = 32;
/** Entries of a jump table; compilers make none that is longer. */
const LONGEST_TABLE = 4096;
/** Padding behind a function that is looked at: a window needs four bytes. */
const ROOM = 16;

/** A function to be probed, as symbols give it. */
export interface CodeFunction {
  readonly address: number;
  /** 0: unknown. */
  readonly size: number;
}

export interface CodeRules {
  /** Go: threads may be parked anywhere. */
  readonly parks?: boolean;
  /** The program looks at the addresses of its faults. */
  readonly watchesFaults?: boolean;
}

interface Text {
  readonly segment: Segment;
  readonly bytes: Uint8Array;
}

export class FileCode {
  readonly #image: ElfImage;
  readonly #texts: readonly Text[];
  /** Where functions begin, by address. */
  readonly #starts: Float64Array;
  /** Addresses in code that data holds: pointers to functions, and tables of a function's own labels. */
  readonly #pointed: Float64Array;
  readonly #landings: Float64Array;
  /** Landing pads couldn't be read. */
  readonly #unread: boolean;
  readonly #critical: readonly CodeRange[];

  /** `index`: the symbols of that file. */
  constructor(image: ElfImage, index: SymbolIndex) {
    this.#image = image;
    this.#texts = image.segments
      .filter(({ type, flags }) => type === PT_LOAD && (flags & PF_X) !== 0)
      .map((segment) => ({ segment, bytes: image.source.read(segment.offset, segment.fileSize) }));
    this.#starts = sorted([...symbolStarts(index), ...functionStarts(image)]);
    const pads = landingPads(image);
    this.#unread = pads === undefined;
    this.#landings = sorted(pads ?? []);
    const pointed: number[] = [];
    const slots = new Map<number, number>();
    const rseq = findSection(image, "__rseq_cs");
    findRelocations(image, (type, _symbol, addend, slot) => {
      if (type !== R_X86_64_RELATIVE) return false;
      if (this.#textOf(addend) !== undefined) pointed.push(addend);
      if (rseq !== undefined && slot >= rseq.address && slot < rseq.address + rseq.size) slots.set(slot, addend);
      return false;
    });
    const sequences = rseq === undefined ? [] : restartable(sectionBytes(image, rseq), rseq.address, slots);
    this.#critical = sequences.map(({ start, length }) => ({ start, end: start + length }));
    for (const { abort } of sequences) pointed.push(abort);
    this.#pointed = sorted(pointed);
  }

  /** The windows of functions, in their order; undefined for one that isn't in the file's code. */
  windows(functions: readonly CodeFunction[], rules: CodeRules = {}): (FunctionWindows | undefined)[] {
    return this.#each(functions, rules, functionWindows);
  }

  /** The windows of instructions in functions' midst. */
  windowsAt(places: readonly (CodeFunction & { readonly offset: number })[], rules: CodeRules = {}): (Window | WindowRefusal | undefined)[] {
    return this.#each(places, rules, (code, swept, { offset }) => windowAt(code, offset, swept));
  }

  /** What an address that no symbol tells of is in: from the last known start to the next. */
  around(address: number): CodeFunction {
    const at = lowerBound(this.#starts, address + 1) - 1;
    const start = this.#starts[at];
    return start === undefined ? { address, size: 0 } : { address: start, size: this.#next(address + 1) - start };
  }

  #each<One extends CodeFunction, Found>(
    functions: readonly One[],
    rules: CodeRules,
    find: (code: FunctionCode, swept: Sweep, one: One) => Found,
  ): (Found | undefined)[] {
    const foreign = this.#foreign(functions);
    return functions.map((one) => {
      const text = this.#textOf(one.address);
      if (text === undefined) return undefined;
      const { segment, bytes } = text;
      const at = one.address - segment.address;
      const size = Math.min(one.size, bytes.length - at);
      const room = size === 0 ? ROOM : Math.min(this.#next(one.address + size) - one.address, size + ROOM);
      const code = bytes.subarray(at, at + room);
      const swept = sweep(code.subarray(0, size));
      const tables = this.#tables(one.address, size, swept);
      const landings = [
        ...tables,
        ...(foreign.get(one.address) ?? []),
        ...between(this.#pointed, one.address, size),
        ...between(this.#landings, one.address, size),
      ];
      return find(
        {
          code,
          address: one.address,
          size,
          landings,
          tables: tables.length > 0 || between(this.#pointed, one.address, size).length > 0,
          critical: this.#critical.map(({ start, end }) => ({ start: start - one.address, end: end - one.address })),
          landingsUnknown: this.#unread,
          parks: rules.parks === true,
          watchesFaults: rules.watchesFaults === true,
        },
        swept,
        one,
      );
    });
  }

  #textOf(address: number): Text | undefined {
    return this.#texts.find(({ segment }) => address >= segment.address && address < segment.address + segment.fileSize);
  }

  /** The start of the next function at or behind an address, or the end of the code. */
  #next(address: number): number {
    const at = lowerBound(this.#starts, address);
    const text = this.#textOf(address - 1);
    const end = text === undefined ? address : text.segment.address + text.segment.fileSize;
    return Math.min(this.#starts[at] ?? end, end);
  }

  /** By function's address, the offsets that other code branches to. */
  #foreign(functions: readonly CodeFunction[]): Map<number, number[]> {
    const found = new Map<number, number[]>();
    for (const { segment, bytes } of this.#texts) {
      const ranges: (CodeRange & { readonly address: number })[] = [];
      for (const { address, size } of functions.toSorted((a, b) => a.address - b.address)) {
        const start = address - segment.address;
        if (start < 0 || start >= bytes.length || size === 0) continue;
        // Symbols may overlap: the rest of it is looked at with the next one.
        const last = ranges.at(-1);
        if (last !== undefined && last.start === start) continue;
        if (last !== undefined && last.end > start) ranges[ranges.length - 1] = { ...last, end: start };
        ranges.push({ start, end: Math.min(start + size, bytes.length), address });
      }
      if (ranges.length === 0) continue;
      const starts = this.#starts.filter((one) => one >= segment.address && one < segment.address + bytes.length).map((one) => one - segment.address);
      for (const [range, offsets] of entrances(bytes, ranges, starts)) found.set(range.start + segment.address, offsets);
    }
    return found;
  }

  /** Where the function's jump tables lead, as offsets: distances from the table itself, or addresses. */
  #tables(address: number, size: number, { taken, absolute }: Sweep): number[] {
    const found = new Set<number>();
    const starts = [...taken.map((offset) => address + offset), ...absolute].sort((a, b) => a - b);
    for (const offset of taken) this.#table(address + offset, 4, address, size, starts, found);
    for (const table of absolute) this.#table(table, 8, address, size, starts, found);
    return [...found];
  }

  #table(table: number, entry: 4 | 8, address: number, size: number, starts: readonly number[], found: Set<number>): void {
    const offset = addressToOffset(this.#image, table);
    if (offset === undefined) return;
    const next = starts.find((one) => one > table) ?? Number.POSITIVE_INFINITY;
    const bytes = this.#image.source.read(offset, Math.min(LONGEST_TABLE * entry, next - table));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + entry <= bytes.length; at += entry) {
      const target = entry === 4 ? table + view.getInt32(at, true) : view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      if (this.#textOf(target) === undefined) break;
      if (target >= address && target < address + size) found.add(target - address);
    }
  }
}

function* symbolStarts(index: SymbolIndex): Iterable<number> {
  for (const table of index.tables) for (let i = 0; i < table.count; i++) if (table.isFunction(i)) yield table.address(i);
}

const sorted = (values: Iterable<number>): Float64Array => Float64Array.from(new Set(values)).sort();

/** The index of the first value that isn't below `wanted`. */
function lowerBound(values: Float64Array, wanted: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of sorted addresses those within a function, its start left out, as offsets. */
function between(values: Float64Array, address: number, size: number): number[] {
  const found: number[] = [];
  for (let i = lowerBound(values, address + 1); i < values.length && (values[i] as number) < address + size; i++) found.push((values[i] as number) - address);
  return found;
}

/** `slots`: what the loader writes into them, where the file is position-independent. */
function restartable(bytes: Uint8Array, address: number, slots: ReadonlyMap<number, number>): { start: number; length: number; abort: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = [];
  for (let at = 0; at + RSEQ_BYTES <= bytes.length; at += RSEQ_BYTES) {
    const pointer = (offset: number): number => slots.get(address + at + offset) ?? Number(view.getBigUint64(at + offset, true));
    found.push({ start: pointer(8), length: Number(view.getBigUint64(at + 16, true)), abort: pointer(24) });
  }
  return found;
}
