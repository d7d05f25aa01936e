/** The library's `open()`: a script's probes from any program. */

import type { Unwind } from "../compiler/target.ts";
import type { EngineChoice } from "../engines/choose.ts";
import type { ArmedBy } from "../engines/engine.ts";
import { ExitStatus, SondeError } from "../errors/error.ts";
import { palette } from "../output/palette.ts";
import { viewLines } from "../output/text.ts";
import type { SessionOutput } from "./output.ts";
import { type ScriptSource, scriptFile } from "./script/source.ts";
import type { RunningSession } from "./session.ts";
import { startSession } from "./start.ts";
import { EventsState } from "./state/events.ts";
import type { State } from "./state/state.ts";
import { Stream } from "./stream.ts";
import type { Summary } from "./summary.ts";
import type { ParamValues } from "./vocabulary/params.ts";

export interface OpenOptions {
  readonly engine?: EngineChoice;
  readonly pid?: number | readonly number[];
  /** Started, and probed alone; its output passes through, and its end ends the session. */
  readonly command?: readonly string[];
  /** Where the command's streams go. */
  readonly stdio?: "inherit" | "ignore";
  readonly children?: boolean;
  /** Only processes in this cgroup (v2). */
  readonly cgroup?: string;
  readonly exact?: boolean;
  readonly unsafe?: boolean;
  /** How `c.ustack()` unwinds on the engine `kernel`: by frame pointers unless said. */
  readonly unwind?: Unwind;
  /** The share of a CPU that the probes may take, as 0.05: beyond, the session ends by itself. */
  readonly budget?: number;
  readonly params?: ParamValues;
  readonly signal?: { readonly aborted: boolean; addEventListener(type: "abort", listener: () => void): void };
}

export interface Session {
  /** By name: every map, aggregate and variable at the script's top level. */
  readonly maps: { readonly [name: string]: State };
  readonly events: { readonly [name: string]: EventsState };
  readonly engine: ArmedBy;
  /** What is printed. */
  readonly lines: AsyncIterable<string>;
  /** Resolves when the session has ended; rejects if the script failed. */
  readonly done: Promise<Summary>;
  /** Ends it and gives everything back. Maps and aggregates stay readable. */
  close(): Promise<Summary>;
  [Symbol.asyncDispose](): Promise<void>;
}

const known = ["engine", "pid", "command", "stdio", "children", "cgroup", "exact", "unsafe", "unwind", "budget", "params", "signal"];

function checked(options: OpenOptions): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw new SondeError("SONDE_OPTION", `open(): there is no option ${name}`, { mend: `The options are: ${known.join(", ")}.`, exit: ExitStatus.usage });
  }
  if (!["pointers", "tables", undefined].includes(options.unwind))
    throw new SondeError("SONDE_OPTION", `open(): unwind is ${String(options.unwind)}: it is "pointers" or "tables"`, { exit: ExitStatus.usage });
  if (options.budget !== undefined && !(typeof options.budget === "number" && options.budget > 0))
    throw new SondeError("SONDE_OPTION", `open(): budget is ${String(options.budget)}: it is a share of a CPU, as 0.05`, { exit: ExitStatus.usage });
  const pids = options.pid === undefined ? [] : [options.pid].flat();
  for (const pid of pids)
    if (!(Number.isInteger(pid) && pid > 0))
      throw new SondeError("SONDE_OPTION", `open(): pid is ${String(pid)}: it is a process id or several`, { exit: ExitStatus.usage });
}

const KEPT_LINES = 10_000;

/** Prints are lines; so is what `show()` shows. */
class Lines implements SessionOutput {
  readonly everyEvent = false;
  /** What the script prints while it loads and begins comes before anybody can ask for lines. */
  readonly stream = new Stream<string>(KEPT_LINES);
  print(text: string): void {
    for (const line of text.split("\n")) this.stream.push(line);
  }
  event(): void {}
  fault(error: SondeError): void {
    process.emitWarning(error);
  }
  show(view: Parameters<SessionOutput["show"]>[0], top: number | undefined): void {
    for (const line of viewLines(view, { columns: 80, paint: palette(false), top })) this.stream.push(line);
  }
}

export async function openSource(source: ScriptSource, options: OpenOptions = {}): Promise<Session> {
  checked(options);
  if (options.signal?.aborted) throw new SondeError("SONDE_ABORTED", "the signal was aborted before the session began");
  const output = new Lines();
  const running: RunningSession = await startSession(
    source,
    {
      engine: options.engine ?? "auto",
      pids: options.pid === undefined ? [] : [options.pid].flat(),
      command: options.command,
      stdio: options.stdio ?? "inherit",
      children: options.children ?? false,
      cgroup: options.cgroup,
      exact: options.exact ?? false,
      unsafe: options.unsafe ?? false,
      unwind: options.unwind ?? "pointers",
      budget: options.budget,
      params: options.params ?? {},
    },
    output,
  );
  await running.begun;
  // Rejects with what `begin` threw.
  if (running.failed) await running.close(false);
  const abort = (): void => running.end("aborted");
  options.signal?.addEventListener("abort", abort);
  if (options.signal?.aborted) abort();
  const end = (): void => output.stream.end();
  void running.done.then(end, end);
  const maps: { [name: string]: State } = {};
  const events: { [name: string]: EventsState } = {};
  for (const { state, name } of running.named) {
    if (state instanceof EventsState) events[name] = state;
    else maps[name] = state;
  }
  return {
    maps,
    events,
    engine: running.engine,
    lines: output.stream,
    done: running.done,
    close: () => running.close(),
    [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]: async () => {
      await running.close();
    },
  } as Session;
}

/** Arms a script's probes; resolves when they are in, and before anything is delivered. */
export async function open(script: string | { readonly href: string }, options: OpenOptions = {}): Promise<Session> {
  return await openSource(scriptFile(script), options);
}
