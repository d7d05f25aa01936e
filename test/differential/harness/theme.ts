/** A theme's snippets, compiled. */
import { type Snippet, scriptOf, type Theme } from "../snippets/snippet.ts";
import { type CompiledScript, compileText } from "./compile.ts";

export type CompiledTheme = ReadonlyMap<Snippet, { readonly script: CompiledScript; readonly text: string; readonly probe: number }>;

/** All snippets as one script, or, if some are refused, each by itself. */
export function compileTheme(theme: Theme): CompiledTheme {
  const text = scriptOf(theme);
  const script = compileText(text);
  if (script.unit !== undefined) return new Map(theme.snippets.map((snippet, probe) => [snippet, { script, text, probe }]));
  return new Map(
    theme.snippets.map((snippet) => {
      const alone = scriptOf(theme, [snippet]);
      return [snippet, { script: compileText(alone), text: alone, probe: 0 }];
    }),
  );
}
