/** A process that armed sites and is killed with -9: its targets go on, with their own bytes. */

import { once } from "node:events";
import { closeSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { sweepDefinitions } from "../../src/engines/kernel/attach/definitions.ts";
import { readMappings } from "../../src/sys/procfs.ts";
import { Running, sites } from "./support/fixture.ts";
import { targetPath } from "./support/target.ts";

const path = targetPath();
const [site] = sites(path, ["hit"]);
// Beside node_modules, so that the bundle finds koffi.
const bundle = join(import.meta.dirname, "..", "..", "node_modules", `.sonde-armer-${process.pid}.mjs`);
let target: Running | undefined;

beforeAll(async () => {
  const build = await rolldown({ input: join(import.meta.dirname, "support", "armer.ts"), platform: "node", external: ["koffi"] });
  await build.write({ file: bundle, format: "esm" });
  await build.close();
});
afterAll(() => rmSync(bundle, { force: true }));
afterEach(async () => {
  delete process.env.SONDE_ATTACH;
  await target?.end();
});

/** The byte at the site, as the target's own memory has it. */
function byteAtSite(pid: number): number {
  const mapping = readMappings(pid).find((m) => m.path === path && m.offset <= site!.offset && site!.offset < m.offset + (m.end - m.start));
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    const byte = new Uint8Array(1);
    readSync(memory, byte, 0, 1, mapping!.start + site!.offset - mapping!.offset);
    return byte[0]!;
  } finally {
    closeSync(memory);
  }
}

describe.each(["multi", "tracefs", "perf"])("killed, having attached by %s", (method) => {
  test("leaves the target's bytes as they were, and nothing for long in the kernel", async () => {
    target = new Running(path);
    await target.ask("hit 1");
    const before = byteAtSite(target.pid);
    process.env.SONDE_ATTACH = method;
    const armer = new Running(process.execPath, [bundle, path, String(site!.offset)]);
    expect(await armer.line()).toBe("armed");
    expect([before, byteAtSite(target.pid)]).toEqual([0x53, 0xcc]);
    armer.process.kill("SIGKILL");
    await once(armer.process, "exit");
    expect(byteAtSite(target.pid)).toBe(before);
    await target.ask("hit 1000");
    sweepDefinitions();
    expect(readFileSync("/sys/kernel/tracing/uprobe_events", "latin1")).not.toContain(`sonde_${armer.pid}_`);
  });
});
