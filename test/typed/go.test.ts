/** What handlers see of Go's structures that have gaps, of which Go's own debug information says wrong places. */
import { afterAll, describe, expect, test } from "vitest";
import { gapsGo } from "../dwarf/typed-programs.ts";
import { Scripts } from "../fixtures/scripts.ts";
import { where } from "../real-programs/support.ts";

const scripts = new Scripts();
afterAll(() => scripts.remove());

describe.skipIf(where("go") === undefined).each([
  ["optimized", []],
  ["not optimized", ["-gcflags", "-N -l"]],
] as const)("%s", { timeout: 60_000 }, (_, flags) => {
  const printed = (engine: "kernel" | "breakpoint", body: string): Promise<string[]> => {
    const program = gapsGo(...flags);
    return scripts.printed("print, str, uprobe, uretprobe", body.replaceAll("PROGRAM", program), { engine, command: [program] });
  };

  test("breakpoint: integers, floats and texts behind a gap", async () => {
    const body = `uprobe("PROGRAM:main.mixed", ({ args: { a, b, c } }) => print\`mixed \${a.A} \${a.F} \${a.B} \${a.G} \${str(a.Name)} \${b} \${c}\`);
      uprobe("PROGRAM:main.unused", ({ args: { a, b, c } }) => print\`unused \${a.A} \${b} \${c}\`);
      uprobe("PROGRAM:main.behind", ({ args: { a, b, c } }) => print\`behind \${a} \${b.X} \${b.Y} \${b.N} \${c.A} \${c.F} \${c.B} \${c.G} \${str(c.Name)}\`);
      uprobe("PROGRAM:main.small", ({ args: { a, b } }) => print\`small \${a.A} \${a.B} \${b.A} \${b.B}\`);`;
    expect((await printed("breakpoint", body)).toSorted()).toEqual([
      "behind 19.5 20.5 21.5 22 11 12.5 -13 14.5 mixed",
      "mixed 11 12.5 -13 14.5 mixed 15 16.5",
      "small 1 2 5 6",
      "unused 11 17 18.5",
    ]);
  });

  test.each(["kernel", "breakpoint"] as const)("%s: a structure with a field that is called `_`, as a result", async (engine) => {
    const body = 'uretprobe("PROGRAM:main.blanks", (c) => print`${c.ret.r0} ${c.ret.r1.A} ${c.ret.r1.C}`);';
    expect(await printed(engine, body)).toEqual(["35 32 33"]);
    await expect(printed(engine, 'uretprobe("PROGRAM:main.blanks", (c) => print`${c.ret.r2.A}`);')).rejects.toMatchObject({
      message: expect.stringContaining("has no `r2`"),
    });
  });

  test.each(["kernel", "breakpoint"] as const)("%s: results of which one is in registers and one in memory", async (engine) => {
    const body = 'uretprobe("PROGRAM:main.halves", (c) => print`${c.ret.r0.A} ${c.ret.r0.I} ${str(c.ret.r1)}`);';
    expect(await printed(engine, body)).toEqual(["1 9 in memory"]);
  });

  test("kernel: all that is in integer registers, also of a structure of which a part is in float registers", async () => {
    const body = 'uprobe("PROGRAM:main.mixed", ({ args: { a, b } }) => print`${a.A} ${a.B} ${str(a.Name)} ${b}`);';
    expect(await printed("kernel", body)).toEqual(["11 -13 mixed 15"]);
    await expect(printed("kernel", 'uprobe("PROGRAM:main.mixed", (c) => print`${c.args.a.G}`);')).rejects.toMatchObject({
      message: expect.stringContaining("`G` (in a float register) can't be had on this engine"),
    });
  });
});
