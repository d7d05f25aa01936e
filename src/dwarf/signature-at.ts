/** What debug information knows at an instruction inside a function: its parameters and variables, where they are there. */
import type { CVariable, Signature } from "../schema/ctypes.ts";
import type { Entry } from "./entry.ts";
import type { PlaceFrame } from "./locations.ts";
import { type ScopedVariable, scopesAt, variablesAt } from "./scopes.ts";
import { StructTable, typeOf } from "./types.ts";
import { definitionsIn } from "./types-definitions.ts";
import type { DebugInfo } from "./units.ts";

/**
 * `params` are the function's own, or the inlined instance's; `variables` are they and the locals. Undefined where the debug
 * information has no function at the address. Throws SONDE_DWARF_UNREADABLE.
 *
 * @param of one of the functions or instances there by its key: undefined, the innermost
 */
export function signatureAt(debug: DebugInfo, pc: number, frames: PlaceFrame["frames"], of?: Pick<Entry, "key">): Signature | undefined {
  if (scopesAt(debug, pc).length === 0) return undefined;
  const found = variablesAt(debug, pc, frames, of);
  const structs = new StructTable(definitionsIn(debug));
  const variable = ({ name, type, place }: ScopedVariable): CVariable => ({ name, type: typeOf(type, structs, name), place });
  const variables = found.map(variable);
  return { params: variables.filter((_, i) => found[i]!.parameter), ret: { k: "void" }, variables, structs: structs.structs() };
}
