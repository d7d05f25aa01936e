/** `interval` and `profile`: how often they run, where, and for whom. */
import { availableParallelism } from "node:os";
import { afterAll, expect, test } from "vitest";
import { Program } from "../conformance/support/session.ts";
import { kernelWork } from "../fixtures/build.ts";
import { Scripts } from "../fixtures/scripts.ts";

const scripts = new Scripts();
afterAll(() => scripts.remove());
const open = (body: string, options: Parameters<Scripts["open"]>[2] = {}) =>
  scripts.open("count, exit, hash, interval, max, min, print, profile, u32, variable, u64, lhist", body, { engine: "kernel", ...options });
const sleep = (ms: number) => new Promise((next) => setTimeout(next, ms));

test("interval runs once a period on one CPU, by the monotonic clock", async () => {
  const body = `export const n = hash(u32, count()); const last = variable(u64, 0); export const apart = min(); export const most = max();
    interval("20ms", (c) => {
      n.at(c.cpu).add();
      const before = last.get();
      if (before > 0) { apart.add(c.time - before); most.add(c.time - before); }
      last.set(c.time);
    });`;
  await using session = await open(body);
  await sleep(1000);
  const { hits } = await session.close();
  const byCpu = session.maps.n!.entries();
  expect(byCpu).toHaveLength(1);
  expect(byCpu[0]![1]).toBe(hits);
  expect(Number(hits)).toBeGreaterThanOrEqual(40);
  expect(Number(hits)).toBeLessThanOrEqual(70);
  // Whatever else goes on, it isn't run sooner.
  expect(Number(session.maps.apart!.read())).toBeGreaterThan(5e6);
});

test("profile sees the process that computes, at its rate on the CPU that it has", async () => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const other = await program.start();
  await using session = await open('export const n = hash(u32, count()); profile("199hz", (c) => n.at(c.pid).add());', { pid: running.pid });
  await Promise.all([running.ask("burn 1000"), other.ask("burn 200")]);
  await session.close();
  const entries = session.maps.n!.entries();
  expect(entries.map(([pid]) => pid)).toEqual([running.pid]);
  // A second of its own CPU time; where the machine is itself a guest, ticks come late.
  expect(Number(entries[0]![1])).toBeGreaterThan(100);
  expect(Number(entries[0]![1])).toBeLessThan(260);
});

test("profile runs on every CPU that is at work, and has the registers", async () => {
  await using program = new Program(kernelWork());
  // More than there are CPUs: none is idle then.
  const running = await Promise.all(Array.from({ length: 2 * availableParallelism() }, () => program.start()));
  const body = "export const n = hash(u32, count()); export const low = count();";
  await using session = await open(`${body} profile("97hz", (c) => { n.at(c.cpu).add(); if (c.regs.rip !== 0) low.add(); });`);
  await Promise.all(running.map((one) => one.ask("burn 400")));
  const { hits } = await session.close();
  expect(session.maps.n!.entries()).toHaveLength(availableParallelism());
  expect(session.maps.low!.read()).toBe(hits);
});

test("a timer ends a run", async () => {
  const began = performance.now();
  const session = await open('interval("100ms", () => exit(3));');
  expect(await session.done).toMatchObject({ ended: "exit", status: 3 });
  expect(performance.now() - began).toBeLessThan(10_000);
});

test.each([
  ['interval("1us", () => {});', { code: "SONDE_PERIOD", why: expect.stringContaining("10us") }],
  ['interval("25h", () => {});', { code: "SONDE_PERIOD" }],
  ['profile("200000hz", () => {});', { code: "SONDE_PERIOD" }],
  ['interval("1s", (c: any) => c.args.x > 0);', { message: expect.stringContaining("args") }],
  ['profile("99hz", (c: any) => c.arg0 > 0);', { message: expect.stringContaining("arg0") }],
  ['profile("99hz", (c: any) => c.func === "x");', { message: expect.stringContaining("func") }],
])("%s is refused", async (body, error) => {
  await expect(open(body)).rejects.toMatchObject(error);
});

test("the engine breakpoint has none, and says which has", async () => {
  await expect(open('interval("1s", () => {});', { engine: "breakpoint" })).rejects.toMatchObject({ mend: expect.stringContaining("kernel") });
});
