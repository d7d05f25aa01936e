/** Where debug information says that a parameter is at its function's first instruction. */
import type { CPlace } from "../schema/ctypes.ts";
import { DW_AT, DW_OP, DW_TAG } from "./constants.ts";
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

/** How far a prologue reaches at most, in bytes. */
const PROLOGUE = 64;

/** What the debug information says of a parameter where its function begins. */
export interface EntryPlace {
  /** Where it is at the first instruction. Undefined: that isn't said. */
  readonly place: CPlace | undefined;
  /** It has one place all along, as in code that isn't optimized. It is there from where the prologue has put it there. */
  readonly fixed: boolean;
  /** Where it is first said to be, in the prologue or right behind it: this may be where it was from the start. */
  readonly first: CPlace | undefined;
}

/** It has variables, and each has one place in the frame all along. */
export function isUnoptimized(of: Entry): boolean {
  let fixed = false;
  let left = MOST_LOOKED_AT;
  const visit = (parent: Entry): boolean => {
    for (const child of parent.children()) {
      if (--left < 0) return false;
      if (child.tag === DW_TAG.lexical_block && !visit(child)) return false;
      if (child.tag !== DW_TAG.variable && child.tag !== DW_TAG.formal_parameter) continue;
      if (child.form(DW_AT.location) !== "exprloc" || child.block(DW_AT.location)?.[0] !== DW_OP.fbreg) return false;
      fixed = true;
    }
    return true;
  };
  return visit(of) && fixed;
}
const MOST_LOOKED_AT = 10_000;

export function placeAtEntry(parameter: Entry, of: Entry): EntryPlace {
  const pc = entryAddress(of);
  const nothing: EntryPlace = { place: undefined, fixed: false, first: undefined };
  if (pc === undefined) return nothing;
  const frame = { function: of, frames: FRAMES_AT_ENTRY };
  for (const one of declarations(parameter)) {
    if (one.has(DW_AT.const_value)) return { ...nothing, place: placeAt(parameter, pc, frame) };
    if (!one.has(DW_AT.location)) continue;
    if (one.form(DW_AT.location) === "exprloc") {
      // A register that is the parameter's all along is so at the first instruction; memory of the frame is written first.
      const place = placeAt(parameter, pc, frame);
      return { place: place.k === "memory" ? undefined : place, fixed: place.k === "memory", first: undefined };
    }
    for (let offset = 0; offset <= PROLOGUE; offset++) {
      if (expressionAt(one, DW_AT.location, pc + offset) === undefined) continue;
      const place = placeAt(parameter, pc + offset, frame);
      return offset === 0 ? { ...nothing, place } : { ...nothing, first: place };
    }
  }
  return nothing;
}
