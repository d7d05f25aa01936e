import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findProgram, HeldCommand } from "./held-command.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-held-"));
  process.env.XDG_CACHE_HOME = join(folder, "cache");
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a command is held before its exec, without any library mapped, and becomes itself when released", async () => {
  const file = join(folder, "out");
  const held = await HeldCommand.start(["sh", "-c", `cat /proc/$$/comm > ${file}; echo "$0" >> ${file}; exit 7`, "zero"], "ignore");
  const maps = readFileSync(`/proc/${held.pid}/maps`, "utf8");
  expect(maps).toContain("/launcher-");
  expect(maps).not.toMatch(/\.so/);
  held.release();
  expect(await held.exited).toBe(7);
  expect(readFileSync(file, "utf8")).toBe("sh\nzero\n");
});

test("arguments, the environment and the working directory arrive as they were given", async () => {
  const file = join(folder, "args");
  process.env.SONDE_HELD_TEST = "a b";
  const held = await HeldCommand.start(["sh", "-c", `printf '%s|' "$@" "$SONDE_HELD_TEST" "$PWD" > ${file}`, "sh", "", "two words", "é"], "ignore");
  held.release();
  expect(await held.exited).toBe(0);
  expect(readFileSync(file, "utf8")).toBe(`|two words|é|a b|${process.cwd()}|`);
});

test("a command that a signal ends has the status of a shell", async () => {
  const held = await HeldCommand.start(["sh", "-c", "kill -TERM $$"], "ignore");
  held.release();
  expect(await held.exited).toBe(143);
});

test("a command that was never released is gone when it is abandoned, one that runs is left alone", async () => {
  const held = await HeldCommand.start(["sleep", "60"], "ignore");
  held.abandon();
  expect(await held.exited).toBe(137);
  const running = await HeldCommand.start(["sleep", "0.05"], "ignore");
  running.release();
  running.abandon();
  expect(await running.exited).toBe(0);
});

test("a program is found as execvp finds it", () => {
  expect(findProgram("sh", "/nowhere:/bin")).toBe("/bin/sh");
  expect(() => findProgram("no-such-program")).toThrow("there is no program no-such-program");
  expect(() => findProgram("ls -l")).toThrow(expect.objectContaining({ mend: expect.stringContaining("without a shell") }));
  expect(() => findProgram("/etc")).toThrow("there is no program /etc");
});
