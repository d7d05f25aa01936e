/** Handlers on a real program's own types, by its debug information, on each engine: what they see is what the program has. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { open } from "../../src/index.ts";
import { Running } from "../fixtures/process.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-typed-"));
  for (const level of ["0", "2"])
    execFileSync("cc", ["-g", `-O${level}`, "-fcf-protection=none", "-o", join(folder, `handlers-O${level}`), join(import.meta.dirname, "handlers.c")]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Readable {
  entries(): [key: string, value: unknown][];
}

test.each([
  ["kernel", "0"],
  ["kernel", "2"],
  ["breakpoint", "0"],
  ["breakpoint", "2"],
] as const)("%s, -O%s", async (engine, level) => {
  const program = join(folder, `handlers-O${level}`);
  await using running = new Running(program, [], {});
  await running.line();
  await using session = await open(join(import.meta.dirname, "handlers.probe.ts"), { engine, params: { program } });
  await running.ask("go");
  const { numbers, texts } = session.maps as unknown as { readonly numbers: Readable; readonly texts: Readable };
  expect(Object.fromEntries(numbers.entries())).toEqual({
    "p.x": -4n,
    "p.y": 5n,
    "m.a": 1n << 40n,
    "m.b": -22n,
    "m.c": 113n,
    method: 5n,
    version: 99n,
    delta: -3n,
    point: -6n,
    "next.delta": 2n,
    "table[0]": 3n,
    low: 0x34n,
    inner: 42n,
    "method of next": -1n,
    done: 1n,
    items: 66n + 660n + 66n,
    "ret.a": 77n,
    "ret.b": -7n,
    "ret.c": 122n,
  });
  expect(Object.fromEntries(texts.entries())).toEqual({ tag: "eightchs", "next.tag": "second" });
});
