/** V8's code of the command line is kept from one run to the next, for each command its own. */
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sonde } from "../fixtures/sonde.ts";

let cache = "";
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), "sonde-kept-"));
});
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const run = (...args: string[]) => sonde(args, { env: { XDG_CACHE_HOME: cache } });
const kept = () => readdirSync(join(cache, "sonde")).filter((name) => name.startsWith("cli-"));
const pathOf = (name: string | undefined) => join(cache, "sonde", name ?? "");

test("the first run of a command keeps its code, the next takes it, and one that fails keeps none", async () => {
  expect((await run("completion", "csh")).status).toBe(2);
  expect(kept()).toEqual([]);
  const first = await run("completion", "bash");
  const [file] = kept();
  const written = statSync(pathOf(file), { bigint: true });
  expect(await run("completion", "bash")).toMatchObject({ status: 0, stdout: first.stdout });
  expect(kept()).toEqual([file]);
  expect(statSync(pathOf(file), { bigint: true }).mtimeNs).toBe(written.mtimeNs);
  await run("completion", "--help");
  expect(kept()).toHaveLength(2);
});

test("code that is cut short is compiled again", async () => {
  const { stdout } = await run("completion", "zsh");
  for (const name of kept()) truncateSync(pathOf(name), 5000);
  expect(await run("completion", "zsh")).toMatchObject({ status: 0, stdout, stderr: "" });
  expect(Math.max(...kept().map((name) => statSync(pathOf(name)).size))).toBeGreaterThan(5000);
});
