/** Behaviours 14, 15, 16 and 17: whatever instruction is displaced, what it does is what it does in its place. */
import { expect, test } from "vitest";
import { displaced, target } from "../fixtures/build.ts";
import type { Scripted } from "../fixtures/scripts.ts";
import { type EngineUnderTest, waysOf } from "./claims.ts";
import { intact } from "./support/bytes.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

/** The program runs each kind with these many combinations of flags, each time with other registers, vectors and memory. */
const COMBINATIONS = 64n;

/** Whether a kind may hit more than once. */
const repeats = (engine: EngineUnderTest, name: string): boolean => waysOf(engine).repeatedHits === "each" && /^plain_rep/.test(name);

/** Probes all kinds of a set; the program compares what they do with what their twins do. */
async function same(engine: EngineUnderTest, set: "plain" | "jump" | "call" | "relative", least: number): Promise<void> {
  await using program = new Program(displaced());
  const running = await program.start();
  await using session = await probe(engine, "functions", program.at(`${set}_*`), { pid: running.pid, exact: true });
  const kinds = Number(await running.ask(`kinds ${set} 1`));
  const byFunction = session.maps.byFunction?.entries() ?? [];
  const otherwise = byFunction.filter(([name, n]) => (repeats(engine, name) ? n < COMBINATIONS : n !== COMBINATIONS));
  expect(otherwise).toEqual([]);
  expect(byFunction).toHaveLength(kinds);
  expect(kinds).toBeGreaterThanOrEqual(least);
  await session.close();
  expect(intact(running.pid, program.path)).toBe(true);
}

behaviour(14, (engine) => {
  test("moves, arithmetic, stack and string instructions, vectors: registers, flags, xmm, red zone and memory", () => same(engine, "plain", 85));
});
behaviour(14, (engine) => {
  test("a handler's change of an argument, a result, or the whole call takes effect; or it is refused beforehand", async () => {
    await using program = new Program(target());
    const running = await program.start();
    const opened = probe(engine, "changes", program.at("negative"), { pid: running.pid, unsafe: true });
    if (!waysOf(engine).changesRegisters) {
      await expect(opened).rejects.toMatchObject({ code: expect.stringMatching(/^SONDE_/), message: expect.stringMatching(/intercept/) });
      expect(await running.ask("negative 5")).toBe("-5");
      return;
    }
    await using session = await opened;
    const answers: string[] = [];
    for (const n of [4, 5, 30, 99, 6]) answers.push(await running.ask(`negative ${n}`));
    expect(answers).toEqual(["-4", "-7", "31", "-1", "-6"]);
    expect(session.maps.seen?.read()).toBe(5n);
    await session.close();
    expect(await running.ask("negative 5")).toBe("-5");
  });
});

behaviour(15, (engine) => {
  test("each condition, near and far, forwards and backwards, with each combination of flags; loops; jumps through registers and memory", () =>
    same(engine, "jump", 110));
});
behaviour(16, (engine) => {
  test("each way to call has its return address where it belongs, and push rsp pushes rsp as it was", () => same(engine, "call", 12));
});
behaviour(17, (engine) => {
  test("operands relative to the instruction, with and without an immediate behind them", () => same(engine, "relative", 20));
});

behaviour(17, (engine) => {
  test("vectors, lock, segment and hint prefixes: each is refused with its reason, or does what it does in its place", async () => {
    await using program = new Program(displaced());
    const running = await program.start();
    const names = (await running.ask("names prefixed")).split(" ");
    expect(names.length).toBeGreaterThan(15);
    const refused: string[] = [];
    // All at once; the error names the one that can't be: without it again, until all that are left can.
    let session: Scripted | undefined;
    while (session === undefined) {
      const left = names.filter((name) => !refused.includes(name));
      const at = left.map((name) => program.at(`prefixed_${name}`));
      session = await probe(engine, "functions", at, { pid: running.pid, exact: true }).catch((error: { code: string; message: string; where?: string }) => {
        expect(error).toMatchObject({ code: "SONDE_SITE_REFUSED", message: expect.stringMatching(/prefixed_/) });
        const name = /prefixed_(\w+)/.exec(error.message)![1] as string;
        expect(left).toContain(name);
        refused.push(name);
        return undefined;
      });
    }
    const works = names.filter((name) => !refused.includes(name));
    for (const name of works) await running.ask(`kinds prefixed 1 ${name}`);
    const byFunction = Object.fromEntries(session.maps.byFunction?.entries() ?? []);
    expect(byFunction).toEqual(Object.fromEntries(works.map((name) => [`prefixed_${name}`, COMBINATIONS])));
    await session.close();
    expect(refused.sort()).toEqual([...waysOf(engine).refusedKinds].sort());
    expect(intact(running.pid, program.path)).toBe(true);
  });
});

behaviour(21, (engine) => {
  test("a probed pushf pushes the flags that the program has", async () => {
    await using program = new Program(displaced());
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at("flags_pushf"), { pid: running.pid, exact: true });
    if (waysOf(engine).pushesTrapFlag) await expect(running.ask("kinds flags 1")).rejects.toThrow("is 302, not 202");
    else {
      await running.ask("kinds flags 1");
      expect(session.maps.hits?.read()).toBe(COMBINATIONS);
    }
  });
});
