/** What handlers see of Rust's enums, tuples and closures, on each engine: what the program has given. */
import { afterAll, describe, expect, test } from "vitest";
import { typedRust } from "../dwarf/typed-programs.ts";
import { Scripts } from "../fixtures/scripts.ts";

const scripts = new Scripts();
afterAll(() => scripts.remove());

describe.each(["kernel", "breakpoint"] as const)("%s", { timeout: 60_000 }, (engine) => {
  const printed = (body: string, program = typedRust()): Promise<string[]> =>
    scripts.printed("print, str, uprobe, uretprobe", body.replaceAll("PROGRAM", program), { engine, command: [program] });

  test("an enum's variant has its name, and what belongs to another variant isn't there", async () => {
    const body = `uprobe("PROGRAM:typed::enums", ({ args: { a, b, c, d, e } }) =>
      print\`\${a} \${b} | \${c.variant} \${c.Circle?.[0]} \${c.Square?.side} \${c.Square?.at.x} | \${d.variant} \${d.A?.[0]} \${d.B?.[0]} | \${e.variant} \${e.A?.[0]} \${e.B?.[0]}\`);`;
    expect(await printed(body)).toEqual(["Green Low | Square <unreadable> 8 -3 | B <unreadable> 9 | B <unreadable> 1.5"]);
  });

  test("so has one of which a value that can't be stands for a variant, in registers and behind a pointer", async () => {
    const body = `uprobe("PROGRAM:typed::options", ({ args: { a, b, c, d, e } }) => {
        print\`\${a.variant} \${a.Some?.[0]} | \${b.variant} \${b.Some?.[0][0][0]} | \${c.variant} | \${d.variant} \${str(d.Some?.[0])} | \${e.variant} \${e.Ok?.[0]} \${str(e.Err?.[0])}\`;
        if (e.variant === "Err" && d.variant !== "Some" && d.Some === undefined && e.Err !== undefined) print\`as it should be\`;
      });
      uprobe("PROGRAM:typed::boxes", ({ args: { c, d } }) => print\`\${c.variant} \${c.Some?.[0][0]} | \${d.variant} \${d.Some?.[0][0]}\`);`;
    const lines = await printed(body);
    expect(lines.toSorted()).toEqual(["Some 4 | Some 6 | Some | None <unreadable> | Err <unreadable> wrong", "Some 7 | Some 14", "as it should be"]);
  });

  test("so has one with a discriminant of 16 bytes", async () => {
    const body = 'uprobe("PROGRAM:typed::large", ({ args: { a, b } }) => print`${a.variant} ${a.U === undefined} ${a.I === undefined} ${b.variant}`);';
    expect(await printed(body)).toEqual(["I true false Some"]);
  });

  test("a result in memory is where the return says, which optimized code doesn't", async () => {
    const body = 'uretprobe("PROGRAM:typed::gives_wide", (c) => print`${c.ret.a} ${c.ret.c}`);';
    expect(await printed(body)).toEqual(["13 7", "17 9"]);
    await expect(printed(body, typedRust("-Copt-level=3"))).rejects.toMatchObject({ message: expect.stringContaining("optimized code needn't say") });
  });

  test("a closure's arguments stand behind what it has captured, however that is passed", async () => {
    const given = await printed('uprobe("PROGRAM:typed::closures::{{closure}}", (c) => print`${c.args.a}`);');
    expect(given.map(Number)).toEqual([3, 1, 5, 7, 8, 10, 12, 14, 16, 18, 20]);
    expect(await printed('uprobe("PROGRAM:typed::closures::{closure#2}", (c) => print`${c.args.a} ${c.args.b}`);')).toEqual(["5 6"]);
  });
});
