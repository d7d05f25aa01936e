/** Snippets in the kernel: loaded, armed at a function that is really called, and read from the maps. Needs root. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UserPieces } from "../../../src/bpf/interpreter/environment.ts";
import { KernelEngine } from "../../../src/engines/kernel/kernel-engine.ts";
import { evaluate } from "../evaluator/evaluate.ts";
import type { Hit } from "../evaluator/run.ts";
import { grouped, memoryPieces, type Theme } from "../snippets/snippet.ts";
import { type CompiledScript, FUNCTIONS, lowerProbe } from "./compile.ts";
import { KernelRun } from "./kernel.ts";
import { fromEvaluator, fromMemories } from "./outcome.ts";
import { type CompiledTheme, compileTheme } from "./theme.ts";

export type Agree = (script: CompiledScript, text: string, hits: readonly Hit[]) => Promise<void>;
export type HitOf = (hit: Partial<Hit>, probe: number) => Hit;

const memory = new UserPieces(memoryPieces());

/** A running fixture for the tests that `tests` makes. */
export function inTheKernel(tests: (agree: Agree, hitOf: HitOf) => void): void {
  const { ok, why } = new KernelEngine().available();
  if (!ok) process.stderr.write(`differential tests in the kernel are not run: ${why}\n`);
  describe.runIf(ok)("in the kernel", () => {
    const kernel = ok ? new KernelRun() : undefined;
    beforeAll(() => kernel?.start());
    afterAll(() => kernel?.end());
    const hitOf: HitOf = (hit, probe) => ({
      at: "entry",
      args: [0n, 0n, 0n, 0n, 0n, 0n],
      ret: 0n,
      time: 0n,
      cgroup: 0n,
      func: FUNCTIONS[0]!,
      ...kernel!.process,
      ...hit,
      probe,
    });
    /** The handler is loaded, hit, and compared with the evaluator's account. */
    const agree: Agree = async (script, text, hits) => {
      const { image, states, result } = lowerProbe(script, hits[0]!.probe, kernel!.target(hits.some(({ at }) => at === "return")));
      if (image === undefined) throw new Error(result.diagnostics.map(({ code, message }) => `${code} ${message}`).join("\n"));
      const wanted = fromEvaluator(evaluate(text, hits, { memory, functions: FUNCTIONS }), states);
      expect(fromMemories(image, await kernel!.run(image, hits))).toEqual(wanted);
    };
    tests(agree, hitOf);
  });
}

export function themesInTheKernel(themes: readonly Theme[]): void {
  inTheKernel((agree, hitOf) => {
    describe.each(themes.map((theme) => grouped(theme, 8)))("$name", (theme) => {
      let compiled: CompiledTheme | undefined;
      test.each(theme.snippets.map((snippet) => [snippet.name, snippet] as const))("%s", async (_, snippet) => {
        compiled ??= compileTheme(theme);
        const { script, text, probe } = compiled.get(snippet)!;
        await agree(
          script,
          text,
          snippet.hits.map((hit) => hitOf(hit, probe)),
        );
      });
    });
  });
}
