/** Compiles a script given as text, for the front end's tests. */
import { type CompileOutput, compileScript } from "./compile.ts";

export interface Files {
  readonly [path: string]: string;
}

export function compile(text: string, files: Files = {}, typeRoots: readonly string[] = []): CompileOutput {
  return compileScript({ path: "/scripts/a.probe.ts", text, readFile: (path) => files[path], typeRoots });
}

/** As a one-liner, with the vocabulary in scope. */
export const compileLine = (text: string): CompileOutput => compileScript({ path: "-e", text, folder: "/scripts", readFile: () => undefined });

/** `CODE "underlined text"` of each diagnostic. */
export function complaints(text: string, output: CompileOutput): string[] {
  return output.diagnostics.map((diagnostic) => `${diagnostic.code} ${JSON.stringify(text.slice(diagnostic.start, diagnostic.end))}`);
}
