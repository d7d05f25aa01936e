/** A type in few words, for lists. */
import type { CType } from "../schema/ctypes.ts";

/** `i32`, `f64`, `task_struct*`, `u64[6]`; of a structure, union or enumeration its name. */
export function typeText(type: CType): string {
  switch (type.k) {
    case "int":
      return type.name;
    case "float":
      return type.size === 4 ? "f32" : "f64";
    case "pointer":
      return type.to === undefined ? "pointer" : `${typeText(type.to)}*`;
    case "array":
      return `${typeText(type.of)}[${type.length}]`;
    case "struct":
      return type.name;
    case "enum":
      return type.name ?? "enum";
    case "unknown":
      return type.what;
    default:
      return type.k;
  }
}
