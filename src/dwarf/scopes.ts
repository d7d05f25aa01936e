/** The scopes that enclose an instruction: its function, what is inlined there, the blocks; and the variables that they have. */
import type { CPlace } from "../schema/ctypes.ts";
import { abbreviationOf } from "./abbreviations.ts";
import { DW_AT, DW_TAG } from "./constants.ts";
import { Entry } from "./entry.ts";
import { type Position, uleb } from "./leb.ts";
import { type PlaceFrame, placeAt } from "./locations.ts";
import { afterAttributes } from "./parents.ts";
import type { AddressRange } from "./ranges.ts";
import { declarations } from "./type-names.ts";
import { typeAttribute } from "./types-strip.ts";
import type { DebugInfo, Unit } from "./units.ts";

/** A function, an inlined instance or a block, with the code that it covers, and those inside of it. */
export interface Scope {
  readonly entry: Entry;
  readonly ranges: readonly AddressRange[];
  readonly inner: readonly Scope[];
  /** A lexical block that declares nothing of its own: it only groups what is inlined in it. */
  readonly bare: boolean;
}

/** A unit's functions by address; one with parts in several places is there for each. */
interface Functions {
  readonly lows: readonly number[];
  readonly highs: readonly number[];
  readonly entries: readonly Entry[];
}

const MOST_FUNCTIONS = 1 << 22;
const DEEPEST = 256;
/** Functions of which the scopes are remembered. */
const REMEMBERED = 8192;

const BLOCKS: ReadonlySet<number> = new Set([DW_TAG.lexical_block, DW_TAG.try_block, DW_TAG.catch_block, DW_TAG.with_stmt]);
const NAMED_SCOPES: ReadonlySet<number> = new Set([DW_TAG.namespace, DW_TAG.module]);
const VARIABLES: ReadonlySet<number> = new Set([DW_TAG.formal_parameter, DW_TAG.variable, DW_TAG.constant]);
/** What makes a block one of its own. */
const DECLARES: ReadonlySet<number> = new Set([
  ...VARIABLES,
  DW_TAG.label,
  DW_TAG.typedef,
  DW_TAG.structure_type,
  DW_TAG.union_type,
  DW_TAG.class_type,
  DW_TAG.enumeration_type,
  DW_TAG.imported_module,
  DW_TAG.imported_declaration,
]);

/**
 * Tells what is below an entry, in order: what has one of the tags, and what has children. `depth` is 1 right below.
 * Each entry is read once, however deep.
 */
export function walkBelow(entry: Entry, tags: ReadonlySet<number>, visit: (entry: Entry, depth: number) => void): void {
  const { unit } = entry;
  const table = unit.abbreviations;
  const { bytes, end } = unit;
  const position: Position = { at: entry.offset };
  let depth = 0;
  do {
    const offset = position.at;
    const code = uleb(bytes, position);
    if (code === 0) {
      depth--;
      continue;
    }
    const abbreviation = abbreviationOf(table, code);
    if (abbreviation < 0) return;
    if (depth > 0 && (table.children[abbreviation] || tags.has(table.tags[abbreviation]!))) {
      const one = Entry.at(unit, offset);
      if (one !== undefined) visit(one, depth);
    }
    position.at = afterAttributes(unit, abbreviation, position.at);
    if (table.children[abbreviation]) depth++;
  } while (depth > 0 && position.at < end);
}

/** What is remembered of a file's debug information. */
class Scopes {
  private readonly debug: DebugInfo;
  private readonly functions = new Map<Unit, Functions>();
  /** Functions at places where they aren't expected: in others, in types. */
  private readonly hidden = new Map<Unit, Functions>();
  private readonly trees = new Map<number, Scope>();
  private covered: { readonly lows: Float64Array; readonly highs: Float64Array; readonly units: readonly Unit[] } | undefined;

  constructor(debug: DebugInfo) {
    this.debug = debug;
  }

  /** The unit that has the code at an address. */
  unitOf(address: number): Unit | undefined {
    this.covered ??= coveredBy(this.debug);
    const { lows, highs, units } = this.covered;
    return units[enclosing(lows, highs, address)];
  }

  functionAt(address: number): Scope | undefined {
    const unit = this.unitOf(address);
    if (unit === undefined) return undefined;
    return this.inUnit(unit, address, this.functions, false) ?? this.inUnit(unit, address, this.hidden, true);
  }

  private inUnit(unit: Unit, address: number, known: Map<Unit, Functions>, everywhere: boolean): Scope | undefined {
    let functions = known.get(unit);
    if (functions === undefined) {
      functions = functionsOf(unit, everywhere);
      known.set(unit, functions);
    }
    const entry = functions.entries[enclosing(functions.lows, functions.highs, address)];
    return entry === undefined ? undefined : this.tree(entry);
  }

  private tree(entry: Entry): Scope {
    let tree = this.trees.get(entry.key);
    if (tree === undefined) {
      tree = scopeTree(entry);
      if (this.trees.size >= REMEMBERED) this.trees.delete(this.trees.keys().next().value!);
      this.trees.set(entry.key, tree);
    }
    return tree;
  }
}

const remembered = new WeakMap<DebugInfo, Scopes>();

function scopesIn(debug: DebugInfo): Scopes {
  let scopes = remembered.get(debug);
  if (scopes === undefined) {
    scopes = new Scopes(debug);
    remembered.set(debug, scopes);
  }
  return scopes;
}

/** The place of the range that holds an address, in ranges by their lower ends; -1 if none does. */
function enclosing(lows: ArrayLike<number>, highs: ArrayLike<number>, address: number): number {
  let low = 0;
  let high = lows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lows[middle]! <= address) low = middle + 1;
    else high = middle;
  }
  // Ranges may lie in others, as those of folded functions do: the last ones that begin before it are looked at.
  for (let i = low - 1, tries = 16; i >= 0 && tries > 0; i--, tries--) if (address < highs[i]!) return i;
  return -1;
}

function coveredBy(debug: DebugInfo): { readonly lows: Float64Array; readonly highs: Float64Array; readonly units: readonly Unit[] } {
  const list: { readonly low: number; readonly high: number; readonly unit: Unit }[] = [];
  for (const unit of debug.units) {
    if (unit.signature !== undefined || unit.own.tag === DW_TAG.partial_unit) continue;
    const ranges = unit.own.ranges();
    const code = ranges.length > 0 || unit.own.has(DW_AT.ranges) || unit.own.has(DW_AT.high_pc) ? ranges : extentOf(unit);
    // Code that the linker has discarded is at 0.
    for (const { low, high } of code) if (low > 0) list.push({ low, high, unit });
  }
  list.sort((a, b) => a.low - b.low || b.high - a.high);
  return { lows: Float64Array.from(list, (one) => one.low), highs: Float64Array.from(list, (one) => one.high), units: list.map((one) => one.unit) };
}

/** Of a unit that doesn't say what code it has: its functions'. */
function extentOf(unit: Unit): AddressRange[] {
  const { lows, highs } = functionsOf(unit, false);
  return lows.map((low, i) => ({ low, high: highs[i]! }));
}

function functionsOf(unit: Unit, everywhere: boolean): Functions {
  const list: { readonly low: number; readonly high: number; readonly entry: Entry }[] = [];
  const take = (entry: Entry): void => {
    if (entry.tag !== DW_TAG.subprogram || list.length >= MOST_FUNCTIONS) return;
    for (const { low, high } of entry.ranges()) if (low > 0) list.push({ low, high, entry });
  };
  const { root } = unit;
  const expected = (scope: Entry, depth: number): void => {
    for (const child of scope.children()) {
      take(child);
      if (NAMED_SCOPES.has(child.tag) && depth < DEEPEST) expected(child, depth + 1);
    }
  };
  if (everywhere) walkBelow(root, SUBPROGRAMS, take);
  else expected(root, 0);
  list.sort((a, b) => a.low - b.low || b.high - a.high);
  return { lows: list.map((one) => one.low), highs: list.map((one) => one.high), entries: list.map((one) => one.entry) };
}
const SUBPROGRAMS: ReadonlySet<number> = new Set([DW_TAG.subprogram]);

const SHAPES: ReadonlySet<number> = new Set([...BLOCKS, ...DECLARES, DW_TAG.inlined_subroutine]);

/** A block without code of its own isn't there: what is in it belongs to what it is in. */
function scopeTree(entry: Entry): Scope {
  interface Building {
    readonly entry: Entry;
    readonly ranges: readonly AddressRange[];
    readonly inner: Building[];
    bare: boolean;
  }
  const root: Building = { entry, ranges: entry.ranges(), inner: [], bare: false };
  /** The scope that each depth belongs to; undefined below what isn't part of the function. */
  const path: (Building | undefined)[] = [root];
  walkBelow(entry, SHAPES, (one, depth) => {
    path.length = depth;
    const parent = path[depth - 1];
    let scope: Building | undefined;
    if (parent === undefined) scope = undefined;
    else if (one.tag === DW_TAG.inlined_subroutine || BLOCKS.has(one.tag)) {
      const ranges = depth < DEEPEST ? one.ranges() : [];
      const isBlock = BLOCKS.has(one.tag);
      if (ranges.length > 0) {
        scope = { entry: one, ranges, inner: [], bare: isBlock };
        parent.inner.push(scope);
      } else if (isBlock) {
        scope = parent;
      }
    } else if (DECLARES.has(one.tag)) {
      parent.bare = false;
    }
    path[depth] = scope;
  });
  return root;
}

/** Whether one of the ranges holds an address. */
export const holds = (ranges: readonly AddressRange[], address: number): boolean => ranges.some(({ low, high }) => address >= low && address < high);

/** The unit that has the code at an address; undefined if none says so. Throws SONDE_DWARF_UNREADABLE. */
export const unitOf = (debug: DebugInfo, address: number): Unit | undefined => scopesIn(debug).unitOf(address);

/** The scopes that enclose an address, the function first. Empty if none does. Throws SONDE_DWARF_UNREADABLE. */
export function scopesAt(debug: DebugInfo, address: number): readonly Scope[] {
  const found: Scope[] = [];
  let scope = scopesIn(debug).functionAt(address);
  while (scope !== undefined) {
    found.push(scope);
    scope = scope.inner.find(({ ranges }) => holds(ranges, address));
  }
  return found;
}

export interface ScopedVariable {
  readonly name: string;
  readonly type: Entry | undefined;
  readonly place: CPlace;
  readonly entry: Entry;
  readonly parameter: boolean;
}

/**
 * The parameters and locals that a statement at a pc can name: those of the innermost inlined instance there, or of the function,
 * and of the blocks in it. The innermost first; names that they hide are left out. Throws SONDE_DWARF_UNREADABLE.
 *
 * @param of one of the functions or instances there: its variables, instead of the innermost one's. An instance may have no code
 *   left at the pc that it begins at.
 */
export function variablesAt(debug: DebugInfo, pc: number, frames: PlaceFrame["frames"], of?: Pick<Entry, "key">): readonly ScopedVariable[] {
  const scopes = scopesAt(debug, pc);
  const frame: PlaceFrame = { function: scopes[0]?.entry, frames };
  const named = new Map<string, ScopedVariable>();
  const empty = of === undefined || scopes.some(({ entry }) => entry.key === of.key) ? undefined : instanceBelow(scopes[0]?.entry, of.key);
  if (empty !== undefined) return variablesOf(empty, pc, frame);
  const outer = scopes.findIndex(({ entry }) => entry.key === of?.key);
  const inner = outer < 0 ? -1 : scopes.findIndex(({ entry }, i) => i > outer && !BLOCKS.has(entry.tag));
  for (const { entry } of scopes.slice(0, inner < 0 ? scopes.length : inner).reverse()) {
    for (const one of variablesOf(entry, pc, frame)) if (!named.has(one.name)) named.set(one.name, one);
    if (!BLOCKS.has(entry.tag)) break;
  }
  return [...named.values()];
}

/** An inlined instance in a function, by its key. */
function instanceBelow(entry: Entry | undefined, key: number): Entry | undefined {
  let found: Entry | undefined;
  if (entry !== undefined) {
    walkBelow(entry, INSTANCES, (one) => {
      if (one.key === key) found = one;
    });
  }
  return found;
}
const INSTANCES: ReadonlySet<number> = new Set([DW_TAG.inlined_subroutine]);

/** The variables right in a scope, with their places at a pc. Of an instance also those that only its origin has: they are nowhere. */
export function variablesOf(scope: Entry, pc: number, outer: PlaceFrame): readonly ScopedVariable[] {
  // What it is called with: its variables get their values behind that.
  const called = scope.tag === DW_TAG.inlined_subroutine ? { ...outer, instance: scope } : outer;
  const found: ScopedVariable[] = [];
  const known = new Set<number>();
  for (const one of declared(scope)) {
    for (const declaration of declarations(one)) known.add(declaration.key);
    add(found, one, pc, one.tag === DW_TAG.formal_parameter ? called : outer);
  }
  for (const origin of declarations(scope)) {
    if (origin.key === scope.key || origin.has(DW_AT.low_pc)) continue;
    for (const one of declared(origin, false)) if (!known.has(one.key)) add(found, one, pc, outer);
  }
  return found;
}

function add(found: ScopedVariable[], entry: Entry, pc: number, frame: PlaceFrame): void {
  const { name } = entry;
  if (name === undefined || name === "") return;
  let type: Entry | undefined;
  for (const one of declarations(entry)) type ??= typeAttribute(one);
  found.push({ name, type, place: placeAt(entry, pc, frame), entry, parameter: entry.tag === DW_TAG.formal_parameter });
}

/**
 * A pack of parameters is its parameters. In code, blocks without any are as if they weren't there; what only describes a
 * function (`inCode` false) has no code at all.
 */
function* declared(scope: Entry, inCode = true, depth = 0): Generator<Entry> {
  for (const child of scope.children()) {
    if (VARIABLES.has(child.tag)) yield child;
    else if (depth < DEEPEST && (child.tag === DW_TAG.GNU_formal_parameter_pack || (inCode && BLOCKS.has(child.tag) && isTransparent(child)))) {
      yield* declared(child, inCode, depth + 1);
    }
  }
}
const isTransparent = (block: Entry): boolean => !block.has(DW_AT.low_pc) && !block.has(DW_AT.ranges);
