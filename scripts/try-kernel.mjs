// Boots another kernel in an emulated machine, runs sonde's command line there, and gives the worst status of its runs:
//
//     node scripts/try-kernel.mjs KERNEL [COMMAND…]
//
// KERNEL is a vmlinuz, or a folder with one in it (as `dpkg-deb -x linux-image-….deb FOLDER` leaves it). No module is loaded:
// devtmpfs, tmpfs and the serial console must be built in, as in distributions' kernels. A COMMAND is a line for a shell, in
// which /subject is the program below; without any, those below are run. What runs is dist/, from an image in memory.
// Needs qemu-system-x86_64, a static busybox, and cc.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const MEMORY_MB = 1536;
const LIMIT_MS = 20 * 60_000;

/** Calls outer() and inner() 1000 times each; with an argument, 10 times more in a child. */
const SUBJECT = `
#include <sys/wait.h>
#include <unistd.h>
__attribute__((noipa)) long inner(long n) { return n * 2; }
__attribute__((noipa)) long outer(long n, const char *name) { return inner(n) + (*name == 'e'); }
int main(int argc, char **argv) {
  for (long i = 0; i < 1000; i++) outer(i, i % 2 ? "odd" : "even");
  if (argc > 1 && fork() == 0) {
    for (long i = 0; i < 10; i++) outer(i, "child");
    _exit(0);
  }
  wait(0);
}
`;

/** A run that ends with status 1 unless `right` holds at its end. */
const sonde = (script, right, rest = "-c /subject") => `sonde -e '${script} end(() => { if (!(${right})) exit(1) });' ${rest}`;
const COUNT = 'const calls = count(); uprobe("/subject:outer", () => { calls.add() });';
const PAIRS = `const right = count(), wrong = count(); uprobe("/subject:outer", {
  enter: (c) => ({ n: c.arg0 }), leave: (c, at) => { if (c.ret >> 1 === at.n) right.add(); else wrong.add() } });`;
const COMMANDS = [
  "sonde doctor",
  sonde(COUNT, "calls.read() === 1000n"),
  sonde(PAIRS, "right.read() === 1000n && wrong.read() === 0n"),
  sonde('const calls = hash(func, count()); uprobe("/subject:*er", (c) => { calls.at(c.func).add() });', "[...calls.entries()].length === 2"),
  sonde(
    'const sizes = hash(cstring(16), hist()); uprobe("/subject:outer", (c) => { sizes.at(str(c.arg1)).add(c.arg0) });',
    "[...sizes.entries()].length === 2",
  ),
  sonde(
    'let sum = 0n; const seen = events({ pid: u32, n: i64 }); uprobe("/subject:outer", (c) => seen.emit({ pid: c.pid, n: c.arg0 })); seen.on((e) => { sum += e.n });',
    "sum === 499_500n",
  ),
  sonde(COUNT, "calls.read() === 1010n", '--children -c "/subject fork"'),
  ...[
    ["uretprobe", "setRet"],
    ["uprobe", "override"],
  ].map(([register, change]) => {
    const script = `const changed = count(); ${register}("/subject:inner", (c) => c.unsafe.${change}(1000000));
      uretprobe("/subject:outer", (c) => { if (c.ret >= 1000000) changed.add() });`;
    return `if sonde doctor | grep -q "programs may set registers"; then ${sonde(script, "changed.read() === 1000n", "--unsafe --engine kernel -c /subject")}; fi`;
  }),
  ...["tracefs", "perf"].map((way) => `SONDE_ATTACH=${way} ${sonde(PAIRS, "right.read() === 1000n && wrong.read() === 0n")}`),
];

function kernelAt(place) {
  if (!statSync(place).isDirectory()) return place;
  const found = readdirSync(place, { recursive: true, withFileTypes: true }).find((entry) => entry.isFile() && entry.name.startsWith("vmlinuz"));
  if (found === undefined) throw new Error(`there is no vmlinuz below ${place}`);
  return join(found.parentPath, found.name);
}

const DIRECTORY = 0o040755;
const EXECUTABLE = 0o100755;

/** One entry of a cpio archive of the format "newc": 13 numbers of 8 digits, the name, the content, each filled up to 4 bytes. */
function cpioEntry(inode, name, mode, content) {
  const numbers = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const head = `070701${numbers.map((n) => n.toString(16).padStart(8, "0")).join("")}${name}\0`;
  return [Buffer.from(head), Buffer.alloc(-head.length & 3), content, Buffer.alloc(-content.length & 3)];
}

/** An archive of files by absolute path, with the folders that they are in. */
function cpio(files) {
  const folders = new Set(["/proc", "/sys", "/dev", "/tmp", "/root", "/bin"]);
  for (const path of files.keys()) for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) folders.add(folder);
  const entries = [
    ...[...folders].sort().map((folder) => [folder, DIRECTORY, Buffer.alloc(0)]),
    ...[...files].map(([path, content]) => [path, EXECUTABLE, content]),
  ];
  return Buffer.concat([...entries, ["/TRAILER!!!", 0, Buffer.alloc(0)]].flatMap(([path, mode, content], i) => cpioEntry(i + 1, path.slice(1), mode, content)));
}

/** The libraries and the loader that a program needs, as ldd(1) names them. */
const librariesOf = (program) => execFileSync("ldd", [program], { encoding: "utf8" }).match(/\/\S+(?= \()/g) ?? [];

function addFolder(files, from, to) {
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(join(to, path.slice(from.length)), readFileSync(path));
  }
}

const jsonOf = (name) => JSON.parse(readFileSync(join(root, name), "utf8"));
const which = (name) => execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();

const initOf = (commands) => `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tracefs nodev /sys/kernel/tracing
export PATH=/bin HOME=/root LD_LIBRARY_PATH= NO_COLOR=1 COLUMNS=160
ip link set lo up
echo "=== Linux $(uname -r)"
${commands.map((_, i) => `{ cat /commands/${i}.title; sh /commands/${i} </dev/null; echo "=== status $?"; } 2>&1 | cat`).join("\n")}
poweroff -f
`;

function image(folder, commands) {
  const subject = join(folder, "subject");
  writeFileSync(`${subject}.c`, SUBJECT);
  execFileSync("cc", ["-O1", "-fcf-protection=none", "-o", subject, `${subject}.c`], { stdio: "inherit" });
  const files = new Map();
  for (const program of [process.execPath, subject]) for (const library of librariesOf(program)) files.set(library, readFileSync(library));
  files.set("/bin/busybox", readFileSync(which("busybox")));
  files.set("/bin/node", readFileSync(process.execPath));
  files.set("/subject", readFileSync(subject));
  files.set("/bin/sonde", Buffer.from('#!/bin/busybox sh\nexec node /sonde/dist/cli.mjs "$@"\n'));
  files.set("/init", Buffer.from(initOf(commands)));
  for (const [i, command] of commands.entries()) {
    files.set(`/commands/${i}`, Buffer.from(`${command}\n`));
    files.set(`/commands/${i}.title`, Buffer.from(`\n$ ${command}\n`));
  }
  const own = jsonOf("package.json").files.filter((name) => !name.startsWith("!"));
  const packages = Object.entries(jsonOf("package-lock.json").packages).filter(([path, { dev }]) => path !== "" && !dev && existsSync(join(root, path)));
  for (const part of ["package.json", ...own, ...packages.map(([path]) => path)]) {
    const from = join(root, part);
    if (statSync(from).isDirectory()) addFolder(files, from, `/sonde/${part}`);
    else files.set(`/sonde/${part}`, readFileSync(from));
  }
  return cpio(files);
}

function boot(kernel, initrd) {
  // Two faults of QEMU 7.2 make kernels panic now and then: cmpxchg16b, and a thread for each processor, where one of them
  // may still run code that the other has patched.
  const machine = [
    "-m",
    `${MEMORY_MB}`,
    "-accel",
    "tcg,thread=single",
    "-smp",
    "2",
    "-cpu",
    "max,cx16=off",
    "-no-reboot",
    "-nodefaults",
    "-display",
    "none",
    "-serial",
    "stdio",
  ];
  const qemu = spawn("qemu-system-x86_64", [...machine, "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const limit = setTimeout(() => qemu.kill(), LIMIT_MS);
  return new Promise((resolve, reject) => {
    let text = "";
    let shown = 0;
    qemu.stdout.setEncoding("utf8").on("data", (part) => {
      text += part.replaceAll("\r", "");
      process.stdout.write(text.slice(shown));
      shown = text.length;
    });
    qemu.on("error", reject).on("close", () => {
      clearTimeout(limit);
      resolve(text);
    });
  });
}

const [place, ...own] = process.argv.slice(2);
if (place === undefined) {
  process.stderr.write("usage: node scripts/try-kernel.mjs KERNEL [COMMAND…]\n");
  process.exit(2);
}
const commands = own.length > 0 ? own : COMMANDS;
const folder = mkdtempSync(join(tmpdir(), "sonde-kernel-"));
try {
  const initrd = join(folder, "initrd");
  writeFileSync(initrd, image(folder, commands));
  const text = await boot(kernelAt(place), initrd);
  const statuses = [...text.matchAll(/^=== status (\d+)$/gm)].map((match) => Number(match[1]));
  if (statuses.length < commands.length) process.stderr.write(`the machine ended after ${statuses.length} of ${commands.length} commands\n`);
  process.exitCode = statuses.length < commands.length ? 1 : Math.max(...statuses);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
