// `npm test`: makes the clone ready, gets what tests need from Debian where it may, runs them, and says what couldn't run and why.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What the tests' programs are built with and compared by, and the Debian packages that have it. */
const COMPILERS = { cc: ["gcc", "libc6-dev"], "c++": ["g++"], gdb: ["gdb"], go: ["golang-go"], rustc: ["rustc"] };
/** Programs that some tests probe (test/real-programs); these alone don't run where one is missing. */
const TARGETS = {
  openssl: ["openssl"],
  python3: ["python3"],
  rustc: ["rustc"],
  go: ["golang-go"],
  javac: ["default-jdk-headless"],
  "redis-server": ["redis-server"],
  "redis-benchmark": ["redis-tools"],
  nginx: ["nginx-light"],
  ab: ["apache2-utils"],
};

const run = (command, args, options = {}) => spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });

function onPath(command) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Installs what is missing, if this is root on a Debian; gives what is missing still. */
function provide(programs) {
  const missing = () => Object.keys(programs).filter((command) => !onPath(command));
  const wanted = missing();
  if (wanted.length === 0) return [];
  if (process.getuid() === 0 && onPath("apt-get")) {
    const packages = wanted.flatMap((command) => programs[command]);
    process.stderr.write(`sonde: installing ${packages.join(", ")} for the tests …\n`);
    const quiet = { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
    const install = () => run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], quiet).status;
    if (install() !== 0 && run("apt-get", ["update", "-qq"], quiet).status === 0) install();
  }
  return missing();
}

function main(argv) {
  const ready = run(process.execPath, [join(root, "scripts/bootstrap.mjs")]);
  if (ready.status !== 0) return ready.status ?? 1;

  const reasons = [];
  const missing = provide(COMPILERS);
  if (missing.length > 0)
    reasons.push(`no ${missing.join(" and no ")} here: what needs programs built for it did not run. Mend: apt-get install gcc g++ libc6-dev`);
  const mayProbe = process.getuid() === 0;
  if (!mayProbe) reasons.push("not root: nothing that arms probes in the kernel ran. Mend: run it as root");

  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const limited = reasons.length > 0;
  const absent = limited ? [] : provide(TARGETS);
  const { status } = run(process.execPath, [vitest, "run", ...(limited ? ["--project", "pure", "--project", "commands"] : []), ...argv], {
    env: { ...process.env, NO_UPDATE_NOTIFIER: "1" },
  });
  if (limited) {
    process.stdout.write(`\nNOT RUN: everything in test/ but test/cli\n${reasons.map((reason) => `  ${reason}\n`).join("")}This is not a full pass.\n`);
  }
  if (absent.length > 0) {
    const packages = absent.flatMap((command) => TARGETS[command]).join(" ");
    process.stdout.write(
      `\nNOT RUN: the tests in test/real-programs that probe ${absent.join(", ")}\n  not installed. Mend: apt-get install ${packages}\nThis is not a full pass.\n`,
    );
  }
  // A check that nobody watches must not take a part for the whole.
  return (limited || absent.length > 0) && process.env.CI ? status || 1 : (status ?? 1);
}

process.exitCode = main(process.argv.slice(2));
