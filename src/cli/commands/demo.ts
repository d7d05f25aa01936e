/** `sonde demo`: ordinary programs at work, probed live for some seconds, and what came out. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { colorsWanted, type Palette, palette } from "../../output/palette.ts";
import { viewLines } from "../../output/text.ts";
import { scriptFile } from "../../session/script/source.ts";
import type { RunningSession } from "../../session/session.ts";
import { startSession } from "../../session/start.ts";
import { lossLines } from "../../session/summary.ts";
import { watchForEnding } from "../ending.ts";
import { outputFile } from "../output-file.ts";
import { startStatusLine } from "../status-line.ts";

const LASTS_MS = 8000;
const MOST_COLUMNS = 100;

/** What is shown of the script's maps, and how it is introduced. */
const SECTIONS: readonly { readonly map: string; readonly title: string; readonly asked: string; readonly top: number }[] = [
  {
    map: "sizes",
    title: "How large are the allocations, program by program? (bytes)",
    asked: 'uprobe("libc:malloc", (c) => sizes.at(c.comm).add(c.args.size))',
    top: 4,
  },
  {
    map: "nanoseconds",
    title: "How long does a read take, from its call to its return?",
    asked: 'uprobe("libc:read", { enter: (c) => c.time, leave: (c, began) => nanoseconds.add(c.time - began) })',
    top: 1,
  },
  { map: "calls", title: "Which functions are called most?", asked: 'uprobe(["libc:f*", "libc:*alloc", "libc:str*"], (c) => calls.at(c.func).add())', top: 10 },
];

/** Beside the package's dist/ and src/. */
function demoFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "demo", "tour.probe.ts"))) folder = dirname(folder);
  return join(folder, "demo");
}

/** A shell that starts the programs, in a process group of its own so that all of them can be ended together; it waits for `begin`. */
class Workload {
  readonly pid: number;
  readonly #shell: ChildProcess;
  readonly #scratch = mkdtempSync(join(tmpdir(), "sonde-demo-"));

  constructor(script: string) {
    this.#shell = spawn("/bin/sh", [script, this.#scratch, String(process.pid)], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    this.#shell.stdin?.on("error", () => {}); // It has ended already: there will be no hits, and that is said.
    const { pid } = this.#shell;
    if (pid === undefined) throw new SondeError("SONDE_DEMO", "the demo's workload can't be started", { why: "there is no /bin/sh" });
    this.pid = pid;
  }
  begin(): void {
    this.#shell.stdin?.end("begin\n");
  }
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#shell.once("exit", resolve));
    if (this.#shell.exitCode === null && this.#shell.signalCode === null) {
      process.kill(-this.pid, "SIGTERM");
      await ended;
    }
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}

function say(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

function showResults(session: RunningSession, paint: Palette, columns: number): void {
  for (const { map, title, asked, top } of SECTIONS) {
    const named = session.named.find(({ name }) => name === map);
    const view = named?.state.view(map);
    if (view === undefined) continue;
    // The title says what it is: the map's own name would only be in the way.
    const [head = "", ...rows] = viewLines(view, { columns, paint, top });
    const isAlone = view.kind === "aggregate";
    say(["", paint.strong(title), `  ${paint.dim(asked)}`, "", ...(isAlone ? [head.slice(head.indexOf("  ")), ...rows] : rows)]);
  }
}

function goOn(paint: Palette, folder: string): string[] {
  const command = existsSync("./sonde") ? "./sonde" : "sonde";
  const script = relative(process.cwd(), join(folder, "tour.probe.ts"));
  return [
    "",
    `${paint.strong("Go on:")} ${command} run ${script} --every 1s        the same script on everything that runs here`,
    `       ${command} -e 'const n = hash(comm, count()); uprobe("libc:open*", c => n.at(c.comm).add())' --for 5s`,
    `       ${command} --help`,
  ];
}

export async function demo(): Promise<number> {
  const output = outputFile(undefined);
  const paint = palette(colorsWanted(output));
  const columns = Math.min(MOST_COLUMNS, output.columns);
  const folder = demoFolder();
  const workload = new Workload(join(folder, "workload.sh"));
  const ending = watchForEnding(output);
  try {
    const source = scriptFile(join(folder, "tour.probe.ts"));
    const session = await startSession(
      source,
      {
        engine: "auto",
        pids: [workload.pid],
        command: undefined,
        stdio: "ignore",
        children: true,
        cgroup: undefined,
        exact: false,
        unsafe: false,
        unwind: "pointers",
        params: {},
      },
      { everyEvent: false, print: (text) => say([text]), event() {}, show() {}, fault() {} },
    );
    say([
      `${paint.strong("sonde demo")}: find, sort, sha256sum, gzip, tar, grep and sed are at work on this machine's own files.`,
      `${session.sites} places in libc are probed while they run, for ${LASTS_MS / 1000} seconds; nothing was recompiled or restarted for it.`,
    ]);
    workload.begin();
    const status = startStatusLine(`${session.sites} sites attached (${session.engine})`, () => session.hits());
    const timer = setTimeout(() => session.end("time"), LASTS_MS);
    ending.signal.addEventListener("abort", () => session.end("aborted"));
    try {
      const summary = await session.done;
      status.stop();
      showResults(session, paint, columns);
      say([
        "",
        `${summary.hits.toLocaleString("en")} hits; the probes are gone again.`,
        ...lossLines(summary).map((line) => paint.warn(line)),
        ...goOn(paint, folder),
      ]);
      return ExitStatus.ok;
    } finally {
      status.stop();
      clearTimeout(timer);
      await session.close(false).catch(() => {}); // What failed is thrown by `done` already.
    }
  } finally {
    ending.stop();
    await workload.end();
  }
}
