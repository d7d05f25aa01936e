// Makes a clone ready to run, with nothing but Node: installs the locked dependencies and builds, each only when it is out of date.
// Loads no package, for there may be none yet. `--force` builds in any case; `--install` only installs.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
/** What npm writes when an install is complete. */
const INSTALLED = at("node_modules", ".package-lock.json");
/** Touched when a build is complete; `./sonde` looks at it too. */
const BUILT = at("dist", ".built");
const SOURCES = ["src", "lib", "scripts", "package.json", "package-lock.json"];
const LOCK = at(".cache", "bootstrap.lock");
const OLDEST_NODE = [20, 19];

const touch = (path, time) => utimesSync(path, time, time);
const mtime = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** The latest change below a path. Folders count too, so that a deleted file is seen. */
function latest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((time, name) => Math.max(time, latest(join(path, name))), stat.mtimeMs);
}

const packagesIn = (path) => JSON.parse(readFileSync(path, "utf8")).packages;

/** Whether what is installed is what is locked: packages for other platforms are left out by npm. */
function installedIsLocked() {
  const have = packagesIn(INSTALLED);
  const locked = Object.entries(packagesIn(at("package-lock.json"))).filter(([path]) => path !== "");
  const extra = Object.keys(have).some((path) => !locked.some(([other]) => other === path));
  return !extra && locked.every(([path, { version, optional }]) => have[path]?.version === version || (optional && have[path] === undefined));
}

function mustInstall() {
  if (mtime(INSTALLED) === 0) return true;
  if (mtime(INSTALLED) >= mtime(at("package-lock.json"))) return false;
  if (!installedIsLocked()) return true;
  touch(INSTALLED, new Date());
  return false;
}
const mustBuild = () => mtime(BUILT) === 0 || SOURCES.some((source) => latest(at(source)) > mtime(BUILT));

function fail(text) {
  process.stderr.write(`sonde: ${text}\n`);
  process.exit(70);
}

/** Runs a step quietly; what it printed is shown only if it fails. */
function step(title, command, args, mend) {
  process.stderr.write(`sonde: ${title} …\n`);
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  fail(`${title} failed (${command} ${args.join(" ")}: ${error?.message ?? (signal ? `killed by ${signal}` : `status ${status}`)}). ${mend}`);
}

const alive = (pid) => existsSync(`/proc/${pid}`);

/** One bootstrap at a time; the lock of a process that is gone is taken over. */
function lock() {
  mkdirSync(dirname(LOCK), { recursive: true });
  for (;;) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: "wx" });
      process.on("exit", () => rmSync(LOCK, { force: true }));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const holder = existsSync(LOCK) ? readFileSync(LOCK, "utf8") : "";
      if (holder !== "" && !alive(holder)) rmSync(LOCK, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
}

function bootstrap(argv) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Node ${process.versions.node} is too old: ${OLDEST_NODE.join(".")} or newer is needed.`);
  }
  const force = argv.includes("--force");
  const builds = !argv.includes("--install");
  if (!mustInstall() && !(builds && (force || mustBuild()))) return;
  lock();
  if (mustInstall()) {
    step("installing dependencies", "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], "Is the npm registry in reach?");
    touch(INSTALLED, new Date());
  }
  if (builds && (force || mustBuild())) {
    const began = new Date();
    step("building", process.execPath, [at("scripts", "build.mjs")], "The messages above say where.");
    writeFileSync(BUILT, "");
    touch(BUILT, began);
  }
}

bootstrap(process.argv.slice(2));
