/** Behaviours 39 and 40: a job stays a job, and one that ends while it is being armed just ends. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { jobs } from "../fixtures/build.ts";
import { start } from "../fixtures/process.ts";
import { eventually, inTerminal } from "../real-programs/support.ts";
import type { EngineUnderTest } from "./claims.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

/** What its parent is told of a job that is stopped and continued in several ways. */
const told = [
  "stopped 19",
  "continued",
  "stopped 20",
  "continued",
  "stopped 21",
  "continued",
  "stopped 19",
  "continued",
  "stopped 22",
  "continued",
  "exited 5",
  "",
];

/** An interactive shell with a job: what it shows, without process ids and the echo of what is typed. */
async function shell(program: Program): Promise<string> {
  const terminal = inTerminal("PS1='> ' bash --norc --noprofile --noediting -i");
  let n = 0;
  /** Types a command and waits until the shell has done it. */
  const done = async (command: string): Promise<void> => {
    const mark = `done ${++n}`;
    terminal.type(`${command}; echo do''ne ${n}\n`);
    await eventually(() => terminal.shown().includes(`${mark}\r\n`), `${mark} of ${JSON.stringify(terminal.shown())}`);
  };
  await done("stty -echo");
  // The prompt comes behind what a command says, and isn't what is compared.
  await eventually(() => terminal.shown().endsWith("> "), "the prompt");
  const from = terminal.shown().length;
  terminal.type(`${program.path} beat\n`);
  await new Promise((next) => setTimeout(next, 200));
  terminal.type("\x1a");
  await eventually(() => /Stopped/.test(terminal.shown().slice(from)), "the job to stop");
  await done("jobs");
  await done("bg %1");
  await new Promise((next) => setTimeout(next, 50));
  await done("jobs");
  await done("kill -STOP %1; sleep 0.2; jobs");
  await done("kill -CONT %1; sleep 0.1; kill -TERM %1; wait %1; echo status $?");
  await done(`${program.path} beat & sleep 0.1; kill -KILL $!; wait $!; echo status $?`);
  terminal.type("exit\n");
  await terminal.ended;
  return terminal
    .shown()
    .slice(from)
    .replaceAll("\r", "")
    .replace(/\[1\] \d+/g, "[1] PID")
    .replace(/bash: line \d+: +\d+ /g, "");
}

behaviour(39, (engine) => {
  test("a parent is told of each stop and continuation, once, and of the status, as without us", async () => {
    await using program = new Program(jobs());
    await using session = await probe(engine, "turns", program.at("beat"));
    // The parent is another file: only its job is probed.
    const output = execFileSync(jobs(), ["parent", program.path, "beat"], { encoding: "utf8" });
    expect(output.split("\n")).toEqual(told);
    const { enters, leaves } = session.maps;
    expect(enters?.read()).toBeGreaterThan(20n);
    expect(leaves?.read()).toBe(enters?.read());
  });

  test("stopped before it is probed, it stays stopped until it is continued", async () => {
    await using program = new Program(jobs());
    await using running = await start(program.path, ["beat"]);
    running.child.kill("SIGSTOP");
    await new Promise((next) => setTimeout(next, 50));
    const session = await probe(engine, "turns", program.at("beat"), { pid: running.pid });
    await new Promise((next) => setTimeout(next, 100));
    expect(session.maps.enters?.read()).toBe(0n);
    running.child.kill("SIGCONT");
    await eventually(() => (session.maps.enters?.read() as bigint) > 20n, "hits");
    running.child.kill("SIGSTOP");
    await new Promise((next) => setTimeout(next, 50));
    const stopped = session.maps.enters?.read();
    await new Promise((next) => setTimeout(next, 100));
    expect(session.maps.enters?.read()).toBe(stopped);
    // Disarmed while it is stopped.
    await session.close();
    running.child.kill("SIGCONT");
    running.child.kill("SIGTERM");
    expect(await running.ended).toBe(5);
  });

  test("bash in a terminal: Ctrl-Z, jobs, bg, kill, wait show what they show without us", { timeout: 60_000 }, async () => {
    await using program = new Program(jobs());
    const alone = await shell(program);
    expect(alone).toContain("status 5");
    expect(alone).toContain("status 137");
    await using session = await probe(engine, "turns", program.at("beat"));
    expect(await shell(program)).toBe(alone);
    expect(session.maps.enters?.read()).toBeGreaterThan(20n);
  });
});

/** Starts jobs that live for a few milliseconds, and probes them meanwhile; gives how many could be. */
async function armTheDoomed(engine: EngineUnderTest, program: Program, how: "exit" | "crash" | "exec", rounds: number): Promise<number> {
  let armed = 0;
  for (let round = 0; round < rounds; round++) {
    await using running = await start(program.path, ["live", String(Math.round(Math.random() * 150_000)), how]);
    const options = [{ pid: running.pid }, { pid: running.pid, children: true }, {}][round % 3]!;
    const opened = await probe(engine, "turns", program.at("beat"), options).catch((error: unknown) => error as { code: string; exit: number });
    expect(await running.ended).toBe(how === "crash" ? "SIGABRT" : 3);
    if ("code" in opened) {
      expect(opened).toMatchObject({ code: expect.stringMatching(/^SONDE_/), exit: 1 });
      continue;
    }
    armed++;
    expect(await opened.close()).toMatchObject({ lost: 0n, unmatched: 0n });
  }
  return armed;
}

behaviour(40, (engine) => {
  test.each(["exit", "crash", "exec"] as const)(
    "%s at any moment: its end is its own, and the session is armed or says why not",
    { timeout: 60_000 },
    async (how) => {
      await using program = new Program(jobs());
      expect(await armTheDoomed(engine, program, how, 12)).toBeGreaterThan(0);
      // And nothing is left behind: the next one is probed as ever.
      await using running = await start(program.path, ["beat"]);
      await using session = await probe(engine, "turns", program.at("beat"), { pid: running.pid });
      await eventually(() => (session.maps.leaves?.read() as bigint) > 10n, "hits");
      running.child.kill("SIGTERM");
      expect(await running.ended).toBe(5);
    },
  );
});
