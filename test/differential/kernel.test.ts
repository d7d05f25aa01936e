/** The snippets again, in the kernel: loaded, armed at a function that is really called, and read from the maps. Needs root. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { UserPieces } from "../../src/bpf/interpreter/environment.ts";
import { evaluate } from "./evaluator/evaluate.ts";
import type { Hit } from "./evaluator/run.ts";
import { FUNCTIONS, lowerProbe } from "./harness/compile.ts";
import { KernelRun } from "./harness/kernel.ts";
import { fromEvaluator, fromMemories } from "./harness/outcome.ts";
import { type CompiledTheme, compileTheme } from "./harness/theme.ts";
import { memoryPieces } from "./snippets/snippet.ts";
import { themes } from "./snippets/themes.ts";

const { ok, why } = new KernelEngine().available();
if (!ok) process.stderr.write(`differential tests in the kernel are not run: ${why}\n`);

describe.runIf(ok)("in the kernel", () => {
  const kernel = ok ? new KernelRun() : undefined;
  beforeAll(() => kernel?.start());
  afterAll(() => kernel?.end());
  const memory = new UserPieces(memoryPieces());

  describe.each(themes)("$name", (theme) => {
    let compiled: CompiledTheme | undefined;
    test.each(theme.snippets.map((snippet) => [snippet.name, snippet] as const))("%s", async (_, snippet) => {
      compiled ??= compileTheme(theme);
      const { script, text, probe } = compiled.get(snippet)!;
      const hits = snippet.hits.map((hit): Hit => ({ at: "entry", args: [0n, 0n, 0n, 0n, 0n, 0n], ret: 0n, time: 0n, cgroup: 0n, func: FUNCTIONS[0]!, ...kernel!.process, ...hit, probe }));
      const { image, states, result } = lowerProbe(script, probe, kernel!.target(hits.some(({ at }) => at === "return")));
      if (image === undefined) throw new Error(result.diagnostics.map(({ code, message }) => `${code} ${message}`).join("\n"));
      const wanted = fromEvaluator(evaluate(text, hits, { memory, functions: FUNCTIONS }), states);
      expect(fromMemories(image, await kernel!.run(image, hits))).toEqual(wanted);
    });
  });
});
