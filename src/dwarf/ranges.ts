/** Lists of address ranges: .debug_rnglists (DWARF 5 §7.25) and .debug_ranges (DWARF 4 §2.17.3). */
import { DW_FORM, DW_RLE } from "./constants.ts";
import { plainNumber, unsigned } from "./forms.ts";
import { type Position, uleb } from "./leb.ts";
import type { Unit } from "./units.ts";

/** Addresses as linked; `high` is the first behind it. */
export interface AddressRange {
  readonly low: number;
  readonly high: number;
}

export interface RangeBudget {
  left: number;
}

/** Entries that are looked at in one list: more than a compiler writes for a unit. */
const MOST_ENTRIES = 1 << 20;

/**
 * The ranges of a DW_AT_ranges at `at`; empty ones and those behind 2⁵³ (of code that the linker has left out) are left out.
 * `most`: stop at so many. `budget`: entries that may still be read, by which many that share one list are bounded; they end
 * where it does.
 */
export function readRanges(unit: Unit, form: number, at: number, most = MOST_ENTRIES, budget: RangeBudget = { left: MOST_ENTRIES }): AddressRange[] {
  const { bytes, encoding } = unit;
  const value = plainNumber(bytes, at, form, encoding);
  if (encoding.version < 5) return readOldRanges(unit, value + unit.rangesBase, most, budget);
  const lists = unit.sections.get("rnglists");
  if (form !== DW_FORM.rnglistx) return readRangeList(unit, lists, value, most, budget);
  const base = unit.rnglistsBase;
  const entry = base + value * encoding.offsetSize;
  if (entry + encoding.offsetSize > lists.length) return [];
  return readRangeList(unit, lists, base + unsigned(lists, entry, encoding.offsetSize), most, budget);
}

function readRangeList(unit: Unit, lists: Uint8Array, offset: number, most: number, budget: RangeBudget): AddressRange[] {
  const found: AddressRange[] = [];
  const { addressSize } = unit.encoding;
  const position: Position = { at: offset };
  const address = (): number => {
    const value = unsigned(lists, position.at, addressSize);
    position.at += addressSize;
    return value;
  };
  const indexed = (): number => unit.address(uleb(lists, position)) ?? Number.POSITIVE_INFINITY;
  let base: number | undefined;
  while (position.at < lists.length && found.length < most && budget.left-- > 0) {
    let low: number;
    let high: number;
    switch (lists[position.at++]) {
      case DW_RLE.base_addressx:
        base = indexed();
        continue;
      case DW_RLE.base_address:
        base = address();
        continue;
      case DW_RLE.startx_endx:
        low = indexed();
        high = indexed();
        break;
      case DW_RLE.startx_length:
        low = indexed();
        high = low + uleb(lists, position);
        break;
      case DW_RLE.offset_pair:
        base ??= unit.lowPc ?? 0;
        low = base + uleb(lists, position);
        high = base + uleb(lists, position);
        break;
      case DW_RLE.start_end:
        low = address();
        high = address();
        break;
      case DW_RLE.start_length:
        low = address();
        high = low + uleb(lists, position);
        break;
      default:
        return found;
    }
    if (low < high && high <= Number.MAX_SAFE_INTEGER) found.push({ low, high });
  }
  return found;
}

function readOldRanges(unit: Unit, offset: number, most: number, budget: RangeBudget): AddressRange[] {
  const found: AddressRange[] = [];
  const { addressSize } = unit.encoding;
  const lists = unit.rangesSections.get("ranges");
  const selects = addressSize === 8 ? 2 ** 64 : 2 ** 32 - 1;
  let base: number | undefined;
  let at = offset;
  while (at + 2 * addressSize <= lists.length && found.length < most && budget.left-- > 0) {
    const low = unsigned(lists, at, addressSize);
    const high = unsigned(lists, at + addressSize, addressSize);
    at += 2 * addressSize;
    if (low === 0 && high === 0) break;
    // Exact to 2⁵³: all that is near to 2⁶⁴ is 2⁶⁴.
    if (low === selects) base = high;
    else {
      base ??= unit.lowPc ?? 0;
      if (low < high && base + high <= Number.MAX_SAFE_INTEGER) found.push({ low: base + low, high: base + high });
    }
  }
  return found;
}
