/** The function that begins at an address, without an index of all: only the units that cover the address are walked. */
import { DW_AT, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import type { DebugInfo, Unit } from "./units.ts";

/** Namespaces and structures nest; deeper than this nothing is looked for. */
const DEEPEST = 64;
/** Entries that are passed in one unit. */
const MOST_ENTRIES = 4_000_000;

const NESTS: ReadonlySet<number> = new Set([
  DW_TAG.namespace,
  DW_TAG.structure_type,
  DW_TAG.class_type,
  DW_TAG.union_type,
  DW_TAG.enumeration_type,
  DW_TAG.module,
  DW_TAG.subprogram,
  DW_TAG.lexical_block,
]);

/** `address` as linked. Undefined where no function of the debug information begins there. Throws SONDE_DWARF_UNREADABLE. */
export function functionAt(debug: DebugInfo, address: number): Entry | undefined {
  for (const unit of debug.units) {
    if (unit.own.tag === DW_TAG.partial_unit || !covers(unit, address)) continue;
    const search: Search = { address, left: MOST_ENTRIES };
    const found = beginsAt(unit.root, search, DEEPEST);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A unit that doesn't say what it covers may cover anything. */
function covers(unit: Unit, address: number): boolean {
  const ranges = unit.own.ranges();
  return ranges.length === 0 || ranges.some(({ low, high }) => address >= low && address < high);
}

interface Search {
  readonly address: number;
  left: number;
}

function beginsAt(parent: Entry, search: Search, deep: number): Entry | undefined {
  for (const entry of parent.children()) {
    if (search.left-- <= 0) return undefined;
    if (entry.tag === DW_TAG.subprogram) {
      const begin = entry.number(DW_AT.entry_pc) ?? entry.number(DW_AT.low_pc) ?? entry.ranges()[0]?.low;
      if (begin === search.address) return entry;
    }
    if (deep === 0 || !NESTS.has(entry.tag) || !entry.hasChildren) continue;
    const inner = beginsAt(entry, search, deep - 1);
    if (inner !== undefined) return inner;
  }
  return undefined;
}
