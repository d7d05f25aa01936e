/** Programs are loaded also where signals come all the time: the verifier gives up at each that is pending. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("a large program is loaded in a Node that is profiled, ten thousand ticks a second", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "sonde-profiled-"));
  try {
    const script = `const stacks = hash([comm, stack, stack], count());
      uprobe("libc:getppid", (c) => stacks.at([c.comm, c.ustack(), c.kstack()]).add());
      uprobe("libc:getuid", (c) => stacks.at([c.comm, c.kstack(), c.ustack()]).add());`;
    const profiled = ["--cpu-prof", "--cpu-prof-interval", "100", "--cpu-prof-dir", folder];
    const { stderr } = await promisify(execFile)(process.execPath, [
      ...profiled,
      join(import.meta.dirname, "../../dist/cli.mjs"),
      "--engine",
      "kernel",
      "-e",
      script,
      "-c",
      "true",
    ]);
    expect(stderr).not.toContain("error");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
