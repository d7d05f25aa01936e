// `npm run stress -- [--engine NAME] [--cycles N] [--kills N] [--threads N] [--rest US]`: attaches and detaches while a program forks,
// execs, loads, maps and takes signals, and kills the tool's processes at random moments. Its threads rest US microseconds between
// what they do: 200 keep two processors busy many times over (a cycle takes seconds), 20000 leave time for thousands of cycles.
// Prints a table; its status is 1 if anything was not exact.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, copyFileSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "kernel" },
    cycles: { type: "string", default: "10000" },
    kills: { type: "string", default: "1000" },
    threads: { type: "string", default: "64" },
    rest: { type: "string", default: "200" },
  },
});
const { engine } = values;
const [cycles, kills, threads, rest] = [values.cycles, values.kills, values.threads, values.rest].map(Number);
if (![cycles, kills, threads, rest].every((n) => Number.isInteger(n) && n >= 0)) {
  process.stderr.write("usage: npm run stress -- [--engine NAME] [--cycles N] [--kills N] [--threads N] [--rest US]\n");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "sonde-stress-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const programs = join(root, "test/fixtures/programs");
const PLACES = ["turn", "outer", "stepped", "stepped_relative"];
/** turn() runs in outer() too. */
const HITS_A_TURN = 5n;
const scriptOf = (name) => join(root, `test/conformance/scripts/${name}.probe.ts`);

/** A program with an inode of its own, so that nobody else's calls count. */
function built(name) {
  const path = join(folder, name);
  execFileSync("cc", ["-O1", "-fcf-protection=none", "-o", path, join(programs, "churn.c"), join(programs, "subject.S"), "-pthread", "-ldl"]);
  return path;
}
const library = join(folder, "library.so");
execFileSync("cc", ["-shared", "-fPIC", "-o", library, join(programs, "library.c")]);

/** The program, which is told what to do a line at a time. */
async function run(path) {
  const child = spawn(path, [], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    pid: child.pid,
    get gone() {
      return child.exitCode ?? child.signalCode;
    },
    async ask(request) {
      child.stdin.write(`${request}\n`);
      const { value } = await lines.next();
      if (!value?.startsWith("ok")) throw new Error(`${request}: ${value ?? `ended by ${child.exitCode ?? child.signalCode}`}`);
      return value.slice(3).split(" ").map(Number);
    },
    end: () => child.kill("SIGKILL"),
  };
}

/** Whether the program's executable mappings have the file's bytes. */
function intact(pid, path) {
  const bytes = readFileSync(path);
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const found = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ \d+ +(.*)$/.exec(line);
      if (found === null || found[4] !== path) continue;
      const [from, to, offset] = [found[1], found[2], found[3]].map((text) => Number.parseInt(text, 16));
      const copy = Buffer.alloc(to - from);
      const length = Math.min(readSync(memory, copy, 0, copy.length, from), bytes.length - offset);
      if (!copy.subarray(0, length).equals(bytes.subarray(offset, offset + length))) return false;
    }
    return true;
  } finally {
    closeSync(memory);
  }
}

function own() {
  const status = readFileSync("/proc/self/status", "utf8");
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)[1]);
  return { memory: Math.round(field("VmRSS") / 1024), descriptors: readdirSync("/proc/self/fd").length, threads: field("Threads") };
}

const table = [];
const row = (what, value, good) => table.push({ what, value: String(value), good: good ? "ok" : "NOT OK" });
const progress = (text) => process.stderr.write(process.stderr.isTTY ? `\r${text}\x1b[K` : "");
const sleep = (ms) => new Promise((next) => setTimeout(next, ms));

async function attachAndDetach() {
  const { open } = await import(join(root, "dist/index.mjs"));
  const path = built("cycled");
  const [busy, quiet] = [await run(path), await run(path)];
  await busy.ask(`library ${library}`);
  await busy.ask(`rest ${rest}`);
  await busy.ask(`churn ${Math.max(1, threads - 6)} fork,exec,load,map,signal,thread`);
  const at = [...PLACES.map((place) => `${path}:${place}`), `${library}:library_call`].join(" ");
  let exact = 0;
  let failed = 0;
  let hits = 0n;
  let early;
  const began = performance.now();
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const filter = [{ pid: [busy.pid, quiet.pid] }, { pid: [busy.pid, quiet.pid], children: true }, {}][cycle % 3];
    try {
      const session = await open(scriptOf("hits"), { engine, params: { at }, exact: true, ...filter });
      await quiet.ask("once 20");
      const seen = session.maps.byProcess.read(quiet.pid);
      hits += (await session.close()).hits;
      if (seen === 20n * HITS_A_TURN) exact++;
      else process.stderr.write(`\ncycle ${cycle}: ${seen} hits of ${20n * HITS_A_TURN}\n`);
    } catch (error) {
      failed++;
      process.stderr.write(`\ncycle ${cycle}: ${error.code ?? ""} ${error.message}\n`);
      if (busy.gone !== null || quiet.gone !== null) break;
    }
    if (cycle === Math.min(500, Math.ceil(cycles / 3))) early = own();
    if (cycle % 10 === 0) progress(`${cycle} of ${cycles} cycles`);
  }
  globalThis.gc?.();
  const late = own();
  progress("");
  row("attached and detached", `${cycles} times in ${Math.round((performance.now() - began) / 1000)} s, ${hits} hits`, true);
  row("cycles with exact counts", `${exact} of ${cycles}`, exact === cycles);
  row("cycles that failed", failed, failed === 0);
  row("program under load", busy.gone === null ? "goes on" : `ended by ${busy.gone}`, busy.gone === null);
  if (busy.gone === null) {
    const [calls, wrong, children] = await busy.ask("calm");
    row("its calls, children, wrong results", `${calls}, ${children}, ${wrong}`, wrong === 0 && calls > 0);
    row("its bytes", intact(busy.pid, path) ? "as before" : "changed", intact(busy.pid, path));
  }
  row("memory of sonde, MB", `${early.memory} → ${late.memory}`, late.memory < early.memory + 100);
  row("descriptors of sonde", `${early.descriptors} → ${late.descriptors}`, late.descriptors <= early.descriptors + 4);
  row("threads of sonde", `${early.threads} → ${late.threads}`, late.threads <= early.threads + 4);
  for (const one of [busy, quiet]) one.end();
}

/** By process its parent. */
function parents() {
  const found = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {} // Gone meanwhile.
  }
  return found;
}
function descendants(pid) {
  const all = parents();
  const found = [pid];
  for (const one of found) for (const [child, parent] of all) if (parent === one) found.push(child);
  return found.slice(1);
}

function killOne(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {} // It has ended by itself.
}

async function killAtRandom() {
  const { open } = await import(join(root, "dist/index.mjs"));
  const path = join(folder, "killed");
  copyFileSync(built("kill-me"), path);
  const at = PLACES.map((place) => `${path}:${place}`).join(" ");
  const begin = async () => {
    const program = await run(path);
    await program.ask("churn 6 fork,signal,thread");
    return program;
  };
  let program = await begin();
  const lost = [];
  let wrong = 0;
  let calls = 0;
  let armed = 0;
  const count = { session: 0, tracer: 0, all: 0 };
  // How long it takes to be armed here is found on the way.
  let takes = 600;
  for (let kill = 1; kill <= kills; kill++) {
    const tool = spawn(
      process.execPath,
      [
        join(root, "dist/cli.mjs"),
        "run",
        scriptOf("turns"),
        "--engine",
        engine,
        "--format",
        "json",
        "--exact",
        ...(kill % 3 ? ["-p", String(program.pid)] : []),
        "--",
        `--at=${at}`,
      ],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    const spawned = performance.now();
    let attached = false;
    const seen = new Promise((resolve) => {
      tool.stdout.on("data", (text) => {
        if (attached || !String(text).includes('"attached"')) return;
        attached = true;
        takes = takes * 0.9 + (performance.now() - spawned) * 0.1;
        resolve();
      });
    });
    const ended = new Promise((resolve) => tool.on("exit", resolve));
    // Half of them while arming, or before; half of them while hits come.
    if (kill % 2 === 0) await Promise.race([sleep(takes * (0.3 + 0.8 * Math.random())), ended]);
    else await Promise.race([seen.then(() => sleep(200 * Math.random())), ended]);
    const which = ["session", "tracer", "all"][Math.floor(Math.random() * 3)];
    const others = descendants(tool.pid);
    armed += attached ? 1 : 0;
    count[which]++;
    for (const pid of which === "session" || others.length === 0 ? [tool.pid] : which === "tracer" ? others : [...others, tool.pid]) killOne(pid);
    // What was killed may have been the process that mends what an earlier one has left: the session goes on then, and starts its tracer.
    const again = which === "tracer" && others.length > 0 ? setInterval(() => descendants(tool.pid).forEach(killOne), 100) : undefined;
    await ended;
    clearInterval(again);
    await sleep(20);
    if (program.gone !== null) {
      lost.push(`${which}: ${program.gone}`);
      program = await begin();
    }
    progress(`${kill} of ${kills} kills, ${lost.length} programs lost`);
  }
  progress("");
  row("kills", `${kills}: ${count.session} of the session, ${count.tracer} of the tracer, ${count.all} of all; ${armed} behind arming`, true);
  row("programs lost", lost.length === 0 ? 0 : `${lost.length} (${lost.slice(0, 5).join(", ")})`, lost.length === 0);
  try {
    [calls, wrong] = await program.ask("calm");
    await program.ask("once 1000");
    const session = await open(scriptOf("turns"), { engine, params: { at }, exact: true, pid: program.pid });
    await program.ask("once 100");
    const counts = [session.maps.enters.read(), session.maps.leaves.read()];
    await session.close();
    row("calls, wrong results", `${calls}, ${wrong}`, wrong === 0 && calls > 0);
    row(
      "the next start counts",
      counts.join(" and "),
      counts.every((n) => n === 100n * HITS_A_TURN),
    );
    row("bytes behind it", intact(program.pid, path) ? "as before" : "changed", intact(program.pid, path));
  } catch (error) {
    row("behind the kills", error.message, false);
  }
  program.end();
}

if (cycles > 0) await attachAndDetach();
if (kills > 0) await killAtRandom();
const width = Math.max(...table.map(({ what }) => what.length));
process.stdout.write(
  `engine ${engine}, ${threads} threads that rest ${rest} µs\n${table.map(({ what, value, good }) => `  ${what.padEnd(width)}  ${value}  ${good}\n`).join("")}`,
);
process.exit(table.every(({ good }) => good === "ok") ? 0 : 1);
