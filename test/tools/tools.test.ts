/** The tools that watch the whole system, all at once on a program that does a known number of everything; and beside bpftrace's own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toolWork } from "../fixtures/build.ts";
import { provide } from "../fixtures/packages.ts";
import { type Launched, launch, type Outcome, sonde } from "../fixtures/sonde.ts";
import { clone, mapOf, objectsOf, tool } from "../real-programs/support.ts";

const NAMES = readdirSync(join(clone, "tools"))
  .filter((name) => name.endsWith(".probe.ts"))
  .map((name) => name.slice(0, -".probe.ts".length));

test("each has fewer than 80 lines, begins with what it shows and is in the list", () => {
  const list = readFileSync(join(clone, "tools/README.md"), "utf8");
  for (const name of NAMES) {
    const text = readFileSync(tool(name), "utf8");
    expect([name, text.split("\n").length < 80, text.startsWith("// ")]).toEqual([name, true, true]);
    expect(list).toContain(`[${name}](${name}.probe.ts)`);
  }
  expect(NAMES.length).toBeGreaterThanOrEqual(27);
});

test("each compiles against the running kernel", { timeout: 120_000 }, async () => {
  const { status, stdout, stderr } = await sonde(["check", ...NAMES.filter((name) => !name.startsWith("func")).map(tool)]);
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
});

/** The program, which works when it is asked to. */
class Work {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  constructor(folder: string) {
    this.child = spawn(toolWork(), [folder], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }
  async line(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }
  /** Gives the port that it listened at. */
  async go(): Promise<number> {
    this.child.stdin!.write("go\n");
    const [, port] = (await this.line()).split(" ");
    expect(await this.line()).toBe("done");
    return Number(port);
  }
  async end(): Promise<void> {
    this.child.stdin!.end();
    await new Promise((resolve) => this.child.once("exit", resolve));
  }
}

const WATCHED = ["opensnoop", "statsnoop", "killsnoop", "setuids", "naptime", "syncsnoop", "syscount"];
const EVERYWHERE = [
  "execsnoop",
  "pidpersec",
  "tcplife",
  "runqlat",
  "runqlen",
  "cpuwalk",
  "bitesize",
  "biosnoop",
  "biolatency",
  "writeback",
  "tcpdrop",
  "tcpretrans",
];

describe("on a program that does a known number of everything", () => {
  // On a disk: there is no I/O of blocks in memory.
  const folder = mkdtempSync("/var/tmp/sonde-tools-");
  const outcomes = new Map<string, Outcome>();
  let work: Work;
  let port = 0;

  beforeAll(async () => {
    work = new Work(folder);
    expect(await work.line()).toBe("ready");
    const running = new Map<string, Launched>();
    const start = (name: string, ...options: string[]): void => void running.set(name, launch(["run", tool(name), ...options, "--format", "json"]));
    for (const name of WATCHED) start(name, "-p", String(work.child.pid));
    for (const name of EVERYWHERE) start(name);
    await Promise.all([...running.values()].map((one) => one.seen('"attached"')));
    port = await work.go();
    // A tick of pidpersec, some samples.
    await new Promise((next) => setTimeout(next, 1200));
    for (const one of running.values()) one.kill("SIGINT");
    for (const [name, one] of running) outcomes.set(name, await one.ended);
  }, 180_000);
  afterAll(async () => {
    await work.end();
    rmSync(folder, { recursive: true });
  });
  const of = (name: string): Outcome => outcomes.get(name)!;
  const events = (name: string, state: string): Record<string, unknown>[] =>
    objectsOf(of(name), "event", state).map(({ data }) => data as Record<string, unknown>);

  test("all end cleanly", () => {
    for (const [name, { status, stderr }] of outcomes) expect([name, status, stderr.includes("error")]).toEqual([name, 0, false]);
  });
  test("opensnoop and statsnoop: each file, and what came of it", () => {
    const opened = events("opensnoop", "opened");
    expect(opened.filter(({ path }) => path === `${folder}/written`)).toHaveLength(7);
    expect(opened.filter(({ path }) => path === "/nonexistent-for-tools").map(({ result }) => result)).toEqual([-2, -2, -2]);
    const asked = events("statsnoop", "asked");
    expect(asked.filter(({ path }) => path === `${folder}/written`).map(({ result }) => result)).toEqual([0, 0, 0, 0, 0]);
    expect(asked.filter(({ path }) => path === "/nonexistent-for-tools").map(({ result }) => result)).toEqual([-2, -2]);
  });
  test("killsnoop, setuids, naptime, syncsnoop, syscount: as often as it was done", () => {
    expect(events("killsnoop", "signals").map(({ signal, target, result }) => [signal, target, result])).toEqual(
      Array.from({ length: 4 }, () => [10, work.child.pid, 0]),
    );
    expect(events("setuids", "changes").map(({ how, real }) => [how, real])).toEqual(
      Array.from({ length: 2 }, () => ["syscalls:sys_exit_setuid", process.getuid!()]),
    );
    expect(events("naptime", "naps").map(({ ns, ppid }) => [ns, ppid])).toEqual(Array.from({ length: 3 }, () => [10_000_000, process.pid]));
    expect(mapOf(of("naptime"), "usecs")).toMatchObject({ "tool-work": { count: 3, min: 10_000, max: 10_000 } });
    expect(events("syncsnoop", "syncs").map(({ how }) => how)).toEqual(["syscalls:sys_exit_fsync", "syscalls:sys_exit_fsync"]);
    expect(of("syscount").stdout).toMatch(/getppid +123\b/);
    expect(of("syscount").stdout).toMatch(/tool-work +\d{3}/);
  });
  test("execsnoop, pidpersec: each program with its arguments, and who makes processes", () => {
    const lines = objectsOf(of("execsnoop"), "print").map(({ text }) => String(text));
    const marked = lines.filter((line) => line.endsWith('true "marked for tools" 2'));
    expect(marked).toHaveLength(1);
    expect(marked[0]).toContain(` ${work.child.pid} `);
    const shown = objectsOf(of("pidpersec"), "map", "made").flatMap(({ entries }) => entries as { key: string; value: number }[]);
    expect(shown.filter(({ key }) => key === "tool-work").reduce((sum, { value }) => sum + value, 0)).toBe(6);
  });
  test("tcplife: both ends of each connection, from when it began", () => {
    const lines = objectsOf(of("tcplife"), "print").map(({ text }) => String(text));
    const own = lines.filter((line) => line.includes(`127.0.0.1:${port}`));
    expect(own).toHaveLength(4);
    expect(own.every((line) => line.includes("tool-work"))).toBe(true);
  });
  test("runqlat, runqlen, cpuwalk: something of every CPU's work", () => {
    expect(mapOf(of("runqlat"), "usecs")).toMatchObject({ count: expect.any(Number), min: expect.any(Number) });
    expect((mapOf(of("runqlat"), "usecs") as { count: number }).count).toBeGreaterThan(100);
    expect((mapOf(of("runqlen"), "waiting") as { count: number }).count).toBeGreaterThan(50);
    expect(Object.values(mapOf(of("cpuwalk"), "samples") as object).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(10);
  });
  test("bitesize, biosnoop, biolatency: what was written goes to the disk", () => {
    const byKind = mapOf(of("bitesize"), "byKind") as { readonly [kind: string]: { readonly count: number; readonly sum: number } };
    const written = Object.entries(byKind).filter(([kind]) => kind.startsWith("W"));
    expect(written.reduce((sum, [, { sum: bytes }]) => sum + bytes, 0)).toBeGreaterThanOrEqual(2 * 65_536);
    const done = events("biosnoop", "done").filter(({ how }) => String(how).startsWith("W"));
    expect(done.reduce((sum, { bytes }) => sum + Number(bytes), 0)).toBeGreaterThanOrEqual(2 * 65_536);
    expect(Object.values(mapOf(of("biolatency"), "usecs") as object).every(({ count, min }) => count > 0 && min >= 0)).toBe(true);
  });
});

describe("beside bpftrace's own, on the same work", () => {
  const folder = mkdtempSync("/var/tmp/sonde-tools-");
  const theirs = new Map<string, string>();
  const ours = new Map<string, Outcome>();
  let work: Work;

  /** Those of bpftrace that run on this kernel as they are. */
  const COMPARED = ["opensnoop", "statsnoop", "killsnoop", "setuids", "syncsnoop", "execsnoop", "naptime"] as const;

  beforeAll(async () => {
    provide("bpftrace");
    work = new Work(folder);
    expect(await work.line()).toBe("ready");
    const peers = COMPARED.map((name) => {
      const child = spawn("bpftrace", [`/usr/sbin/${name}.bt`], { stdio: ["ignore", "pipe", "ignore"] });
      let text = "";
      child.stdout.on("data", (piece) => {
        text += piece;
      });
      const ready = new Promise<void>((resolve) => {
        const look = setInterval(() => {
          if (!/Attaching \d+ probes?[^\n]*\n[^\n]+\n/.test(text)) return;
          clearInterval(look);
          resolve();
        }, 50);
        child.once("exit", () => resolve());
      });
      return { name, child, ready, text: () => text };
    });
    const running = COMPARED.map((name) => ({ name, run: launch(["run", tool(name), "--format", "json"]) }));
    await Promise.all([...peers.map(({ ready }) => ready), ...running.map(({ run }) => run.seen('"attached"'))]);
    await work.go();
    await new Promise((next) => setTimeout(next, 500));
    for (const { child } of peers) child.kill("SIGINT");
    for (const { run } of running) run.kill("SIGINT");
    for (const { name, child, text } of peers) {
      if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
      theirs.set(name, text());
    }
    for (const { name, run } of running) ours.set(name, await run.ended);
  }, 240_000);
  afterAll(async () => {
    await work.end();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ["opensnoop", /tool-work/, 10],
    ["statsnoop", /tool-work/, 7],
    ["killsnoop", /tool-work/, 4],
    ["setuids", /tool-work/, 2],
    ["syncsnoop", /tool-work/, 2],
    ["execsnoop", /marked for tools/, 1],
    ["naptime", /tool-work +(\d+ )?.*0\.010/, 3],
  ] as const)("%s shows as much as theirs", (name, own, count) => {
    const lines = objectsOf(ours.get(name)!, "print").map(({ text }) => String(text));
    const [we, they] = [lines, theirs.get(name)!.split("\n")].map((all) => all.filter((line) => own.test(line)).length);
    expect([name, they, we]).toEqual([name, count, count]);
  });
});
