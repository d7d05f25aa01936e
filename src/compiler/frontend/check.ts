/** `sonde check`: what is wrong with a script, without running it. The back end has its say after this. */

import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { formatJson, formatLines, formatPretty, type Palette, plain } from "../diagnostics/format.ts";
import { type CompileInput, type CompileOutput, compileScript } from "./compile.ts";

export interface CheckOutput extends CompileOutput {
  /** The diagnostics as text, those of the back end (`more`) included. */
  format(how: "pretty" | "lines" | "json", palette?: Palette, more?: readonly Diagnostic[]): string;
}

export function checkScript(input: CompileInput): CheckOutput {
  const output = compileScript({ ...input, check: true });
  const sources = (file: string): string | undefined => (file === input.path ? input.text : input.readFile(file));
  return {
    ...output,
    format(how, palette = plain, more = []) {
      const all = [...output.diagnostics, ...more];
      return how === "pretty" ? formatPretty(all, sources, palette) : how === "lines" ? formatLines(all, sources) : formatJson(all, sources);
    },
  };
}
