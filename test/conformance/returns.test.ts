/** Behaviour 29: each return is paired with its entry, however the function is left. */
import { expect, test } from "vitest";
import { returns } from "../fixtures/build.ts";
import { sonde } from "../fixtures/sonde.ts";
import { type EngineUnderTest, waysOf } from "./claims.ts";
import { intact } from "./support/bytes.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

const PLAIN = ["leaf", "nest", "odd", "even", "tail_f", "tail_g", "tail_once", "jumps", "in_handler"];
const THROWING = ["_Z7catchesl", "_Z6throwsl", "_Z6passesl"];

interface Pairing {
  readonly answer: string;
  readonly enters: bigint;
  readonly leaves: bigint;
  readonly returns: bigint;
}
/** With entry and return of all functions probed, each in two ways: what the program says, and how many there were. */
async function pair(engine: EngineUnderTest, request: string, functions: readonly string[] = PLAIN): Promise<Pairing> {
  await using program = new Program(returns());
  const running = await program.start();
  await using session = await probe(engine, "calls", functions.map(program.at, program), { pid: running.pid, exact: true });
  const answer = await running.ask(request);
  const [enters, leaves, returned, wrong] = ["enters", "leaves", "returns", "wrong"].map((name) => session.maps[name]?.read() as bigint);
  expect(wrong).toBe(0n);
  expect((await session.close()).unmatched).toBe(0n);
  expect(intact(running.pid, program.path)).toBe(true);
  expect(await running.ask(request)).toBe(answer);
  return { answer, enters: enters!, leaves: leaves!, returns: returned! };
}

behaviour(29, (engine) => {
  test("100 nested calls: the program's result is right, and so many returns are seen as the engine follows", async () => {
    const { nestedReturns } = waysOf(engine);
    const followed = BigInt(Math.min(100, nestedReturns));
    expect(await pair(engine, "nest 100")).toEqual({ answer: "100", enters: 100n, leaves: followed, returns: followed });
  });

  test.each([
    ["mutual recursion: f calls g calls f", "mutual 41", { answer: "41", enters: 42n, leaves: 42n, returns: 42n }],
    ["f jumps to g jumps to f, ten calls with one return address", "tails 5 9", { answer: "385", enters: 50n, leaves: 50n, returns: 50n }],
    ["a function that is nothing but a tail call", "tail 100", { answer: "100", enters: 200n, leaves: 200n, returns: 200n }],
    // Six calls deep each time; only the last one, of leaf(), returns.
    ["longjmp out of nested probed functions, a hundred times", "longjmp 100 5", { answer: "101", enters: 601n, leaves: 1n, returns: 1n }],
    ["a handler on a stack of its own calls probed functions", "handler 20", { answer: "20", enters: 100n, leaves: 100n, returns: 100n }],
    ["a handler that jumps out", "handler-jumps 20", { answer: "21", enters: 41n, leaves: 41n, returns: 41n }],
    ["eight threads, twenty deep", "threads 8 20", { answer: "8000", enters: 8000n, leaves: 8000n, returns: 8000n }],
  ])("%s", async (_, request, expected) => {
    expect(await pair(engine, request)).toEqual(expected);
  });

  test("exceptions through functions whose entries are probed: every entry counts", async () => {
    await using program = new Program(returns());
    const running = await program.start();
    await using session = await probe(engine, "hits", THROWING.map(program.at, program), { pid: running.pid });
    expect(await running.ask("throw 100")).toBe("4950");
    expect(session.maps.hits?.read()).toBe(300n);
  });

  test("exceptions through functions whose returns are probed: they pass, or it is said beforehand that they can't", async () => {
    if (waysOf(engine).exceptionsPassReturns) {
      // Half of the calls throw: throws() and passes() return from the other half, catches() always.
      expect(await pair(engine, "throw 100", THROWING)).toEqual({ answer: "4950", enters: 300n, leaves: 200n, returns: 200n });
      return;
    }
    await using program = new Program(returns());
    const script = `const n = count(); uprobe("${program.at("_Z6passesl")}", { enter: () => 1, leave: () => n.add() });`;
    const { stderr } = await sonde(["-e", script, "--engine", engine, "--for", "1s"]);
    expect(stderr).toContain("C++ exception");
  });
});
