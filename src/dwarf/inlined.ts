/** Inlined functions: the places where one is, and the chain of those that an instruction belongs to. DWARF 5 §3.3.8. */
import { DW_AT, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { entryAddress, type PlaceFrame } from "./locations.ts";
import type { AddressRange } from "./ranges.ts";
import { type Scope, type ScopedVariable, scopesAt, variablesOf, walkBelow } from "./scopes.ts";
import { declarations, qualifiedName } from "./type-names.ts";
import type { DebugInfo, Unit } from "./units.ts";

/** One place where a function is inlined. */
export interface InlinedPlace {
  readonly entry: Entry;
  /** Of its first instruction, as linked. */
  readonly address: number;
  readonly ranges: readonly AddressRange[];
  /** The function whose code it is part of. */
  readonly function: Entry;
  readonly parameters: readonly ScopedVariable[];
}

const MOST_PLACES = 1 << 20;
const INLINED: ReadonlySet<number> = new Set([DW_TAG.inlined_subroutine, DW_TAG.subprogram]);

/**
 * All places where a function is inlined, by address: of one name (as it is written in its own scope, or with its scopes, or as the
 * linker knows it), or of one abstract entry. Reads all units that may have some.
 * Throws SONDE_DWARF_UNREADABLE.
 */
export function inlinedPlaces(debug: DebugInfo, what: string | Entry, frames: PlaceFrame["frames"]): readonly InlinedPlace[] {
  const origins = new Map<number, boolean>();
  const isMeant = (origin: Entry): boolean => {
    let meant = origins.get(origin.key);
    if (meant === undefined) {
      meant = typeof what === "string" ? isNamed(origin, what) : [...declarations(origin)].some((one) => one.key === what.key);
      origins.set(origin.key, meant);
    }
    return meant;
  };
  const found: InlinedPlace[] = [];
  for (const unit of debug.units) {
    if (!mayInline(unit)) continue;
    const path: { readonly entry: Entry; readonly depth: number }[] = [];
    walkBelow(unit.root, INLINED, (entry, depth) => {
      // The functions that this is in: one is behind it when it is no deeper.
      while (path.length > 0 && path.at(-1)!.depth >= depth) path.pop();
      if (entry.tag === DW_TAG.subprogram) {
        path.push({ entry, depth });
        return;
      }
      if (entry.tag !== DW_TAG.inlined_subroutine) return;
      const owner = path.at(-1)?.entry;
      if (owner === undefined || found.length >= MOST_PLACES) return;
      const origin = entry.reference(DW_AT.abstract_origin);
      if (origin === undefined || !isMeant(origin)) return;
      const address = entryAddress(entry);
      const ranges = entry.ranges();
      if (address === undefined || address === 0 || ranges.length === 0) return;
      const parameters = variablesOf(entry, address, { function: owner, frames }).filter((one) => one.parameter);
      found.push({ entry, address, ranges, function: owner, parameters });
    });
  }
  return found.sort((a, b) => a.address - b.address);
}

/** The inlined instances that begin at an address, as far as the function's debug information goes that has the code there. */
export function instancesAt(debug: DebugInfo, address: number): readonly Entry[] {
  const [outer] = scopesAt(debug, address);
  const found: Entry[] = [];
  if (outer === undefined) return found;
  walkBelow(outer.entry, INLINED, (entry) => {
    if (entry.tag === DW_TAG.inlined_subroutine && entryAddress(entry) === address) found.push(entry);
  });
  return found;
}

function mayInline(unit: Unit): boolean {
  if (unit.signature !== undefined) return false;
  return unit.root.unit.abbreviations.tags.includes(DW_TAG.inlined_subroutine);
}

function isNamed(entry: Entry, name: string): boolean {
  return entry.name === name || entry.linkageName === name || (name.includes("::") && qualifiedName(entry) === name);
}

/** The functions that an instruction belongs to, the innermost first: instances that are inlined, and at last the function itself. */
export function functionsAt(scopes: readonly Scope[]): readonly Entry[] {
  return scopes
    .map((scope) => scope.entry)
    .filter((entry) => entry.tag === DW_TAG.subprogram || entry.tag === DW_TAG.inlined_subroutine)
    .reverse();
}
