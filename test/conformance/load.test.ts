/** Behaviours 12 and 13: probes that come and go while many threads run into them, map code, fork and exec. */
import { expect, test } from "vitest";
import { churn, library, privateCopy } from "../fixtures/build.ts";
import type { Running } from "../fixtures/process.ts";
import { waysOf } from "./claims.ts";
import { armedIn, codeOf, intact } from "./support/bytes.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

const PLACES = ["turn", "outer", "stepped", "stepped_relative"];
/** So many calls of PLACES there are in one turn of the program: turn() is also called by outer(). */
const CALLS = 5n;

/** Ends the load; fails if any result was wrong, or any child of it didn't end as it should. */
async function calm(running: Running): Promise<{ readonly calls: number; readonly children: number }> {
  const [calls, wrong, children] = (await running.ask("calm")).split(" ").map(Number) as [number, number, number];
  expect(wrong).toBe(0);
  return { calls, children };
}

behaviour(12, (engine) => {
  test("sixteen threads hit all the time while probes are put in and taken out, entries alone and with returns", { timeout: 120_000 }, async () => {
    await using program = new Program(churn());
    const running = await program.start();
    const at = PLACES.map(program.at, program);
    await running.ask("churn 16 none");
    let hits = 0n;
    const deadline = performance.now() + 15_000;
    for (let round = 0; round < 40 && (round < 15 || performance.now() < deadline); round++) {
      await using session = await probe(engine, round % 5 < 3 ? "hits" : "turns", at, { pid: running.pid, exact: true });
      await new Promise((next) => setTimeout(next, Math.random() * 10));
      hits += (await session.close()).hits;
      if (round % 10 === 0) expect(intact(running.pid, program.path)).toBe(true);
    }
    expect(hits).toBeGreaterThan(100n);
    expect((await calm(running)).calls).toBeGreaterThan(1000);
    expect(intact(running.pid, program.path)).toBe(true);
    expect(await running.end()).toBe(0);
  });

  test("a probe that stays counts every call while its neighbours come and go, or are refused", { timeout: 60_000 }, async () => {
    await using program = new Program(churn());
    const running = await program.start();
    await using lasting = await probe(engine, "turns", program.at("turn"), { pid: running.pid, exact: true });
    await running.ask("churn 16 none");
    for (let round = 0; round < 12; round++) {
      if (waysOf(engine).oneSessionPerProcess) {
        await expect(probe(engine, "turns", program.at("outer"), { pid: running.pid })).rejects.toMatchObject({ message: expect.stringMatching(/traced/) });
        continue;
      }
      await using session = await probe(engine, "turns", PLACES.map(program.at, program), { pid: running.pid, exact: true });
      await new Promise((next) => setTimeout(next, Math.random() * 5));
      await session.close();
    }
    const { calls } = await calm(running);
    // turn() runs twice in each of the program's turns.
    expect([lasting.maps.enters?.read(), lasting.maps.leaves?.read()]).toEqual([BigInt(2 * calls), BigInt(2 * calls)]);
  });
});

behaviour(13, (engine) => {
  test("many times while the program forks, execs, maps its own code, loads and makes threads: nobody notices", { timeout: 180_000 }, async () => {
    await using program = new Program(churn());
    const copy = privateCopy(library());
    const running = await program.start();
    await running.ask(`library ${copy.path}`);
    await running.ask("churn 2 fork,exec,map,load,signal,thread");
    const at = [...PLACES.map(program.at, program), `${copy.path}:library_call`];
    // The 10,000 times are in scripts/stress.mjs.
    const deadline = performance.now() + 40_000;
    for (let round = 0; round < 300 && (round < 30 || performance.now() < deadline); round++) {
      // By process, with its children, and every process there is.
      const filter = [{ pid: running.pid }, { pid: running.pid, children: true }, {}][round % 3]!;
      await using session = await probe(engine, round % 2 === 0 ? "hits" : "turns", at, { ...filter, exact: true });
      await session.close();
    }
    const { calls, children } = await calm(running);
    expect(calls).toBeGreaterThan(1000);
    expect(children).toBeGreaterThan(10);
    expect(intact(running.pid, program.path)).toBe(true);

    await using session = await probe(engine, "turns", PLACES.map(program.at, program), { exact: true });
    expect(armedIn(running.pid, codeOf(program.at("turn")))).toEqual([true]);
    await running.ask("once 1000");
    expect([session.maps.enters?.read(), session.maps.leaves?.read()]).toEqual([CALLS * 1000n, CALLS * 1000n]);
    await session.close();
    expect(await running.end()).toBe(0);
    copy.remove();
  });
});
