/** Real programs as targets: which of them are here, sonde's answers about them, and counters that aren't sonde's. */
import { execFileSync, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { countingMalloc } from "../fixtures/build.ts";
import { type Launched, launch, type Outcome } from "../fixtures/sonde.ts";

export const clone = join(import.meta.dirname, "../..");
export const tool = (name: string): string => join(clone, "tools", `${name}.probe.ts`);
export const example = (name: string): string => join(clone, "examples", `${name}.probe.ts`);

/** Where a program is; `npm test` installs what is missing, and says which tests don't run where it may not. */
export function where(command: string): string | undefined {
  for (const folder of command.startsWith("/") ? [""] : (process.env.PATH ?? "").split(delimiter)) {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return realpathSync(join(folder, command));
    } catch {}
  }
  return undefined;
}

export interface Folder extends Disposable {
  readonly path: string;
  file(name: string, text?: string): string;
}
export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "sonde-real-"));
  return {
    path,
    file(name, text) {
      if (text !== undefined) writeFileSync(join(path, name), text);
      return join(path, name);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** The objects of one type that a run with `--format json` printed. */
export const objectsOf = (outcome: Outcome, type: string, name?: string): Record<string, unknown>[] =>
  outcome.objects().filter((object) => object.type === type && (name === undefined || object.name === name));

/** What a run's map holds in the end: a number, or entries by key. */
export function mapOf(outcome: Outcome, name: string): unknown {
  const map = objectsOf(outcome, "map", name)[0];
  if (map === undefined) throw new Error(`no map ${name}: ${outcome.stdout}${outcome.stderr}`);
  if (!("entries" in map)) return "value" in map ? map.value : map;
  return Object.fromEntries((map.entries as { key: unknown; value: unknown }[]).map(({ key, value }) => [String(key), value]));
}

/** Runs the command line with `--format json` and gives what it printed; fails if anything was lost or went wrong. */
export async function traced(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return sound(await launch(withJson(args), { env }).ended);
}
function withJson(args: readonly string[]): string[] {
  const dashes = args.indexOf("--");
  return dashes < 0 ? [...args, "--format", "json"] : [...args.slice(0, dashes), "--format", "json", ...args.slice(dashes)];
}
function sound(outcome: Outcome): Outcome {
  const [summary] = objectsOf(outcome, "summary");
  if (outcome.status !== 0 || summary === undefined) throw new Error(`status ${outcome.status}: ${outcome.stdout}${outcome.stderr}`);
  for (const loss of ["lost", "unmatched", "skipped", "depth"]) if (summary[loss] !== 0) throw new Error(`${loss}: ${String(summary[loss])}`);
  return outcome;
}

export interface Tracing extends AsyncDisposable {
  /** Until this text is in the output. */
  seen(text: string): Promise<void>;
  /** Ends the run as Ctrl-C does. */
  end(): Promise<Outcome>;
}
/** The same, with its probes in and running until it is asked to end. */
export async function tracing(args: readonly string[]): Promise<Tracing> {
  const run: Launched = launch(withJson(args));
  await run.seen('"type":"attached"');
  return {
    seen: run.seen,
    async end() {
      run.kill("SIGINT");
      return sound(await run.ended);
    },
    async [Symbol.asyncDispose]() {
      run.kill("SIGINT");
      await run.ended;
    },
  };
}

/** A command's words as `-c` splits them. */
export const quoted = (...words: readonly string[]): string => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");

/** A malloc of ours, preloaded into a command and its children, that counts its own calls before it calls libc's. */
export interface MallocCounter extends Disposable {
  readonly library: string;
  /** The command, with the counter in it. Its first program is `env`, which runs without. */
  counted(...words: readonly string[]): string;
  calls(): number;
}
export function mallocCounter(): MallocCounter {
  const folder = temporaryFolder();
  const file = folder.file("calls", "\0".repeat(8));
  return {
    library: countingMalloc(),
    counted: (...words) => quoted("/usr/bin/env", `LD_PRELOAD=${countingMalloc()}`, `MALLOC_CALLS=${file}`, ...words),
    calls: () => Number(readFileSync(file).readBigUInt64LE(0)),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** A terminal of its own for an interactive program: what is typed, and its end. */
export function inTerminal(command: string): { type(text: string): void; readonly ended: Promise<void>; shown(): string } {
  const child = spawn("script", ["-qfec", command, "/dev/null"], { stdio: ["pipe", "pipe", "ignore"] });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve());
  });
  return { type: (text) => void child.stdin.write(text), ended, shown: () => shown };
}

export async function eventually(check: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !check(); await new Promise((next) => setTimeout(next, 20)))
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
}

export const textOf = (command: string, ...args: readonly string[]): string => execFileSync(command, args, { encoding: "utf8" });
