/** The cases of snippets/typed.ts in the kernel. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KernelEngine } from "../../../src/engines/kernel/kernel-engine.ts";
import { KernelRun } from "../harness/kernel.ts";
import { hitsOf, lowered, outcomeOf, scriptOf, standard, wanted } from "../harness/typed.ts";
import { behindPointers, inRegisters, placed } from "../snippets/typed.ts";

const { ok, why } = new KernelEngine().available();
if (!ok) process.stderr.write(`typed cases in the kernel are not run: ${why}\n`);

describe.runIf(ok)("in the kernel", () => {
  const kernel = ok ? new KernelRun() : undefined;
  beforeAll(() => kernel?.start());
  afterAll(() => kernel?.end());
  test.each([...behindPointers, ...inRegisters, ...placed].map((one) => [one.name, one] as const))("%s", async (_, one) => {
    const hits = hitsOf(one, { ...standard, ...kernel!.process });
    const image = lowered(one, scriptOf(one), kernel!.target(hits.some(({ at }) => at === "return")));
    expect(outcomeOf(image, await kernel!.run(image, hits))).toEqual(wanted(one));
  });
});
