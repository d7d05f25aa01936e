/** All functions of a program: by name, by the linker's name, by address, with their parameters and inlined copies. */

import { DW_UT } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { hashOf, TextPool } from "./index-columns.ts";
import { decodeColumns, encodeColumns, type IndexColumns } from "./index-format.ts";
import { Columns, Flag, NONE, TypeSpace, Walk } from "./index-walk.ts";
import { big64 } from "./leb.ts";
import type { DebugInfo } from "./units.ts";

/** A function is a number, from 0 to `count`. */
export class FunctionIndex {
  readonly count: number;
  readonly #columns: IndexColumns;

  constructor(columns: IndexColumns) {
    this.#columns = columns;
    this.count = columns.units.length;
  }

  get columns(): IndexColumns {
    return this.#columns;
  }

  #text(number: number): string {
    const { texts, textStarts } = this.#columns;
    const start = textStarts[number] ?? 0;
    const end = textStarts[number + 1] ?? 0;
    return start < end && end <= texts.length ? Buffer.from(texts.buffer, texts.byteOffset + start, end - start).toString("utf8") : "";
  }

  /** As the source has it, without what it is in; "" for one that has only a linkage name. */
  name(index: number): string {
    return this.#text(this.#columns.names[index]!);
  }
  /** What the linker calls it, mangled; undefined: its name, or nothing. */
  linkageName(index: number): string | undefined {
    return this.#columns.linkageNames[index] ? this.#text(this.#columns.linkageNames[index]!) : undefined;
  }
  /** The namespaces and classes that it is declared in, "a::b"; undefined: none. */
  scope(index: number): string | undefined {
    return this.#scopeText(this.#columns.scopes[index]!);
  }
  #scopeText(scope: number, depth = 0): string | undefined {
    const { scopeParents, scopeNames } = this.#columns;
    const known = this.#scopes.get(scope);
    if (known !== undefined) return known;
    const parent = scopeParents[scope];
    if (scope === 0 || parent === undefined) return undefined;
    const own = this.#text(scopeNames[scope]!);
    const outer = parent < scope && depth < 64 ? this.#scopeText(parent, depth + 1) : undefined;
    const text = outer === undefined ? own : `${outer}::${own}`;
    this.#scopes.set(scope, text);
    return text;
  }
  readonly #scopes = new Map<number, string>();
  /** Where its code begins, as linked; undefined for one that is only inlined. */
  low(index: number): number | undefined {
    const low = this.#columns.lows[index]!;
    return low > 0 ? low : undefined;
  }
  /** It takes more than its parameters say: `...`. */
  isVariadic(index: number): boolean {
    return (this.#columns.flags[index]! & Flag.variadic) !== 0;
  }
  /** The function that this is a copy with code of, if that is inlined elsewhere too: its copies are `inlined(origin)`. */
  origin(index: number): number | undefined {
    const origin = this.#columns.origins[index]!;
    return origin < this.count ? origin : undefined;
  }
  /** Where the inlined copies of a function begin. Those are in the row without code, to which `origin` leads. */
  inlined(index: number): Float64Array {
    const { copyStarts, copyAddresses } = this.#columns;
    return copyAddresses.subarray(copyStarts[index], copyStarts[index + 1]);
  }

  /** How many parameters it has. */
  parameters(index: number): number {
    const { parameterStarts, parameterNames } = this.#columns;
    // Of a damaged index they may be any numbers.
    return Math.max(0, Math.min(parameterStarts[index + 1]!, parameterNames.length) - parameterStarts[index]!);
  }
  /** "" for one without a name. */
  parameterName(index: number, parameter: number): string {
    const { parameterStarts, parameterNames } = this.#columns;
    return this.#text(parameterNames[parameterStarts[index]! + parameter] ?? 0);
  }
  /** The entry of its type; undefined: it has none, or that is in a file that isn't there any more. */
  parameterType(debug: DebugInfo, index: number, parameter: number): Entry | undefined {
    const { parameterStarts, parameterTypes, parameterSpaces } = this.#columns;
    const place = parameterStarts[index]! + parameter;
    const offset = parameterTypes[place];
    if (offset === undefined || offset === NONE) return undefined;
    const space = parameterSpaces[place];
    if (space === TypeSpace.supplementary) return debug.supplementary?.unitAt(offset)?.entryAt(offset);
    const home = this.#home(debug, index);
    if (space !== TypeSpace.signature) return home?.unitAt(offset)?.entryAt(offset);
    const info = home?.sections.get("info");
    return info !== undefined && offset + 8 <= info.length ? home?.typeUnit(big64(info, offset)) : undefined;
  }
  /** The function's entry in what the index was made of; undefined: it is in a file that isn't there any more. */
  entry(debug: DebugInfo, index: number): Entry | undefined {
    const offset = this.#columns.offsets[index]!;
    return this.#home(debug, index)?.unitAt(offset)?.entryAt(offset);
  }

  /** What the offsets of a row are in: the program's debug information, a split part of it, or the supplementary file. Undefined: that isn't there. */
  #home(debug: DebugInfo, index: number): DebugInfo | undefined {
    const number = this.#columns.units[index]!;
    if (number === NONE) return debug.supplementary;
    const unit = debug.units[number];
    return this.#columns.flags[index]! & Flag.split ? unit?.split?.debug : unit?.debug;
  }

  /** Functions of a name, without what they are in. */
  named(name: string): readonly number[] {
    return this.#rows(this.#columns.byName, this.#columns.names, name);
  }
  /** Functions that the linker calls so. */
  linked(name: string): readonly number[] {
    return this.#rows(this.#columns.byLinkageName, this.#columns.linkageNames, name);
  }

  #rows(order: Uint32Array, keys: Uint32Array, name: string): readonly number[] {
    const number = this.#find(name);
    if (number === 0) return [];
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[order[middle]!]! < number) low = middle + 1;
      else high = middle;
    }
    const rows: number[] = [];
    for (; low < order.length && keys[order[low]!] === number; low++) rows.push(order[low]!);
    return rows;
  }

  /** The number of a text; 0 if there is none like it. */
  #find(name: string): number {
    const { texts, textStarts, textSlots } = this.#columns;
    const wanted = Buffer.from(name, "utf8");
    const mask = textSlots.length - 1;
    let slot = hashOf(wanted, 0, wanted.length) & mask;
    for (let left = textSlots.length; left > 0 && textSlots[slot] !== 0; left--, slot = (slot + 1) & mask) {
      const number = textSlots[slot]!;
      const start = textStarts[number] ?? 0;
      const end = textStarts[number + 1] ?? 0;
      if (end - start === wanted.length && wanted.equals(texts.subarray(start, end))) return number;
    }
    return 0;
  }

  /** The function with code at an address, as linked. Where several share it, one of them. */
  at(address: number): number | undefined {
    const { rangeLows, rangeSizes, rangeRows } = this.#columns;
    let low = 0;
    let high = rangeLows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rangeLows[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    // Ranges that begin further back may reach as far, if functions are nested; more than a few there aren't.
    for (let i = low - 1; i >= 0 && i >= low - 16; i--) if (address - rangeLows[i]! < rangeSizes[i]!) return rangeRows[i];
    return undefined;
  }

  /** Where all code of a function is: the part that begins at `low`, and those that were moved away from it. */
  ranges(index: number): readonly { readonly low: number; readonly high: number }[] {
    this.#rangesOf ??= groupBy(this.#columns.rangeRows, this.count);
    const { starts, order } = this.#rangesOf;
    const { rangeLows, rangeSizes } = this.#columns;
    return Array.from(order.subarray(starts[index], starts[index + 1]), (i) => ({ low: rangeLows[i]!, high: rangeLows[i]! + rangeSizes[i]! }));
  }
  #rangesOf: Grouped | undefined;
}

interface Grouped {
  readonly starts: Uint32Array;
  readonly order: Uint32Array;
}

/** The places of each key from 0 to `count` in `keys`, in their order. */
function groupBy(keys: Uint32Array, count: number): Grouped {
  const starts = new Uint32Array(count + 2);
  for (const key of keys) if (key < count) starts[key + 2]!++;
  for (let i = 2; i < starts.length; i++) starts[i]! += starts[i - 1]!;
  const order = new Uint32Array(keys.length);
  for (let i = 0; i < keys.length; i++) if (keys[i]! < count) order[starts[keys[i]! + 1]!++] = i;
  return { starts: starts.subarray(0, count + 1), order };
}

/** The places of numbers in ascending order. */
function sortedPlaces(numbers: Float64Array): Uint32Array {
  const count = numbers.length;
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const number of numbers) {
    if (number < least) least = number;
    if (number > most) most = number;
  }
  if (count > 0 && (most - least + 1) * count > Number.MAX_SAFE_INTEGER)
    return Uint32Array.from(numbers.keys()).sort((a, b) => numbers[a]! - numbers[b]! || a - b);
  // Number and place in one number: those are sorted without a call for each comparison.
  const both = new Float64Array(count);
  for (let i = 0; i < count; i++) both[i] = (numbers[i]! - least) * count + i;
  both.sort();
  const places = new Uint32Array(count);
  for (let i = 0; i < count; i++) places[i] = both[i]! % count;
  return places;
}

/** The numbers of `from` at those places, into `to`. Loops: methods with a function take ten times as long. */
function pick<To extends Uint8Array | Uint32Array | Float64Array>(from: Uint32Array | Float64Array, order: Uint32Array, to: To): To {
  for (let i = 0; i < order.length; i++) to[i] = from[order[i]!]!;
  return to;
}

/**
 * Reads all of the debug information, split units and all. Throws SONDE_DWARF_UNREADABLE, and what reading sections throws;
 * a unit that is damaged gives the functions in front of the damage.
 */
export function indexFunctions(debug: DebugInfo): FunctionIndex {
  const columns = new Columns();
  const texts = new TextPool();
  const walk = new Walk(debug, columns, texts);
  for (const [number, unit] of debug.units.entries()) {
    if (unit.kind === DW_UT.type || unit.kind === DW_UT.split_type) continue;
    const { split } = unit;
    if (split === undefined) {
      walk.unit(unit, number);
      continue;
    }
    const inner = new Walk(split.debug, columns, texts);
    inner.unit(split, number);
    inner.finish();
  }
  walk.finish();
  return new FunctionIndex(arrange(columns, texts));
}

function arrange(columns: Columns, pool: TextPool): IndexColumns {
  const rows = columns.unit.length;
  const names = columns.name.taken();
  const linkageNames = columns.linkageName.taken();
  const text = pool.taken();
  const count = text.starts.length - 1;
  const byRange = sortedPlaces(columns.rangeLow.taken());
  const parameters = groupBy(columns.parameterRow.taken(), rows);
  const copies = groupBy(columns.copyRow.taken(), rows);
  return {
    units: columns.unit.taken(),
    offsets: columns.offset.taken(),
    names,
    linkageNames,
    scopes: columns.scope.taken(),
    scopeParents: columns.scopes.parents.taken(),
    scopeNames: columns.scopes.names.taken(),
    lows: columns.low.taken(),
    flags: columns.flags.taken(),
    origins: columns.origin.taken(),
    byName: groupBy(names, count).order,
    byLinkageName: groupBy(linkageNames, count).order,
    rangeLows: pick(columns.rangeLow.data, byRange, new Float64Array(byRange.length)),
    rangeSizes: pick(columns.rangeSize.data, byRange, new Uint32Array(byRange.length)),
    rangeRows: pick(columns.rangeRow.data, byRange, new Uint32Array(byRange.length)),
    parameterStarts: parameters.starts,
    parameterNames: pick(columns.parameterName.data, parameters.order, new Uint32Array(parameters.order.length)),
    parameterTypes: pick(columns.parameterType.data, parameters.order, new Uint32Array(parameters.order.length)),
    parameterSpaces: pick(columns.parameterSpace.data, parameters.order, new Uint8Array(parameters.order.length)),
    copyStarts: copies.starts,
    copyAddresses: pick(columns.copyAddress.data, copies.order, new Float64Array(copies.order.length)),
    texts: text.bytes,
    textStarts: text.starts,
    textSlots: text.slots,
  };
}

/** The index as bytes, to be kept: `decodeIndex` reads them in no time. */
export function encodeIndex(index: FunctionIndex): Uint8Array {
  return encodeColumns(index.columns);
}

/** The index that was encoded; undefined if the bytes are another version's, or aren't whole. It uses the bytes as long as it lives. */
export function decodeIndex(bytes: Uint8Array): FunctionIndex | undefined {
  const columns = decodeColumns(bytes);
  return columns === undefined ? undefined : new FunctionIndex(columns);
}
