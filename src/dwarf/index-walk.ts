/**
 * The pass over all entries that an index of functions is made by. No object for an entry: an abbreviation says what to do
 * (index-shapes.ts), what isn't asked for is passed by its size, and what is found goes into columns.
 */
import { abbreviationOf } from "./abbreviations.ts";
import { unreadable } from "./compression.ts";
import { DW_FORM as F } from "./constants.ts";
import { classOf, plainNumber } from "./forms.ts";
import { Float64Column, NumberTable, type TextPool, Uint32Column } from "./index-columns.ts";
import { Scopes, ScopeTable } from "./index-scopes.ts";
import { afterSteps, Captured, Kind, type Shapes, ShapeTables, Slot } from "./index-shapes.ts";
import { type Position, u32, uleb } from "./leb.ts";
import { type RangeBudget, readRanges } from "./ranges.ts";
import { locateString, type StringPlace } from "./strings.ts";
import type { DebugInfo, Unit } from "./units.ts";

/** What isn't there. */
export const NONE = 0xffffffff;
/** What stands for a type: its entry's offset in the row's own .debug_info, in the supplementary file's, or where its signature (DW_FORM_ref_sig8) is in the row's own. */
export const TypeSpace = { same: 0, supplementary: 1, signature: 2 } as const;

/** `split`: the row's offsets are in the split unit, not in the skeleton that its number is of. */
export const Flag = { variadic: 1, split: 2 } as const;

/** Deeper entries aren't looked at. */
const DEEPEST = 4096;
/** Ranges of one function. Compilers write two or three. */
const MOST_RANGES = 64;
/** How far a name is looked for from one entry to the next. */
const MOST_HOPS = 8;
/** Above the offset of an entry of the supplementary file: sections have less than 2³¹ bytes. */
const ALT = 0x80000000;

/** In place of the row of the function that an entry is right below: it is in none, or deeper in one. */
const OUTSIDE = -1;
const WITHIN = -2;

/** One row for each function; a function's parameters and ranges name their row. */
export class Columns {
  readonly unit = new Uint32Column();
  readonly offset = new Uint32Column();
  readonly name = new Uint32Column();
  readonly linkageName = new Uint32Column();
  readonly scope = new Uint32Column();
  readonly scopes = new ScopeTable();
  readonly low = new Float64Column();
  readonly flags = new Uint32Column();
  /** The row of what this is a copy of, if that has one. */
  readonly origin = new Uint32Column();
  readonly rangeLow = new Float64Column();
  readonly rangeSize = new Uint32Column();
  readonly rangeRow = new Uint32Column();
  readonly parameterRow = new Uint32Column();
  readonly parameterName = new Uint32Column();
  readonly parameterType = new Uint32Column();
  readonly parameterSpace = new Uint32Column();
  /** Inlined copies: of which row's function, and where they begin. */
  readonly copyRow = new Uint32Column();
  readonly copyAddress = new Float64Column();
}

/** Names and a type, as they are gathered from an entry and those that it is made from. */
interface Description {
  name: number;
  linkageName: number;
  /** Where the declaration is: its surroundings are the function's. */
  place: number;
  type: number;
  space: number;
}

/** A section of strings, with the numbers of texts that were taken from it by their offsets. */
interface Strings {
  readonly bytes: Uint8Array;
  readonly numbers: NumberTable;
}
const stringsOf = (debug: DebugInfo | undefined): Strings => ({ bytes: debug?.sections.get("str") ?? new Uint8Array(0), numbers: new NumberTable() });

/** Walks the units of one DebugInfo. */
export class Walk {
  readonly #debug: DebugInfo;
  readonly #columns: Columns;
  readonly #texts: TextPool;
  readonly #shapes: ShapeTables;
  readonly #scopes: Scopes;
  readonly #captured = new Captured();
  readonly #strings: Strings;
  readonly #supplementaryStrings: Strings;
  readonly #place: StringPlace = { bytes: new Uint8Array(0), at: 0 };
  readonly #found: Description = { name: 0, linkageName: 0, place: NONE, type: NONE, space: 0 };
  readonly #mostWork: number;
  /** Of every row. */
  readonly #flags: number;
  readonly #rangeBudget: RangeBudget;
  /** Where the declaration of each row of this walk is, from the row `firstRow`; what each is a copy of. */
  readonly #firstRow: number;
  readonly #declared = new Uint32Column();
  readonly #originOf = new Uint32Column();
  /** Groups of inlined copies, by the offset of what they are copies of. */
  readonly #groups = new NumberTable();
  readonly #groupOffsets = new Uint32Column();
  readonly #groupUnits = new Uint32Column();
  readonly #copyGroup = new Uint32Column();
  readonly #copyAddress = new Float64Column();
  readonly #rows = new Int32Array(DEEPEST + 1);
  readonly #surroundings = new Int32Array(DEEPEST + 1);

  constructor(debug: DebugInfo, columns: Columns, texts: TextPool) {
    this.#debug = debug;
    this.#columns = columns;
    this.#texts = texts;
    this.#shapes = new ShapeTables();
    this.#scopes = new Scopes(this.#shapes);
    this.#strings = stringsOf(debug);
    this.#supplementaryStrings = stringsOf(debug.supplementary);
    this.#firstRow = columns.unit.length;
    this.#flags = debug.skeleton === undefined ? 0 : Flag.split;
    // Each text is looked at once, and those in place may be under several units.
    const shared = this.#strings.bytes.length + this.#supplementaryStrings.bytes.length + debug.sections.get("line_str").length;
    texts.allow((debug.sections.get("info").length + shared) * 4 + (1 << 20));
    this.#mostWork = debug.sections.get("info").length * 8 + (1 << 20);
    // Each list belongs to one entry.
    this.#rangeBudget = { left: debug.sections.get("rnglists").length + (debug.skeleton ?? debug).sections.get("ranges").length + (1 << 16) };
  }

  /** Takes the functions of a unit; `number` stands for it in the rows. */
  unit(unit: Unit, number: number): void {
    const shapes = this.#shapes.of(unit);
    const { bytes, end } = unit;
    const { kinds, sizes, siblings } = shapes;
    const { dense, children, tags } = shapes.table;
    const rows = this.#rows;
    const surroundings = this.#surroundings;
    const position: Position = { at: 0 };
    let at = unit.first;
    let depth = 0;
    /** Below this depth nothing matters. */
    let deaf = DEEPEST;
    rows[0] = OUTSIDE;
    surroundings[0] = -1;
    while (at < end) {
      const start = at;
      let code = bytes[at++]!;
      if (code > 0x7f) {
        position.at = start;
        code = uleb(bytes, position);
        at = position.at;
      }
      if (code === 0) {
        if (--depth <= 0) break;
        if (deaf === DEEPEST) this.#scopes.close(surroundings[depth + 1]!, surroundings[depth]!, at);
        else if (depth <= deaf) deaf = DEEPEST;
        continue;
      }
      const index = code <= dense ? code - 1 : abbreviationOf(shapes.table, code);
      if (index < 0 || index >= tags.length) break;
      const kind = depth > deaf ? Kind.skip : kinds[index]!;
      const size = sizes[index]!;
      if (kind === Kind.skip) {
        const after = size >= 0 ? at + size : afterSteps(shapes, bytes, at, index);
        if (children[index] === 0) at = after;
        else {
          const next = siblings[index]! >= 0 ? unit.offset + u32(bytes, at + siblings[index]!) : 0;
          if (next > after && next <= end) at = next;
          else {
            at = after;
            if (deaf === DEEPEST) deaf = depth;
            depth++;
          }
        }
        continue;
      }
      let row = rows[depth] === OUTSIDE ? OUTSIDE : WITHIN;
      let surrounding = surroundings[depth]!;
      let enter = children[index] === 1;
      switch (kind) {
        case Kind.descend:
          at = size >= 0 ? at + size : afterSteps(shapes, bytes, at, index);
          break;
        case Kind.pack:
          at = size >= 0 ? at + size : afterSteps(shapes, bytes, at, index);
          row = rows[depth]!;
          break;
        case Kind.variadic:
          at = size >= 0 ? at + size : afterSteps(shapes, bytes, at, index);
          if (rows[depth]! >= 0) this.#columns.flags.data[rows[depth]!]! |= Flag.variadic;
          break;
        case Kind.namespace:
        case Kind.structure: {
          at = this.#read(shapes, bytes, at, index);
          if (!enter) break;
          // A class in a function may hold code of its members: gcc writes it there.
          const next = kind === Kind.structure && row === OUTSIDE ? this.#sibling(unit, at) : NONE;
          surrounding = this.#scopes.open(unit, start, next === NONE ? end : next, surrounding, kind, this.#captured, next !== NONE);
          if (next !== NONE) {
            at = next;
            enter = false;
          }
          break;
        }
        case Kind.noCode:
          at = size >= 0 ? at + size : afterSteps(shapes, bytes, at, index);
          row = WITHIN;
          break;
        case Kind.code: {
          at = this.#read(shapes, bytes, at, index);
          const next = enter ? this.#sibling(unit, at) : NONE;
          row = this.#function(unit, number, start, surrounding);
          if (row >= 0 || !enter) break;
          // The linker has left it out, and all that is below.
          if (next !== NONE) {
            at = next;
            enter = false;
          } else deaf = depth;
          break;
        }
        case Kind.parameter:
          if (rows[depth]! < 0) at = size >= 0 ? at + size : afterSteps(shapes, bytes, at, index);
          else {
            at = this.#read(shapes, bytes, at, index);
            this.#parameter(unit, rows[depth]!);
          }
          break;
        case Kind.inlined:
          at = this.#read(shapes, bytes, at, index);
          this.#inlined(unit, number);
          row = WITHIN;
          break;
      }
      if (!enter) continue;
      if (depth === DEEPEST - 1) deaf = depth;
      depth++;
      rows[depth] = row;
      surroundings[depth] = surrounding;
    }
  }

  #read(shapes: Shapes, bytes: Uint8Array, at: number, index: number): number {
    const captured = this.#captured;
    const after = captured.read(shapes, bytes, at, index);
    if (captured.work > this.#mostWork) throw unreadable(".debug_info", "its entries refer to each other without end");
    return after;
  }

  /** Where DW_AT_sibling of the entry read says that the next one is; NONE if it doesn't, or if that is no way forward. */
  #sibling(unit: Unit, after: number): number {
    const form = this.#captured.forms[Slot.sibling]!;
    if (form !== F.ref4 && classOf(form) !== "reference") return NONE;
    const value = plainNumber(unit.bytes, this.#captured.at[Slot.sibling]!, form, unit.encoding);
    const next = form === F.ref_addr ? value : unit.offset + value;
    return next > after && next <= unit.end ? next : NONE;
  }

  #text(unit: Unit, slot: number): number {
    const form = this.#captured.forms[slot]!;
    if (form === 0) return 0;
    const at = this.#captured.at[slot]!;
    const strings = this.#strings;
    if (form === F.strp && unit.encoding.offsetSize === 4 && unit.debug === this.#debug) return this.#shared(strings, u32(unit.bytes, at));
    const place = this.#place;
    if (!locateString(unit, form, at, place)) return 0;
    if (place.bytes === strings.bytes) return this.#shared(strings, place.at);
    if (place.bytes === this.#supplementaryStrings.bytes) return this.#shared(this.#supplementaryStrings, place.at);
    return this.#texts.take(place.bytes, place.at);
  }

  #shared({ bytes, numbers }: Strings, offset: number): number {
    if (offset >= bytes.length) return 0;
    const known = numbers.get(offset);
    if (known !== undefined) return known;
    const number = this.#texts.take(bytes, offset);
    numbers.add(offset, number);
    return number;
  }

  /** NaN without one. */
  #address(unit: Unit, slot: number): number {
    const form = this.#captured.forms[slot]!;
    const at = this.#captured.at[slot]!;
    if (form === F.addr) return plainNumber(unit.bytes, at, form, unit.encoding);
    if (classOf(form) !== "address") return Number.NaN;
    return unit.address(plainNumber(unit.bytes, at, form, unit.encoding)) ?? Number.NaN;
  }

  /** The row; -1 if the function has no code in the program. */
  #function(unit: Unit, number: number, offset: number, surrounding: number): number {
    const { forms, at } = this.#captured;
    const columns = this.#columns;
    const row = columns.unit.length;
    let low = Number.NaN;
    if (forms[Slot.ranges] !== 0) {
      for (const range of readRanges(unit, forms[Slot.ranges]!, at[Slot.ranges]!, MOST_RANGES, this.#rangeBudget)) {
        if (range.low === 0) continue;
        if (Number.isNaN(low)) low = range.low;
        this.#range(row, range.low, range.high - range.low);
      }
    } else {
      low = this.#address(unit, Slot.low);
      // 0 and numbers without end stand where the linker has left the code out.
      if (!(low > 0 && low < Number.MAX_SAFE_INTEGER)) return -1;
      const high = forms[Slot.high]!;
      if (high !== 0)
        this.#range(
          row,
          low,
          classOf(high) === "address" ? this.#address(unit, Slot.high) - low : plainNumber(unit.bytes, at[Slot.high]!, high, unit.encoding),
        );
    }
    if (Number.isNaN(low)) return -1;
    if (this.#rangeBudget.left < 0) throw unreadable(".debug_info", "its functions share lists of ranges without end");
    columns.unit.push(number);
    columns.offset.push(offset);
    columns.low.push(low);
    columns.flags.push(this.#flags);
    columns.scope.push(surrounding < 0 ? NONE : surrounding);
    columns.origin.push(NONE);
    this.#originOf.push(this.#target(unit, Slot.origin));
    this.#describe(unit);
    columns.name.push(this.#found.name);
    columns.linkageName.push(this.#found.linkageName);
    this.#declared.push(this.#found.place);
    return row;
  }

  #range(row: number, low: number, size: number): void {
    if (!(size > 0 && size < NONE)) return;
    this.#columns.rangeLow.push(low);
    this.#columns.rangeSize.push(size);
    this.#columns.rangeRow.push(row);
  }

  #parameter(unit: Unit, row: number): void {
    const columns = this.#columns;
    this.#describe(unit);
    columns.parameterRow.push(row);
    columns.parameterName.push(this.#found.name);
    columns.parameterType.push(this.#found.type);
    columns.parameterSpace.push(this.#found.space);
  }

  #inlined(unit: Unit, number: number): void {
    const { forms, at } = this.#captured;
    const target = this.#target(unit, Slot.origin);
    if (target === NONE) return;
    let address: number;
    const entry = forms[Slot.entry]!;
    if (entry !== 0 && classOf(entry) === "address") address = this.#address(unit, Slot.entry);
    else {
      const high = forms[Slot.high]!;
      if (forms[Slot.low] !== 0) {
        address = this.#address(unit, Slot.low);
        // Nothing of it is left.
        if (high !== 0 && classOf(high) === "constant" && plainNumber(unit.bytes, at[Slot.high]!, high, unit.encoding) === 0) return;
      } else
        address = forms[Slot.ranges] === 0 ? Number.NaN : (readRanges(unit, forms[Slot.ranges]!, at[Slot.ranges]!, 1, this.#rangeBudget)[0]?.low ?? Number.NaN);
      // DWARF 5: an offset from there.
      if (entry !== 0) address += plainNumber(unit.bytes, at[Slot.entry]!, entry, unit.encoding);
    }
    if (!(address > 0 && address < Number.MAX_SAFE_INTEGER)) return;
    let group = this.#groups.get(target);
    if (group === undefined) {
      group = this.#groupOffsets.push(target);
      this.#groupUnits.push(number);
      this.#groups.add(target, group);
    }
    this.#copyGroup.push(group);
    this.#copyAddress.push(address);
  }

  /** The offset of the entry that an attribute refers to, with ALT in the supplementary file; NONE without one. */
  #target(unit: Unit, slot: number): number {
    const form = this.#captured.forms[slot]!;
    if (form === 0) return NONE;
    const value = plainNumber(unit.bytes, this.#captured.at[slot]!, form, unit.encoding);
    switch (form) {
      case F.ref4:
      case F.ref1:
      case F.ref2:
      case F.ref8:
      case F.ref_udata:
        return unit.offset + value < unit.end ? unit.offset + value : NONE;
      case F.ref_addr:
        return value < this.#debug.sections.get("info").length ? value : NONE;
      case F.GNU_ref_alt:
      case F.ref_sup4:
      case F.ref_sup8:
        return this.#debug.supplementary !== undefined && value < ALT ? value + ALT : NONE;
      default:
        return NONE;
    }
  }

  #unitOf(unit: Unit | undefined, target: number): Unit | undefined {
    if (target >= ALT) return this.#debug.supplementary?.unitAt(target - ALT);
    return unit !== undefined && unit.debug === this.#debug && target >= unit.first && target < unit.end ? unit : this.#debug.unitAt(target);
  }

  /** Gathers what the entry read says, and what it leaves to the declaration or origin that it refers to. */
  #describe(unit: Unit): void {
    const found = this.#found;
    found.name = 0;
    found.linkageName = 0;
    found.place = NONE;
    found.type = NONE;
    found.space = 0;
    let current: Unit | undefined = unit;
    for (let hops = 0; hops < MOST_HOPS; hops++) {
      if (found.name === 0) found.name = this.#text(current, Slot.name);
      if (found.linkageName === 0) found.linkageName = this.#text(current, Slot.linkageName);
      if (found.type === NONE) this.#type(current);
      let next = this.#target(current, Slot.specification);
      if (next === NONE) next = this.#target(current, Slot.origin);
      if (next === NONE) return;
      current = this.#unitOf(current, next);
      if (current === undefined) return;
      const offset = next >= ALT ? next - ALT : next;
      if (!this.#readAt(current, offset)) return;
      found.place = next;
    }
  }

  /** Reads the attributes of the entry at an offset; false if there is none. */
  #readAt(unit: Unit, offset: number): boolean {
    if (offset < unit.first) return false;
    const { bytes } = unit;
    let at = offset;
    let code = bytes[at++]!;
    if (code > 0x7f) {
      const position: Position = { at: offset };
      code = uleb(bytes, position);
      at = position.at;
    }
    if (code === 0) return false;
    const shapes = this.#shapes.of(unit);
    const index = abbreviationOf(shapes.table, code);
    if (index < 0 || index >= shapes.table.count) return false;
    this.#read(shapes, bytes, at, index);
    return true;
  }

  #type(unit: Unit): void {
    const form = this.#captured.forms[Slot.type]!;
    if (form === 0) return;
    const found = this.#found;
    if (form === F.ref_sig8) {
      // The unit with the type may be in a file of its own, which the parameter alone doesn't justify to open.
      if (unit.debug !== this.#debug) return;
      found.type = this.#captured.at[Slot.type]!;
      found.space = TypeSpace.signature;
      return;
    }
    const target = this.#target(unit, Slot.type);
    if (target === NONE) return;
    const alt = target >= ALT || unit.debug !== this.#debug;
    found.type = target >= ALT ? target - ALT : target;
    found.space = alt ? TypeSpace.supplementary : TypeSpace.same;
  }

  /** Gives what is inlined its rows, and rows their surroundings: both may be behind what refers to them. */
  finish(): void {
    const columns = this.#columns;
    const groupRows = new Uint32Array(this.#groupOffsets.length);
    for (let group = 0; group < groupRows.length; group++) groupRows[group] = this.#origin(group);
    const groups = this.#copyGroup.data;
    for (let i = 0; i < this.#copyGroup.length; i++) {
      const row = groupRows[groups[i]!]!;
      if (row === NONE) continue;
      columns.copyRow.push(row);
      columns.copyAddress.push(this.#copyAddress.data[i]!);
    }
    const origins = this.#originOf.data;
    for (let i = 0; i < this.#originOf.length; i++) {
      const group = origins[i] === NONE ? undefined : this.#groups.get(origins[i]!);
      if (group !== undefined) columns.origin.data[this.#firstRow + i] = groupRows[group]!;
    }
    for (let i = 0; i < this.#declared.length; i++) {
      const row = this.#firstRow + i;
      const place = this.#declared.data[i]!;
      const scope = place === NONE ? columns.scope.data[row]! : place >= ALT ? NONE : this.#scopes.around(place);
      columns.scope.data[row] = scope === NONE ? 0 : this.#scopes.number(scope, this.#texts, columns.scopes);
    }
  }

  /** A row for what is inlined: it has no code of its own. NONE if it can't be read. */
  #origin(group: number): number {
    const columns = this.#columns;
    const target = this.#groupOffsets.data[group]!;
    const unit = this.#unitOf(undefined, target);
    const offset = target >= ALT ? target - ALT : target;
    if (unit === undefined || !this.#readAt(unit, offset)) return NONE;
    this.#describe(unit);
    // A name is the least that it is good for.
    if (this.#found.name === 0 && this.#found.linkageName === 0) return NONE;
    const row = columns.unit.push(target >= ALT ? NONE : this.#groupUnits.data[group]!);
    columns.offset.push(offset);
    columns.low.push(Number.NaN);
    columns.flags.push(this.#flags);
    columns.origin.push(NONE);
    columns.scope.push(NONE);
    columns.name.push(this.#found.name);
    columns.linkageName.push(this.#found.linkageName);
    this.#originOf.push(NONE);
    this.#declared.push(this.#found.place === NONE ? target : this.#found.place);
    this.#parametersBelow(unit, offset, row);
    return row;
  }

  /** Takes the parameters of an entry without code: they come first below it, or behind what can be passed. */
  #parametersBelow(unit: Unit, offset: number, row: number): void {
    const shapes = this.#shapes.of(unit);
    const { bytes, end } = unit;
    const { table, kinds, sizes, siblings } = shapes;
    const position: Position = { at: offset };
    const own = abbreviationOf(table, uleb(bytes, position));
    if (own < 0 || table.children[own] !== 1) return;
    let at = this.#read(shapes, bytes, position.at, own);
    const first = at;
    while (at < end) {
      position.at = at;
      const code = uleb(bytes, position);
      at = position.at;
      const index = code === 0 ? -1 : abbreviationOf(table, code);
      if (index < 0) break;
      if (kinds[index] === Kind.parameter) {
        at = this.#read(shapes, bytes, at, index);
        this.#parameter(unit, row);
        continue;
      }
      if (kinds[index] === Kind.variadic) this.#columns.flags.data[row]! |= Flag.variadic;
      const after = sizes[index]! >= 0 ? at + sizes[index]! : afterSteps(shapes, bytes, at, index);
      const next = table.children[index] === 1 ? (siblings[index]! >= 0 ? unit.offset + u32(bytes, at + siblings[index]!) : 0) : after;
      if (next < after) break;
      at = next;
    }
    this.#captured.work += Math.min(at, end) - first;
  }
}
