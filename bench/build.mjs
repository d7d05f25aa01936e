// Builds the programs that the benchmark runs and probes, statically, so that they also run below another root.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const programs = join(root, "test/fixtures/programs");

/** A program of `count` functions `fn_0` …, that calls each once. */
function manyFunctions(count) {
  const names = Array.from({ length: count }, (_, i) => `fn_${i}`);
  const body = names.map((name) => `__attribute__((noinline)) long ${name}(long a) { __asm__ volatile(""); return a + 1; }`).join("\n");
  return `${body}\nint main(void) { long n = 0;\n${names.map((name) => `n += ${name}(n);`).join("\n")}\nreturn n == 0; }\n`;
}

/** Gives the paths of what was built. */
export function buildPrograms(folder) {
  mkdirSync(folder, { recursive: true });
  const cc = (out, ...args) => {
    execFileSync("cc", ["-o", join(folder, out), ...args], { stdio: ["ignore", "ignore", "inherit"] });
    return join(folder, out);
  };
  writeFileSync(join(folder, "many.c"), manyFunctions(10_000));
  return {
    measure: cc("measure", "-O1", "-static", join(import.meta.dirname, "workloads/measure.c")),
    calls: cc("calls", "-O1", "-static", "-fcf-protection=none", join(programs, "bench.c"), join(programs, "bench.S")),
    many: cc("many", "-O0", "-static", "-fcf-protection=none", join(folder, "many.c")),
    idle: "/bin/true",
  };
}
