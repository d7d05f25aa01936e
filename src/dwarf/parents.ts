/** Which entry is below which: DWARF has no way up, so a unit is read once from its first entry. */
import { abbreviationOf } from "./abbreviations.ts";
import { afterForm } from "./forms.ts";
import { type Position, uleb } from "./leb.ts";
import type { Unit } from "./units.ts";

/** Of all entries of a unit, in order. */
export interface Parents {
  readonly offsets: Uint32Array;
  /** The place of each entry's parent in `offsets`; the first entry's is itself. */
  readonly parents: Uint32Array;
}

/** Behind the attributes of an entry that begin at `at`; Infinity if a form isn't known. */
export function afterAttributes(unit: Unit, abbreviation: number, at: number): number {
  const { starts, forms } = unit.abbreviations;
  const { bytes, encoding } = unit;
  let end = at;
  for (let i = starts[abbreviation]!; i < starts[abbreviation + 1]!; i++) end = afterForm(bytes, end, forms[i]!, encoding);
  return end;
}

/** Stops at the first entry that can't be read. */
export function findParents(unit: Unit): Parents {
  const table = unit.abbreviations;
  const { bytes, end } = unit;
  const offsets: number[] = [];
  const parents: number[] = [];
  const path: number[] = [];
  const position: Position = { at: unit.first };
  while (position.at < end) {
    const offset = position.at;
    const code = uleb(bytes, position);
    if (code === 0) {
      path.pop();
      if (path.length === 0) break;
      continue;
    }
    const abbreviation = abbreviationOf(table, code);
    if (abbreviation < 0) break;
    parents.push(path.at(-1) ?? 0);
    if (table.children[abbreviation]) path.push(offsets.length);
    offsets.push(offset);
    position.at = afterAttributes(unit, abbreviation, position.at);
    if (path.length === 0) break;
  }
  return { offsets: Uint32Array.from(offsets), parents: Uint32Array.from(parents) };
}
