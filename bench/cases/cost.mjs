// What a hit is foretold to cost, beside what it costs: ten kinds of function and handler.
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { measured, median } from "../tools.mjs";

export const name = "cost";

const root = join(import.meta.dirname, "../..");
const nanoseconds = (got, count) => Number(/^ok (\d+)$/m.exec(got.output)?.[1] ?? Number.NaN) / count;

const COUNT = "export const n = count(); uprobe(AT, () => n.add());";
/** The program's function, the handler, the engine. */
const KINDS = [
  ["push", "starts_push", COUNT],
  ["endbr64, push", "starts_endbr", COUNT],
  ["mov, which is stepped", "starts_stepped", COUNT],
  ["sub rsp, which is stepped", "starts_sub", COUNT],
  ["push, hist(arg0)", "starts_push", "export const n = hist(); uprobe(AT, (c) => n.add(c.arg0));"],
  ["push, by comm", "starts_push", "export const n = hash(comm, hist()); uprobe(AT, (c) => n.at(c.comm).add(c.arg0));"],
  [
    "push, an event of 32 bytes",
    "starts_push",
    "export const e = events({ a: i64, b: u64, c: u64, d: u64 }); uprobe(AT, (c) => e.emit({ a: c.arg0, b: c.time, c: c.tid, d: 4 }));",
  ],
  ["push, entry and return", "starts_push", "export const n = hist(); uprobe(AT, { enter: (c) => c.time, leave: (c, at) => n.add(c.time - at) });"],
  ["push, by user stack", "starts_push", "export const n = hash(stack, count()); uprobe(AT, (c) => n.at(c.ustack()).add());"],
  ["push, engine breakpoint", "starts_push", COUNT, "breakpoint"],
];

function foretold({ programs, folder }, sonde, fn, script, engine) {
  const file = join(folder, "cost.probe.ts");
  writeFileSync(file, `import { comm, count, events, hash, hist, i64, stack, u64, uprobe } from "sonde";\n${script}\n`);
  const busy = spawn(programs.calls, [fn, "100000000000", "1"], { stdio: "ignore" });
  try {
    const args = [join(root, "dist/cli.mjs"), "run", file, "--engine", engine, "--estimate", "--format", "json", "-p", String(busy.pid)];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env: sonde.env });
    if (!stdout.startsWith("{")) throw new Error(stderr);
    return JSON.parse(stdout.split("\n")[0]).ns;
  } finally {
    busy.kill("SIGKILL");
  }
}

/** How far the one is from the other, as a factor of 1 or more. */
const factor = (a, b) => Math.max(a / b, b / a);

export async function run(context) {
  const { programs, sonde, rounds } = context;
  return KINDS.map(([what, fn, handler, engine = "kernel"]) => {
    const count = engine === "kernel" ? 200_000 : 20_000;
    const script = handler.replace("AT", JSON.stringify(`${programs.calls}:${fn}`));
    const command = [programs.calls, fn, String(count), "42"];
    const plain = [];
    const probed = [];
    for (let i = 0; i < Math.max(3, rounds); i++) {
      plain.push(nanoseconds(measured(programs, command), count));
      probed.push(nanoseconds(measured(programs, sonde.command(script, command.join(" "), "--engine", engine), { env: sonde.env }), count));
    }
    const real = median(probed) - median(plain);
    const told = foretold(context, sonde, fn, script, engine);
    return { what: `foretold cost, ${what}: ${told.toFixed(0)} ns of ${real.toFixed(0)}`, unit: "×", sonde: factor(told, real), peers: {}, atMost: 1.5 };
  });
}
