import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

let base: string;
const before = process.env.XDG_CACHE_HOME;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "sonde-cache-test-"));
  process.env.XDG_CACHE_HOME = base;
  // The folder is chosen once a process.
  vi.resetModules();
});
afterEach(() => {
  rmSync(base, { recursive: true });
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
});
const load = async () => await import("./cache-folder.ts");

test("the folder is below XDG_CACHE_HOME, and nobody else may look into it", async () => {
  const { cacheFolder } = await load();
  expect(cacheFolder()).toBe(join(base, "sonde"));
  expect(statSync(cacheFolder()).mode & 0o777).toBe(0o700);
});

test("a folder that others may write to isn't used", async () => {
  mkdirSync(join(base, "sonde"));
  chmodSync(join(base, "sonde"), 0o777);
  const { cacheFolder } = await load();
  expect(cacheFolder()).not.toBe(join(base, "sonde"));
});

test("a folder that others could move away isn't used", async () => {
  chmodSync(base, 0o777);
  const { cacheFolder } = await load();
  expect(cacheFolder()).not.toBe(join(base, "sonde"));
});

test("a link that leads elsewhere isn't used", async () => {
  mkdirSync(join(base, "other"), { mode: 0o700 });
  symlinkSync(join(base, "other"), join(base, "sonde"));
  const { cacheFolder } = await load();
  expect(cacheFolder()).not.toBe(join(base, "sonde"));
});

test("what is written is read again, and leaves nothing beside it", async () => {
  const { readCached, writeCached } = await load();
  expect(readCached("scripts/a.json")).toBeUndefined();
  writeCached("scripts/a.json", "text");
  expect(readCached("scripts/a.json")?.toString()).toBe("text");
  expect(readdirSync(join(base, "sonde/scripts"))).toEqual(["a.json"]);
});

test("what nobody has used for a month goes when something new is written", async () => {
  const { writeCached } = await load();
  writeCached("scripts/old.json", "1");
  writeCached("kernel-old.json", "1");
  const longAgo = new Date(Date.now() - 31 * 24 * 3_600_000);
  for (const name of ["scripts/old.json", "kernel-old.json", "scripts"]) utimesSync(join(base, "sonde", name), longAgo, longAgo);
  writeCached("kernel-new.json", "2");
  expect(readdirSync(join(base, "sonde")).sort()).toEqual(["kernel-new.json", "scripts"]);
  expect(readdirSync(join(base, "sonde/scripts"))).toEqual([]);
});
