/** Random handlers: the evaluator and the interpreter must agree on each. What failed is shown as the smallest handler that fails. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { UserPieces } from "../../src/bpf/interpreter/environment.ts";
import { evaluate } from "./evaluator/evaluate.ts";
import type { Hit } from "./evaluator/run.ts";
import { compileText, FUNCTIONS, lowerProbe } from "./harness/compile.ts";
import { interpret } from "./harness/interpret.ts";
import { fromEvaluator, fromMemories } from "./harness/outcome.ts";
import { breakpoint, targets } from "./harness/targets.ts";
import { runTranslated } from "./harness/translated.ts";
import { verified } from "./harness/verified.ts";
import { body, DECLARATIONS, expressionsOf, vectors } from "./snippets/generate.ts";
import { IMPORTS, memoryPieces } from "./snippets/snippet.ts";

/** How many scripts of each kind, of up to `HANDLERS` handlers; more by hand: `SONDE_RUNS=500 npx vitest run test/differential/generated.test.ts`. */
const RUNS = Number(process.env.SONDE_RUNS ?? 8);
const HANDLERS = 12;
/** Of the check of each, on one of the targets: some hundred thousand are seconds. */
const STEPS = 50_000;
const SEED = process.env.SONDE_SEED === undefined ? {} : { seed: Number(process.env.SONDE_SEED) };
const memory = new UserPieces(memoryPieces());
const hits = vectors.map(
  (vector): Hit => ({
    probe: 0,
    at: "entry",
    args: [...vector],
    ret: 0n,
    pid: 7,
    tid: 7,
    uid: 1,
    gid: 1,
    cpu: 1,
    comm: "x",
    time: 5n,
    cgroup: 1n,
    func: FUNCTIONS[0]!,
  }),
);

function agree(handlers: readonly string[]): void {
  const text = `${IMPORTS}\n${DECLARATIONS}\n${handlers.map((handler) => `uprobe("fixture:probed", (c) => {\n${handler}\n});`).join("\n")}\n`;
  const script = compileText(text);
  expect(script.diagnostics.filter(({ severity }) => severity === "error").map(({ code, message }) => `${code} ${message}`)).toEqual([]);
  handlers.forEach((handler, probe) => {
    const evaluated = evaluate(
      text,
      hits.map((hit) => ({ ...hit, probe })),
      { memory, functions: FUNCTIONS },
    );
    for (const [name, target] of [...Object.entries(targets), ["breakpoint", breakpoint] as const]) {
      const { image, states, result } = lowerProbe(script, probe, target);
      if (image === undefined) throw new Error(`${handler}\n${result.diagnostics.map(({ code, message }) => `${code} ${message}`).join("\n")}`);
      if (target === breakpoint) verified(image, target, STEPS);
      const run = target === breakpoint ? runTranslated : interpret;
      expect(fromMemories(image, run(image, hits, memoryPieces())), `${name}: ${handler}`).toEqual(fromEvaluator(evaluated, states));
    }
  });
}

const some = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { minLength: 1, maxLength: HANDLERS, size: "max" });

test("random expressions", () => {
  const { i64, u64, bool } = expressionsOf({ i64: [], u64: [] }, 3);
  const prints = fc
    .array(fc.oneof(i64, u64, bool), { minLength: 1, maxLength: 8 })
    .map((sources) => `print\`${sources.map((source) => `\${${source}}`).join(" ")}\`;`);
  fc.assert(fc.property(some(prints), agree), { numRuns: RUNS, ...SEED });
}, 600_000);

test("random bodies", () => {
  fc.assert(fc.property(some(body()), agree), { numRuns: RUNS, ...SEED });
}, 600_000);
