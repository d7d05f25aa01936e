// Builds the programs that the benchmark runs and probes, statically, so that they also run below another root.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const programs = join(root, "test/fixtures/programs");

const namesOf = (count) => Array.from({ length: count }, (_, i) => `fn_${i}`);
const functions = (count) =>
  namesOf(count)
    .map((name) => `__attribute__((noinline)) long ${name}(long a) { __asm__ volatile(""); return a + 1; }`)
    .join("\n");
/** A program of `count` functions `fn_0` …, that calls each once. */
function manyFunctions(count) {
  const names = namesOf(count);
  return `${functions(count)}\nint main(void) { long n = 0;\n${names.map((name) => `n += ${name}(n);`).join("\n")}\nreturn n == 0; }\n`;
}

/** Gives the paths of what was built. */
export function buildPrograms(folder) {
  mkdirSync(folder, { recursive: true });
  const cc = (out, ...args) => {
    execFileSync("cc", ["-o", join(folder, out), ...args], { stdio: ["ignore", "ignore", "inherit"] });
    return join(folder, out);
  };
  writeFileSync(join(folder, "many.c"), manyFunctions(10_000));
  writeFileSync(join(folder, "functions.c"), `${functions(1_000)}\n`);
  return {
    measure: cc("measure", "-O1", "-static", join(import.meta.dirname, "workloads/measure.c")),
    calls: cc("calls", "-O1", "-static", "-fcf-protection=none", join(programs, "bench.c"), join(programs, "bench.S")),
    callsShared: cc("calls-shared", "-O1", "-fcf-protection=none", join(programs, "bench.c"), join(programs, "bench.S")),
    pairs: cc("pairs", "-O1", "-fcf-protection=none", "-pthread", join(import.meta.dirname, "workloads/pairs.c")),
    many: cc("many", "-O0", "-static", "-fcf-protection=none", join(folder, "many.c")),
    armed: cc("armed", "-O0", "-static", "-fcf-protection=none", "-pthread", join(import.meta.dirname, "workloads/armed.c"), join(folder, "functions.c")),
    usdt: cc("usdt", "-O1", "-static", "-fcf-protection=none", "-I", programs, join(import.meta.dirname, "workloads/usdt.c")),
    idle: "/bin/true",
  };
}
