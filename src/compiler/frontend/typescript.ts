/** The only importer of TypeScript: loads it when the first script is compiled, and not before. */
import { createRequire } from "node:module";
import type TypeScript from "typescript";

export type { TypeScript as TS };

/** The compiler's module. Unset until `loadTypescript()` has run: nothing at the top level of a module may use it. */
export let ts: typeof TypeScript;

export function loadTypescript(): typeof TypeScript {
  ts ??= createRequire(import.meta.url)("typescript") as typeof TypeScript;
  return ts;
}
