/** Where threads keep errno, compared with what the program itself says. */
import { afterEach, describe, expect, test } from "vitest";
import { ErrnoLocations, type ReadTarget } from "../../src/symbols/errno-location.ts";
import { ProcessMemory } from "../../src/sys/process-memory.ts";
import { errnoProgram } from "../fixtures/build.ts";
import { Running } from "../fixtures/process.ts";

const memories: ProcessMemory[] = [];
afterEach(() => {
  for (const memory of memories.splice(0)) memory.close();
});

function reading(pid: number): ReadTarget {
  const memory = new ProcessMemory(pid);
  memories.push(memory);
  return (address, length) => memory.bytes(Number(address), length) ?? new Uint8Array(0);
}

async function threadsOf(running: Running): Promise<{ readonly errno: bigint; readonly fsBase: bigint }[]> {
  const lines = [await running.line(), await running.line()];
  return lines.map((line) => {
    const [errno, fsBase] = line.split(" ").map(BigInt);
    return { errno: errno!, fsBase: fsBase! };
  });
}

describe.each([
  ["dynamically", {}],
  ["statically", { static: true }],
] as const)("in a program that is linked %s", (_, options) => {
  test("each thread's errno is found from its thread pointer", async () => {
    await using running = new Running(errnoProgram(options), [], {});
    const locations = new ErrnoLocations();
    const read = reading(running.pid);
    for (const { errno, fsBase } of await threadsOf(running)) expect(locations.of(running.pid, fsBase, read)).toBe(errno);
  });
});

test("in a stripped static program it can't be told, and an error says so", async () => {
  await using running = new Running(errnoProgram({ static: true, stripped: true }), [], {});
  const [first] = await threadsOf(running);
  expect(() => new ErrnoLocations().of(running.pid, first!.fsBase, reading(running.pid))).toThrow(
    expect.objectContaining({ code: "SONDE_ERRNO_UNKNOWN", why: expect.stringContaining("stripped") }),
  );
});
