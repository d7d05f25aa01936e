/** A target that makes system calls for us has afterwards what it had, whatever it was doing, whenever its tracer dies. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AreaTests, endOf } from "./support/area-target.ts";
import { built } from "./support/built.ts";

let tests: AreaTests;
let driver: Awaited<ReturnType<typeof built>>;
beforeAll(async () => {
  driver = await built("area-driver.ts");
  tests = new AreaTests(driver.path);
});
afterAll(async () => {
  await tests.close();
  driver.remove();
});
const rounds = (line: string): number => Number(/^ok (\d+)$/.exec(line)?.[1]);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("system calls in a target", () => {
  test("leave every register, flag and the red zone of a busy loop", async () => {
    const target = await tests.target("busy");
    expect(rounds(await tests.drive("calls", target.pid, 1000))).toBeGreaterThan(20);
    target.child.kill("SIGTERM");
    expect((await endOf(target)).rounds).toBeGreaterThan(0);
  });

  test("leave the results of calls in which the thread waits: read, nanosleep, poll, futex, sigsuspend", async () => {
    const target = await tests.target("calls");
    expect(rounds(await tests.drive("calls", target.pid, 2000))).toBeGreaterThan(20);
    target.child.kill("SIGTERM");
    expect((await endOf(target)).rounds).toBeGreaterThan(3);
  });

  test("lose no signal, nor what it says, and no handler sees where they are made", async () => {
    const count = 2000;
    const target = await tests.target("storm", count);
    expect(rounds(await tests.drive("calls", target.pid, 1500))).toBeGreaterThan(20);
    expect(await endOf(target)).toMatchObject({ signals: count, sum: (count * (count + 1)) / 2 });
  });

  test("let a signal that comes meanwhile interrupt the call in which the thread waited", async () => {
    const target = await tests.target("pause");
    await pause(50);
    expect(await tests.drive("signal", target.pid)).toBe(`ok ${target.pid} 10`);
    expect(await endOf(target)).toMatchObject({ rounds: 1, signals: 1 });
  });

  test.each(["busy", "calls"])("harm nothing when the tracer is killed, 150 times: %s", { timeout: 240_000 }, async (mode) => {
    const target = await tests.target(mode);
    for (let i = 0; i < 150; i++) {
      const tracer = tests.driver("forever", target.pid);
      expect(await tracer.line()).toBe("ready");
      await pause(Math.random() * 8);
      tracer.child.kill("SIGKILL");
      await tracer.ended;
      expect([i, target.child.exitCode, target.child.signalCode]).toEqual([i, null, null]);
    }
    target.child.kill("SIGTERM");
    expect((await endOf(target)).rounds).toBeGreaterThan(0);
  });

  test("tell what a signal does in the target", async () => {
    const target = await tests.target("ignoring");
    expect(await tests.drive("handler", target.pid, 5)).toBe("ok 1");
    expect(await tests.drive("handler", target.pid, 2)).toBe("ok 0");
    expect(Number(`0x${(await tests.drive("handler", target.pid, 15)).slice(3)}`)).toBeGreaterThan(0x1000);
    target.child.kill("SIGTERM");
    await endOf(target);
  });

  test("make an area also where the target may write no file", async () => {
    const target = await tests.target("limited");
    expect(await tests.drive("create", target.pid, target.site)).toBe("ok 1 true true");
    target.child.kill("SIGTERM");
    await endOf(target);
  });
});
