/** Snippets as machine code, in a program of its own: what they leave behind must be what the second evaluator says. */
import { describe, expect, test } from "vitest";
import { UserPieces } from "../../../src/bpf/interpreter/environment.ts";
import { SondeError } from "../../../src/errors/error.ts";
import { evaluate } from "../evaluator/evaluate.ts";
import type { Hit } from "../evaluator/run.ts";
import { memoryPieces, type Theme } from "../snippets/snippet.ts";
import { FUNCTIONS, lowerProbe } from "./compile.ts";
import { inline, runInline } from "./inline.ts";
import { standard } from "./interpreter-suite.ts";
import { fromEvaluator, fromMemories } from "./outcome.ts";
import { type CompiledTheme, compileTheme } from "./theme.ts";

const memory = new UserPieces(memoryPieces());

/** What the engine doesn't run, and says so. */
const REFUSED = /get_current_(ancestor_)?cgroup_id|isn't found to end/;

export function asMachineCode(themes: readonly Theme[]): void {
  describe.each(themes)("$name", (theme) => {
    let compiled: CompiledTheme | undefined;
    test.each(theme.snippets.map((snippet) => [snippet.name, snippet] as const))("%s", (_, snippet) => {
      compiled ??= compileTheme(theme);
      const { script, text, probe } = compiled.get(snippet)!;
      const hits = snippet.hits.map((hit): Hit => ({ ...standard, ...hit, probe }));
      const { image, states, result } = lowerProbe(script, probe, inline);
      if (image === undefined) throw new Error(result.diagnostics.map(({ code, message }) => `${code} ${message}`).join("\n"));
      let left: ReturnType<typeof runInline>;
      try {
        left = runInline(image, hits, memoryPieces());
      } catch (error) {
        if (!(error instanceof SondeError) || error.code !== "SONDE_INLINE_PROGRAM") throw error;
        expect(error.why).toMatch(REFUSED);
        return;
      }
      expect(fromMemories(image, left)).toEqual(fromEvaluator(evaluate(text, hits, { memory, functions: FUNCTIONS }), states));
      expect(left.untouched).toBe(true);
    });
  });
}
