// The tools that are compared: sonde, and each bpftrace that is here (on PATH, and below SONDE_BENCH_ROOT, a tree of a newer Debian).
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";

const root = join(import.meta.dirname, "..");

export const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Runs a command under `measure`: { seconds, peakKiB, status, output }. */
export function measured(programs, command, options = {}) {
  const { stdout, stderr, output, error } = spawnSync(programs.measure, command, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    maxBuffer: 1 << 28,
    ...options,
  });
  if (error) throw error;
  const [seconds, peakKiB, status] = (output[3] ?? "").trim().split(" ").map(Number);
  return { seconds, peakKiB, status, output: stdout, errors: stderr };
}

/** `script(expression)` is the tool's program; `run` gives the command line. */
export function sonde(cache) {
  return {
    name: "sonde",
    kind: "sonde",
    env: { ...process.env, XDG_CACHE_HOME: cache },
    at: (path) => path,
    command: (script, command, ...options) => [
      process.execPath,
      join(root, "dist/cli.mjs"),
      ...options,
      "-e",
      script,
      ...(command === undefined ? [] : ["-c", command]),
    ],
  };
}

function version(command) {
  const { stdout, status } = spawnSync(command[0], [...command.slice(1), "--version"], { encoding: "utf8" });
  return status === 0 ? /v?(\d+\.\d+(?:\.\d+)?)/.exec(stdout)?.[1] : undefined;
}

export function bpftraces() {
  const found = [];
  const here = version(["bpftrace"]);
  if (here)
    found.push({
      name: `bpftrace ${here}`,
      kind: "bpftrace",
      env: process.env,
      at: (path) => path,
      command: (script, command) => ["bpftrace", "-e", script, "-c", command],
    });
  const tree = process.env.SONDE_BENCH_ROOT;
  if (tree && existsSync(join(tree, "usr/bin/bpftrace"))) {
    for (const folder of ["proc", "sys"])
      if (!existsSync(join(tree, folder, folder === "proc" ? "self" : "kernel"))) spawnSync("mount", ["--rbind", `/${folder}`, join(tree, folder)]);
    const newer = version(["chroot", tree, "bpftrace"]);
    mkdirSync(join(tree, "var/tmp/sonde-bench"), { recursive: true });
    const at = (path) => {
      if (path.startsWith("/bin/")) return path;
      copyFileSync(path, join(tree, "var/tmp/sonde-bench", basename(path)));
      return `/var/tmp/sonde-bench/${basename(path)}`;
    };
    if (newer)
      found.push({
        name: `bpftrace ${newer}`,
        kind: "bpftrace",
        env: process.env,
        at,
        command: (script, command) => ["chroot", tree, "bpftrace", "-e", script, "-c", command],
      });
  }
  return found;
}
