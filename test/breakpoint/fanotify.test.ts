/** Whoever executes or opens a watched file is attached to before it goes on; and nobody waits for a tracer that doesn't answer. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { machineCode, staticProgram } from "../../src/elf/static-program.ts";
import { library } from "../fixtures/build.ts";
import { built } from "./support/built.ts";

/** Of the little program. */
const ENTRY = "400078";
const folder = mkdtempSync(join(tmpdir(), "sonde-watch-"));
const program = join(folder, "program");
const shared = join(folder, "libwatched.so");
let tracer: Awaited<ReturnType<typeof built>>;
let watcher: Watcher | undefined;

beforeAll(async () => {
  tracer = await built("watcher.ts");
  writeFileSync(program, staticProgram(machineCode("bf 07 00 00 00 | mov edi, 7\n b8 e7 00 00 00 | mov eax, 231\n 0f 05 | exit_group")));
  chmodSync(program, 0o755);
  copyFileSync(library(), shared);
});
afterEach(() => watcher?.kill());
afterAll(() => {
  tracer.remove();
  rmSync(folder, { recursive: true });
});

class Watcher {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  #heard: () => void = () => {};

  constructor(files: readonly string[]) {
    this.child = spawn(process.execPath, [tracer.path, ...files], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.child.stdout as NonNullable<ChildProcess["stdout"]> }).on("line", (line) => {
      this.lines.push(line);
      this.#heard();
    });
  }
  static async start(...files: string[]): Promise<Watcher> {
    const one = new Watcher(files);
    await one.line(/^ready/);
    return one;
  }
  /** The first line that it has said or says. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.lines.find((text) => pattern.test(text));
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }
  tell(text: string): void {
    this.child.stdin?.write(`${text}\n`);
  }
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}

/** Runs it: its number, and after how many milliseconds it has ended. */
async function run(path: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<{ pid: number; status: number | null; ms: number }> {
  const start = performance.now();
  // From a shell: Node itself waits till a child has executed its program.
  const child = spawn("/bin/sh", ["-c", 'exec "$0" "$@"', path, ...args], { stdio: "ignore", env: { PATH: process.env.PATH, ...env } });
  const [status] = await once(child, "exit");
  return { pid: child.pid as number, status: status as number | null, ms: performance.now() - start };
}
const guardOf = (pid: number): number =>
  Number(
    execFileSync("/bin/sh", ["-c", `cat /proc/${pid}/task/${pid}/children`], { encoding: "utf8" })
      .trim()
      .split(" ")
      .find((child) => readFileSync(`/proc/${child}/cmdline`, "latin1").startsWith("sonde-guard")),
  );
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("a watched executable", () => {
  test("is attached to at each of 200 executions under load, before its first instruction", async () => {
    watcher = await Watcher.start(program);
    const load = [1, 2].map(() => spawn("/bin/sh", ["-c", "while :; do :; done"], { stdio: "ignore" }));
    try {
      const shells = [1, 2, 3, 4].map(() => spawn("/bin/sh", ["-c", `i=0; while [ $i -lt 50 ]; do "${program}"; [ $? = 7 ] || exit 1; i=$((i+1)); done`]));
      for (const [status] of await Promise.all(shells.map((shell) => once(shell, "exit")))) expect(status).toBe(0);
    } finally {
      for (const one of load) one.kill("SIGKILL");
    }
    watcher.tell("quit");
    await watcher.line(/^ended/);
    const followed = watcher.lines.filter((line) => line.startsWith("follow"));
    const executed = watcher.lines.filter((line) => line.startsWith("exec"));
    expect([followed.length, executed.length]).toEqual([200, 200]);
    expect(new Set(followed.map((line) => line.split(" ")[1]))).toEqual(new Set(["exec"]));
    expect(new Set(executed.map((line) => line.split(" ")[2]))).toEqual(new Set([ENTRY]));
    expect(new Set(executed.map((line) => line.split(" ")[1])).size).toBe(200);
  });

  test("may be read and copied by anybody who isn't followed", async () => {
    watcher = await Watcher.start(program);
    expect((await run("cat", [program])).status).toBe(0);
    expect((await run(program)).status).toBe(7);
    await watcher.line(/^exec/);
    expect(watcher.lines.filter((line) => line.startsWith("follow"))).toHaveLength(1);
  });
});

describe("a watched library", () => {
  test("is noticed before whoever opens it has mapped it", async () => {
    watcher = await Watcher.start(shared);
    const { pid, status } = await run("/bin/true", [], { LD_PRELOAD: shared });
    expect(status).toBe(0);
    expect(await watcher.line(/^look/)).toBe(`look ${pid} false`);
    expect(watcher.lines).toContain(`follow open ${pid}`);
  });

  test("doesn't have us attach to who only writes", async () => {
    watcher = await Watcher.start(shared);
    appendFileSync(shared, "");
    expect((await run("/bin/sh", ["-c", `: >> "${shared}"`])).status).toBe(0);
    const { pid } = await run("cat", [shared]);
    await watcher.line(/^look/);
    expect(watcher.lines.filter((line) => line.startsWith("follow"))).toEqual([`follow open ${pid}`]);
  });
});

describe("nobody hangs", () => {
  test("when the tracer is killed with -9 while they wait", async () => {
    watcher = await Watcher.start(program, shared);
    watcher.child.kill("SIGSTOP");
    const waiting = [run(program), run(program), run("cat", [shared])];
    await pause(100);
    const start = performance.now();
    await watcher.kill();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([7, 7, 0]);
    expect(performance.now() - start).toBeLessThan(500);
    expect((await run(program)).status).toBe(7);
  });

  test("when the tracer doesn't answer: the first waits for a second, the next don't, until it answers again", async () => {
    watcher = await Watcher.start(program);
    watcher.child.kill("SIGSTOP");
    const first = await run(program);
    expect([first.status, first.ms > 900, first.ms < 2500]).toEqual([7, true, true]);
    for (let i = 0; i < 3; i++) {
      const next = await run(program);
      expect([next.status, next.ms < 500]).toEqual([7, true]);
    }
    watcher.child.kill("SIGCONT");
    await pause(200);
    // Its replies to those that didn't wait are taken before this one's.
    const { pid, status } = await run(program);
    expect(status).toBe(7);
    expect(await watcher.line(new RegExp(`^exec ${pid} `))).toBe(`exec ${pid} ${ENTRY}`);
  });

  test("when the tracer opens a watched file itself", async () => {
    watcher = await Watcher.start(shared);
    const start = performance.now();
    watcher.tell(`open ${shared}`);
    await watcher.line(/^opened/);
    expect(performance.now() - start).toBeLessThan(500);
    expect(watcher.lines.some((line) => line.startsWith("follow"))).toBe(false);
  });

  test("when attaching fails", async () => {
    watcher = await Watcher.start(program);
    watcher.tell("throw");
    await watcher.line(/^ok/);
    const { status, ms } = await run(program);
    await watcher.line(/^asked to fail/);
    expect([status, ms < 500]).toEqual([7, true]);
    const { pid } = await run(program);
    await watcher.line(new RegExp(`^exec ${pid} `));
  });

  test("when the guard is killed; the tracer is told", async () => {
    watcher = await Watcher.start(program);
    process.kill(guardOf(watcher.child.pid as number), "SIGKILL");
    await watcher.line(/^over/);
    expect((await run(program)).status).toBe(7);
    await watcher.line(/^ended/);
  });

  test("when the tracer stops watching, and no process of it is left", async () => {
    watcher = await Watcher.start(program);
    const guard = guardOf(watcher.child.pid as number);
    watcher.tell("quit");
    await watcher.line(/^ended/);
    expect(() => process.kill(guard, 0)).toThrow("ESRCH");
    expect((await run(program)).status).toBe(7);
  });
});
