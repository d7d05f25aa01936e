/** A compiler at work: a driver, its children, thousands of allocations, counted by sonde and by a preloaded library. */
import { describe, expect, test } from "vitest";
import { mallocCounter, mapOf, temporaryFolder, textOf, traced } from "./support.ts";

const source = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct list { struct list *next; int value; };
${Array.from({ length: 60 }, (_, i) => `int f${i}(int x) { return x * ${i} + ${i === 0 ? "1" : `f${i - 1}(x)`}; }`).join("\n")}
int main(void) { printf("%d\\n", f59(2)); return 0; }
`;

describe("gcc", () => {
  test("and its children call malloc as often as a library preloaded into them says", async () => {
    using folder = temporaryFolder();
    using counter = mallocCounter();
    const probe = `const n = hash(comm, count()); uprobe("${counter.library}:malloc", (c) => n.at(c.comm).add());`;
    const command = counter.counted("cc", "-O1", "-o", folder.file("out"), folder.file("source.c", source));
    const byProgram = mapOf(await traced(["-e", probe, "--children", "-c", command]), "n") as { [name: string]: number };
    expect(Object.values(byProgram).reduce((all, n) => all + n, 0)).toBe(counter.calls());
    expect(counter.calls()).toBeGreaterThan(5000);
    expect(Object.keys(byProgram)).toEqual(expect.arrayContaining(["cc1", "as", "ld"]));
    expect(textOf(folder.file("out"))).toMatch(/^\d+\n$/);
  });
  test("without --children is counted alone", async () => {
    using folder = temporaryFolder();
    using counter = mallocCounter();
    const probe = `const n = hash(comm, count()); uprobe("${counter.library}:malloc", (c) => n.at(c.comm).add());`;
    const command = counter.counted("cc", "-c", "-o", folder.file("out"), folder.file("source.c", source));
    expect(Object.keys(mapOf(await traced(["-e", probe, "-c", command]), "n") as object)).not.toContain("cc1");
  });
});
