/** What is refused before anything is armed, with its reason and the way round. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { filtersSeeReturns } from "../../src/engines/kernel/refuse-returns.ts";
import { compile, sites } from "./support/fixture.ts";
import { counting, probeAt, program, session } from "./support/images.ts";
import { targetPath } from "./support/target.ts";

const everyone = { pids: [], children: false, cgroup: undefined };
afterEach(() => {
  delete process.env.SONDE_ATTACH;
});

describe("a Go program", () => {
  const go = compile(
    "go",
    `
    __attribute__((section(".go.buildinfo"))) const char info[16] = "Go";
    __attribute__((noinline)) void hit(void) { __asm__ volatile("push %rbx; pop %rbx"); }
    int main(void) { hit(); return info[0] == 0; }`,
  );

  test("has no return probed, because it would crash", async () => {
    const arming = new KernelEngine().arm(session([program("leave", counting(0), { runs: "return" })]), [probeAt(sites(go, ["hit"]))], everyone);
    await expect(arming).rejects.toMatchObject({ code: "SONDE_KERNEL_GO_RETURN", mend: expect.stringContaining("ret") });
  });

  test("may have entries probed", async () => {
    const armed = await new KernelEngine().arm(session([program("enter", counting(0))]), [probeAt(sites(go, ["hit"]))], everyone);
    execFileSync(go);
    armed.close();
  });
});

test("seccomp filters see a return probe's system call on the kernels between 6.11 and 6.13", () => {
  const version = (major: number, minor: number) => ({ major, minor, text: "" });
  expect(
    [
      [6, 10],
      [6, 11],
      [6, 13],
      [6, 14],
      [7, 0],
    ].map(([major, minor]) => filtersSeeReturns(version(major!, minor!))),
  ).toEqual([false, true, true, false, false]);
});

test("a missing file and a directory are named", async () => {
  const [hit] = sites(targetPath(), ["hit"]);
  const at = (path: string) => new KernelEngine().arm(session([program("hits", counting(0))]), [probeAt([{ ...hit!, path, display: path }])], everyone);
  await expect(at("/nowhere/at/all")).rejects.toMatchObject({ code: "SONDE_SYS_ENOENT", where: expect.stringContaining("/nowhere/at/all") });
  await expect(at("/tmp")).rejects.toMatchObject({ code: expect.stringMatching(/^SONDE_SYS_/), where: expect.stringContaining("/tmp") });
});

test("an unknown way to attach is refused, with those there are", async () => {
  process.env.SONDE_ATTACH = "magic";
  const arming = new KernelEngine().arm(session([program("hits", counting(0))]), [probeAt(sites(targetPath(), ["hit"]))], everyone);
  await expect(arming).rejects.toMatchObject({ code: "SONDE_KERNEL_ATTACH", mend: expect.stringContaining("tracefs") });
});

test("a path with blanks can be armed by tracefs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sonde with blanks "));
  try {
    const path = join(folder, "the target");
    copyFileSync(targetPath(), path);
    chmodSync(path, 0o755);
    process.env.SONDE_ATTACH = "tracefs";
    const armed = await new KernelEngine().arm(session([program("hits", counting(0))]), [probeAt(sites(path, ["hit"]))], everyone);
    spawnSync(path, ["12"], { stdio: "ignore" });
    expect([...new BigUint64Array(armed.cpuRegion)].reduce((sum, n) => sum + n, 0n)).toBe(12n);
    armed.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
