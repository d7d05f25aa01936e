/** A symbol's name as the programmer wrote it: C++, and both forms of Rust. */
import { demangleItanium } from "./itanium.ts";
import { demangleRustLegacy, demangleRustV0 } from "./rust.ts";

export type Language = "c++" | "rust";

export interface Demangled {
  readonly language: Language;
  /** C++: with the parameters, without the result. Rust: the path, without the hash. */
  readonly text: string;
}

/** Longer than what compilers write; what is longer stays as it is. */
const LONGEST_SYMBOL = 1 << 14;

/** Whether a name may be mangled: said by its beginning alone. */
export function looksMangled(name: string): boolean {
  return name.startsWith("_Z") || name.startsWith("_R") || name.startsWith("__Z");
}

/** Undefined for a name that isn't mangled, or not in a way that is known. Bounded in time, and in the text's length. */
export function demangle(symbol: string): Demangled | undefined {
  if (!looksMangled(symbol) || symbol.length > LONGEST_SYMBOL) return undefined;
  const rust = symbol[1] === "R" ? demangleRustV0(symbol) : demangleRustLegacy(symbol);
  if (rust !== undefined) return { language: "rust", text: rust };
  const text = symbol[1] === "R" ? undefined : demangleItanium(symbol);
  return text === undefined ? undefined : { language: "c++", text };
}
