/** A symbol table as bytes: names are compared and decoded only where they are asked for. */
import { isAscii } from "node:buffer";
import { type ElfImage, findSection, SHT_DYNSYM, SHT_NOBITS, SHT_SYMTAB, sectionBytes } from "./image.ts";

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_GNU_IFUNC = 10;
const SYMBOL_SIZE = 24;
const WORDS = SYMBOL_SIZE / 4;
/** Longer than any mangled name that a compiler writes; bounds the work on a malicious file. */
const LONGEST_NAME = 1 << 16;
/** A name stands once or a few times in a table of strings; more is a file made to keep us busy. */
const MOST_STARTS = 1 << 16;
const MANY_NAMES = 256;

/**
 * The entries of `.symtab` or `.dynsym`. An entry is six 32-bit words:
 *
 *     name | info:8 other:8 section:16 | value (2 words) | size (2 words)
 */
export class SymbolTable {
  readonly count: number;
  readonly #words: Uint32Array;
  readonly #strings: Buffer;
  /** `.gnu.version`: an index per symbol, bit 15 set where the version isn't the default one. */
  readonly #versions: Uint16Array | undefined;

  /** Names carry their version (`foo@@V2`), as in `.symtab`. */
  readonly #suffixed: boolean;
  #names: (string | undefined)[] | undefined;
  #decoded = 0;
  /** The strings as one text, if they are ASCII and many are asked for: pieces of it cost a tenth. */
  #text: string | undefined;

  constructor(entries: Uint8Array, strings: Uint8Array, versions?: Uint8Array, suffixed = versions === undefined) {
    this.#suffixed = suffixed;
    this.count = Math.floor(entries.length / SYMBOL_SIZE);
    const aligned = entries.byteOffset % 4 === 0 ? entries : new Uint8Array(entries);
    this.#words = new Uint32Array(aligned.buffer, aligned.byteOffset, this.count * WORDS);
    this.#strings = Buffer.from(strings.buffer, strings.byteOffset, strings.length);
    if (versions !== undefined && versions.length >= this.count * 2) {
      const even = versions.byteOffset % 2 === 0 ? versions : new Uint8Array(versions);
      this.#versions = new Uint16Array(even.buffer, even.byteOffset, this.count);
    }
  }

  type(index: number): number {
    return (this.#words[index * WORDS + 1] as number) & 0xf;
  }

  /** 0 local, 1 global, 2 weak. */
  binding(index: number): number {
    return ((this.#words[index * WORDS + 1] as number) >>> 4) & 0xf;
  }

  /** 0 if the symbol is only wanted here, not defined. */
  section(index: number): number {
    return (this.#words[index * WORDS + 1] as number) >>> 16;
  }

  address(index: number): number {
    return wide(this.#words[index * WORDS + 2] as number, this.#words[index * WORDS + 3] as number);
  }

  size(index: number): number {
    return wide(this.#words[index * WORDS + 4] as number, this.#words[index * WORDS + 5] as number);
  }

  /** A defined symbol of code: a function or an indirect one. */
  isFunction(index: number): boolean {
    return isFunctionWord(this.#words[index * WORDS + 1] as number);
  }

  /** An old version of a name, kept for programs linked long ago: marked in `.gnu.version`, or by a single `@` in the name. */
  isHiddenVersion(index: number): boolean {
    if (this.#versions !== undefined) return ((this.#versions[index] as number) & 0x8000) !== 0;
    if (!this.#suffixed) return false;
    const raw = this.rawName(index);
    const at = raw.indexOf("@");
    return at > 0 && raw[at + 1] !== "@";
  }

  versionIndex(index: number): number {
    return this.#versions === undefined ? 0 : (this.#versions[index] as number) & 0x7fff;
  }

  /** The name as it stands in the table, `@VERSION` included. */
  rawName(index: number): string {
    // A pattern's matches are asked for their names several times.
    this.#names ??= new Array(this.count);
    let name = this.#names[index];
    if (name === undefined) {
      name = this.#decodeName(index);
      this.#names[index] = name;
    }
    return name;
  }

  #decodeName(index: number): string {
    const start = this.#words[index * WORDS] as number;
    if (start >= this.#strings.length) return "";
    if (this.#text !== undefined) {
      const end = this.#text.indexOf("\0", start);
      return this.#text.slice(start, Math.min(end < 0 ? this.#text.length : end, start + LONGEST_NAME));
    }
    if (++this.#decoded === MANY_NAMES && isAscii(this.#strings)) this.#text = this.#strings.toString("latin1");
    // Most names are short: looking for the end byte by byte costs less than a call into Node.
    let end = start;
    const near = Math.min(this.#strings.length, start + 64);
    while (end < near && this.#strings[end] !== 0) end++;
    if (end === near) {
      end = this.#strings.indexOf(0, near);
      if (end < 0) end = this.#strings.length;
    }
    return decode(this.#strings, start, Math.min(end, start + LONGEST_NAME));
  }

  /** The name without its version. */
  name(index: number): string {
    const raw = this.rawName(index);
    const at = raw.indexOf("@");
    return at > 0 ? raw.slice(0, at) : raw;
  }

  /** The functions whose name begins with these bytes; all of them, for none. */
  functionsStarting(prefix: Uint8Array): number[] {
    const words = this.#words;
    const strings = this.#strings;
    const found: number[] = [];
    for (let i = 0, at = 0; i < this.count; i++, at += WORDS) {
      if (!isFunctionWord(words[at + 1] as number)) continue;
      const start = words[at] as number;
      let same = 0;
      while (same < prefix.length && strings[start + same] === prefix[same]) same++;
      if (same === prefix.length) found.push(i);
    }
    return found;
  }

  /** The functions at any of these addresses. */
  functionsAt(addresses: { has(address: number): boolean; keys(): Iterable<number> }): number[] {
    const words = this.#words;
    // Most symbols are told off by a few bits of their address, without a look into the set.
    const likely = new Uint8Array(1 << 16);
    for (const address of addresses.keys()) likely[hashAddress(address >>> 0)] = 1;
    const found: number[] = [];
    for (let i = 0, at = 0; i < this.count; i++, at += WORDS) {
      if (likely[hashAddress(words[at + 2] as number)] === 0 || !isFunctionWord(words[at + 1] as number)) continue;
      if (addresses.has(this.address(i))) found.push(i);
    }
    return found;
  }

  /**
   * The symbols of this name, whatever version follows it. The strings are searched as bytes, then the entries by the
   * offsets found: linkers let a name share the tail of a longer one, so every place where the name ends counts.
   */
  find(name: string): number[] {
    const needle = Buffer.from(name, "utf8");
    if (needle.length === 0 || needle.length > LONGEST_NAME) return [];
    const starts = new Set<number>();
    // The search is most of the work: once over the strings, unless the name is so short that it is a part of many.
    const short = needle.length < 6;
    const needles = !this.#suffixed ? [endedBy(needle, "\0")] : short ? [endedBy(needle, "\0"), endedBy(needle, "@")] : [needle];
    for (const sought of needles) {
      for (let at = this.#strings.indexOf(sought), tries = 0; at >= 0 && tries < MOST_STARTS; at = this.#strings.indexOf(sought, at + 1), tries++) {
        const behind = this.#strings[at + needle.length];
        if (behind === 0 || behind === 0x40) starts.add(at);
      }
    }
    const found: number[] = [];
    if (starts.size === 0) return found;
    const only = starts.size === 1 ? ([...starts][0] as number) : -1;
    for (let i = 0, at = 0; i < this.count; i++, at += WORDS) {
      const start = this.#words[at] as number;
      if (only >= 0 ? start === only : starts.has(start)) found.push(i);
    }
    return found;
  }
}

/** 64 bits as a number. Most have no upper half: then it stays a small integer, which costs the engine no memory and is a fast key. */
function wide(low: number, high: number): number {
  return high === 0 ? low : low + high * 2 ** 32;
}

function isFunctionWord(word: number): boolean {
  const type = word & 0xf;
  return (type === STT_FUNC || type === STT_GNU_IFUNC) && word >>> 16 !== 0;
}

function hashAddress(low: number): number {
  return (low ^ (low >>> 13)) & 0xffff;
}

function endedBy(name: Buffer, end: string): Buffer {
  return Buffer.concat([name, Buffer.from(end)]);
}

/** Node decodes Latin-1 several times as fast as UTF-8, and nearly all names are ASCII. */
function decode(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("latin1", start, end);
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return bytes.toString("utf8", start, end);
  return text;
}

/** The file's `.symtab` or `.dynsym`, if it has one. */
export function readSymbolTable(image: ElfImage, which: "symtab" | "dynsym"): SymbolTable | undefined {
  const wanted = which === "symtab" ? SHT_SYMTAB : SHT_DYNSYM;
  const section = image.sections.find((candidate) => candidate.type === wanted && candidate.entrySize === SYMBOL_SIZE);
  if (section === undefined) return undefined;
  const strings = image.sections[section.link];
  if (strings === undefined || strings.type === SHT_NOBITS) return undefined;
  const versions = which === "dynsym" ? findSection(image, ".gnu.version") : undefined;
  return new SymbolTable(
    sectionBytes(image, section),
    sectionBytes(image, strings),
    versions === undefined ? undefined : sectionBytes(image, versions),
    which === "symtab",
  );
}
