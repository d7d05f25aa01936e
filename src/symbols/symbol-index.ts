/** The functions of one file: by exact name, by pattern, by address, and names near one that isn't there. */

import { GoFunctions } from "../elf/go-pclntab.ts";
import { codeSegment, type ElfImage, type Segment } from "../elf/image.ts";
import { readSymbolTable, STT_GNU_IFUNC, STT_NOTYPE, type SymbolTable } from "../elf/symbol-table.ts";
import { nearNames } from "../errors/near-names.ts";
import { demangle, looksMangled } from "./names/demangle.ts";
import { formsOfDemangled, WantedName } from "./names/forms.ts";
import { findDemangled, matchDemangled } from "./names/search.ts";
import { matchesPieces, patternPieces } from "./target.ts";

export interface FunctionEntry {
  /** As the programmer wrote it: C++ with its parameters, Rust without its hash. */
  readonly name: string;
  /** As the linker knows it, where that differs. */
  readonly symbol?: string;
  /** Other names of the same place; first the symbol, where the name was demangled. */
  readonly aliases: readonly string[];
  /** Virtual address as linked. */
  readonly address: number;
  /** In bytes, 0 if unknown. */
  readonly size: number;
  /** Place in the file. */
  readonly offset: number;
  /** The symbol names a resolver, not the function that is called. */
  readonly indirect: boolean;
}

export class SymbolIndex {
  readonly #image: ElfImage;
  readonly #elsewhere: (() => ElfImage | undefined) | undefined;
  /** Its own .symtab, `#own()`'s. Of these three: undefined before it was looked for, null where there is none. */
  #kept: SymbolTable | null | undefined;
  /** That, or what was stripped from it: `#full()`'s. */
  #fuller: SymbolTable | null | undefined;
  #dynamic: SymbolTable | null | undefined;
  /** Go's own table, which stripped programs have too; null: it isn't Go. */
  #goFunctions: GoFunctions | null | undefined;
  #lastSegment: Segment | undefined;

  /** `elsewhere` gives a file that has the symbols which were stripped from this one; it is asked once, and only where they are needed. */
  constructor(image: ElfImage, elsewhere?: () => ElfImage | undefined) {
    this.#image = image;
    this.#elsewhere = elsewhere;
  }

  /** Both tables, the fuller one first. */
  get tables(): readonly SymbolTable[] {
    return [this.#full(), this.#small()].filter((table) => table !== null);
  }

  /** Its own .symtab, or the one that was stripped from it. */
  #full(): SymbolTable | null {
    if (this.#fuller === undefined) this.#fuller = this.#own() ?? this.#strippedFrom() ?? null;
    return this.#fuller;
  }
  #own(): SymbolTable | null {
    if (this.#kept === undefined) this.#kept = readSymbolTable(this.#image, "symtab") ?? null;
    return this.#kept;
  }
  #strippedFrom(): SymbolTable | undefined {
    const image = this.#elsewhere?.();
    return image && readSymbolTable(image, "symtab");
  }
  #small(): SymbolTable | null {
    if (this.#dynamic === undefined) this.#dynamic = readSymbolTable(this.#image, "dynsym") ?? null;
    return this.#dynamic;
  }

  /**
   * The functions of exactly this name; several where files of the program have static functions of one name. Current versions
   * only, unless there are none. What was stripped is looked for only where the file itself has no such name. A name that no
   * symbol has is looked for among the demangled ones: without parameters it means every overload, without template arguments
   * every instance.
   */
  find(name: string): FunctionEntry[] {
    const exact = this.#findSymbol(name);
    if (exact.length > 0) return exact;
    for (const tables of this.#oneByOne()) {
      const found = this.#collect(tables, (table) => findDemangled(table, name));
      if (found.length > 0) return found;
    }
    return this.#go === undefined ? [] : this.#goEntries(this.#go.find(name));
  }

  get #go(): GoFunctions | undefined {
    if (this.#goFunctions === undefined) this.#goFunctions = GoFunctions.read(this.#image) ?? null;
    return this.#goFunctions ?? undefined;
  }

  #goEntries(indices: readonly number[]): FunctionEntry[] {
    const go = this.#go as GoFunctions;
    return indices.flatMap((index) => {
      const address = go.address(index);
      const segment = this.#codeSegment(address);
      if (segment === undefined) return [];
      const offset = address - segment.address + segment.offset;
      return [{ name: go.name(index), aliases: NO_ALIASES, address, size: go.size(index), offset, indirect: false }];
    });
  }

  /** Go's functions that a pattern matches, apart from those that symbols name. */
  #matchGo(pieces: readonly string[], known: readonly FunctionEntry[]): FunctionEntry[] {
    const go = this.#go;
    // Where there are symbols, they are all there.
    if (go === undefined || this.#fuller !== null) return [];
    const addresses = new Set(known.map(({ address }) => address));
    const indices = Array.from({ length: go.count }, (_, i) => i).filter((i) => !addresses.has(go.address(i)) && matchesPieces(pieces, go.name(i)));
    return this.#goEntries(indices);
  }

  /** By the name in the symbol table alone. */
  #findSymbol(name: string): FunctionEntry[] {
    for (const tables of this.#nearestFirst()) {
      const found = this.#collect(tables, (table) => table.find(name).filter((i) => table.isFunction(i)));
      if (found.length > 0) return found;
      // Assembly often leaves the type out.
      const untyped = this.#collect(tables, (table) =>
        table.find(name).filter((i) => table.type(i) === STT_NOTYPE && table.section(i) !== 0 && table.binding(i) !== 0),
      );
      if (untyped.length > 0) return untyped;
    }
    return [];
  }

  /** The functions whose name, as in the symbol table or demangled, the pattern matches, by address. */
  match(pattern: string): FunctionEntry[] {
    const found = this.#match(patternPieces(pattern));
    // Where none is called `operator*`, any operator may be meant.
    return found.length === 0 && /\boperator\*/.test(pattern) ? this.#match(patternPieces(pattern, true)) : found;
  }

  #match(pieces: readonly string[]): FunctionEntry[] {
    const prefix = Buffer.from(pieces[0] as string, "utf8");
    // What begins so is matched without another look, unless the beginning reaches into a version.
    const beginning = pieces.length === 2 && pieces[1] === "" && !prefix.includes("@");
    for (const tables of this.#oneByOne()) {
      const found = this.#collect(tables, (table) => {
        const starting = table.functionsStarting(prefix);
        const matching = beginning ? starting : starting.filter((i) => matchesPieces(pieces, table.name(i)));
        const demangled = matchDemangled(table, pieces);
        return demangled.length === 0 ? matching : [...new Set([...matching, ...demangled])];
      });
      if (found.length > 0) return [...found, ...this.#matchGo(pieces, found)].sort((a, b) => a.address - b.address);
    }
    return this.#matchGo(pieces, []);
  }

  /** What was stripped from the file comes last: to look for it takes longer than to read the file. */
  *#nearestFirst(): Iterable<readonly SymbolTable[]> {
    for (const table of [() => this.#own(), () => this.#small(), () => this.#full()]) {
      const read = table();
      if (read !== null) yield [read];
    }
  }

  *#oneByOne(): Iterable<readonly SymbolTable[]> {
    for (const table of [() => this.#full(), () => this.#small()]) {
      const read = table();
      if (read !== null) yield [read];
    }
  }

  /** The function that an address lies in, or the nearest one before it where that has no size. */
  at(address: number): FunctionEntry | undefined {
    let best: { table: SymbolTable; index: number; address: number } | undefined;
    for (const table of this.tables) {
      for (let i = 0; i < table.count; i++) {
        if (!table.isFunction(i)) continue;
        const start = table.address(i);
        if (start > address || (best !== undefined && start <= best.address)) continue;
        const size = table.size(i);
        if (size === 0 || address < start + size) best = { table, index: i, address: start };
      }
    }
    if (best === undefined || (best.table.size(best.index) === 0 && this.#fuller === null)) {
      const index = this.#go?.at(address);
      if (index !== undefined) return this.#goEntries([index])[0];
    }
    if (best === undefined) return undefined;
    const { table, index } = best;
    return this.#collect([table], () => [index])[0];
  }

  /** The start of the next function behind an address: an upper bound for one without a size. */
  nextStart(address: number): number | undefined {
    let next: number | undefined;
    for (const table of this.tables) {
      for (let i = 0; i < table.count; i++) {
        if (!table.isFunction(i)) continue;
        const start = table.address(i);
        if (start > address && (next === undefined || start < next)) next = start;
      }
    }
    const go = this.#go?.at(address);
    const end = go === undefined ? undefined : (this.#go as GoFunctions).address(go + 1);
    return end !== undefined && (next === undefined || end < next) ? end : next;
  }

  /** How many functions have names. */
  count(): number {
    let count = this.#go?.count ?? 0;
    for (const table of this.tables) for (let i = 0; i < table.count; i++) if (table.isFunction(i)) count++;
    return count;
  }

  /** Names like this one, nearest first: the same one in further scopes (C++ leaves out inline namespaces), else similar ones. */
  near(name: string): string[] {
    const wanted = new WantedName(name);
    const scoped = new Set<string>();
    for (const one of this.#names()) if (one.includes("::") && wanted.isInScopesOf(one)) scoped.add(one);
    return scoped.size > 0 ? [...scoped].sort((a, b) => a.length - b.length).slice(0, MOST_NEAR) : nearNames(name, this.#names());
  }

  /** As they may be written: of C++ without parameters. */
  *#names(): Iterable<string> {
    let demangled = 0;
    for (const table of this.tables) {
      for (let i = 0; i < table.count; i++) {
        if (!table.isFunction(i)) continue;
        const name = table.name(i);
        const written = looksMangled(name) && demangled++ < MOST_SUGGESTED ? demangle(name) : undefined;
        yield written === undefined ? name : formsOfDemangled(written).path;
      }
    }
    const go = this.#fuller === null ? this.#go : undefined;
    for (let i = 0; i < (go?.count ?? 0); i++) yield (go as GoFunctions).name(i);
  }

  /** Symbols → places in the file, one for each address, with all the names of it; by address. */
  #collect(tables: readonly SymbolTable[], candidates: (table: SymbolTable) => readonly number[]): FunctionEntry[] {
    const byAddress = new Map<number, Draft>();
    // An old version of a name gives way to the current one.
    const hiddenNames: Draft[] = [];
    for (const table of tables) {
      for (const i of candidates(table)) {
        const address = table.address(i);
        const hidden = table.isHiddenVersion(i);
        const known = byAddress.get(address);
        if (known === undefined) {
          const segment = this.#codeSegment(address);
          if (segment === undefined) continue;
          const draft: Draft = {
            table,
            index: i,
            name: table.name(i),
            aliases: NO_ALIASES,
            names: undefined,
            address,
            size: table.size(i),
            offset: address - segment.address + segment.offset,
            indirect: table.type(i) === STT_GNU_IFUNC,
            hidden,
          };
          byAddress.set(address, draft);
          if (hidden) hiddenNames.push(draft);
        } else {
          known.size = Math.max(known.size, table.size(i));
          // The resolver of an indirect function may have a name of its own, which isn't what is called.
          const indirect = table.type(i) === STT_GNU_IFUNC && !hidden && !known.indirect;
          if (indirect || (known.hidden && !hidden)) {
            known.table = table;
            known.index = i;
            known.name = table.name(i);
            known.hidden = false;
            known.indirect ||= indirect;
          }
        }
      }
    }
    if (hiddenNames.length > 0) {
      const currentNames = new Set<string>();
      for (const table of tables) for (const i of candidates(table)) if (!table.isHiddenVersion(i)) currentNames.add(table.name(i));
      for (const draft of hiddenNames) if (draft.hidden && currentNames.has(draft.name)) byAddress.delete(draft.address);
    }
    for (const table of tables) {
      for (const i of table.functionsAt(byAddress)) {
        const draft = byAddress.get(table.address(i)) as Draft;
        if (draft.index === i && draft.table === table) continue;
        const name = table.name(i);
        if (name === draft.name) continue;
        draft.names ??= new Set();
        draft.names.add(name);
      }
    }
    const drafts = [...byAddress.values()].sort((a, b) => a.address - b.address);
    for (const draft of drafts) {
      if (draft.names !== undefined) draft.aliases = [...draft.names];
      const demangled = looksMangled(draft.name) ? demangle(draft.name) : undefined;
      if (demangled === undefined) continue;
      draft.symbol = draft.name;
      draft.name = demangled.text;
      draft.aliases = [draft.symbol, ...draft.aliases];
    }
    return drafts;
  }

  #codeSegment(address: number): Segment | undefined {
    // Nearly always the same one as before.
    const last = this.#lastSegment;
    if (last !== undefined && address >= last.address && address < last.address + last.fileSize) return last;
    this.#lastSegment = codeSegment(this.#image, address);
    return this.#lastSegment;
  }
}

const MOST_NEAR = 3;
/** So many names are demangled for a suggestion. */
const MOST_SUGGESTED = 20_000;
/** Names without aliases share this one. */
const NO_ALIASES: readonly string[] = [];

interface Draft {
  /** The symbol that gave the name. */
  table: SymbolTable;
  index: number;
  name: string;
  symbol?: string;
  aliases: readonly string[];
  /** The aliases as they are gathered: a linker that folds equal functions gives one place thousands. */
  names: Set<string> | undefined;
  readonly address: number;
  size: number;
  readonly offset: number;
  indirect: boolean;
  hidden: boolean;
}
