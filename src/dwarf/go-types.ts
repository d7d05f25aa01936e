/** Go's strings and slices: structures by the names that cmd/link gives their fields (dwarf.go, `synthesizestringtypes`). */
import type { CField, CStruct } from "../schema/ctypes.ts";

/** What of a Go structure holds the address and the length, if it is a string or a slice. */
export function goSlice(name: string | undefined, fields: readonly CField[]): CStruct["slice"] {
  const has = (field: string): boolean => fields.some((one) => one.name === field);
  if (name === "string" && has("str") && has("len")) return { address: "str", length: "len" };
  if (name?.startsWith("[]") && has("array") && has("len")) return { address: "array", length: "len" };
  return undefined;
}
