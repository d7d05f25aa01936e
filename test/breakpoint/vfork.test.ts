/**
 * A thread that has made a child by vfork sleeps until that goes on, and can't be stopped: neither arming nor letting go may wait
 * for it, and the child, which shares the memory, runs into what is armed.
 */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { intact } from "../conformance/support/bytes.ts";
import { Program, probe } from "../conformance/support/session.ts";
import { vforks } from "../fixtures/build.ts";

/** Of a child that ends by itself. */
const WELL = "7";
const arm = (program: Program, pid: number, children = false) => probe("breakpoint", "hits", program.at("hit"), { pid, children });

/** What it gives within some seconds, or a failure: nothing here waits for what the test holds. */
async function soon<T>(what: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it waits for the child")), 10_000);
  });
  return await Promise.race([what, late]).finally(() => clearTimeout(timer));
}

test.each([false, true])("a process is let go while a child of one of its threads is held (its hits count: %s)", async (children) => {
  await using program = new Program(vforks());
  const running = await program.start();
  const session = await arm(program, running.pid, children);
  await running.ask("thread");
  await running.ask("call 10");
  expect((await soon(session.close())).hits).toBe(10n);
  expect(intact(running.pid, program.path)).toBe(true);
  await running.ask("call 10");
  expect(await running.ask("free")).toBe(WELL);
  expect(await running.end()).toBe(0);
});

test.each([
  [false, 10n],
  [true, 11n],
])("a child that is held already when the process is armed comes through the breakpoint (its hits count: %s)", async (children, hits) => {
  await using program = new Program(vforks());
  const running = await program.start();
  await running.ask("thread");
  await using session = await soon(arm(program, running.pid, children));
  await running.ask("call 10");
  expect(await running.ask("free")).toBe(WELL);
  expect((await session.close()).hits).toBe(hits);
  expect(await running.end()).toBe(0);
});

test.each([
  [false, 10n],
  [true, 12n],
])("all threads of a process that shares the memory come through the breakpoint (their hits count: %s)", async (children, hits) => {
  await using program = new Program(vforks());
  const running = await program.start();
  const shares = await running.ask("family");
  await expect.poll(() => readdirSync(`/proc/${shares}/task`).length).toBe(2);
  await using session = await soon(arm(program, running.pid, children));
  await running.ask("call 10");
  expect(await running.ask("join")).toBe(WELL);
  expect((await session.close()).hits).toBe(hits);
  expect(await running.end()).toBe(0);
});

test("a process of which the only thread waits is refused, and unchanged; when the child has ended it is armed", async () => {
  await using program = new Program(vforks());
  const running = await program.start();
  await running.ask("hold");
  await expect(soon(arm(program, running.pid))).rejects.toMatchObject({ code: "SONDE_TRACE_VFORK", mend: expect.any(String) });
  expect(intact(running.pid, program.path)).toBe(true);
  expect(await running.ask("go on")).toBe(WELL);
  await using session = await arm(program, running.pid);
  await running.ask("call 10");
  expect(session.maps.hits?.read()).toBe(10n);
});

test("one whose only thread waits when it is let go stays as it was", async () => {
  await using program = new Program(vforks());
  const running = await program.start();
  const session = await arm(program, running.pid);
  await running.ask("hold");
  await soon(session.close());
  expect(intact(running.pid, program.path)).toBe(true);
  expect(await running.ask("go on")).toBe(WELL);
  await running.ask("call 10");
  expect(await running.end()).toBe(0);
});

test("it is armed and let go thirty times while threads make children all the time", { timeout: 120_000 }, async () => {
  await using program = new Program(vforks());
  const running = await program.start();
  let over = false;
  const storms = (async () => {
    let wrong = 0;
    while (!over) wrong += Number(await running.ask("storm 6 200"));
    return wrong;
  })();
  for (let i = 0; i < 30; i++) {
    const session = await soon(arm(program, running.pid, i % 2 === 1));
    await new Promise((next) => setTimeout(next, 20));
    await soon(session.close());
  }
  over = true;
  expect(await storms).toBe(0);
  expect(intact(running.pid, program.path)).toBe(true);
  expect(await running.end()).toBe(0);
});
