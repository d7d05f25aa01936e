/** All windows of real programs at once, while they work: a window that is wrong ends them, or spoils what they compute. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { Running } from "../fixtures/process.ts";
import { allSitesOf, Counters, CountingArmer } from "./support/probes.ts";

const PROGRAMS: readonly (readonly [name: string, file: RegExp, windows: number, probes: number, rounds: number])[] = [
  ["libc", /\/libc[.-][^/]*$/, 4000, 50, 2],
  ["libstdc++", /\/libstdc\+\+[^/]*$/, 7000, 50, 2],
  ["node", /\/node$/, 150_000, 5000, 1],
];

test.each(PROGRAMS)("every window of %s in a busy Node", { timeout: 180_000 }, async (_, file, windows, probes, rounds) => {
  await using target = new Running(process.execPath, [join(import.meta.dirname, "fixtures/busy.mjs")], {});
  expect(await target.line()).toBe("ready");
  const sites = allSitesOf(target.pid, file);
  expect(sites.length).toBeGreaterThan(windows);
  const armer = new CountingArmer(3 * sites.length);
  const counters = new Counters(armer);
  // At first in a new arena, then in the one that is there.
  for (let round = 0; round < rounds; round++) {
    const armed = await armer.arm(target.pid, sites, counters);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { restored } = await armed.disarm();
    const { probes: hit, hits } = counters.sums();
    expect(restored).toBe(sites.length);
    expect(hit).toBeGreaterThan(probes);
    expect(hits).toBeGreaterThan(100_000n);
  }
  const status = target.end();
  expect(await target.line()).toBe("end true 0");
  expect(await status).toBe(0);
  await armer.close();
});
