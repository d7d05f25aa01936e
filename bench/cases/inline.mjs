// The engine of our own jumps. Coverage: of how many functions of real programs the entry can be armed, and all places where they are
// left too. Arming: for how long a process stands still.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { median } from "../tools.mjs";

export const name = "inline";

const root = join(import.meta.dirname, "../..");

/** A library that this process has mapped. */
function mapped(pattern) {
  return readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .map((line) => line.slice(73))
    .find((path) => pattern.test(path));
}

/** What it finds code with is loaded from node_modules, and the arming process from dist: so it lies between them. */
async function build(workload) {
  const folder = join(root, "node_modules/.cache/sonde-bench");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${workload}.mjs`);
  const bundle = await rolldown({
    input: join(root, `bench/workloads/${workload}.ts`),
    cwd: root,
    platform: "node",
    external: [/^node:/, "koffi", "iced-x86"],
  });
  await bundle.write({ file, format: "esm", codeSplitting: false });
  return file;
}

async function coverage(rounds) {
  const workload = await build("windows");
  const files = [
    ["libc", mapped(/\/libc[.-][^/]*$/), 97],
    ["libstdc++", mapped(/\/libstdc\+\+[^/]*$/), 95],
    ["node", process.execPath, 93],
  ];
  const paths = files.map(([, path]) => path);
  const runs = Array.from({ length: Math.min(rounds, 3) }, () => JSON.parse(execFileSync(process.execPath, [workload, ...paths], { encoding: "utf8" })));
  return files.flatMap(([short, , atLeast], i) => {
    const { functions, entry, both, single, exits, exitsArmable } = runs[0][i];
    const percent = (part, of) => (100 * part) / of;
    const bare = { unit: "%", peers: {} };
    return [
      { ...bare, what: `${short}: entries of ${functions} functions that a jump can arm`, sonde: percent(entry, functions), atLeast },
      { ...bare, what: `${short}: the same with every return and tail call`, sonde: percent(both, functions), atLeast: 85 },
      { ...bare, what: `${short}: returns and tail calls, of ${exits}`, sonde: percent(exitsArmable, exits) },
      { ...bare, what: `${short}: entries whose jump takes one instruction's place`, sonde: percent(single, functions) },
      {
        unit: "s",
        peers: {},
        what: `${short}: to find them all`,
        sonde: median(runs.map((run) => run[i].seconds)),
        ...(short === "node" ? { atMost: 10 } : {}),
      },
    ];
  });
}

async function arming(folder, rounds) {
  const workload = await build("jumps");
  const program = join(folder, "jumps");
  execFileSync("cc", ["-O1", "-pthread", "-o", program, join(root, "test/inline/fixtures/target.c")]);
  const run = (threads, pattern) =>
    JSON.parse(execFileSync(process.execPath, [workload, program, String(threads), String(2 * rounds + 1), pattern], { encoding: "utf8" }));
  const few = run(65, "/jumps$");
  const all = run(65, "/libc[.-][^/]*$");
  const bare = { unit: "ms", peers: {} };
  return [
    { ...bare, what: `65 threads stand still while ${few.sites} windows are armed`, sonde: median(few.stopped), atMost: 15 },
    { ...bare, what: `65 threads stand still while all ${all.sites} windows of libc are`, sonde: median(all.stopped) },
    { ...bare, what: "from the request until those are armed", sonde: median(all.whole) },
  ];
}

export async function run({ rounds, folder }) {
  return [...(await coverage(rounds)), ...(await arming(folder, rounds))];
}
