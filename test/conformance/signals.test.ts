/** Behaviours 18 to 22: faults, signals, the trap flag and breakpoints: what a program sees of itself. */
import { expect, test } from "vitest";
import { signals } from "../fixtures/build.ts";
import type { Running } from "../fixtures/process.ts";
import { waysOf } from "./claims.ts";
import { armedIn, codeOf, intact } from "./support/bytes.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

const TIMES = 20;
const STORMY = ["storm_push", "storm_lea", "storm_relative", "storm_call", "storm_jump"];

behaviour(18, (engine) => {
  // The program compares rip, si_addr and the signal in its handler; then it mends the cause and goes on at the same address.
  test.each(["load", "store", "relative", "vector", "divide"])("%s: handler and repetition, two hits for each", async (name) => {
    await using program = new Program(signals());
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at(`fault_${name}`), { pid: running.pid, exact: true });
    await running.ask(`fault ${name} ${TIMES}`);
    expect(session.maps.hits?.read()).toBe(BigInt(2 * TIMES));
  });

  test.each(["jump", "call_nowhere"])("%s, to where nothing is mapped: the handler sees the target, and the caller's address on the stack", async (name) => {
    await using program = new Program(signals());
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at(`fault_${name}`), { pid: running.pid, exact: true });
    await running.ask(`fault ${name} ${TIMES}`);
    expect(session.maps.hits?.read()).toBe(BigInt(TIMES));
  });
});

behaviour(19, (engine) => {
  test.each(["push", "push_memory", "call", "call_indirect"])("%s onto a page that may not be written", async (name) => {
    await using program = new Program(signals());
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at(`fault_${name}`), { pid: running.pid, exact: true });
    await running.ask(`fault ${name} ${TIMES}`);
    expect(session.maps.hits?.read()).toBe(BigInt(2 * TIMES));
  });
});

interface Storm {
  readonly rounds: number;
  readonly signals: number;
  /** Handlers that were entered with a rip outside of the program's files. */
  readonly astray: number;
  /** … with the trap flag set. */
  readonly flagged: number;
  /** Results that weren't right. */
  readonly wrong: number;
}
async function storm(running: Running, ms: number, threads: number): Promise<Storm> {
  const [rounds, count, astray, flagged, wrong] = (await running.ask(`storm ${ms} ${threads}`)).split(" ").map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { rounds, signals: count, astray, flagged, wrong };
}

behaviour(20, (engine) => {
  test("timers and another process at 10 kHz: every handler comes from the program's own code, and every hit is counted", async () => {
    await using program = new Program(signals());
    const running = await program.start();
    await using session = await probe(engine, "functions", STORMY.map(program.at, program), { pid: running.pid, exact: true });
    const { rounds, signals: seen, ...rest } = await storm(running, 2000, 4);
    expect(rest).toEqual({ astray: 0, flagged: 0, wrong: 0 });
    expect(seen).toBeGreaterThan(200);
    expect(rounds).toBeGreaterThan(0);
    const times = BigInt(rounds);
    expect(Object.fromEntries(session.maps.byFunction?.entries() ?? [])).toEqual({
      storm_push: times,
      // By itself, by the call and by the jump.
      storm_lea: 3n * times,
      storm_relative: times,
      storm_call: times,
      storm_jump: times,
    });
    await session.close();
    expect(intact(running.pid, program.path)).toBe(true);
  });

  test("the same with returns probed", async () => {
    await using program = new Program(signals());
    const running = await program.start();
    await using session = await probe(engine, "calls", STORMY.map(program.at, program), { pid: running.pid, exact: true });
    const { rounds, astray, flagged, wrong } = await storm(running, 1500, 4);
    expect([flagged, wrong]).toEqual([0, 0]);
    if (!waysOf(engine).returnsLandElsewhere) expect(astray).toBe(0);
    const { enters, leaves, returns } = session.maps;
    expect([enters?.read(), leaves?.read(), returns?.read()]).toEqual(Array(3).fill(BigInt(7 * rounds)));
    expect(await session.close()).toMatchObject({ unmatched: 0n, depth: 0n });
  });

  test("SIGKILL at any point of it: the others' hits are exact, and the session goes on", { timeout: 60_000 }, async () => {
    await using program = new Program(signals());
    const lasting = await program.start();
    await using session = await probe(engine, "calls", [...STORMY, "debugged"].map(program.at, program));
    for (let round = 0; round < 12; round++) {
      const doomed = await program.start();
      doomed.tell("storm 5000 4");
      await new Promise((next) => setTimeout(next, 5 + Math.random() * 60));
      doomed.child.kill("SIGKILL");
      expect(await doomed.ended).toBe("SIGKILL");
    }
    const before = session.maps.leavesByProcess?.read(lasting.pid) ?? 0n;
    const { rounds, wrong } = await storm(lasting, 200, 2);
    expect(wrong).toBe(0);
    expect(session.maps.leavesByProcess?.read(lasting.pid) - before).toBe(BigInt(7 * rounds));
    await session.close();
    expect(intact(lasting.pid, program.path)).toBe(true);
    expect(await lasting.end()).toBe(0);
  });
});

behaviour(21, (engine) => {
  test("a program that steps itself counts as many steps as without us, none of them outside its code", async () => {
    await using program = new Program(signals());
    const running = await program.start();
    const alone = [await running.ask("steps 25"), await running.ask("steps-by-probed 10")];
    expect(alone.map((answer) => Number(answer.split(" ")[0]) > 25)).toEqual([true, true]);
    await using session = await probe(engine, "functions", ["stepped_over", "pops_flags", "sets_flag"].map(program.at, program), {
      pid: running.pid,
      exact: true,
    });
    expect([await running.ask("steps 25"), await running.ask("steps-by-probed 10")]).toEqual(alone);
    expect(Object.fromEntries(session.maps.byFunction?.entries() ?? [])).toEqual({ stepped_over: 25n, pops_flags: 1n, sets_flag: 10n });
  });

  test("a debugger that sets its breakpoint on the same site: its child's results are right and both go on, or it is told that it can't trace", async () => {
    await using program = new Program(signals());
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at("debugged"));
    const [status, seen] = (await running.ask("debug 20")).split(" ").map(Number) as [number, number];
    if (waysOf(engine).excludesDebuggers) expect(status).toBe(99);
    else {
      expect(status).toBe(0);
      // Whose breakpoint it is depends on the engine; none may vanish.
      expect(Number(session.maps.hits?.read()) + seen).toBeGreaterThanOrEqual(20);
    }
    await session.close();
    expect(await running.ask("debug 20")).toBe("0 20");
    expect(intact(running.pid, program.path)).toBe(true);
  });
});

behaviour(22, (engine) => {
  test("a breakpoint that is part of the program is refused, and works on", async () => {
    await using program = new Program(signals());
    const running = await program.start();
    const error = await probe(engine, "hits", program.at("stray"), { exact: true }).catch(
      (thrown: unknown) => thrown as { code: string; message: string; why?: string },
    );
    expect(error).toMatchObject({ code: "SONDE_SITE_REFUSED" });
    expect("message" in error && `${error.message} ${error.why}`).toMatch(/breakpoint|int3/);
    expect(await running.ask("stray 10")).toBe("10 0");
  });

  test("one beside a probe raises SIGTRAP in the program: its handler runs each time, and without one it ends by signal 5", async () => {
    await using program = new Program(signals());
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at("stray+0x1"), { exact: true });
    expect(armedIn(running.pid, codeOf(program.at("stray")))).toEqual([true]);
    expect(await running.ask("stray 100")).toBe("100 0");
    expect(session.maps.hits?.read()).toBe(100n);
    running.tell("stray-default");
    expect(await running.ended).toBe("SIGTRAP");
    expect(session.maps.hits?.read()).toBe(100n);
  });
});
