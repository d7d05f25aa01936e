/** Behaviours 08, 09, 10 and 11: probes that share a site, returns that were entered, and probes that are taken out. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { waysOf } from "./claims.ts";
import { armedIn, codeOf, intact } from "./support/bytes.ts";
import { Program, probe, until } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

behaviour(8, (engine) => {
  test("three probes on one site run in the order of the script; when the middle one goes, the others stay", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "order", [program.at("call"), program.at("before")]);
    const seen: number[] = [];
    session.events.seen?.on((event) => seen.push((event as { probe: number }).probe));
    await running.ask("call 50");
    await until(() => seen.length === 150, "150 events");
    expect(seen).toEqual(Array.from({ length: 50 }, () => [1, 2, 3]).flat());

    await running.ask("before 1");
    // What a handler asks of the host is carried out in order: this event comes when the probe is out.
    await until(() => seen.at(-1) === 0, "the removal");
    await running.ask("call 20");
    expect(["first", "second", "third"].map((name) => session.maps[name]?.read())).toEqual([70n, 50n, 70n]);
    await until(() => seen.length === 191, "40 more events");
    expect(seen.slice(151)).toEqual(Array.from({ length: 20 }, () => [1, 3]).flat());
    expect(armedIn(running.pid, codeOf(program.at("call")))).toEqual([true]);
  });

  test("two sessions on one site count apart, and the end of one leaves the other; or the second is refused", async () => {
    await using program = new Program();
    const running = await program.start();
    await using one = await probe(engine, "hits", program.at("call"));
    if (waysOf(engine).oneSessionPerProcess) {
      // A process has one tracer: the second session is told whose it is, and the first goes on.
      await expect(probe(engine, "calls", program.at("call"), { pid: running.pid })).rejects.toMatchObject({
        code: "SONDE_TRACE_BUSY",
        why: expect.stringContaining("traces it"),
      });
      await running.ask("call 10");
      await one.close();
      expect(one.maps.hits?.read()).toBe(10n);
      expect(intact(running.pid, program.path)).toBe(true);
      return;
    }
    await using two = await probe(engine, "calls", program.at("call"));
    await running.ask("call 10");
    await one.close();
    await running.ask("call 100");
    expect([one.maps.hits?.read(), two.maps.enters?.read(), two.maps.leaves?.read(), two.maps.returns?.read()]).toEqual([10n, 110n, 110n, 110n]);
    await two.close();
    expect(intact(running.pid, program.path)).toBe(true);
  });
});

behaviour(9, (engine) => {
  test("a call that had begun before has no return", async () => {
    await using program = new Program();
    const running = await program.start();
    await running.ask("wait");
    await until(() => threadsWaiting(running.pid), "the thread to wait inside");
    await using session = await probe(engine, "calls", program.at("waits"));
    await running.ask("wake");
    const { enters, leaves, returns } = session.maps;
    expect([enters?.read(), leaves?.read(), returns?.read()]).toEqual([0n, 0n, 0n]);
    await running.ask("wait");
    await until(() => enters?.read() === 1n, "the entry");
    await running.ask("wake");
    expect([enters?.read(), leaves?.read(), returns?.read()]).toEqual([1n, 1n, 1n]);
  });

  test("a probe that goes while a call is pending leaves the caller unharmed", async () => {
    await using program = new Program();
    const running = await program.start();
    const session = await probe(engine, "calls", program.at("waits"));
    await running.ask("wait");
    await until(() => session.maps.enters?.read() === 1n, "the entry");
    await session.close();
    await running.ask("wake");
    expect(session.maps.leaves?.read()).toBe(0n);
    expect(await running.end()).toBe(0);
  });

  test("a child that is forked in between returns too, with what its parent's entry gave, and takes nothing from the parent", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "calls", program.at("forks"));
    await running.ask("fork-inside 10");
    const { enters, leaves, returns, wrong } = session.maps;
    // The child has another thread id than the one that entered.
    expect([enters?.read(), leaves?.read(), returns?.read(), wrong?.read()]).toEqual([10n, 20n, 20n, 10n]);
    expect(session.maps.leavesByProcess?.read(running.pid)).toBe(10n);
    expect(await session.close()).toMatchObject({ unmatched: 0n });
    expect(await running.end()).toBe(0);
  });
});

/** A thread besides the first one sleeps in read(2). */
function threadsWaiting(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).some((tid) => Number(tid) !== pid && readFileSync(`/proc/${pid}/task/${tid}/syscall`, "utf8").startsWith("0 "));
}

behaviour(10, (engine) => {
  test("its first hit is its last", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "removal", [program.at("call"), program.at("before")]);
    let removed = 0;
    session.events.removed?.on(() => removed++);
    await running.ask("call 1");
    await until(() => removed === 1, "the removal");
    await running.ask("call 100");
    await running.ask("before 5");
    expect([session.maps.hits?.read(), session.maps.others?.read()]).toEqual([1n, 5n]);
    expect(armedIn(running.pid, codeOf(program.at("call")))).toEqual([false]);
  });
});

behaviour(11, (engine) => {
  test("a probe taken out under load: from then on nothing, while its neighbour goes on", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "removal", [program.at("call"), program.at("before")], { params: { own: false } });
    let atRemoval = -1n;
    session.events.removed?.on(() => {
      atRemoval = session.maps.hits?.read() as bigint;
    });
    await running.ask("busy");
    (session.maps.stop as unknown as { set(n: number): void }).set(1);
    await until(() => atRemoval >= 0n, "the removal");
    expect(atRemoval).toBeGreaterThan(0n);
    const others = session.maps.others?.read() as bigint;
    await until(() => session.maps.others?.read() > others + 1000n, "further hits of the neighbour");
    expect(session.maps.hits?.read()).toBe(atRemoval);
    expect(armedIn(running.pid, codeOf(program.at("call")))).toEqual([false]);
    expect(armedIn(running.pid, codeOf(program.at("before")))).toEqual([true]);
    await running.ask("stop");
  });

  test("a session that ends under load: not a hit more, and every byte as before", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "removal", [program.at("call"), program.at("before")], { params: { own: false } });
    await running.ask("busy");
    await until(() => session.maps.others?.read() > 1000n, "hits");
    expect(intact(running.pid, program.path)).toBe(false);
    await session.close();
    // The script's `end` looked twice, 50 ms apart.
    expect(session.maps.late?.read()).toBe(0n);
    expect(intact(running.pid, program.path)).toBe(true);
    await running.ask("stop");
    expect(await running.end()).toBe(0);
  });

  test("also with returns pending in every thread", async () => {
    await using program = new Program();
    const running = await program.start();
    const session = await probe(engine, "calls", [program.at("call"), program.at("before")]);
    await running.ask("busy");
    await until(() => session.maps.leaves?.read() > 1000n, "hits");
    await session.close();
    expect(intact(running.pid, program.path)).toBe(true);
    await running.ask("stop");
    expect(await running.end()).toBe(0);
  });
});
