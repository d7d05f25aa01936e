/** Behaviour 38: whichever of the tool's processes is killed, and whenever, the targets go on. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { churn } from "../fixtures/build.ts";
import { intact } from "./support/bytes.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";
import { killTool, tool, type Victim } from "./support/tool.ts";

const SCRIPT = join(import.meta.dirname, "scripts/turns.probe.ts");
const PLACES = ["turn", "outer", "stepped", "stepped_relative"];
const KILLS = 5;
const wait = (ms: number) => new Promise((next) => setTimeout(next, ms));

behaviour(38, (engine) => {
  const rounds = async (which: Victim, moment: "hitting" | "arming", filter: (pid: number) => string[]): Promise<void> => {
    await using program = new Program(churn());
    const running = await program.start();
    const at = PLACES.map(program.at, program);
    await running.ask("churn 4 fork,thread");
    // How long it takes to be armed, so that kills come before, meanwhile and after.
    const began = performance.now();
    const first = tool(SCRIPT, engine, at, ...filter(running.pid));
    await first.seen('"attached"');
    const takes = performance.now() - began;
    await killTool(first, which);
    for (let round = 1; round < KILLS; round++) {
      const one = tool(SCRIPT, engine, at, ...filter(running.pid));
      if (moment === "hitting") await one.seen('"attached"');
      await wait(moment === "hitting" ? Math.random() * 50 : takes * (0.3 + 0.75 * Math.random()));
      await killTool(one, which);
      expect([running.child.exitCode, running.child.signalCode], `killed in round ${round}`).toEqual([null, null]);
    }
    const [calls, wrong] = (await running.ask("calm")).split(" ").map(Number) as [number, number];
    expect(wrong).toBe(0);
    expect(calls).toBeGreaterThan(100);
    await running.ask("once 1000");

    // The next start mends what is left, and counts as if nothing had been.
    await using session = await probe(engine, "turns", at, { pid: running.pid, exact: true });
    await running.ask("once 100");
    expect([session.maps.enters?.read(), session.maps.leaves?.read()]).toEqual([500n, 500n]);
    await session.close();
    expect(intact(running.pid, program.path)).toBe(true);
    await running.ask("once 1000");
    expect(await running.end()).toBe(0);
  };
  const one = (pid: number): string[] => ["-p", String(pid)];
  const everybody = (): string[] => [];

  test.each([
    ["session", "hitting", one],
    ["session", "arming", everybody],
    ["others", "hitting", everybody],
    ["others", "arming", one],
    ["all", "hitting", one],
    ["all", "arming", one],
  ] as const)("killed: %s, while %s", { timeout: 60_000 }, (which, moment, filter) => rounds(which, moment, filter));
});
