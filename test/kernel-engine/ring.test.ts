/** Records from the kernel's ring: in order, none lost, none twice; waiting wakes up and ends. */
import { afterEach, describe, expect, test } from "vitest";
import type { Armed } from "../../src/engines/engine.ts";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { Running, sites } from "./support/fixture.ts";
import { probeAt, program, recording, ringMap, session } from "./support/images.ts";
import { targetPath } from "./support/target.ts";

const path = targetPath();
const everyone = { pids: [], children: false, cgroup: undefined };
const RING = 2;
let armed: Armed | undefined;
let running: Running | undefined;
afterEach(async () => {
  armed?.close();
  await running?.end();
});

async function record(bytes: number): Promise<Armed> {
  const image = session([program("records", recording(RING))], { extra: [ringMap(bytes)], ring: RING });
  armed = await new KernelEngine().arm(image, [probeAt(sites(path, ["hit"]), { cookies: [5] })], everyone);
  return armed;
}

describe("a ring", () => {
  test("gives every record once and in order, around its end many times", async () => {
    const armed = await record(1 << 16);
    running = new Running(path);
    const values: number[] = [];
    let done = false;
    const asked = running.ask("hit 50000").then(() => {
      done = true;
    });
    const read = (): number =>
      armed.consume((bytes, at, length) => {
        expect([length, bytes.getUint32(at, true), bytes.getUint32(at + 4, true)]).toEqual([32, 0, 5]);
        values.push(Number(bytes.getBigUint64(at + 8, true)));
      });
    while (!done) {
      read();
      await armed.wait(1);
    }
    await asked;
    while (read() > 0);
    // What the producer couldn't place is missing, but nothing is twice, cut or out of order.
    expect(values.length).toBeGreaterThan(2000);
    expect(values.every((value, i) => i === 0 || value > values[i - 1]!)).toBe(true);
  });

  test("holds what comes while nobody reads, up to its size", async () => {
    const armed = await record(1 << 20);
    running = new Running(path);
    await running.ask("hit 10000");
    const values: number[] = [];
    armed.consume((bytes, at) => values.push(Number(bytes.getBigUint64(at + 8, true))));
    expect(values).toEqual(Array.from({ length: 10000 }, (_, i) => i));
    expect(armed.consume(() => {})).toBe(0);
  });

  test("wakes who waits soon after a record, and lets go after the time without one", async () => {
    const armed = await record(1 << 16);
    running = new Running(path);
    await running.ask("other 1");
    const idle = performance.now();
    await armed.wait(30);
    expect(performance.now() - idle).toBeGreaterThanOrEqual(25);
    const woken = armed.wait(10_000);
    const asked = performance.now();
    running.process.stdin!.write("hit 1\n");
    await woken;
    expect(performance.now() - asked).toBeLessThan(1000);
  });

  test("can be closed while somebody waits", async () => {
    const armed = await record(1 << 16);
    const waiting = armed.wait(10_000);
    armed.close();
    await waiting;
    expect(armed.consume(() => {})).toBe(0);
  });
});
