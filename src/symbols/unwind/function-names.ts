/** The function that an address as linked lies in, by its symbol: for any number of addresses, where SymbolIndex.at() is for a few. */

import { u32 } from "../../dwarf/leb.ts";
import { GoFunctions } from "../../elf/go-pclntab.ts";
import { type ElfImage, sectionBytes } from "../../elf/image.ts";
import { findRelocations, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT } from "../../elf/relocations.ts";
import { readSymbolTable, type SymbolTable } from "../../elf/symbol-table.ts";
import { unlessRefused } from "../../errors/unless-refused.ts";
import { demangle } from "../names/demangle.ts";

export interface NamedFunction {
  /** As the programmer wrote it. */
  readonly name: string;
  /** As linked. */
  readonly address: number;
  /** Other names of the same place, as the linker knows them. */
  readonly aliases: readonly string[];
}

/** A symbol of size 0 is believed for so many bytes, within its section. */
const FARTHEST = 1 << 20;
/** Functions that begin before an address are looked at: the one that covers it may have others in it. */
const MOST_OVERLAPS = 32;
const MOST_ALIASES = 64;

interface Sorted {
  readonly starts: Float64Array;
  readonly tables: readonly SymbolTable[];
  /** Index in its table, times two, plus which table. */
  readonly symbols: Float64Array;
}

export class FunctionNames {
  readonly #image: ElfImage | undefined;
  readonly #elsewhere: () => ElfImage | undefined;
  #sorted: Sorted | undefined;
  #plt: ReadonlyMap<number, string> | undefined;
  #go: GoFunctions | undefined | null = null;

  /** `elsewhere` gives the file with the symbols that were stripped from this one. */
  constructor(image: ElfImage | undefined, elsewhere: () => ElfImage | undefined) {
    this.#image = image;
    this.#elsewhere = elsewhere;
  }

  at(address: number): NamedFunction | undefined {
    this.#sorted ??= this.#sort();
    const { starts, tables, symbols } = this.#sorted;
    const tableOf = (i: number): SymbolTable => tables[symbols[i]! % 2]!;
    const indexOf = (i: number): number => Math.floor(symbols[i]! / 2);
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= Math.max(0, low - MOST_OVERLAPS); i--) {
      const start = starts[i]!;
      const size = tableOf(i).size(indexOf(i));
      if (size === 0 ? !this.#isNear(start, address) : address >= start + size) continue;
      const names: string[] = [];
      for (let j = i; j >= 0 && starts[j] === start && names.length < MOST_ALIASES; j--) names.push(tableOf(j).name(indexOf(j)));
      return named(start, names.reverse());
    }
    return this.#stubs(address) ?? this.#inGo(address);
  }

  #isNear(start: number, address: number): boolean {
    const section = this.#image?.sections.find((one) => one.address > 0 && address >= one.address && address < one.address + one.size);
    return address - start <= FARTHEST && (section === undefined || start >= section.address);
  }

  /** By which others' functions are called: `write@plt`. */
  #stubs(address: number): NamedFunction | undefined {
    const image = this.#image;
    this.#plt ??= (image && unlessRefused(() => pltStubs(image))) ?? new Map();
    // Some are half as long.
    const half = address - (address % (STUB / 2));
    const start = this.#plt.has(half) ? half : address - (address % STUB);
    const name = this.#plt.get(start);
    return name === undefined ? undefined : { name: `${demangle(name)?.text ?? name}@plt`, address: start, aliases: [`${name}@plt`] };
  }

  #inGo(address: number): NamedFunction | undefined {
    const image = this.#image;
    if (this.#go === null) this.#go = image && unlessRefused(() => GoFunctions.read(image));
    const go = this.#go;
    const index = go?.at(address);
    return go === undefined || index === undefined ? undefined : { name: go.name(index), address: go.address(index), aliases: [] };
  }

  /** By address; at one address global ones last, for they are found first. */
  #sort(): Sorted {
    const image = this.#image;
    const whole = image && (unlessRefused(() => readSymbolTable(image, "symtab")) ?? this.#stripped());
    const exported = image && unlessRefused(() => readSymbolTable(image, "dynsym"));
    const tables = [whole, exported].filter((table) => table !== undefined);
    const starts: number[] = [];
    const symbols: number[] = [];
    for (const [which, table] of tables.entries()) {
      for (let i = 0; i < table.count; i++) {
        if (!table.isFunction(i)) continue;
        starts.push(table.address(i));
        symbols.push(i * 2 + which);
      }
    }
    const isGlobal = (symbol: number): number => (tables[symbol % 2]!.binding(Math.floor(symbol / 2)) === 0 ? 0 : 1);
    const order = Uint32Array.from(starts, (_, i) => i).sort(
      (a, b) => starts[a]! - starts[b]! || isGlobal(symbols[a]!) - isGlobal(symbols[b]!) || symbols[b]! - symbols[a]!,
    );
    return { starts: Float64Array.from(order, (i) => starts[i]!), tables, symbols: Float64Array.from(order, (i) => symbols[i]!) };
  }

  #stripped(): SymbolTable | undefined {
    const image = this.#elsewhere();
    return image && unlessRefused(() => readSymbolTable(image, "symtab"));
  }
}

/** Of several the one that is nearest to what is written in a program: write, not __write or __GI___write. */
function named(address: number, names: readonly string[]): NamedFunction {
  const underscores = (name: string): number => /^_*/.exec(name)![0].length;
  const isMangled = (name: string): boolean => name.startsWith("_Z") || name.startsWith("_R");
  let best = names.at(-1)!;
  for (const name of names.toReversed()) if (!isMangled(best) && underscores(name) < underscores(best)) best = name;
  return { name: demangle(best)?.text ?? best, address, aliases: [...new Set(names)].filter((name) => name !== best) };
}

const STUB = 16;
/** Far more than a program calls. */
const MOST_STUBS = 1 << 16;

/** The symbols of a file's stubs, by their addresses: each jumps to what is in a slot, `jmp *slot(%rip)` (psABI 1.0 §5.2). */
function pltStubs(image: ElfImage): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  const table = readSymbolTable(image, "dynsym");
  if (table === undefined) return found;
  const slots = new Map(
    findRelocations(image, (type, symbol) => symbol < table.count && (type === R_X86_64_JUMP_SLOT || type === R_X86_64_GLOB_DAT)).map(
      ({ slot, symbol }) => [slot, symbol] as const,
    ),
  );
  for (const section of image.sections.filter(({ name, size }) => name.startsWith(".plt") && size <= MOST_STUBS * STUB)) {
    const bytes = sectionBytes(image, section);
    const step = section.entrySize === STUB / 2 ? STUB / 2 : STUB;
    for (let at = 0; at + step <= bytes.length; at += step) {
      // endbr64 and bnd may stand before it.
      for (let jump = at; jump < at + 6; jump++) {
        if (bytes[jump] !== 0xff || bytes[jump + 1] !== 0x25) continue;
        const symbol = slots.get(section.address + jump + 6 + (u32(bytes, jump + 2) | 0));
        if (symbol !== undefined) found.set(section.address + at, table.name(symbol));
        break;
      }
    }
  }
  return found;
}
