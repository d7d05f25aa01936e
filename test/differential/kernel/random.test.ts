/** Random handlers in the kernel: its verifier takes each, and what they leave behind is what the evaluator says. */
import fc from "fast-check";
import { test } from "vitest";
import { SondeError } from "../../../src/errors/error.ts";
import { compileText } from "../harness/compile.ts";
import { inTheKernel } from "../harness/kernel-suite.ts";
import { body, DECLARATIONS, vectors } from "../snippets/generate.ts";
import { IMPORTS } from "../snippets/snippet.ts";

/** Scripts of up to 12 handlers; more by hand: `SONDE_RUNS=100 npx vitest run test/differential/kernel/random.test.ts`. */
const RUNS = Number(process.env.SONDE_RUNS ?? 2);
const SEED = process.env.SONDE_SEED === undefined ? {} : { seed: Number(process.env.SONDE_SEED) };

// What fails isn't made smaller here: generated.test.ts does that, and faster.
inTheKernel((agree, hitOf) => {
  test("random bodies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(body(), { minLength: 1, maxLength: 12, size: "max" }), async (handlers) => {
        const text = `${IMPORTS}\n${DECLARATIONS}\n${handlers.map((handler) => `uprobe("fixture:probed", (c) => {\n${handler}\n});`).join("\n")}\n`;
        const script = compileText(text);
        for (const probe of handlers.keys())
          await agree(
            script,
            text,
            vectors.map((vector) => hitOf({ args: [...vector] }, probe)),
          ).catch((error: unknown) => {
            // Loops in loops with tests in them may be more than the verifier wants to walk.
            if (!(error instanceof SondeError && error.code === "SONDE_KERNEL_TOO_LARGE")) throw error;
          });
      }),
      { numRuns: RUNS, endOnFailure: true, ...SEED },
    );
  }, 3_600_000);
});
