/** What a closed session leaves behind in the process that opened it. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Program, probe } from "../conformance/support/session.ts";
import { kernelWork } from "../fixtures/build.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const MEGABYTE = 1 << 20;

/** Bytes outside of the heap: the memory that a session shares with its engine. */
async function outside(): Promise<number> {
  // What is gone is given back in a later turn.
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((next) => setTimeout(next, 20));
  }
  return process.memoryUsage().external;
}

test.each(["kernel", "breakpoint"] as const)(
  "%s: twenty sessions, closed and refused, take no more memory than the first ones",
  { timeout: 60_000 },
  async (engine) => {
    await using program = new Program(kernelWork());
    const running = await program.start();
    const rounds = async (count: number): Promise<number> => {
      for (let i = 0; i < count; i++) {
        const session = await probe(engine, "hits", program.at("ask"), { pid: running.pid });
        await running.ask("ids 1");
        expect((await session.close()).hits).toBe(1n);
        expect(session.maps.hits?.read()).toBe(1n);
        await expect(probe(engine, "hits", program.at("nowhere"), { pid: running.pid })).rejects.toMatchObject({ code: "SONDE_FUNCTION_NOT_FOUND" });
      }
      return await outside();
    };
    const first = await rounds(5);
    expect((await rounds(20)) - first).toBeLessThan(3 * MEGABYTE);
  },
);
