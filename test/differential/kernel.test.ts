/** The snippets again, in the kernel: loaded, armed at a function that is really called, and read from the maps. Needs root. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UserPieces } from "../../src/bpf/interpreter/environment.ts";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { evaluate } from "./evaluator/evaluate.ts";
import type { Hit } from "./evaluator/run.ts";
import { type CompiledScript, compileText, FUNCTIONS, lowerProbe } from "./harness/compile.ts";
import { KernelRun } from "./harness/kernel.ts";
import { fromEvaluator, fromMemories } from "./harness/outcome.ts";
import { type CompiledTheme, compileTheme } from "./harness/theme.ts";
import { body, DECLARATIONS } from "./snippets/generate.ts";
import { edges, IMPORTS, memoryPieces } from "./snippets/snippet.ts";
import { themes } from "./snippets/themes.ts";

/** Scripts of random handlers. */
const RUNS = Number(process.env.SONDE_RUNS ?? 4);

const { ok, why } = new KernelEngine().available();
if (!ok) process.stderr.write(`differential tests in the kernel are not run: ${why}\n`);

describe.runIf(ok)("in the kernel", () => {
  const kernel = ok ? new KernelRun() : undefined;
  beforeAll(() => kernel?.start());
  afterAll(() => kernel?.end());
  const memory = new UserPieces(memoryPieces());

  const hitOf = (hit: Partial<Hit>, probe: number): Hit => ({
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
  async function agree(script: CompiledScript, text: string, hits: readonly Hit[]): Promise<void> {
    const { image, states, result } = lowerProbe(script, hits[0]!.probe, kernel!.target(hits.some(({ at }) => at === "return")));
    if (image === undefined) throw new Error(result.diagnostics.map(({ code, message }) => `${code} ${message}`).join("\n"));
    const wanted = fromEvaluator(evaluate(text, hits, { memory, functions: FUNCTIONS }), states);
    expect(fromMemories(image, await kernel!.run(image, hits))).toEqual(wanted);
  }

  describe.each(themes)("$name", (theme) => {
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

  test("random bodies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(body(), { minLength: 1, maxLength: 12, size: "max" }), async (handlers) => {
        const text = `${IMPORTS}\n${DECLARATIONS}\n${handlers.map((handler) => `uprobe("fixture:probed", (c) => {\n${handler}\n});`).join("\n")}\n`;
        const script = compileText(text);
        for (const probe of handlers.keys())
          await agree(
            script,
            text,
            edges.map((vector) => hitOf({ args: [...vector, 5n, -9n, 0n].slice(0, 6) }, probe)),
          );
      }),
      { numRuns: RUNS },
    );
  }, 600_000);
});
