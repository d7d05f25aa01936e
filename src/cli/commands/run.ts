/** `sonde run FILE` and `sonde -e SCRIPT`: one session from its options to its final print. */
import type { Unwind } from "../../compiler/target.ts";
import type { EngineChoice } from "../../engines/choose.ts";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { colorsWanted, palette } from "../../output/palette.ts";
import { run as runSession } from "../../session/run.ts";
import { type ScriptSource, scriptFile, scriptText } from "../../session/script/source.ts";
import type { RunningSession } from "../../session/session.ts";
import type { StartOptions } from "../../session/start.ts";
import type { Summary } from "../../session/summary.ts";
import { diagnosticText } from "../diagnostic-text.ts";
import { watchForEnding } from "../ending.ts";
import { type OutputFile, outputFile } from "../output-file.ts";
import { processIds } from "../process-names.ts";
import { describeError } from "../report-error.ts";
import { parseParams } from "../script-params.ts";
import { splitCommand } from "../shell-words.ts";
import { NO_STATUS_LINE, type StatusLine, startStatusLine } from "../status-line.ts";

export interface RunOptions {
  readonly process?: readonly string[];
  readonly command?: string;
  readonly children?: boolean;
  readonly cgroup?: string;
  readonly for?: number;
  readonly every?: number;
  readonly format: "text" | "json";
  readonly output?: string;
  readonly engine: EngineChoice;
  readonly exact?: boolean;
  readonly unsafe?: boolean;
  readonly unwind: Unwind;
  readonly budget?: number;
  readonly estimate?: boolean;
  readonly params?: boolean;
}

export type Script = { readonly file: string } | { readonly code: string };

const sourceOf = (script: Script): ScriptSource => ("file" in script ? scriptFile(script.file) : scriptText(script.code));

/** Behind `--` stand the parameters of a file; of a one-liner the command, unless -c gave one. */
function startOptions(script: Script, words: readonly string[], options: RunOptions): StartOptions {
  const wordsAreCommand = "code" in script && options.command === undefined;
  const command = options.command !== undefined ? splitCommand(options.command) : wordsAreCommand && words.length > 0 ? words : undefined;
  const pids = processIds(options.process ?? []);
  if (command !== undefined && (pids.length > 0 || options.cgroup !== undefined)) {
    throw new SondeError("SONDE_USAGE", "a command is given, and other processes by -p or --cgroup", {
      mend: "Use one of them: a command is probed alone.",
      exit: ExitStatus.usage,
    });
  }
  if (options.children && command === undefined && pids.length === 0) {
    throw new SondeError("SONDE_USAGE", "--children without -p or -c: whose?", {
      mend: "Without -p and -c every process is probed anyway.",
      exit: ExitStatus.usage,
    });
  }
  return {
    engine: options.engine,
    pids,
    command,
    stdio: "inherit",
    children: options.children === true,
    cgroup: options.cgroup,
    exact: options.exact === true,
    unsafe: options.unsafe === true,
    unwind: options.unwind,
    budget: options.budget,
    params: wordsAreCommand ? {} : parseParams(words),
  };
}

const terminalPaint = () => palette(colorsWanted(process.stderr));

function note(text: string): void {
  process.stderr.write(`${terminalPaint().warn("note")} ${text}\n`);
}

/**
 * Tells a person what was attached, and what the compiler warns of. A line that changes would be written over by a command
 * that has the same terminal.
 */
function announce(session: RunningSession, sharesTerminal: boolean): StatusLine {
  for (const warning of session.warnings) process.stderr.write(`${diagnosticText(warning, session.files, terminalPaint())}\n`);
  for (const text of session.notes) note(text);
  const attached = `${session.sites} ${session.sites === 1 ? "site" : "sites"} attached (${session.engine}: ${session.method})`;
  return startStatusLine(attached, () => session.hits(), { changes: !sharesTerminal });
}

/** The status of the process; a command's own isn't ours, and is told. */
function statusOf({ ended, status }: Summary): number {
  if (ended !== "command" || status === 0) return status;
  note(`the command ended ${status > 128 ? `by signal ${status - 128}` : `with status ${status}`}`);
  return ExitStatus.fault;
}

async function tellWhyNoHits(session: RunningSession, start: StartOptions): Promise<void> {
  const { whyNoHits } = await import("../why-no-hits.ts");
  for (const line of whyNoHits(session.probed, { pids: start.pids, command: start.command !== undefined, cgroup: start.cgroup }))
    process.stderr.write(`${line}\n`);
}

async function runTo(output: OutputFile, source: ScriptSource, start: StartOptions, options: RunOptions): Promise<number> {
  let line = NO_STATUS_LINE;
  let session: RunningSession | undefined;
  const ending = watchForEnding(output);
  try {
    const summary = await runSession(source, {
      ...start,
      format: options.format,
      write(text) {
        line.hide();
        output.write(text);
      },
      tell: note,
      complain: (error) => {
        line.hide();
        process.stderr.write(`${describeError(error, terminalPaint(), process.stderr.columns)}\n`);
      },
      color: colorsWanted(output),
      columns: output.columns,
      forMs: options.for,
      everyMs: options.every,
      signal: ending.signal,
      onArmed(armed) {
        session = armed;
        line = announce(armed, start.command !== undefined && process.stdout.isTTY);
      },
    });
    line.stop();
    const { outputError } = ending;
    if (outputError?.code === "EPIPE") return ExitStatus.ok;
    if (outputError !== undefined) throw new SondeError("SONDE_OUTPUT", "the output couldn't be written", { why: outputError.message, cause: outputError });
    if (session !== undefined && summary.hits === 0n) await tellWhyNoHits(session, start);
    return statusOf(summary);
  } finally {
    line.stop();
    ending.stop();
  }
}

export async function run(script: Script, words: readonly string[], options: RunOptions): Promise<number> {
  const source = sourceOf(script);
  const start = startOptions(script, words, options);
  if (options.params) {
    const { showParams } = await import("../show-params.ts");
    return await showParams(source, start.params);
  }
  if (options.estimate) {
    const { showEstimate } = await import("../show-estimate.ts");
    return await showEstimate(source, start, options.format);
  }
  const output = outputFile(options.output);
  try {
    return await runTo(output, source, start, options);
  } finally {
    output.close();
  }
}
