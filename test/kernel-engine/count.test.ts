/** The shortest way through the kernel engine: load a counting program, arm it at a function, read the count. */
import { afterEach, describe, expect, test } from "vitest";
import type { Armed } from "../../src/engines/engine.ts";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { compile, Running, sites } from "./support/fixture.ts";
import { counting, probeAt, program, session, total } from "./support/images.ts";

const everyone = { pids: [], children: false, cgroup: undefined };
const path = compile(
  "count",
  `
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) void hit(void) { __asm__ volatile("push %rbx; pop %rbx"); }
int main(void) {
  char line[100];
  while (fgets(line, sizeof line, stdin)) { for (int n = atoi(line); n > 0; n--) hit(); puts("done"); fflush(stdout); }
}`,
);

let armed: Armed | undefined;
let running: Running | undefined;
afterEach(async () => {
  armed?.close();
  await running?.end();
  armed = running = undefined;
});

describe("a counting program", () => {
  test("counts every call of a function of a program that runs already", async () => {
    running = new Running(path);
    armed = await new KernelEngine().arm(session([program("calls", counting(0))]), [probeAt(sites(path, ["hit"]))], everyone);
    await running.ask("1000");
    expect(total(armed, 0)).toBe(1000);
  });

  test("counts libc's malloc in one process only, and none after it is disarmed", async () => {
    const libc = sites("/usr/lib/x86_64-linux-gnu/libc.so.6", ["malloc"]);
    armed = await new KernelEngine().arm(session([program("mallocs", counting(0))]), [probeAt(libc)], { ...everyone, pids: [process.pid] });
    expect(total(armed, 0)).toBeGreaterThan(0);
    armed.disarm();
    const before = total(armed, 0);
    Buffer.allocUnsafeSlow(1 << 20).fill(1);
    expect(total(armed, 0)).toBe(before);
  });

  test("can be read after everything was given back", async () => {
    running = new Running(path);
    armed = await new KernelEngine().arm(session([program("calls", counting(0))]), [probeAt(sites(path, ["hit"]))], everyone);
    await running.ask("5");
    armed.close();
    expect(total(armed, 0)).toBe(5);
    await running.ask("5");
    expect(total(armed, 0)).toBe(5);
  });
});
