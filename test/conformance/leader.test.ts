/** Behaviour 40, further: the first thread of a process ends, and the others go on. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { leader } from "../fixtures/build.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

behaviour(40, (engine) => {
  test("its hits count, its memory is read, and it is let go at once, while others go on", async () => {
    await using program = new Program(leader());
    const running = await program.start();
    const session = await probe(engine, "text", program.at("hit"), { pid: running.pid });
    await running.ask("call 3");
    await running.ask("alone");
    // Whoever looks whether the process is there has looked.
    await sleep(600);
    await running.ask("call 40");
    const began = performance.now();
    const { ended, hits } = await session.close();
    expect(performance.now() - began).toBeLessThan(5000);
    expect([ended, hits]).toEqual(["closed", 43n]);
    expect(session.maps.unreadable?.read()).toBe(0n);
    await running.ask("call 5");
    expect(await running.end()).toBe(0);
  });

  test("a process whose first thread has ended is armed as another, or refused with that reason", async () => {
    await using program = new Program(leader());
    const running = await program.start();
    await running.ask("alone");
    const opened = probe(engine, "hits", program.at("hit"), { pid: running.pid });
    if (engine === "breakpoint") await expect(opened).rejects.toMatchObject({ code: "SONDE_TRACE_LEADER", mend: expect.stringContaining("kernel") });
    else {
      await using session = await opened;
      await running.ask("call 7");
      expect((await session.close()).hits).toBe(7n);
    }
    await running.ask("call 5");
    expect(await running.end()).toBe(0);
  });
});
