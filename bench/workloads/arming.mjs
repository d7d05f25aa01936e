// Arms a running process again and again by the library, and prints as JSON what that took and what the process noticed.
// Arguments: the program (armed.c), the engine, the rounds, the sites, the threads.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { open } from "../../dist/index.mjs";

const [program, engine, roundsText, sitesText, threads] = process.argv.slice(2);
const [rounds, sites] = [Number(roundsText), Number(sitesText)];
const LOOP = 500_000;
const LOOPS = 200;
const PAIRS = 25;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Subject {
  constructor(threads) {
    this.child = spawn(program, [String(threads)], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  static async start(threads) {
    const one = new Subject(threads);
    await one.lines.next();
    return one;
  }
  async ask(request) {
    this.child.stdin.write(`${request}\n`);
    const { value } = await this.lines.next();
    if (!value?.startsWith("ok")) throw new Error(`${request}: ${value}`);
    return Number(value.slice(3));
  }
  /** Nanoseconds: the least of some, since what else the machine does comes on top. */
  async loop() {
    // We have just compiled and collected garbage.
    await pause(200);
    let least = Infinity;
    for (let i = 0; i < LOOPS; i++) least = Math.min(least, await this.ask(`loop ${LOOP}`));
    return least;
  }
  end() {
    this.child.stdin.end();
  }
}

const folder = mkdtempSync(join(tmpdir(), "sonde-arming-"));
const script = (name, pattern) => {
  const path = join(folder, `${name}.probe.ts`);
  writeFileSync(
    path,
    `import { count, uprobe } from "sonde";\nexport const n = count();\nuprobe(${JSON.stringify(`${program}:${pattern}`)}, () => n.add());\n`,
  );
  return path;
};
const one = script("one", "fn_0");
const all = script("all", "fn_*");

/** Milliseconds until it is armed, and the longest gap that the process saw meanwhile. */
async function arm(path, subject, expected) {
  await subject.ask("reset");
  const start = performance.now();
  const session = await open(path, { engine, pid: subject.child.pid });
  const ms = performance.now() - start;
  const gap = (await subject.ask("gap")) / 1e6;
  const summary = await session.close();
  if (summary.sites !== expected || summary.hits !== 0n) throw new Error(`${summary.sites} sites, ${summary.hits} hits`);
  return { ms, gap };
}

const result = { one: [], all: [], allGap: [], threadsGap: [], quiet: [], armed: [], bystander: [] };
/** With subjects that end behind it: each has a thread that keeps a processor busy, so there are no more than are measured. */
async function withSubjects(threads, work) {
  const subjects = [];
  try {
    for (const count of threads) subjects.push(await Subject.start(count));
    await work(...subjects);
  } finally {
    for (const subject of subjects) subject.end();
  }
}

async function armings(few) {
  // What is compiled is kept, and text is in memory.
  await arm(one, few, 1);
  await arm(all, few, sites);
  for (let i = 0; i < rounds; i++) {
    result.one.push((await arm(one, few, 1)).ms);
    const many = await arm(all, few, sites);
    result.all.push(many.ms);
    result.allGap.push(many.gap);
  }
}

async function manyThreads(crowd) {
  await arm(one, crowd, 1);
  for (let i = 0; i < rounds; i++) {
    const { ms, gap } = await arm(one, crowd, 1);
    result.threadsGap.push(gap);
    // The same time without us: what the machine's other work makes of it.
    await crowd.ask("reset");
    await pause(ms);
    result.quiet.push((await crowd.ask("gap")) / 1e6);
  }
}

/** Of each program before, during and after a session: the machine's own speed changes from second to second. */
async function unhit(few, bystander) {
  const loops = async () => [await few.loop(), await bystander.loop()];
  let before = await loops();
  for (let i = 0; i < PAIRS; i++) {
    const session = await open(all, { engine, pid: few.child.pid });
    const during = await loops();
    await session.close();
    const after = await loops();
    const ratio = (k) => (2 * during[k]) / (before[k] + after[k]);
    result.armed.push(ratio(0));
    result.bystander.push(ratio(1));
    before = after;
  }
}

try {
  await withSubjects([0], armings);
  await withSubjects([Number(threads)], manyThreads);
  await withSubjects([0, 0], unhit);
} finally {
  rmSync(folder, { recursive: true });
}
process.stdout.write(`${JSON.stringify(result)}\n`);
