/**
 * Snippets are run by the second evaluator and, compiled, by the interpreter (for our own breakpoints: translated, on the
 * engine's own maps), for each kind of target that the compiler makes other code for; what they leave behind must be the same.
 */
import { describe, expect, test } from "vitest";
import { check } from "../../../src/bpf/checker.ts";
import { UserPieces } from "../../../src/bpf/interpreter/environment.ts";
import { evaluate } from "../evaluator/evaluate.ts";
import type { Hit } from "../evaluator/run.ts";
import { memoryPieces, type Theme } from "../snippets/snippet.ts";
import { FUNCTIONS, lowerProbe } from "./compile.ts";
import { interpret } from "./interpret.ts";
import { fromEvaluator, fromMemories, type Outcome } from "./outcome.ts";
import { breakpoint, targets } from "./targets.ts";
import { type CompiledTheme, compileTheme } from "./theme.ts";
import { runTranslated } from "./translated.ts";
import { verified } from "./verified.ts";

export const standard: Omit<Hit, "probe"> = {
  at: "entry",
  args: [0n, 0n, 0n, 0n, 0n, 0n],
  ret: 0n,
  pid: 4242,
  tid: 4243,
  uid: 1000,
  gid: 100,
  cpu: 1,
  comm: "fixture",
  time: 1_000_000n,
  cgroup: 77n,
  func: FUNCTIONS[0]!,
};
const memory = new UserPieces(memoryPieces());

export function inTheInterpreter(themes: readonly Theme[]): void {
  describe.each(themes)("$name", (theme) => {
    let compiled: CompiledTheme | undefined;
    test.each(theme.snippets.map((snippet) => [snippet.name, snippet] as const))("%s", (_, snippet) => {
      compiled ??= compileTheme(theme);
      const { script, text, probe } = compiled.get(snippet)!;
      expect(script.diagnostics.filter(({ severity }) => severity === "error").map(({ code, message }) => `${code} ${message}`)).toEqual([]);
      const hits = snippet.hits.map((hit): Hit => ({ ...standard, ...hit, probe }));
      const evaluated = evaluate(text, hits, { memory, functions: FUNCTIONS });
      for (const [name, target] of [...Object.entries(targets), ["breakpoint", breakpoint] as const]) {
        const { image, states, result } = lowerProbe(script, probe, target);
        if (image === undefined) throw new Error(result.diagnostics.map(({ code, message }) => `${code} ${message}`).join("\n"));
        for (const program of image.programs)
          expect(
            check(
              program.instructions,
              program.functions.map(({ index }) => index),
            ),
            `${name}: shape of ${program.name}`,
          ).toEqual([]);
        verified(image, target);
        const wanted: Outcome = fromEvaluator(evaluated, states);
        const got = fromMemories(image, (target === breakpoint ? runTranslated : interpret)(image, hits, memoryPieces()));
        expect(got, name).toEqual(wanted);
      }
    });
  });
}
