/** What debug information says of a parameter's place at its function's first instruction. */
import type { CPlace } from "../schema/ctypes.ts";
import { DW_AT } from "./constants.ts";
import type { Entry } from "./entry.ts";
import type { Frames } from "./frames.ts";
import { entryAddress, expressionAt, placeAt } from "./locations.ts";
import { declarations } from "./type-names.ts";

const RSP = 7;
/** Before a function's first instruction the caller's frame ends above the return address, whatever the tables say. */
const FRAMES_AT_ENTRY: Frames = {
  tables: [],
  at: (address) => ({
    address,
    low: address,
    high: address + 1,
    returnRegister: 16,
    signal: false,
    cfa: { k: "register", register: RSP, offset: 8 },
    rules: new Map(),
  }),
};

/**
 * Undefined: nothing that holds there. A place that holds all along isn't taken: it is the parameter's only from where the prologue
 * has put it there. So what counts is a list of places that has one for the first instruction, or a constant.
 */
export function placeAtEntry(parameter: Entry, of: Entry): CPlace | undefined {
  const pc = entryAddress(of);
  if (pc === undefined) return undefined;
  for (const one of declarations(parameter)) {
    if (one.has(DW_AT.location)) {
      if (one.form(DW_AT.location) !== "list" || expressionAt(one, DW_AT.location, pc) === undefined) return undefined;
      return placeAt(parameter, pc, { function: of, frames: FRAMES_AT_ENTRY });
    }
    if (one.has(DW_AT.const_value)) return placeAt(parameter, pc, { function: of, frames: FRAMES_AT_ENTRY });
  }
  return undefined;
}

/** Whether a parameter has one place all along, as in code that isn't optimized. */
export const hasFixedPlace = (parameter: Entry): boolean => {
  for (const one of declarations(parameter)) if (one.has(DW_AT.location)) return one.form(DW_AT.location) === "exprloc";
  return false;
};
