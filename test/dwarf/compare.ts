/** Parameters where functions begin, by our places and types, against what gdb says of them there. */

import { DW_LANG } from "../../src/dwarf/constants.ts";
import type { DebugInfo, Entry } from "../../src/dwarf/entry.ts";
import { entryAddress } from "../../src/dwarf/locations.ts";
import { parametersOf, signatureOf } from "../../src/dwarf/signature.ts";
import { placeAtEntry } from "../../src/dwarf/signature-entry.ts";
import { describe as text } from "../../src/dwarf/signature-text.ts";
import { typeName } from "../../src/dwarf/type-names.ts";
import { sizeOf } from "../../src/schema/ctypes.ts";
import { bytesAt, differences, type Seen, type Values, valuesOf } from "./gdb.ts";

export interface Outcome {
  /** Functions that were called. */
  readonly functions: number;
  /** Scalars that were compared. */
  readonly values: number;
  /** Parameters without a place, with the reason. */
  readonly nowhere: readonly string[];
  readonly wrong: readonly string[];
  /** Types that gdb writes in another way. */
  readonly types: readonly string[];
}

/** gdb has the names of tuples' fields as rustc writes them. */
const rustPaths = (values: Values): Values => Object.fromEntries(Object.entries(values).map(([path, value]) => [path.replaceAll(/\.__(\d+)/g, ".$1"), value]));

/** Inside of names gdb writes integers shorter than compilers do. */
const written = (type: string): string => type.replaceAll(/\b(long|short)( unsigned)? int\b/g, "$1$2").replaceAll(/\s/g, "");

/** What gdb is to look at: functions by their entries' keys. */
export const planOf = (functions: readonly Entry[]) => functions.map((entry) => ({ name: String(entry.key), address: entryAddress(entry)! }));

/**
 * A program's functions against gdb. Where code isn't optimized, gdb knows the arguments behind the prologue; else at the first
 * instruction, but for those of which it only knows a place in the frame: nothing is there yet.
 */
export function compare(debug: DebugInfo, functions: readonly Entry[], seen: ReadonlyMap<string, Seen | undefined>, optimized: boolean): Outcome {
  const nowhere: string[] = [];
  const wrong: string[] = [];
  const types: string[] = [];
  let called = 0;
  let values = 0;
  for (const entry of functions) {
    const stop = seen.get(String(entry.key));
    if (stop === undefined) continue;
    called++;
    const signature = signatureOf(debug, entry)!;
    const rust = entry.unit.language === DW_LANG.Rust;
    const parameters = parametersOf(entry).filter((one) => !one.result);
    for (const [i, { name, type, place }] of signature.params.entries()) {
      const parameter = parameters[i]!;
      const where = `${text(entry)}: ${name}`;
      const gdb = (optimized ? stop.entry : (stop.after ?? [])).find((one) => one.name === parameter.name);
      const ours = typeName(parameter.type, entry.unit.language);
      if (gdb !== undefined && written(gdb.type) !== written(ours)) types.push(`${where}: gdb ${gdb.type}, ours ${ours}`);
      if (place!.k === "none") {
        nowhere.push(`${where}: ${place!.why}`);
        continue;
      }
      const bytes = bytesAt(stop, place!, sizeOf(type, signature.structs));
      if (bytes === undefined) wrong.push(`${where} isn't where it should be`);
      const scalar = gdb?.value[""];
      if (bytes === undefined || gdb === undefined || scalar === "optimized out" || scalar?.startsWith("error")) continue;
      if (optimized && parameter.entry && placeAtEntry(parameter.entry, entry).fixed) continue;
      values += Object.keys(gdb.value).length;
      const different = differences(rust ? rustPaths(gdb.value) : gdb.value, valuesOf(type, bytes, signature.structs));
      if (different.length > 0) wrong.push(`${where}: ${different.slice(0, 4).join("; ")}`);
    }
  }
  return { functions: called, values, nowhere, wrong, types };
}
