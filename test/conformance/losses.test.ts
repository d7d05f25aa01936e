/** Behaviour 37: whatever is lost is counted, by its kind. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { target } from "../fixtures/build.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

behaviour(37, (engine) => {
  test("a full buffer: events delivered and events lost add up to the hits, a full map keeps what it holds and counts the rest", async () => {
    await using program = new Program();
    await using session = await probe(engine, "flood", program.at("call"));
    let delivered = 0n;
    let last = -1n;
    let inOrder = true;
    session.events.seen?.on((event) => {
      const { n } = event as { n: bigint };
      inOrder &&= n > last;
      last = n;
      delivered++;
    });
    // Nothing is read meanwhile: this blocks the host.
    execFileSync(program.path, ["call", "20000"]);
    const { hits, lost, fullMaps } = await session.close();
    expect(hits).toBe(20_000n);
    expect(session.maps.hits?.read()).toBe(20_000n);
    expect(lost).toBeGreaterThan(0n);
    expect(delivered).toBeGreaterThan(0n);
    expect(delivered + lost).toBe(20_000n);
    expect(inOrder).toBe(true);
    expect(session.maps.few?.entries()).toHaveLength(100);
    expect(fullMaps).toEqual({ few: 19_900n });
  });

  test("the same from eight threads at once", async () => {
    await using program = new Program();
    await using session = await probe(engine, "flood", program.at("call"));
    let delivered = 0n;
    session.events.seen?.on(() => delivered++);
    execFileSync(program.path, ["threads", "8", "2500"]);
    const { hits, lost, fullMaps } = await session.close();
    expect([hits, delivered + lost]).toEqual([20_000n, 20_000n]);
    const held = (session.maps.few?.entries() ?? []).reduce((all, [, n]) => all + (n as bigint), 0n);
    expect(held + (fullMaps.few ?? 0n)).toBe(20_000n);
  });

  test("nothing is lost while somebody reads, and then nothing is counted as lost", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "flood", program.at("call"));
    let delivered = 0n;
    session.events.seen?.on(() => delivered++);
    for (let i = 0; i < 20; i++) await running.ask("call 100");
    const { lost, fullMaps, skipped, scratch, unmatched, depth } = await session.close();
    expect(delivered).toBe(2000n);
    expect({ lost, fullMaps, skipped, scratch, unmatched, depth }).toEqual({ lost: 0n, fullMaps: {}, skipped: 0n, scratch: 0n, unmatched: 0n, depth: 0n });
  });

  test("of 100 nested calls every entry is seen, and each return is either seen or counted as too deep", async () => {
    await using program = new Program(target());
    const running = await program.start();
    await using session = await probe(engine, "calls", program.at("recurse"));
    expect(await running.ask("recurse 100")).toBe("100");
    const enters = session.maps.enters?.read() as bigint;
    const leaves = session.maps.leaves?.read() as bigint;
    const { depth, unmatched } = await session.close();
    expect(enters).toBe(100n);
    expect(unmatched).toBe(0n);
    // The script probes each return twice, by enter/leave and by uretprobe: each has its own.
    const returns = session.maps.returns?.read() as bigint;
    expect(leaves + returns + depth).toBe(200n);
    expect(session.maps.wrong?.read()).toBe(0n);
  });

  test("hits on all threads at once are all run: a handler is never skipped for another's sake", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "flood", program.at("call"));
    await running.ask("threads 16 1000");
    const { hits, skipped, scratch } = await session.close();
    expect([hits, skipped, scratch]).toEqual([16_000n, 0n, 0n]);
  });
});
