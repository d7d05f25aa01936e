/** Arms a program by jumps again and again: `jumps PROGRAM THREADS ROUNDS PATTERN`; says on stdout for how long (ms) its threads stood still each time. */
import { spawn } from "node:child_process";
import { allSitesOf, Counters, CountingArmer } from "../../test/inline/support/probes.ts";

const [program, threads, rounds, pattern] = process.argv.slice(2) as [string, string, string, string];
const child = spawn(program, [threads], { stdio: ["pipe", "pipe", "inherit"] });
await new Promise((resolve) => child.stdout.once("data", resolve));
const sites = allSitesOf(child.pid as number, new RegExp(pattern));
const armer = new CountingArmer(3 * sites.length);
const stopped: number[] = [];
const whole: number[] = [];
for (let i = 0; i < Number(rounds); i++) {
  const begun = performance.now();
  const armed = await armer.arm(child.pid as number, sites, new Counters(armer));
  whole.push(performance.now() - begun);
  stopped.push(armed.stoppedMs);
  await armed.disarm();
}
await armer.close();
child.stdin.end();
process.stdout.write(`${JSON.stringify({ sites: sites.length, stopped, whole })}\n`);
