// Hits of the engine inline: what a jump adds to a call, beside the kernel's uprobes and uftrace in the same run; and real programs.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { measured, median } from "../tools.mjs";

export const name = "jumps";

const COUNT = 3_000_000;
/** Of the kernel's, which take a thousand times as long, and of uftrace's, which writes each down. */
const FEW = 200_000;
/** So many records have room in the ring at once. */
const RECORDS = 60_000;

const nanoseconds = (got, count) => Number(/^ok (\d+)$/m.exec(got.output)?.[1] ?? Number.NaN) / count;

function uftrace() {
  const { stdout, status } = spawnSync("uftrace", ["--version"], { encoding: "utf8" });
  if (status === 0) return `uftrace ${/v(\S+)/.exec(stdout)?.[1] ?? ""}`.trim();
  process.stderr.write("bench: no uftrace here, so there is no ratio for enter/leave (apt-get install uftrace)\n");
  return undefined;
}

function perHit({ programs, sonde, rounds, folder }) {
  const path = programs.callsShared;
  const run = (count) => [path, "starts_push", String(count), "42"];
  const plain = [];
  const added = (script, engine, count) => {
    const got = measured(programs, sonde.command(script.replace("TARGET", JSON.stringify(`${path}:starts_push`)), run(count).join(" "), "--engine", engine), {
      env: sonde.env,
    });
    if (got.status !== 0) throw new Error(`sonde: status ${got.status}\n${got.output}${got.errors}`);
    return nanoseconds(got, count);
  };
  const COUNTED = "export const n = count(); uprobe(TARGET, () => n.add());";
  const cases = [
    ["count()", COUNTED, COUNT, { atMost: 5 }],
    ["hist(arg0)", "export const n = hist(); uprobe(TARGET, (c) => n.add(c.arg0));", COUNT, { atMost: 12 }],
    ["hash(u32, count()) by tid", "export const n = hash(u32, count()); uprobe(TARGET, (c) => n.at(c.tid).add());", COUNT, { atMost: 40 }],
    [
      "enter/leave latency histogram",
      "export const n = hist(); uprobe(TARGET, { enter: (c) => c.time, leave: (c, at) => n.add(c.time - at) });",
      COUNT,
      { atMost: 60 },
    ],
    [
      "an event of 32 bytes",
      "export const n = events({ a: u64, b: u64, time: u64, pid: u32, n: u32 }); n.on(() => {}); uprobe(TARGET, (c) => n.emit({ a: c.arg0, b: c.arg1, time: c.time, pid: c.pid, n: 1 }));",
      RECORDS,
      { atMost: 60 },
    ],
  ];
  const ours = cases.map(() => []);
  const [kernel, theirs] = [[], []];
  const peer = uftrace();
  for (let i = 0; i < rounds; i++) {
    plain.push(nanoseconds(measured(programs, run(COUNT)), COUNT));
    for (const [n, [, script, count]] of cases.entries()) ours[n].push(added(script, "inline", count));
    kernel.push(added(COUNTED, "kernel", FEW));
    if (peer === undefined) continue;
    const data = join(folder, "uftrace");
    theirs.push(nanoseconds(measured(programs, ["uftrace", "record", "-d", data, "-P", "starts_push", ...run(FEW)]), FEW));
    rmSync(data, { recursive: true, force: true });
  }
  const base = median(plain);
  const rows = cases.map(([what, , , bar], n) => ({ what: `added per hit, a jump: ${what}`, unit: "ns", sonde: median(ours[n]) - base, peers: {}, ...bar }));
  const counted = rows[0].sonde;
  rows.splice(1, 0, {
    what: "the same count() by the kernel's uprobes, in the same run",
    unit: "ns",
    sonde: median(kernel) - base,
    peers: {},
    atLeast: 150 * counted,
  });
  if (peer !== undefined)
    rows.push({
      what: "enter/leave beside uftrace's",
      unit: "ns",
      sonde: rows[4].sonde,
      peers: { [peer]: median(theirs) - base },
      reference: peer,
      bar: 0.25,
    });
  return rows;
}

function twoThreads({ programs, sonde, rounds }) {
  const count = 10_000_000;
  const script = `export const n = count(); uprobe(${JSON.stringify(`${programs.pairs}:called`)}, () => n.add()); end(() => { if (n.read() !== ${2 * count}n) throw new Error(n.read() + " hits"); });`;
  const [plain, ours] = [[], []];
  for (let i = 0; i < rounds; i++) {
    plain.push(nanoseconds(measured(programs, [programs.pairs, String(count)]), count));
    const got = measured(programs, sonde.command(script, `${programs.pairs} ${count}`, "--engine", "inline"), { env: sonde.env });
    if (got.status !== 0) throw new Error(`sonde: status ${got.status}\n${got.errors}`);
    ours.push(nanoseconds(got, count));
  }
  return [{ what: "two threads at one probe: count(), added to each", unit: "ns", sonde: median(ours) - median(plain), peers: {}, atMost: 8 }];
}

/** Events that a listener gets while they are emitted as fast as they are read: each has its number. */
function reader({ programs, sonde, rounds }) {
  const count = 30_000_000;
  const script = `
    const data = events({ a: u64, b: u64, time: u64, n: u64 }); const made = count();
    uprobe(${JSON.stringify(`${programs.callsShared}:starts_push`)}, (c) => { data.emit({ a: c.arg0, b: c.arg1, time: c.time, n: 1 }); });
    let got = 0, wrong = 0, first = 0, last = 0, before = 0n;
    data.on((e) => { got++; if (e.a !== 42n || e.time < before) wrong++; before = e.time; if (first === 0) first = performance.now(); last = performance.now(); });
    end(() => console.log("EVENTS", got, wrong, last - first));`;
  const rates = [];
  for (let i = 0; i < Math.min(rounds, 3); i++) {
    const got = measured(programs, sonde.command(script, `${programs.callsShared} starts_push ${count} 42`, "--engine", "inline"), { env: sonde.env });
    const [, n, wrong, ms] = /EVENTS (\d+) (\d+) ([\d.]+)/.exec(got.output + got.errors)?.map(Number) ?? [];
    if (wrong !== 0) throw new Error(`${wrong} events were wrong\n${got.output}${got.errors}`);
    rates.push(n / (ms / 1000));
  }
  return [{ what: "events of 32 bytes that a listener gets from machine code", unit: "/s", sonde: median(rates), peers: {}, atLeast: 3_000_000 }];
}

/** Work a second of a program that says it on stdout. */
const PROGRAMS = [
  {
    name: "python3",
    target: "libc:malloc",
    command: [
      "python3",
      "-c",
      "import json,time\nd={str(i):list(range(40)) for i in range(20)}\nt=time.perf_counter();n=0\nwhile time.perf_counter()-t<SECONDS:\n  json.loads(json.dumps(d)); [bytearray(600) for i in range(100)]; n+=1\nprint('ok',int(n/SECONDS))",
    ],
  },
  {
    name: "node",
    target: "libc:malloc",
    command: [
      process.execPath,
      "-e",
      "const {createHash}=require('crypto');const b=Buffer.alloc(32768);const t=performance.now();let n=0;while(performance.now()-t<1000*SECONDS){for(let i=0;i<100;i++)createHash('sha1').update(b).digest();n+=100}console.log('ok',Math.round(n/SECONDS))",
    ],
  },
];
const SECONDS = 2;

function realProgram({ sonde, rounds }, { name: program, target, command }, engine) {
  const run = (probed) => {
    const words = command.map((word) => word.replaceAll("SECONDS", String(SECONDS)));
    const script = `export const n = hist(); uprobe(${JSON.stringify(target)}, (c) => n.add(c.arg0)); end(() => console.log("HITS", n.read().count));`;
    const all = probed ? [...sonde.command(script, undefined, "--engine", engine), "--", ...words] : words;
    const { stdout, stderr, status } = spawnSync(all[0], all.slice(1), { encoding: "utf8", env: sonde.env });
    const [, rate] = /^ok (\d+)$/m.exec(stdout) ?? [];
    if (status !== 0 || rate === undefined) throw new Error(`${all.join(" ")}: ${status}\n${stdout}${stderr}`);
    return { rate: Number(rate), hits: Number(/HITS (\d+)/.exec(stdout)?.[1] ?? 0) };
  };
  const [plain, ours, hits] = [[], [], []];
  for (let i = 0; i < Math.min(rounds, 5); i++) {
    plain.push(run(false).rate);
    const { rate, hits: got } = run(true);
    ours.push(rate);
    hits.push(got / SECONDS);
  }
  const rate = Math.round(median(hits) / 1000);
  return { what: `${program}: throughput with hist(malloc's size), ${rate},000 hits/s, ${engine}`, unit: "×", sonde: median(ours) / median(plain), peers: {} };
}

const PORT = 7381;
const has = (program) => spawnSync(program, ["--version"]).status === 0;

async function redis({ sonde, rounds }, engine) {
  const server = spawn("redis-server", ["--port", String(PORT), "--save", "", "--bind", "127.0.0.1"], { stdio: "ignore" });
  const answers = () =>
    new Promise((resolve) => {
      const socket = createConnection(PORT, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
  try {
    while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, 50));
    const load = () =>
      Number(
        /"SET","([\d.]+)"/.exec(
          execFileSync("redis-benchmark", ["-p", String(PORT), "-n", "200000", "-c", "20", "-P", "4", "-t", "set", "--csv"], { encoding: "utf8" }),
        )?.[1],
      );
    const target = execFileSync("sh", ["-c", `grep -qi jemalloc /proc/${server.pid}/maps && echo libjemalloc:malloc || echo libc:malloc`], {
      encoding: "utf8",
    }).trim();
    const script = `export const n = hist(); uprobe(${JSON.stringify(target)}, (c) => n.add(c.arg0)); begin(() => console.log("READY")); end(() => console.log("HITS", n.read().count));`;
    const [plain, ours, hits] = [[], [], []];
    load();
    for (let i = 0; i < Math.min(rounds, 5); i++) {
      plain.push(load());
      const [path, ...args] = sonde.command(script, undefined, "--engine", engine);
      const tool = spawn(path, [...args, "-p", String(server.pid)], { env: sonde.env, stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      const ready = new Promise((resolve) =>
        tool.stdout.setEncoding("utf8").on("data", (piece) => {
          text += piece;
          if (text.includes("READY")) resolve();
        }),
      );
      await ready;
      const begun = performance.now();
      ours.push(load());
      const seconds = (performance.now() - begun) / 1000;
      tool.kill("SIGINT");
      await new Promise((resolve) => tool.once("close", resolve));
      hits.push(Number(/HITS (\d+)/.exec(text)?.[1] ?? 0) / seconds);
    }
    const rate = Math.round(median(hits) / 1000);
    return {
      what: `redis (${target}): the same under redis-benchmark, ${rate},000 hits/s, ${engine}`,
      unit: "×",
      sonde: median(ours) / median(plain),
      peers: {},
    };
  } finally {
    const gone = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGTERM");
    await gone;
  }
}

export async function run(context) {
  const rows = [...perHit(context), ...twoThreads(context), ...reader(context)];
  for (const program of PROGRAMS) {
    rows.push({ ...realProgram(context, program, "inline"), atLeast: 0.95 }, realProgram(context, program, "kernel"));
  }
  if (!has("redis-server")) process.stderr.write("bench: no redis-server here (apt-get install redis-server)\n");
  else rows.push({ ...(await redis(context, "inline")), atLeast: 0.95 }, await redis(context, "kernel"));
  return rows;
}
