/** Costs are foretold from what was measured here; a budget takes out what costs too much, and nothing else. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { costModel } from "../../src/session/cost/calibrate.ts";
import { pacedProgram } from "../fixtures/build.ts";
import { Scripts } from "../fixtures/scripts.ts";
import { sonde } from "../fixtures/sonde.ts";

const scripts = new Scripts();
let child: ChildProcess;
beforeAll(async () => {
  child = spawn(pacedProgram(), { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout!, "data");
});
afterAll(async () => {
  scripts.remove();
  const told = once(child.stdout!, "data");
  child.stdin!.end();
  // Whatever was armed, taken out or counted: what it computes is right.
  expect(String((await told)[0])).toMatch(/^\d+ 1\n$/);
});
const at = (name: string): string => JSON.stringify(`${pacedProgram()}:${name}`);
const HOT = `const n = count(); uprobe(${at("paced")}, () => n.add());`;

test.each(["kernel", "breakpoint"] as const)("%s: weights are measured, positive, and kept", { timeout: 60_000 }, async (engine) => {
  const model = await costModel(engine);
  expect(model.entry.emulated).toBeGreaterThan(50);
  expect(model.leave).toBeGreaterThan(0);
  expect(model.entry.stepped).toBeGreaterThan(model.entry.emulated * (engine === "kernel" ? 1.05 : 0.5));
  let measured = 0;
  expect(await costModel(engine, () => measured++)).toEqual(model);
  expect(measured).toBe(0);
});

test("--estimate: hits a second are those that happen, and the share is theirs times a hit's cost", { timeout: 60_000 }, async () => {
  const code = `${HOT} const m = hist(); uprobe(${at("seldom")}, { enter: (c) => c.time, leave: (c, from) => m.add(c.time - from) });`;
  const outcome = await sonde(["-e", code, "--estimate", "--format", "json", "--engine", "kernel", "-p", String(child.pid)]);
  expect([outcome.status, outcome.stderr.replace(/^note measuring .*\n/, "")]).toEqual([0, ""]);
  const [hot, seldom] = outcome.objects() as { ns: number; hitsPerSecond: number; share: number; sites: number }[];
  expect(hot!.hitsPerSecond / seldom!.hitsPerSecond).toBeGreaterThan(80);
  expect(hot!.hitsPerSecond / seldom!.hitsPerSecond).toBeLessThan(125);
  expect(hot!.share).toBeCloseTo((hot!.hitsPerSecond * hot!.ns) / 1e9, 9);
  expect(seldom!.ns).toBeGreaterThan(hot!.ns);
});

test.each(["kernel", "breakpoint"] as const)(
  "%s: a budget takes out what costs more, with what it has gathered; what costs less stays",
  { timeout: 60_000 },
  async (engine) => {
    const began = performance.now();
    const over = await scripts.open("count, uprobe", `export ${HOT}`, { engine, pid: child.pid!, budget: 0.001 });
    const summary = await over.done;
    expect(summary).toMatchObject({ ended: "budget", status: 1, overBudget: { share: expect.any(Number), ns: expect.any(Number) } });
    expect(summary.overBudget!.share).toBeGreaterThan(0.001);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(over.maps.n!.read()).toBe(summary.hits);
    expect(summary.hits).toBeGreaterThan(0n);
    await over.close();
    const within = await scripts.open("count, uprobe", `export ${HOT.replaceAll("paced", "seldom").replace("/seldom:", "/paced:")}`, {
      engine,
      pid: child.pid!,
      budget: 2,
    });
    await new Promise((next) => setTimeout(next, 1500));
    expect((await within.close()).ended).toBe("closed");
  },
);

test("on the command line the end is explained, and the results are there; a share that is none is refused", { timeout: 60_000 }, async () => {
  const over = await sonde(["-e", HOT, "--engine", "kernel", "-p", String(child.pid), "--budget", "0.1%"]);
  expect(over.status).toBe(1);
  expect(over.stderr).toMatch(/note the probes took [\d.]+ % of a CPU \([\d,]+ hits a second of [\d,]+ ns\), and may take 0.1 %/);
  expect(over.stdout).toMatch(/^n +\d+/m);
  expect((await sonde(["-e", HOT, "--estimate", "-c", "true"])).status).toBe(2);
  for (const share of ["5", "0%", "abc", "-5%"]) expect((await sonde(["-e", HOT, "--budget", share])).status).toBe(2);
  await expect(scripts.open("count, uprobe", HOT, { budget: 0 })).rejects.toMatchObject({ code: "SONDE_OPTION" });
});

test("an estimate runs nothing of the script at a hit, nor its hooks, and keeps to a probe's own processes", { timeout: 60_000 }, async () => {
  const code = `const n = count(), e = events({ t: u64 });
begin(() => { throw new Error("begun"); });
end(() => { throw new Error("ended"); });
uprobe(${at("paced")}, (c) => { e.emit({ t: c.time }); c.unsafe.signal(9); });
uprobe(${at("paced")}, () => n.add(), { pid: ${process.pid} });
uretprobe(${at("seldom")}, () => n.add());
interval("10ms", () => n.add());`;
  const outcome = await sonde(["-e", code, "--estimate", "--unsafe", "--format", "json", "--engine", "kernel", "-p", String(child.pid)]);
  expect([outcome.status, outcome.stderr.replace(/^note measuring .*\n/, "")]).toEqual([0, ""]);
  const [hot, other, returns, ticks] = outcome.objects() as { hitsPerSecond: number }[];
  expect(hot!.hitsPerSecond / returns!.hitsPerSecond).toBeGreaterThan(80);
  expect(hot!.hitsPerSecond / returns!.hitsPerSecond).toBeLessThan(125);
  expect(other!.hitsPerSecond).toBe(0);
  expect(ticks!.hitsPerSecond).toBeGreaterThan(70);
  expect(ticks!.hitsPerSecond).toBeLessThan(130);
  expect(child.exitCode).toBeNull();
});

test("host code that threads wait for is seen by a budget and an estimate", { timeout: 60_000 }, async () => {
  const code = `intercept(${at("seldom")}, { enter: () => {}, leave: () => {} });`;
  const outcome = await sonde(["-e", code, "--estimate", "--unsafe", "--format", "json", "-p", String(child.pid)]);
  expect([outcome.status, outcome.stderr.replace(/^note measuring .*\n/, "")]).toEqual([0, ""]);
  const [asked] = outcome.objects() as { engine: string; ns: number; hitsPerSecond: number }[];
  expect(asked).toMatchObject({ engine: "breakpoint" });
  expect(asked!.ns).toBeGreaterThan(5000);
  expect(asked!.hitsPerSecond).toBeGreaterThan(50);
  const over = await scripts.open("intercept", code, { unsafe: true, pid: child.pid!, budget: 0.0001 });
  expect(await over.done).toMatchObject({ ended: "budget", status: 1 });
  await over.close();
});

test("places of one probe that cost different are charged apart", { timeout: 60_000 }, async () => {
  const places = ["paced", "paced_dear", "paced*"];
  const code = `const n = count(); ${places.map((name) => `uprobe(${at(name)}, () => n.add());`).join("")}`;
  const outcome = await sonde(["-e", code, "--estimate", "--format", "json", "--engine", "kernel", "-p", String(child.pid)]);
  const [cheap, dear, both] = outcome.objects() as { ns: number; sites: number; share: number }[];
  expect(both!.sites).toBe(2);
  expect(dear!.ns).toBeGreaterThan(cheap!.ns);
  // Of 101 hits one is stepped.
  expect(both!.ns).toBeCloseTo((100 * cheap!.ns + dear!.ns) / 101, -1.5);
  expect(both!.share / (cheap!.share + dear!.share)).toBeCloseTo(1, 1);
  const within = await scripts.open("count, uprobe", `export const n = count(); uprobe(${at("paced*")}, () => n.add());`, {
    engine: "kernel",
    pid: child.pid!,
    budget: 2,
  });
  await new Promise((next) => setTimeout(next, 700));
  const summary = await within.close();
  expect(summary.ended).toBe("closed");
  expect(within.maps.n!.read()).toBe(summary.hits);
});
