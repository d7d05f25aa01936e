/** Packed bit-fields, by clang and by the compiler that is here, and elements that arrays haven't got. */
import { afterAll, expect, test } from "vitest";
import { packed } from "../fixtures/build.ts";
import { Scripts } from "../fixtures/scripts.ts";

const scripts = new Scripts();
afterAll(() => scripts.remove());

const printed = (engine: "kernel" | "breakpoint", program: string, body: string): Promise<string[]> =>
  scripts.printed("print, uprobe", body.replaceAll("PROGRAM", program), { engine, command: [program] });

const BUILDS = [
  ["clang with DWARF 4", () => packed("clang")],
  ["cc with DWARF 4", () => packed("cc", "-O1", "-gdwarf-4")],
  ["cc with DWARF 5", () => packed("cc", "-O1")],
] as const;
const ENGINES = ["kernel", "breakpoint"] as const;
const all = ENGINES.flatMap((engine) => BUILDS.map(([by, build]) => [engine, by, build] as const));

test.each(all)("%s, %s: bit-fields over the ends of their types have the values that the program gave them", async (engine, _, build) => {
  const body = `uprobe("PROGRAM:take", ({ args: { h, m, hv, mv } }) =>
    print\`\${h.version} \${h.low} \${h.high} | \${m.a} \${m.b} \${m.c} \${m.d} \${m.e} \${m.f} \${m.g} | \${hv.low} \${hv.high} \${mv.e} \${mv.f} \${mv.g}\`);`;
  expect(await printed(engine, build(), body)).toEqual([
    "1 4000 1000000 | 5 5000 60000 9 11806310474565 777777 -3000 | 4000 1000000 11806310474565 777777 -3000",
  ]);
});

test.each(ENGINES)("%s: an element behind an array's end is absent; an array of one element at a structure's end is as long as it is", async (engine) => {
  const body = 'uprobe("PROGRAM:rows", (c) => print`${c.args.row.items[c.args.which]} ${c.args.tail.items[c.args.which & 3]} ${c.args.tail.items[2]}`);';
  expect(await printed(engine, packed("cc", "-O1"), body)).toEqual([
    "10 20 22",
    "11 21 22",
    "12 22 22",
    "13 23 22",
    "<unreadable> 20 22",
    "<unreadable> 21 22",
  ]);
});

test("a constant index that no element has is an error", async () => {
  await expect(printed("kernel", packed("cc", "-O1"), 'uprobe("PROGRAM:rows", (c) => print`${c.args.row.items[4]}`);')).rejects.toMatchObject({
    message: expect.stringContaining("there is no element 4: the array has 4"),
  });
});
