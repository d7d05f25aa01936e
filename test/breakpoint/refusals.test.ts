/** What can't be traced is refused with its reason, and nothing is changed. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { open } from "../../src/session/open.ts";

let folder: string;
let script: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-refusals-"));
  script = join(folder, "libc.probe.ts");
  writeFileSync(script, 'import { count, uprobe } from "sonde";\nexport const calls = count();\nuprobe("libc:malloc", () => calls.add());\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const arm = (pid: number) => open(script, { engine: "breakpoint", pid });
const sleeper = (): ChildProcess => spawn("sleep", ["60"], { stdio: "ignore" });
const stateOf = (pid: number): string => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.charAt(stat.lastIndexOf(")") + 2);
};
const until = async (there: () => boolean): Promise<void> => {
  for (let i = 0; i < 200 && !there(); i++) await new Promise((next) => setTimeout(next, 20));
};

/** kthreadd is the second process of a machine; in a pid namespace of its own none of the kernel's threads is seen. */
const KTHREADD = 2;
const seesKernelThreads = existsSync(`/proc/${KTHREADD}`) && readFileSync(`/proc/${KTHREADD}/comm`, "utf8") === "kthreadd\n";

test.runIf(seesKernelThreads)("a thread of the kernel (where this pid namespace has any)", async () => {
  await expect(arm(KTHREADD)).rejects.toMatchObject({ code: "SONDE_TRACE_KERNEL_THREAD", mend: expect.any(String) });
});

test("sonde itself", async () => {
  await expect(arm(process.pid)).rejects.toMatchObject({ code: "SONDE_TRACE_SELF" });
});

test("a process that is traced already, with its tracer's name", async () => {
  const child = sleeper();
  try {
    const first = await arm(child.pid as number);
    await expect(arm(child.pid as number)).rejects.toMatchObject({ code: "SONDE_TRACE_BUSY", why: expect.stringMatching(/node.* traces it/) });
    await first.close();
    const second = await arm(child.pid as number);
    await second.close();
  } finally {
    child.kill("SIGKILL");
  }
});

test("a 32-bit program", async () => {
  const source = join(folder, "small.s");
  const path = join(folder, "small");
  writeFileSync(source, ".globl _start\n_start: pause\njmp _start\n");
  execFileSync("as", ["--32", "-o", `${path}.o`, source]);
  execFileSync("ld", ["-m", "elf_i386", "-o", path, `${path}.o`]);
  const child = spawn(path, { stdio: "ignore" });
  try {
    await until(() => stateOf(child.pid as number) === "R");
    await expect(arm(child.pid as number)).rejects.toMatchObject({ code: "SONDE_TRACE_32BIT" });
    expect(stateOf(child.pid as number)).toBe("R");
  } finally {
    child.kill("SIGKILL");
  }
});
