/** Sessions on the engine inline: the scripts are those of the other engines, and the figures are exact. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { MAPPED_NAME } from "../../src/engines/inline/attach/layout.ts";
import type { OpenOptions } from "../../src/index.ts";
import { Program, until } from "../conformance/support/session.ts";
import { library, target } from "../fixtures/build.ts";
import { Running } from "../fixtures/process.ts";
import { linesOf, type Scripted, Scripts } from "../fixtures/scripts.ts";
import { sonde } from "../fixtures/sonde.ts";

const scripts = new Scripts();
afterAll(() => scripts.remove());
const NAMES = "avg, count, events, exit, hash, hist, max, min, print, str, sum, u32, u64, uprobe, uretprobe, comm, i64, cstring";
const open = (body: string, options: OpenOptions): Promise<Scripted> => scripts.open(NAMES, body, { engine: "inline", ...options });
const program = (options: Parameters<typeof target>[0] = {}): Program => new Program(target({ optimize: "1", ...options }));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What stands in the target's text where the session has been. */
const textOf = (pid: number, path: string): string => {
  const map = readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .find((line) => line.includes("r-xp") && line.endsWith(path));
  const [from = 0, to = 0] = (map?.split(" ")[0] ?? "").split("-").map((hex) => Number.parseInt(hex, 16));
  return execFileSync("dd", [`if=/proc/${pid}/mem`, "bs=4096", `skip=${from / 4096}`, `count=${(to - from) / 4096}`, "status=none"]).toString("hex");
};

describe("a running program", () => {
  test("calls are counted exactly, by thread too, and afterwards its code is what it was", async () => {
    await using subject = program();
    const running = await subject.start();
    const before = textOf(running.pid, subject.path);
    const session = await open(
      `export const n = count(); export const total = sum(); export const least = min(); export const most = max(); export const mean = avg(); export const h = hist();
       export const byTid = hash(u32, count()); export const pairs = hash([u64, u64], sum());
       uprobe("${subject.path}:work", (c) => {
         n.add(); total.add(c.arg0); least.add(c.arg0); most.add(c.arg0); mean.add(c.arg0); h.add(c.arg0);
         byTid.at(c.tid).add(); pairs.at([c.arg0, c.arg1]).add(2);
       });`,
      { pid: running.pid },
    );
    expect(textOf(running.pid, subject.path)).not.toBe(before);
    await running.ask("work 1000 5 7");
    await running.ask("threads 8 5000");
    const { n, total, least, most, byTid, pairs, h } = session.maps;
    expect(n!.read()).toBe(41_000n);
    expect(total!.read()).toBe(5000n + 8n * ((4999n * 5000n) / 2n));
    expect([least!.read(), most!.read()]).toEqual([0n, 4999n]);
    expect(h!.read().count).toBe(41_000n);
    expect(byTid!.entries().map(([, each]) => each)).toEqual(expect.arrayContaining([1000n, ...Array.from({ length: 8 }, () => 5000n)]));
    expect(pairs!.read([5n, 7n])).toBe(2000n);
    expect(pairs!.read([5n, 1n])).toBe(16n);
    await session.close();
    expect(textOf(running.pid, subject.path)).toBe(before);
    await running.ask("work 50 5 7");
    expect(n!.read()).toBe(41_000n);
    expect(await session.done).toMatchObject({ engine: "inline", hits: 41_000n, lost: 0n });
    expect(await running.end()).toBe(0);
  });

  test("entries and returns belong together, in recursion and in many threads; results are seen", async () => {
    await using subject = program();
    const running = await subject.start();
    const session = await open(
      `export const depth = hash(i64, count()); export const same = count(); export const other = count(); export const latency = hist(); export const results = sum();
       uprobe("${subject.path}:recurse", { enter: (c) => ({ a: c.arg0, t: c.time }), leave: (c, from) => {
         depth.at(c.ret).add(); latency.add(c.time - from.t);
         if (from.a === c.ret) same.add(); else other.add(); } });
       uretprobe("${subject.path}:work", (c) => results.add(c.ret));`,
      { pid: running.pid },
    );
    await running.ask("recurse 30");
    await running.ask("threads 8 2000");
    const { depth, same, other, latency, results } = session.maps;
    expect([same!.read(), other!.read()]).toEqual([30n, 0n]);
    expect(depth!.entries()).toHaveLength(30);
    expect(latency!.read().count).toBe(30n);
    expect(results!.read()).toBe(8n * ((2000n * 2001n) / 2n));
    await session.close();
    expect((await session.done).depth).toBe(0n);
  });

  test("what a call had begun before is unmatched, and counted as such", async () => {
    await using subject = program();
    const running = await subject.start();
    const answer = running.ask("slow 400000");
    await pause(100);
    const session = await open(`export const n = count(); uprobe("${subject.path}:slow", { enter: (c) => ({ a: c.arg0 }), leave: (c, from) => n.add() });`, {
      pid: running.pid,
    });
    await answer;
    await running.ask("slow 1");
    await session.close();
    expect([session.maps.n!.read(), (await session.done).depth]).toEqual([1n, 1n]);
  });

  test("texts, events and prints arrive whole and in order; what can't be read is marked", async () => {
    await using subject = program({ optimize: "0" });
    const running = await subject.start();
    const session = await open(
      `export const seen = events({ text: cstring(16), n: u64, tid: u32, who: comm });
       uprobe("${subject.path}:text", (c) => { print\`\${str(c.arg0, 16)}\`; });
       uprobe("${subject.path}:work", (c) => { seen.emit({ text: "x", n: c.arg0, tid: c.tid, who: c.comm }); });`,
      { pid: running.pid },
    );
    const lines = linesOf(session);
    const got: { n: bigint; tid: number; who: string }[] = [];
    (session.events as unknown as { seen: { on(listener: (event: never) => void): void } }).seen.on((event) => got.push(event));
    await running.ask("text hello");
    await running.ask("text a-text-of-more-than-sixteen-bytes");
    await running.ask("text-null");
    for (let i = 0; i < 3; i++) await running.ask(`work 1000 ${i} 0`);
    await until(() => got.length === 3000, "3000 events");
    expect(got.map(({ n }) => n)).toEqual(Array.from({ length: 3000 }, (_, i) => BigInt(Math.floor(i / 1000))));
    expect(got.every(({ tid, who }) => tid === running.pid && who === "target")).toBe(true);
    await session.close();
    const [first, second, third] = await lines;
    expect(first).toBe("hello");
    expect(second).toMatch(/^a-text-of-more-…?/);
    expect(third).toContain("unreadable");
  });

  test.each([{ static: true }, { fixed: true }, { endbr: true }, { optimize: "2" }, { optimize: "0" }] as const)("linked or built as %o", async (options) => {
    await using subject = program(options);
    const running = await subject.start();
    await using session = await open(`export const n = count(); uprobe("${subject.path}:work", (c) => n.add());`, { pid: running.pid });
    await running.ask("work 1234 1 2");
    expect(session.maps.n!.read()).toBe(1234n);
  });

  test("time is the monotonic clock's", async () => {
    await using subject = program();
    const running = await subject.start();
    await using session = await open(`export const at = max(); uprobe("${subject.path}:work", (c) => at.add(c.time));`, { pid: running.pid });
    for (let i = 0; i < 5; i++) {
      const before = process.hrtime.bigint();
      await running.ask("work 1 1 2");
      const at = session.maps.at!.read() as bigint;
      expect(Number(at - before)).toBeGreaterThan(-20_000);
      expect(at).toBeLessThan(process.hrtime.bigint() + 20_000n);
      await pause(300);
    }
  });
});

describe("processes that come and change", () => {
  test("a command is armed at its program's entry: every call counts", async () => {
    await using subject = program();
    for (const command of [
      [subject.path, "work", "777", "1", "2"],
      ["env", "A=b", subject.path, "work", "777", "1", "2"],
    ]) {
      await using session = await open(`export const n = count(); uprobe("${subject.path}:work", (c) => n.add());`, { command, stdio: "ignore" });
      await session.done;
      expect(session.maps.n!.read()).toBe(777n);
    }
  });

  test("a library that is loaded later", async () => {
    await using subject = program();
    const path = library();
    const running = await subject.start();
    await using session = await open(`export const n = count(); uprobe("${path}:library_call", (c) => n.add());`, { pid: running.pid });
    await running.ask(`dlopen ${path}`);
    await until(() => readFileSync(`/proc/${running.pid}/maps`, "utf8").includes(MAPPED_NAME), "its being armed");
    await pause(50);
    await running.ask("library library_call 55");
    expect(session.maps.n!.read()).toBe(55n);
  });

  test("a forked child is off, and leaves its parent's maps alone; with children it is armed", async () => {
    await using subject = program();
    const running = await subject.start();
    const code = `export const n = count(); uprobe("${subject.path}:work", (c) => n.add());`;
    const alone = await open(code, { pid: running.pid });
    await running.ask("fork 100");
    await running.ask("work 10 1 2");
    expect(alone.maps.n!.read()).toBe(10n);
    await alone.close();
    await running.ask("work 10 1 2");
    expect(await running.end()).toBe(0);
  });

  test("another program executed in its place is armed anew", async () => {
    await using subject = program();
    const running = await subject.start();
    await using session = await open(`export const n = count(); uprobe("${subject.path}:work", (c) => n.add());`, { pid: running.pid });
    await running.ask("work 10 1 2");
    running.tell(`exec ${subject.path}`);
    expect(await running.line()).toBe("ready");
    await until(() => readFileSync(`/proc/${running.pid}/maps`, "utf8").includes(MAPPED_NAME), "its being armed again");
    await pause(50);
    await running.ask("work 20 1 2");
    expect(session.maps.n!.read()).toBe(30n);
  });

  test("a program that ends keeps what was counted", async () => {
    await using subject = program();
    const running = await subject.start();
    await using session = await open(`export const n = count(); uprobe("${subject.path}:work", (c) => n.add());`, { pid: running.pid });
    await running.ask("work 10 1 2");
    expect(await running.end()).toBe(0);
    await session.done;
    expect(session.maps.n!.read()).toBe(10n);
  });
});

describe("several, and ends", () => {
  test("probes of one function run in order; one that is taken out leaves the others", async () => {
    await using subject = program();
    const running = await subject.start();
    await using session = await open(
      `export const a = count(); export const b = count();
       uprobe("${subject.path}:work", (c) => a.add());
       const once = uprobe("${subject.path}:work", (c) => { b.add(); once.detach(); });`,
      { pid: running.pid },
    );
    await running.ask("work 1 1 2");
    await pause(50);
    await running.ask("work 9 1 2");
    expect([session.maps.a!.read(), session.maps.b!.read()]).toEqual([10n, 1n]);
  });

  test("a second session at the same function is refused, at another one it works", async () => {
    await using subject = program();
    const running = await subject.start();
    await using first = await open(`export const n = count(); uprobe("${subject.path}:work", (c) => n.add());`, { pid: running.pid });
    await expect(open(`export const n = count(); uprobe("${subject.path}:work", (c) => n.add());`, { pid: running.pid })).rejects.toMatchObject({
      code: "SONDE_INLINE_TAKEN",
    });
    await using other = await open(`export const n = count(); uprobe("${subject.path}:negative", (c) => n.add());`, { pid: running.pid });
    await running.ask("work 5 1 2");
    await running.ask("negative 3");
    expect([first.maps.n!.read(), other.maps.n!.read()]).toEqual([5n, 1n]);
  });

  test("what the engine lacks is refused, with the engine that has it", async () => {
    await using subject = program();
    const running = await subject.start();
    const at = `${subject.path}:work`;
    for (const body of [
      `export const n = hash(comm, count()); uprobe("${at}", (c) => print\`\${c.ustack()}\`);`,
      `uprobe("${at}", (c) => print\`\${c.task.pid}\`);`,
    ])
      await expect(open(body, { pid: running.pid })).rejects.toMatchObject({ message: expect.stringContaining("this engine") });
    await running.ask("work 5 1 2");
    expect(readFileSync(`/proc/${running.pid}/maps`, "utf8")).not.toContain(MAPPED_NAME);
  });

  test("Ctrl-C and kill -9 of the tool leave the program as it was", async () => {
    await using subject = program();
    const running = await subject.start();
    const before = textOf(running.pid, subject.path);
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const tool = new Running(
        process.execPath,
        ["dist/cli.mjs", "-e", `uprobe("${subject.path}:work", (c) => print\`hit\`)`, "-p", String(running.pid), "--engine", "inline"],
        {},
      );
      await until(() => textOf(running.pid, subject.path) !== before, "its being armed");
      const asked = running.ask("work 3 1 2");
      expect(await tool.line()).toBe("hit");
      await asked;
      tool.child.kill(signal);
      expect(await tool.ended).toBe(signal === "SIGINT" ? 0 : signal);
      await until(() => textOf(running.pid, subject.path) === before, "its code to be as it was");
      await running.ask("work 3 1 2");
    }
    expect(await running.end()).toBe(0);
  });

  test("on the command line", async () => {
    await using subject = program();
    const { stdout, stderr, status } = await sonde([
      "--engine",
      "inline",
      "-e",
      `export const n = count(); uprobe("${subject.path}:work", (c) => n.add());`,
      "-c",
      `${subject.path} work 100000 1 2`,
    ]);
    expect([stdout.replace(/^ok\n/, ""), stderr, status]).toEqual(["n  100000\n", "", 0]);
  });

  test("a hundred sessions, one after the other, while threads run: nothing is lost, nothing grows", { timeout: 120_000 }, async () => {
    await using subject = program();
    const running = await subject.start();
    const arenas = (): number => readFileSync(`/proc/${running.pid}/maps`, "utf8").split(MAPPED_NAME).length - 1;
    for (let i = 0; i < 100; i++) {
      const session = await open(`export const n = count(); uprobe("${subject.path}:work", { enter: (c) => ({ a: c.arg0 }), leave: (c, from) => n.add() });`, {
        pid: running.pid,
      });
      const work = running.ask("threads 4 20000");
      if (i % 2 === 0) await work;
      const got = session.maps.n!.read() as bigint;
      await session.close();
      await work;
      if (i % 2 === 0) expect(got).toBe(80_000n);
    }
    expect(arenas()).toBeLessThan(3);
    expect(await running.end()).toBe(0);
  });
});
