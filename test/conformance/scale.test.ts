/** Behaviour 36: very many sites. */
import { expect, test } from "vitest";
import { many } from "../fixtures/build.ts";
import { intact } from "./support/bytes.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

behaviour(36, (engine) => {
  test("50,000 sites are hit once each, and take about ten times as long to arm and disarm as 5,000", { timeout: 120_000 }, async () => {
    const times = new Map<number, { arm: number; disarm: number }>();
    // A first run, so that the compiler is warm for both.
    for (const sites of [500, 5000, 50_000]) {
      await using program = new Program(many(sites));
      const running = await program.start();
      const began = performance.now();
      await using session = await probe(engine, "hits", program.at("f_*"), { pid: running.pid });
      const armed = performance.now();
      await running.ask("go");
      expect(session.maps.hits?.read()).toBe(BigInt(sites));
      const closing = performance.now();
      expect(await session.close()).toMatchObject({ hits: BigInt(sites), sites });
      times.set(sites, { arm: armed - began, disarm: performance.now() - closing });
      expect(intact(running.pid, program.path)).toBe(true);
      await running.ask("go");
      expect(await running.end()).toBe(0);
    }
    const few = times.get(5000)!;
    const lots = times.get(50_000)!;
    // Ten times is linear, a hundred times quadratic; the machine may be busy.
    expect(lots.arm).toBeLessThan(few.arm * 15 + 500);
    expect(lots.disarm).toBeLessThan(few.disarm * 15 + 500);
  });
});
