/** `c.unsafe` on a real program: what is changed is what it goes on with; without leave nothing is. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { features } from "../../src/engines/kernel/features.ts";
import { Running } from "../fixtures/process.ts";
import { Scripts } from "../fixtures/scripts.ts";

const SOURCE = `#include <signal.h>
#include <stdio.h>
static int ran;
__attribute__((noipa)) int add(int a, int b) { return a + b; }
__attribute__((noipa)) long once(long a) { ran++; return a; }
__attribute__((noipa)) long deep(long n) { return n == 0 ? 0 : 1 + deep(n - 1); }
static volatile int signalled;
static void got(int n) { signalled = n; }
int main(void) {
  char line[16];
  signal(SIGUSR1, got);
  setvbuf(stdout, 0, _IOLBF, 0);
  puts("ready");
  while (fgets(line, sizeof line, stdin)) {
    int sum = add(1, 10);
    long single = once(3), levels = deep(5);
    printf("ok %d %ld %ld %d %d\\n", sum, single, levels, ran, signalled);
  }
}
`;

let folder = "";
let program = "";
const scripts = new Scripts();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-unsafe-"));
  program = join(folder, "changed");
  writeFileSync(`${program}.c`, SOURCE);
  execFileSync("cc", ["-O1", "-o", program, `${program}.c`]);
});
afterAll(() => {
  scripts.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** What the program says while the script is armed, and what after it. */
async function changed(engine: "kernel" | "breakpoint", body: string): Promise<{ while: string; after: string; prints: string[] }> {
  await using running = new Running(program, [], {});
  await running.line();
  const prints: string[] = [];
  const session = await scripts.open("intercept, print, uprobe, uretprobe", body.replaceAll("PROGRAM", program), { engine, pid: running.pid, unsafe: true });
  const seen = (async () => {
    for await (const line of session.lines) prints.push(line);
  })();
  const first = await running.ask("x");
  await session.close();
  await seen;
  return { while: first, after: await running.ask("x"), prints };
}

const ENGINES = features().writesRegisters ? (["kernel", "breakpoint"] as const) : (["breakpoint"] as const);

describe.each(ENGINES)("%s", (engine) => {
  test.each([
    ["an argument", 'uprobe("PROGRAM:add", (c) => c.unsafe.setArg(1, 100));', "101 3 5 1 0"],
    ["a register", 'uprobe("PROGRAM:add", (c) => c.unsafe.setReg("rdi", 41));', "51 3 5 1 0"],
    ["the result", 'uretprobe("PROGRAM:add", (c) => c.unsafe.setRet(c.ret * -2));', "-22 3 5 1 0"],
    ["the result of each of nested calls", 'uretprobe("PROGRAM:deep", (c) => c.unsafe.setRet(c.ret + 10));', "11 3 65 1 0"],
    ["all of a call", 'uprobe("PROGRAM:once", (c) => c.unsafe.override(77));', "11 77 5 0 0"],
    ["only what it says on its way", 'uprobe("PROGRAM:add", (c) => { if (c.arg0 === 2) c.unsafe.setArg(0, 50); });', "11 3 5 1 0"],
  ])("%s is changed, and afterwards isn't", async (_, body, expected) => {
    const { while: during, after } = await changed(engine, body);
    expect(during).toBe(expected);
    expect(after.replace(/ \d+ 0$/, "")).toBe("11 3 5");
  });

  test("the handler sees the registers as they were at the hit", async () => {
    const { prints, while: during } = await changed(
      engine,
      'uprobe("PROGRAM:add", (c) => { c.unsafe.setArg(0, 5); c.unsafe.setArg(0, 6); print`${c.arg0} ${c.regs.rdi}`; });',
    );
    expect(prints).toEqual(["1 1"]);
    expect(during).toBe("16 3 5 1 0");
  });

  test("a function that is skipped has a return, with the result that it was given", async () => {
    const { prints, while: during } = await changed(
      engine,
      'uprobe("PROGRAM:once", { enter: (c) => { c.unsafe.override(-9); return c.arg0; }, leave: (c, at) => print`${at} ${c.ret}` });',
    );
    expect(prints).toEqual(["3 -9"]);
    expect(during).toBe("11 -9 5 0 0");
  });
});

test.each(["kernel", "breakpoint"] as const)("%s: the thread is sent a signal", async (engine) => {
  expect((await changed(engine, 'uprobe("PROGRAM:add", (c) => c.unsafe.signal(10));')).while).toBe("11 3 5 1 10");
});

test("a function that one probe skips and another one intercepts is skipped, and its return is seen", async () => {
  const { while: during, prints } = await changed(
    "breakpoint",
    `uprobe("PROGRAM:once", (c) => c.unsafe.override(77));
    let entered = 0;
    intercept("PROGRAM:once", { enter() { entered++; }, leave(c) { if (entered === 1) c.ret = c.ret + 1n; } });`,
  );
  expect(prints).toEqual([]);
  expect(during).toBe("11 78 5 0 0");
});

test("without leave it is refused", async () => {
  await expect(scripts.open("uprobe", `uprobe("${program}:add", (c) => c.unsafe.setArg(0, 1));`, { engine: "breakpoint" })).rejects.toMatchObject({
    message: expect.stringContaining("changes the target"),
  });
});

test.each([
  ["a result at the entry", 'uprobe("PROGRAM:add", (c) => c.unsafe.setRet(1));', "there is no result yet"],
  ["an argument at the return", 'uretprobe("PROGRAM:add", (c) => c.unsafe.setArg(0, 1));', "isn't possible here"],
  ["an argument inside a function", 'uprobe("PROGRAM:add+3", (c) => c.unsafe.setArg(0, 1));', "isn't possible here"],
  ["an argument on the stack", 'uprobe("PROGRAM:add", (c) => c.unsafe.setArg(6, 1));', "argument 6 of this function isn't in a register"],
  ["the stack pointer", 'uprobe("PROGRAM:add", (c) => c.unsafe.setReg("rsp", 1));', "this is no register that can be set"],
  ["a signal that there isn't", 'uprobe("PROGRAM:add", (c) => c.unsafe.signal(65));', "there is no such signal"],
])("%s can't be changed", async (_, body, message) => {
  await expect(scripts.open("uprobe, uretprobe", body.replaceAll("PROGRAM", program), { engine: "breakpoint", unsafe: true })).rejects.toMatchObject({
    message: expect.stringContaining(message),
  });
});
