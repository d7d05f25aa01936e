/** The cases of snippets/typed.ts in the interpreter, for each kind of target, and translated, as our own breakpoints run them. */
import { describe, expect, test } from "vitest";
import { check } from "../../../src/bpf/checker.ts";
import { interpret } from "../harness/interpret.ts";
import { breakpoint, targets } from "../harness/targets.ts";
import { runTranslated } from "../harness/translated.ts";
import { hitsOf, lowered, outcomeOf, scriptOf, standard, wanted } from "../harness/typed.ts";
import { verified } from "../harness/verified.ts";
import { memoryPieces } from "../snippets/snippet.ts";
import { behindPointers, inRegisters, placed } from "../snippets/typed.ts";

describe.each([
  ["behind pointers", behindPointers],
  ["in registers", inRegisters],
  ["placed by debug information", placed],
] as const)("%s", (_, cases) => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const script = scriptOf(one);
    const hits = hitsOf(one, standard);
    for (const [name, target] of [...Object.entries(targets), ["breakpoint", breakpoint] as const]) {
      const image = lowered(one, script, target);
      for (const { name: program, instructions, functions } of image.programs)
        expect(
          check(
            instructions,
            functions.map(({ index }) => index),
          ),
          `${name}: shape of ${program}`,
        ).toEqual([]);
      verified(image, target);
      expect(outcomeOf(image, (target === breakpoint ? runTranslated : interpret)(image, hits, memoryPieces())), name).toEqual(wanted(one));
    }
  });
});
