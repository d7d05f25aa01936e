/** The namespaces and classes that functions are in, found by where they begin and end. */
import { abbreviationOf } from "./abbreviations.ts";
import { type TextPool, Uint32Column } from "./index-columns.ts";
import { afterSteps, Captured, Kind, type ShapeTables, Slot } from "./index-shapes.ts";
import { type Position, u32, uleb } from "./leb.ts";
import { locateString, type StringPlace } from "./strings.ts";
import type { Unit } from "./units.ts";

const NONE = 0xffffffff;
/** Scopes in each other. */
const DEEPEST = 64;

/** What is directly inside of a class that the pass went past. */
interface Inside {
  readonly starts: readonly number[];
  readonly scopes: readonly number[];
}

export class Scopes {
  readonly #shapes: ShapeTables;
  readonly #captured = new Captured();
  readonly #units: Unit[] = [];
  /** Of each scope: its unit's place in `#units`, where it begins and ends, what it is in, what it is, and its name. */
  readonly #unit = new Uint32Column();
  readonly #start = new Uint32Column();
  readonly #end = new Uint32Column();
  readonly #parent = new Uint32Column();
  readonly #kind = new Uint32Column();
  readonly #nameForm = new Uint32Column();
  readonly #nameAt = new Uint32Column();
  /** It isn't known what is inside. */
  readonly #closed = new Uint32Column();
  /** Those that the pass came to, in order. */
  readonly #passed = new Uint32Column();
  readonly #inside = new Map<number, Inside>();
  readonly #numbers = new Map<number, number>();
  readonly #place: StringPlace = { bytes: new Uint8Array(0), at: 0 };

  constructor(shapes: ShapeTables) {
    this.#shapes = shapes;
  }

  /** A scope that the pass comes to. `parent` -1: it is in none. `closed`: the pass won't look inside. */
  open(unit: Unit, start: number, end: number, parent: number, kind: number, captured: Captured, closed: boolean): number {
    const scope = this.#add(unit, start, end, parent < 0 ? NONE : parent, kind, captured, closed);
    this.#passed.push(scope);
    return scope;
  }

  #add(unit: Unit, start: number, end: number, parent: number, kind: number, captured: Captured, closed: boolean): number {
    if (this.#units.at(-1) !== unit) this.#units.push(unit);
    this.#unit.push(this.#units.length - 1);
    this.#start.push(start);
    this.#end.push(end);
    this.#parent.push(parent);
    this.#kind.push(kind);
    this.#nameForm.push(captured.forms[Slot.name]!);
    this.#nameAt.push(captured.at[Slot.name]!);
    return this.#closed.push(closed ? 1 : 0);
  }

  /** The pass leaves an entry inside of `scope` for one inside of `outer`. */
  close(scope: number, outer: number, at: number): void {
    if (scope >= 0 && scope !== outer) this.#end.data[scope] = at;
  }

  /** The innermost scope around an entry; NONE if it is in none. */
  around(offset: number): number {
    let low = 0;
    let high = this.#passed.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#start.data[this.#passed.data[middle]!]! < offset) low = middle + 1;
      else high = middle;
    }
    let scope = low === 0 ? NONE : this.#passed.data[low - 1]!;
    while (scope !== NONE && this.#end.data[scope]! <= offset) scope = this.#parent.data[scope]!;
    while (scope !== NONE && this.#closed.data[scope] === 1) {
      const inner = this.#within(scope, offset);
      if (inner === NONE) break;
      scope = inner;
    }
    return scope;
  }

  /** The scope right inside of another that is around an entry. */
  #within(scope: number, offset: number): number {
    let inside = this.#inside.get(scope);
    if (inside === undefined) {
      inside = this.#lookInside(scope);
      this.#inside.set(scope, inside);
    }
    const { starts, scopes } = inside;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low > 0 && this.#end.data[scopes[low - 1]!]! > offset ? scopes[low - 1]! : NONE;
  }

  #lookInside(scope: number): Inside {
    const unit = this.#units[this.#unit.data[scope]!]!;
    const end = this.#end.data[scope]!;
    const { bytes } = unit;
    const shapes = this.#shapes.of(unit);
    const { table, kinds, sizes, siblings } = shapes;
    const starts: number[] = [];
    const scopes: number[] = [];
    const position: Position = { at: this.#start.data[scope]! };
    const own = abbreviationOf(table, uleb(bytes, position));
    let at = sizes[own]! >= 0 ? position.at + sizes[own]! : afterSteps(shapes, bytes, position.at, own);
    let depth = 0;
    while (at < end) {
      const start = at;
      position.at = at;
      const code = uleb(bytes, position);
      at = position.at;
      if (code === 0) {
        if (--depth < 0) break;
        continue;
      }
      const index = abbreviationOf(table, code);
      if (index < 0) break;
      const after = sizes[index]! >= 0 ? at + sizes[index]! : afterSteps(shapes, bytes, at, index);
      if (table.children[index] !== 1) {
        at = after;
        continue;
      }
      const next = siblings[index]! >= 0 ? unit.offset + u32(bytes, at + siblings[index]!) : 0;
      const known = next > after && next <= end;
      if (kinds[index] === Kind.structure && depth === 0) {
        this.#captured.read(shapes, bytes, at, index);
        starts.push(start);
        // Without a sibling it is the last.
        scopes.push(this.#add(unit, start, known ? next : end, scope, Kind.structure, this.#captured, true));
        if (!known) break;
      }
      at = known ? next : after;
      if (!known) depth++;
    }
    return { starts, scopes };
  }

  /** The number of a scope among those of the whole index, which has those of one name in one place once. */
  number(scope: number, texts: TextPool, table: ScopeTable, depth = 0): number {
    const known = this.#numbers.get(scope);
    if (known !== undefined) return known;
    const parent = this.#parent.data[scope]!;
    const outer = parent === NONE || depth === DEEPEST ? 0 : this.number(parent, texts, table, depth + 1);
    const number = table.take(outer, this.#name(scope, texts));
    this.#numbers.set(scope, number);
    return number;
  }

  #name(scope: number, texts: TextPool): number {
    const unit = this.#units[this.#unit.data[scope]!]!;
    const form = this.#nameForm.data[scope]!;
    if (form !== 0 && locateString(unit, form, this.#nameAt.data[scope]!, this.#place)) {
      const name = texts.take(this.#place.bytes, this.#place.at);
      if (name !== 0) return name;
    }
    return texts.takeText(this.#kind.data[scope] === Kind.namespace ? "(anonymous namespace)" : "(anonymous)");
  }
}

/** The scopes of an index: each has a name and what it is in. Their numbers count from 1; 0 is none. */
export class ScopeTable {
  readonly parents = new Uint32Column();
  readonly names = new Uint32Column();
  readonly #known = new Map<number, number>();

  constructor() {
    this.parents.push(0);
    this.names.push(0);
  }

  take(parent: number, name: number): number {
    // Exact: there are fewer than 2²⁶ of each.
    const key = parent * 2 ** 26 + name;
    let number = this.#known.get(key);
    if (number === undefined) {
      number = this.names.push(name);
      this.parents.push(parent);
      this.#known.set(key, number);
    }
    return number;
  }
}
