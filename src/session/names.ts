/** What the states of a script are called: the export's name, else the variable's, qualified by the module where two have the same. */
import { basename } from "node:path";
import type { ScriptUnit } from "../compiler/hir/types.ts";
import type { Scope } from "./scope.ts";
import { State } from "./state/state.ts";

export interface NamedState {
  readonly state: State;
  readonly name: string;
  /** Exported by its module. */
  readonly exported: boolean;
}

/** `lib/sizes.probe.ts` → `sizes`. */
const moduleName = (path: string): string => basename(path).replace(/(\.probe)?\.[mc]?[jt]s$/, "");

/** Every state bound at the top level of a module, in the order of the modules and of their declarations. */
export function namedStates(unit: ScriptUnit, scope: Scope): NamedState[] {
  const found = new Map<State, { readonly file: number; readonly name: string; readonly exported: boolean }>();
  for (const file of unit.files.keys()) {
    for (const [local, value] of scope.bindings(file)) {
      if (!(value instanceof State) || State.scopeOf(value) !== scope) continue;
      const exportedAs = scope.exportedAs(file, local);
      // Of two names for one state, the exported one.
      if (found.has(value) && (exportedAs === undefined || found.get(value)!.exported)) continue;
      found.set(value, { file, name: exportedAs === undefined || exportedAs === "default" ? local : exportedAs, exported: exportedAs !== undefined });
    }
  }
  const uses = new Map<string, number>();
  for (const { name } of found.values()) uses.set(name, (uses.get(name) ?? 0) + 1);
  return [...found].map(([state, { file, name, exported }]) => ({
    state,
    exported,
    name: uses.get(name) === 1 || file === 0 ? name : `${moduleName(unit.files[file]!.path)}.${name}`,
  }));
}
