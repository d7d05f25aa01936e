/** Definitions of the types that a unit only declares: another unit of the same file may have them. */
import { DW_AT, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { isC, languageOf, qualifiedName } from "./type-names.ts";
import type { Definitions } from "./types.ts";
import type { DebugInfo, Unit } from "./units.ts";

/** Entries that are looked at in one file: what isn't found by then stays a declaration. Half a second at the most. */
const MOST_ENTRIES = 400_000;
const DEEPEST = 16;

const KINDS = new Map<number, string>([
  [DW_TAG.structure_type, "struct"],
  [DW_TAG.class_type, "struct"],
  [DW_TAG.union_type, "union"],
  [DW_TAG.enumeration_type, "enum"],
]);

const found = new WeakMap<DebugInfo, Definitions>();

/** Looks in the declaration's unit first, then in all others in their order, each once. An anonymous namespace's types are found in no unit. */
export function definitionsIn(debug: DebugInfo): Definitions {
  const definitions = found.get(debug) ?? search(debug);
  found.set(debug, definitions);
  return definitions;
}

function search(debug: DebugInfo): Definitions {
  const byName = new Map<string, Entry>();
  const read = new Set<Unit>();
  let left = MOST_ENTRIES;
  let next = 0;

  /** Types stand in types too, but not in C. */
  const below = (parent: Entry, scope: string, nested: boolean, depth: number): void => {
    for (const entry of parent.children()) {
      if (--left < 0) return;
      const kind = KINDS.get(entry.tag);
      if ((kind === undefined && entry.tag !== DW_TAG.namespace) || depth > DEEPEST) continue;
      const name = entry.text(DW_AT.name);
      if (name === undefined) continue;
      if (kind !== undefined && !entry.flag(DW_AT.declaration)) {
        const key = `${kind} ${scope}${name}`;
        if (!byName.has(key)) byName.set(key, entry);
      }
      if (entry.hasChildren && entry.tag !== DW_TAG.enumeration_type && nested) below(entry, `${scope}${name}::`, nested, depth + 1);
    }
  };
  const readUnit = (unit: Unit): void => {
    if (read.has(unit)) return;
    read.add(unit);
    below(unit.root, "", !isC(languageOf(unit)), 0);
  };

  return (declaration) => {
    const kind = KINDS.get(declaration.tag);
    const name = kind && qualifiedName(declaration);
    if (!name) return undefined;
    const key = `${kind} ${name}`;
    if (left > 0 && declaration.unit.debug === debug) readUnit(declaration.unit);
    while (!byName.has(key) && left > 0 && next < debug.units.length) readUnit(debug.units[next++]!);
    return byName.get(key);
  };
}
