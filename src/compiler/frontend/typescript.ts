/** The only importer of TypeScript: loads it when the first script is compiled, and not before. */
import type TypeScript from "typescript";
import { loadCompiler } from "./package.ts";

export type { TypeScript as TS };

/** The compiler's module. Unset until `loadTypescript()` has run: nothing at the top level of a module may use it. */
export let ts: typeof TypeScript;

/** `cacheFolder`: where V8's compiled code may be kept, a folder that nobody else can write to. */
export function loadTypescript(cacheFolder?: string): void {
  ts ??= loadCompiler(cacheFolder) as typeof TypeScript;
}
