/** Static probes in a running program, on both engines: what handlers are handed, and what is refused. */
import { afterAll, expect, test } from "vitest";
import { privateCopy, usdtKnown, usdtProgram } from "../fixtures/build.ts";
import { Scripts } from "../fixtures/scripts.ts";
import { sonde } from "../fixtures/sonde.ts";

const scripts = new Scripts();
const copy = privateCopy(usdtProgram({ optimize: "2" }));
afterAll(() => {
  scripts.remove();
  copy.remove();
});

/** The lines that a script prints of one round of the program. */
const printed = (engine: "kernel" | "breakpoint", body: string): Promise<string[]> =>
  scripts.printed("print, str, usdt", `const file = ${JSON.stringify(copy.path)};\n${body}`, { engine, command: [copy.path, "1"] });

const BOTH = ["kernel", "breakpoint"] as const;

test.each(BOTH)("%s: arguments in registers, in memory and as constants have the values that the program passes", async (engine) => {
  const eight = "${c.arg0} ${c.arg1} ${c.args.arg2} ${c.arg(3)} ${c.arg4} ${c.args.arg5} ${c.arg(6)} ${c.arg(7)}";
  const values = "-100 200 -20000 50000 -1000000000 3000000000 -5000000000000000000 15000000000000000000";
  for (const name of ["registers", "memory", "anywhere"])
    expect(await printed(engine, `usdt(\`\${file}:forms:${name}\`, (c) => print\`${eight}\`);`)).toEqual([values]);
  expect(await printed(engine, `usdt(\`\${file}:forms:immediates\`, (c) => print\`${eight}\`);`)).toEqual([
    "-5 200 -30000 60000 -2000000000 4000000000 -9000000000000000000 18000000000000000000",
  ]);
  expect(await printed(engine, "usdt(`${file}:forms:twelve`, (c) => print`${c.arg(8)} ${c.arg(9)} ${c.args.arg10} ${c.arg(11)}`);")).toEqual(["9 -10 -10 -3"]);
  expect(await printed(engine, "usdt(`${file}:forms:symbols`, (c) => print`${c.arg0} ${c.arg1} ${c.arg2} ${c.arg3}`);")).toEqual(["-10 -30 1234567 -77"]);
});

test.each(BOTH)("%s: a probe in three places has its arguments at each, and one that waits for a listener is told of us", async (engine) => {
  const lines = await printed(
    engine,
    "usdt([`${file}:counts:*`], (c) => print`${c.func}`); usdt(`${file}:counts:counted`, (c) => print`${c.arg0} ${c.arg1}`);",
  );
  expect(lines.filter((line) => line.startsWith("counts:")).sort()).toEqual(["counts:counted", "counts:counted", "counts:counted", "counts:idle"]);
  expect(lines.filter((line) => !line.startsWith("counts:"))).toEqual(["3 -4", "5 1099511627776", "1 -2"]);
});

test.each(BOTH)("%s: the arguments of probes that are known have their names, and their numbers still", async (engine) => {
  const body = `usdt("${usdtKnown()}:python:line", (c) => print\`\${str(c.args.filename)} \${str(c.args.funcname)} \${c.args.lineno} \${c.args.arg2} \${c.arg2}\`);
    usdt("${usdtKnown()}:python:gc__done", (c) => print\`\${c.args.arg0} \${c.args.arg1}\`);`;
  expect(await scripts.printed("print, str, usdt", body, { engine, command: [usdtKnown()] })).toEqual(["shop.py total 42 42 42", "42 7"]);
});

test.each([
  [`usdt("${usdtKnown()}:python:gc__done", (c) => c.args.collected > 0);`, { message: expect.stringContaining("no parameter `collected`") }],
  ["usdt(`${file}:forms:twelwe`, () => {});", { code: "SONDE_USDT_NOT_FOUND", mend: expect.stringContaining("forms:twelve") }],
  ["usdt(`${file}:counted`, () => {});", { code: "SONDE_USDT_SEVERAL", mend: expect.stringContaining("counts:counted") }],
  ["usdt('cat:forms:twelve', () => {});", { code: "SONDE_USDT_NONE" }],
  ["usdt(`${file}:forms:twelve`, (c) => c.arg(12) > 0);", { message: expect.stringContaining("no argument 12") }],
  ["usdt(`${file}:forms:twelve`, (c) => c.args.total > 0);", { message: expect.stringContaining("no parameter `total`") }],
  ["usdt(`${file}:forms:unreadable`, (c) => c.arg1 > 0);", { message: expect.stringContaining("memory of the thread's own") }],
  ["usdt(`${file}:forms:twelve`, { enter: () => {}, leave: () => {} } as never);", { message: expect.stringContaining("usdt") }],
])("%s is refused", async (body, error) => {
  await expect(printed("kernel", body)).rejects.toMatchObject(error);
});

test("declared, they are checked in the editor", async () => {
  const { stdout } = await sonde(["types", usdtKnown(), "python:*", "--as", "app"]);
  expect(stdout).toContain('"app:python:gc__done": { args: { arg0: i32; arg1: i32 } };');
  expect(stdout).toContain('"app:python:line": { args: { filename: Ptr<u8>; funcname: Ptr<u8>; lineno: i32 } };');
  expect(stdout).not.toContain("Functions");
});

test("one that isn't there is passed over where that is permitted", async () => {
  expect(await printed("kernel", "usdt('cat:a:b', () => {}, { optional: true }); usdt(`${file}:forms:twelve`, (c) => print`${c.arg(8)}`);")).toEqual(["9"]);
});
