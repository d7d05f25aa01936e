/** With no tracer at all, the handler in the area carries threads from breakpoints to slots; what is left is put back later. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProcessMemory } from "../../src/sys/process-memory.ts";
import { AreaTests, endOf, type Process } from "./support/area-target.ts";
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

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
function byteAt(pid: number, address: string): number | undefined {
  const memory = new ProcessMemory(pid);
  const byte = memory.bytes(Number(address), 1)?.[0];
  memory.close();
  return byte;
}
const status = (pid: number, field: string): string => new RegExp(`^${field}:\\s+(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "";
const catchesTrap = (pid: number): boolean => (BigInt(`0x${status(pid, "SigCgt")}`) & 16n) !== 0n;
const go = (target: Process): void => void target.child.stdin?.write("\n");

/** Armed, and the tracer gone. */
async function left(...args: readonly (string | number)[]) {
  const target = await tests.target(...args);
  const original = byteAt(target.pid, target.site);
  expect(original).not.toBe(0xcc);
  expect(await tests.drive("leave", target.pid, target.site)).toBe("ok");
  expect(byteAt(target.pid, target.site)).toBe(0xcc);
  return { target, original };
}

describe("a program with breakpoints and no tracer", () => {
  test("goes on, with every call made once: 4 threads", async () => {
    const { target } = await left("hits", 4, 5000);
    go(target);
    expect((await endOf(target)).hits).toBe(20_000);
  });

  test("goes on in a child too", async () => {
    const { target } = await left("fork");
    go(target);
    expect((await endOf(target)).hits).toBe(100);
  });

  test("goes on while signals come", async () => {
    const { target } = await left("busy");
    for (let i = 0; i < 200; i++) {
      target.child.kill("SIGUSR1");
      await pause(1);
    }
    target.child.kill("SIGTERM");
    const end = await endOf(target);
    expect(end.hits).toBe(end.rounds);
    expect(end.signals).toBeGreaterThan(0);
  });

  test.each(["int3", "cd03"])("dies of a breakpoint of its own: %s", async (mode) => {
    const { target } = await left(mode);
    go(target);
    expect(await target.ended).toBe("SIGTRAP");
  });

  test("dies of a SIGTRAP that somebody sends", async () => {
    const { target } = await left("busy");
    target.child.kill("SIGTRAP");
    expect(await target.ended).toBe("SIGTRAP");
  });

  test("goes on ignoring a SIGTRAP that somebody sends, if it did so before", async () => {
    const { target } = await left("ignoring");
    target.child.kill("SIGTRAP");
    await pause(50);
    target.child.kill("SIGTERM");
    const end = await endOf(target);
    expect(end.hits).toBe(end.rounds);
  });

  test("survives the death of a tracer that steps it through a slot", async () => {
    const target = await tests.target("busy");
    const tracer = tests.driver("step", target.pid, target.site);
    expect(await tracer.line()).toBe("ok");
    expect(await tracer.ended).toBe("SIGKILL");
    await pause(100);
    target.child.kill("SIGTERM");
    const end = await endOf(target);
    expect(end.hits).toBe(end.rounds);
  });

  test("survives its tracer's death at any moment, 60 times", { timeout: 240_000 }, async () => {
    for (let i = 0; i < 60; i++) {
      const target = await tests.target("hits", 2, 3000);
      const tracer = tests.driver("serve", target.pid, target.site);
      expect(await tracer.line()).toBe("ready");
      go(target);
      await pause(Math.random() * 60);
      tracer.child.kill("SIGKILL");
      await tracer.ended;
      expect({ i, ...(await endOf(target)) }).toMatchObject({ i, hits: 6000 });
    }
  });
});

describe("recovery", () => {
  test("puts back the byte and what SIGTRAP did, while the program runs", async () => {
    const { target, original } = await left("busy");
    expect(catchesTrap(target.pid)).toBe(true);
    expect(await tests.drive("recover")).toBe("ok");
    expect(byteAt(target.pid, target.site)).toBe(original);
    expect([catchesTrap(target.pid), status(target.pid, "TracerPid")]).toEqual([false, "0"]);
    target.child.kill("SIGTERM");
    const end = await endOf(target);
    expect(end.hits).toBe(end.rounds);
  });

  test("makes SIGTRAP be ignored again", async () => {
    const { target } = await left("ignoring");
    expect(await tests.drive("recover")).toBe("ok");
    expect(BigInt(`0x${status(target.pid, "SigIgn")}`) & 16n).toBe(16n);
    target.child.kill("SIGTERM");
    await endOf(target);
  });

  test("does nothing the second time", async () => {
    const { target, original } = await left("busy");
    for (let i = 0; i < 2; i++) expect(await tests.drive("recover")).toBe("ok");
    expect(byteAt(target.pid, target.site)).toBe(original);
    target.child.kill("SIGTERM");
    await endOf(target);
  });

  test("leaves alone what a living tracer has armed", async () => {
    const target = await tests.target("hits", 1, 1000);
    const tracer = tests.driver("serve", target.pid, target.site);
    expect(await tracer.line()).toBe("ready");
    expect(await tests.drive("recover")).toBe("ok");
    expect(byteAt(target.pid, target.site)).toBe(0xcc);
    go(target);
    expect((await endOf(target)).hits).toBe(1000);
    tracer.child.kill("SIGKILL");
    await tracer.ended;
  });

  test("finds the same area again when the site is armed once more", async () => {
    const { target } = await left("hits", 1, 1000);
    expect(await tests.drive("recover")).toBe("ok");
    expect(await tests.drive("leave", target.pid, target.site)).toBe("ok");
    const areas = readFileSync(`/proc/${target.pid}/maps`, "latin1").match(/sonde-breakpoints/g) ?? [];
    // Written pages of a mapping don't split it.
    expect(areas.length).toBe(1);
    go(target);
    expect((await endOf(target)).hits).toBe(1000);
  });
});
