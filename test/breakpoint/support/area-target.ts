/** Starts the program that checks itself, and tracers of the tests' own upon it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "vitest";

export interface Process {
  readonly child: ChildProcess;
  readonly pid: number;
  line(): Promise<string>;
  readonly ended: Promise<number | string>;
}

function run(path: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Process {
  const child = spawn(path, args, { stdio: ["pipe", "pipe", "inherit"], env });
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<number | string>((resolve) => child.on("exit", (status, signal) => resolve(signal ?? status ?? -1)));
  return { child, pid: child.pid as number, ended, line: async () => String((await lines.next()).value ?? `ended: ${await ended}`) };
}

export class AreaTests {
  readonly folder = mkdtempSync(join(tmpdir(), "sonde-area-"));
  readonly #driver: string;
  readonly #target = join(this.folder, "target");
  readonly #all: Process[] = [];

  constructor(driver: string) {
    this.#driver = driver;
    execFileSync("cc", ["-O1", "-fcf-protection=none", "-pthread", "-o", this.#target, join(import.meta.dirname, "../fixtures/area-target.c")]);
  }

  async target(...args: readonly (string | number)[]): Promise<Process & { readonly site: string; readonly other: string }> {
    const process = run(this.#target, args.map(String));
    this.#all.push(process);
    const [pid, site, other] = (await process.line()).split(" ");
    expect(Number(pid)).toBe(process.pid);
    return { ...process, site: `0x${site}`, other: `0x${other}` };
  }
  /** With markers of its own: what other tests leave isn't its concern. */
  driver(...args: readonly (string | number)[]): Process {
    const driver = run("node", [this.#driver, ...args.map(String)], { ...process.env, XDG_CACHE_HOME: this.folder });
    this.#all.push(driver);
    return driver;
  }
  async drive(...args: readonly (string | number)[]): Promise<string> {
    const driver = this.driver(...args);
    let line = await driver.line();
    if (line === "ready") line = await driver.line();
    expect(await driver.ended).toBe(0);
    return line;
  }
  async close(): Promise<void> {
    for (const { child } of this.#all) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    for (const { ended } of this.#all) await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether the program says that nothing was disturbed: what it counted. */
export async function endOf(target: Process): Promise<{ readonly rounds: number; readonly hits: number; readonly signals: number; readonly sum: number }> {
  const line = await target.line();
  const [word, rounds, hits, signals, sum] = line.split(" ");
  expect({ line, word }).toEqual({ line, word: "done" });
  expect(await target.ended).toBe(0);
  return { rounds: Number(rounds), hits: Number(hits), signals: Number(signals), sum: Number(sum) };
}
