/** Stacks on both engines: as keys, in prints and events, with names, and what is refused. */
import { afterAll, expect, test } from "vitest";
import { frameText, type Stack } from "../../src/schema/stack.ts";
import { Program, until } from "../conformance/support/session.ts";
import { bench, kernelWork, unwindProgram } from "../fixtures/build.ts";
import { linesOf, Scripts } from "../fixtures/scripts.ts";
import { sonde } from "../fixtures/sonde.ts";

const scripts = new Scripts();
afterAll(() => scripts.remove());
const open = (engine: "kernel" | "breakpoint", body: string, options: Parameters<Scripts["open"]>[2] = {}) =>
  scripts.open("count, events, hash, hist, print, profile, stack, stacks, sum, tracepoint, u32, uprobe", body, { engine, ...options });
const BOTH = ["kernel", "breakpoint"] as const;

const namesOf = ({ frames }: Stack): (string | undefined)[] => frames.map(({ name }) => name);

test.each(BOTH)("%s: calls are counted by where they come from, and the frames have names, lines and files", async (engine) => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const body = `export const n = hash(stack, count()); export const pairs = hash([u32, stack], sum());
    uprobe("${program.path}:ask", (c) => { n.at(c.ustack()).add(); pairs.at([c.pid, c.ustack()]).add(c.arg0); });`;
  await using session = await open(engine, body, { pid: running.pid });
  await running.ask("ids 3");
  await running.ask("ids 4");
  await running.ask("child 5");
  const entries = session.maps.n!.entries() as [Stack, bigint][];
  expect(entries).toHaveLength(1);
  const [stack, count] = entries[0]!;
  expect(count).toBe(2n);
  expect(namesOf(stack).slice(0, 2)).toEqual(["ask", "main"]);
  expect(stack.frames[1]).toMatchObject({ module: program.path, file: expect.stringMatching(/kernel-work\.c$/), line: expect.any(Number), inlined: false });
  expect(String(stack)).toMatch(/^ask\+0x\w+ \(kernel-work\.c:\d+\) \[kernel-work\]\nmain\+0x/);
  expect(session.maps.pairs!.read([running.pid, stack])).toBe(7n);
  // What is closed can still be read.
  await session.close();
  expect(namesOf((session.maps.n!.entries() as [Stack, bigint][])[0]![0]).slice(0, 2)).toEqual(["ask", "main"]);
});

test.each(BOTH)("%s: two ways to a function are two stacks; a depth cuts them alike", async (engine) => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const body = `export const n = hash(stack, count()); export const leaves = hash(stack, count()); export const all = stacks();
    uprobe("${program.path}:ask", (c) => { n.at(c.ustack()).add(); leaves.at(c.ustack(1)).add(); all.add(c.ustack()); all.add(c.ustack(), 10); });`;
  await using session = await open(engine, body, { pid: running.pid, children: true });
  await running.ask("ids 1");
  await running.ask("child 1");
  await running.ask("child 1");
  const entries = session.maps.n!.entries() as [Stack, bigint][];
  // A stack is of a process: the children's are their own.
  expect(entries.map(([stack, count]) => [namesOf(stack)[0], count])).toEqual([
    ["ask", 1n],
    ["ask", 1n],
    ["ask", 1n],
  ]);
  const lines = entries.map(([stack]) => stack.frames[1]?.line);
  expect(new Set(lines).size).toBe(2);
  expect((session.maps.leaves!.entries() as [Stack, bigint][]).length).toBe(3);
  const all = session.maps.all!.read() as { stack: Stack; count: bigint }[];
  expect(all.map(({ count }) => count)).toEqual([11n, 11n, 11n]);
});

test.each(BOTH)("%s: in prints, in events, carried to the return", async (engine) => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const body = `export const seen = events({ n: u32, at: stack });
    uprobe("${program.path}:ask", { enter: (c) => ({ at: c.ustack(2), n: c.arg0 }), leave: (c, from) => { print\`from\${from.at}\`; seen.emit({ n: from.n, at: from.at }); } });`;
  await using session = await open(engine, body, { pid: running.pid });
  const events: { n: number; at: Stack }[] = [];
  (session.events as unknown as { seen: { on(listener: (event: never) => void): void } }).seen.on((event) => events.push(event));
  await running.ask("ids 6");
  await until(() => events.length === 1, "the event");
  await session.close();
  expect(events[0]).toMatchObject({ n: 6 });
  expect(namesOf(events[0]!.at)).toEqual(["ask", "main"]);
  const lines = await linesOf(session);
  expect(lines.join("\n")).toMatch(/^from\n {4}ask\+.*\n {4}main\+/);
});

test.each(BOTH)("%s: the names of a process that is gone are those of what it mapped", async (engine) => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  await using session = await open(engine, `export const n = hash(stack, count()); uprobe("${program.path}:ask", (c) => n.at(c.ustack()).add());`, {
    pid: running.pid,
  });
  await running.ask("ids 1");
  await running.end();
  await session.close();
  const [[stack]] = session.maps.n!.entries() as [[Stack, bigint]];
  expect(namesOf(stack).slice(0, 2)).toEqual(["ask", "main"]);
});

// Of some of them the kernel tells the caller, of the others the handler does: by the instruction that the breakpoint replaces.
test.each(["starts_push", "starts_endbr", "starts_stepped", "starts_sub"])("kernel: the caller of %s is there once", async (name) => {
  const path = bench();
  for (const exact of [false, true]) {
    const body = `export const n = hash(stack, count()); uprobe("${path}:${name}", (c) => n.at(c.ustack()).add());`;
    await using session = await open("kernel", body, { command: [path, name, "7"], stdio: "ignore", exact });
    await session.done;
    const entries = session.maps.n!.entries() as [Stack, bigint][];
    expect(entries.map(([stack, count]) => [namesOf(stack).slice(0, 2), count])).toEqual([[[name, "call_many"], 7n]]);
    expect(namesOf(entries[0]![0])[2]).not.toBe("call_many");
  }
});

test("breakpoint: stacks need no frame pointers", async () => {
  await using program = new Program(unwindProgram());
  const session = await open("breakpoint", `export const n = hash(stack, count()); uprobe("${program.path}:leaf", (c) => n.at(c.ustack()).add());`, {
    command: [program.path, "1"],
    stdio: "ignore",
  });
  await session.done;
  await session.close();
  const all = (session.maps.n!.entries() as [Stack, bigint][]).map(([stack]) => namesOf(stack));
  expect(all.length).toBeGreaterThan(3);
  // Whatever way leads there, it begins in main() or in a thread.
  for (const names of all) expect(names.some((name) => name === "main" || name === "start_thread" || name === "clone3")).toBe(true);
  expect(Math.max(...all.map((names) => names.filter((name) => name === "recursive").length))).toBeGreaterThan(2);
});

/** Every stack as its lines, and how often it came; those that are cut apart. */
async function stacksOf(
  engine: "kernel" | "breakpoint",
  program: Program,
  rounds: number,
): Promise<{ readonly whole: Map<string, bigint>; readonly cut: Map<string, bigint> }> {
  const body = `export const n = hash(stack, count()); uprobe("${program.path}:leaf", (c) => n.at(c.ustack()).add());`;
  const session = await open(engine, body, { command: [program.path, String(rounds)], stdio: "ignore", unwind: "tables" });
  await session.done;
  await session.close();
  const [whole, cut] = [new Map<string, bigint>(), new Map<string, bigint>()];
  for (const [stack, count] of session.maps.n!.entries() as [Stack, bigint][]) {
    const into = stack.cut ? cut : whole;
    const lines = stack.frames.map(frameText).join("\n");
    into.set(lines, (into.get(lines) ?? 0n) + count);
  }
  return { whole, cut };
}
const sum = (counts: Iterable<bigint>): bigint => [...counts].reduce((total, count) => total + count, 0n);

test("kernel: by tables stacks need no frame pointers either, and are those that the engine breakpoint sees", async () => {
  await using program = new Program(unwindProgram());
  const [kernel, breakpoint] = [await stacksOf("kernel", program, 4000), await stacksOf("breakpoint", program, 40)];
  expect(breakpoint.whole.size).toBeGreaterThan(10);
  expect([...kernel.whole.keys()].sort()).toEqual([...breakpoint.whole.keys()].sort());
  // What isn't in a copy, as the stack that a signal has left, is found at the next hit, and what comes before the first copies are read is cut.
  for (const lines of kernel.cut.keys()) expect([...kernel.whole.keys()].some((whole) => whole.startsWith(lines))).toBe(true);
  // Once at first, and then in each round.
  const hits = 100n * (sum(breakpoint.whole.values()) - 1n) + 1n;
  expect(sum(kernel.whole.values()) + sum(kernel.cut.values())).toBe(hits);
  // One of them has its frame in a register that no handler follows: each hit of it is a copy, or is cut.
  const followed = [...kernel.cut].filter(([lines]) => !lines.includes("in_register"));
  expect(Number(sum(followed.map(([, count]) => count)))).toBeLessThan(0.2 * Number(hits));
});

test("kernel: by tables, hits of one stack are one entry, however many of them were copied", async () => {
  await using program = new Program(unwindProgram());
  const body = `export const n = hash(stack, count()); export const pairs = hash([u32, stack], sum()); export const all = stacks();
    uprobe("${program.path}:leaf", (c) => { n.at(c.ustack()).add(); pairs.at([c.pid, c.ustack()]).add(2); all.add(c.ustack()); });`;
  const session = await open("kernel", body, { command: [program.path, "1"], stdio: "ignore", unwind: "tables" });
  const { hits } = await session.done;
  await session.close();
  const entries = session.maps.n!.entries() as [Stack, bigint][];
  const texts = entries.map(([stack]) => String(stack));
  expect(new Set(texts).size).toBe(texts.length);
  expect(entries.reduce((sum, [, count]) => sum + count, 0n)).toBe(hits);
  const all = session.maps.all!.read() as { stack: Stack; count: bigint }[];
  for (const [stack, count] of entries) {
    expect(session.maps.n!.read(stack)).toBe(count);
    expect(all.find((one) => String(one.stack) === String(stack))?.count).toBe(count);
  }
  expect((session.maps.pairs!.entries() as [unknown, bigint][]).reduce((sum, [, twice]) => sum + twice, 0n)).toBe(2n * hits);
});

test("kernel: by frame pointers, that there are none is said once", async () => {
  await using program = new Program(unwindProgram());
  const code = `export const n = hash(stack, count()); uprobe("${program.path}:leaf", (c) => n.at(c.ustack()).add());`;
  const plain = await sonde(["-e", code, "-c", `${program.path} 2`]);
  expect(plain.stderr.match(/note stacks end early .*--unwind tables/g)).toHaveLength(1);
  // Long enough for the rules to be learnt: of a process that is gone by then nothing is known.
  const whole = await sonde(["-e", code, "--unwind", "tables", "-c", `${program.path} 4000`]);
  expect(whole.stderr).not.toContain("end early");
  expect(whole.stdout).toContain("main+0x");
});

test("kernel: what the kernel does for a program, by its own symbols", async () => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const body = `export const n = hash([stack, stack], count()); tracepoint("syscalls:sys_enter_getppid", (c) => n.at([c.kstack(), c.ustack()]).add());`;
  await using session = await open("kernel", body, { pid: running.pid });
  await running.ask("ids 25");
  const entries = session.maps.n!.entries() as [[Stack, Stack], bigint][];
  expect(entries).toHaveLength(1);
  const [[kernel, user], count] = entries[0]!;
  expect(count).toBe(25n);
  expect(namesOf(kernel)).toContain("do_syscall_64");
  expect(kernel.frames.every(({ module }) => module?.startsWith("[") === true)).toBe(true);
  expect(namesOf(user)).toContain("main");
});

test("kernel: a profile finds the function that computes", async () => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  await using session = await open("kernel", 'export const all = stacks(); profile("199hz", (c) => all.add(c.ustack()));', { pid: running.pid });
  await running.ask("burn 700");
  const all = session.maps.all!.read() as { stack: Stack; count: bigint }[];
  const burning = all.filter(({ stack }) => namesOf(stack).includes("burn")).reduce((sum, { count }) => sum + count, 0n);
  const whole = all.reduce((sum, { count }) => sum + count, 0n);
  expect(Number(burning) / Number(whole)).toBeGreaterThan(0.8);
});

test.each([
  ["kernel", 'uprobe("libc:getpid", (c) => print`${c.ustack(0)}`);', { message: expect.stringContaining("depth") }],
  ["kernel", 'uprobe("libc:getpid", (c) => print`${c.ustack(c.arg0)}`);', { message: expect.stringContaining("deep") }],
  ["kernel", 'uprobe("libc:getpid", (c) => c.ustack() === c.ustack() && print`same`);', { message: expect.stringContaining("stack") }],
  ["breakpoint", 'uprobe("libc:getpid", (c) => print`${c.kstack()}`);', { mend: expect.stringContaining("kernel") }],
  ["kernel", "export const n = hash(u32, stacks());", { mend: expect.stringContaining("hash([comm, stack], count())") }],
] as const)("%s: %s is refused", async (engine, body, error) => {
  await expect(open(engine, body)).rejects.toMatchObject(error);
});
