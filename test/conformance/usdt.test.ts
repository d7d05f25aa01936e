/** Behaviour 31: semaphores of static probes. Each probed place counts one up in each process that is probed. */

import { closeSync, openSync, readFileSync, readSync, realpathSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { resolveUsdt } from "../../src/symbols/usdt/resolve.ts";
import { privateCopy, target, usdtLibrary, usdtProgram } from "../fixtures/build.ts";
import { Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";
import { killTool, tool } from "./support/tool.ts";

/** The semaphore of a probe as a process has it; `set`: it is written first. Undefined: the file isn't mapped there. */
function semaphoreIn(pid: number, at: string, set?: number): number | undefined {
  const [site] = resolveUsdt(at, []).sites;
  const { path, usdt } = site!;
  const first = readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .find((line) => line.endsWith(realpathSync(path)) && / 00000000 /.test(line));
  if (first === undefined) return undefined;
  const where = Number.parseInt(first, 16) + Number(usdt!.semaphore!.address);
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  try {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(set ?? 0);
    if (set !== undefined) writeSync(memory, bytes, 0, 2, where);
    readSync(memory, bytes, 0, 2, where);
    return bytes.readUInt16LE();
  } finally {
    closeSync(memory);
  }
}

behaviour(31, (engine) => {
  test("one for each of the places while they are probed, and none before and after", async () => {
    await using program = new Program(usdtProgram({ optimize: "2" }));
    const running = await program.start();
    const other = await program.start();
    expect(await running.ask("semaphores")).toBe("0 0");
    const session = await probe(engine, "statics", program.at("counts:*"), { pid: running.pid });
    // Its three places twice, for there are two probes at them; the other program isn't probed.
    const up = Number((await running.ask("semaphores")).split(" ")[0]);
    expect(up).toBeGreaterThanOrEqual(3);
    expect(await other.ask("semaphores")).toBe("0 0");
    await running.ask("fire 10");
    expect(session.maps.byName?.read("counts:counted")).toBe(30n);
    expect(session.maps.byName?.read("counts:idle")).toBe(10n);
    await session.close();
    expect(await running.ask("semaphores")).toBe("0 0");
    await running.ask("fire 10");
  });

  test("two sessions count for themselves", async () => {
    await using program = new Program(usdtProgram({ optimize: "2" }));
    const [running, other] = [await program.start(), await program.start()];
    const first = await probe(engine, "statics", program.at("counts:idle"), { pid: running.pid });
    const second = await probe(engine, "statics", program.at("counts:idle"), { pid: other.pid });
    for (const one of [running, other]) await one.ask("fire 5");
    expect(first.maps.hits?.read()).toBe(5n);
    await first.close();
    expect(await running.ask("semaphores")).toBe("0 0");
    await other.ask("fire 5");
    expect(second.maps.hits?.read()).toBe(10n);
    await second.close();
    expect(await other.ask("semaphores")).toBe("0 0");
  });

  test("a forked child has what its parent had, and both are back at 0", async () => {
    await using program = new Program(usdtProgram({ optimize: "2" }));
    const running = await program.start();
    const at = program.at("counts:idle");
    const session = await probe(engine, "statics", at, { pid: running.pid, children: true });
    const child = Number(await running.ask("fork"));
    try {
      expect(semaphoreIn(child, at)).toBe(semaphoreIn(running.pid, at));
      expect(semaphoreIn(child, at)).toBeGreaterThan(0);
      await session.close();
      expect([semaphoreIn(child, at), semaphoreIn(running.pid, at)]).toEqual([0, 0]);
    } finally {
      process.kill(child, "SIGKILL");
    }
  });

  test("of a library that is loaded later", async () => {
    await using program = new Program(target());
    const running = await program.start();
    const copy = privateCopy(usdtLibrary());
    try {
      const at = `${copy.path}:library:called`;
      const session = await probe(engine, "statics", at, { pid: running.pid });
      await running.ask(`dlopen ${copy.path}`);
      expect(semaphoreIn(running.pid, at)).toBeGreaterThan(0);
      await running.ask("library library_call 10");
      expect(session.maps.hits?.read()).toBe(10n);
      await session.close();
      expect(semaphoreIn(running.pid, at)).toBe(0);
    } finally {
      copy.remove();
    }
  });

  test("of a tool of which everything was killed: they are down at the latest when the next one has started", async () => {
    await using program = new Program(usdtProgram({ optimize: "2" }));
    const running = await program.start();
    const at = program.at("counts:idle");
    const script = join(import.meta.dirname, "scripts/statics.probe.ts");
    for (let round = 0; round < 3; round++) {
      const killed = tool(script, engine, [at], "-p", String(running.pid));
      await killed.seen('"attached"');
      expect(semaphoreIn(running.pid, at)).toBe(1);
      await killTool(killed, "all");
    }
    const session = await probe(engine, "statics", at, { pid: running.pid });
    expect(semaphoreIn(running.pid, at)).toBe(1);
    await session.close();
    expect(semaphoreIn(running.pid, at)).toBe(0);
  });

  test("one that the program sets to 0 meanwhile doesn't go below", async () => {
    await using program = new Program(usdtProgram({ optimize: "2" }));
    const running = await program.start();
    const at = program.at("counts:idle");
    const session = await probe(engine, "statics", at, { pid: running.pid });
    semaphoreIn(running.pid, at, 0);
    await session.close();
    expect(semaphoreIn(running.pid, at)).toBe(0);
  });
});
