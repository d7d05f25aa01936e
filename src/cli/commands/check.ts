/** `sonde check`: what is wrong with scripts, without running them. */
import { statSync } from "node:fs";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { jsonLine } from "../../output/json.ts";
import { colorsWanted, palette } from "../../output/palette.ts";
import { type Checked, checkScript } from "../../session/inspect.ts";
import { scriptFile } from "../../session/script/source.ts";
import { diagnosticFields, diagnosticLine, diagnosticText } from "../diagnostic-text.ts";
import { describeError } from "../report-error.ts";

export interface CheckOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
}

type Show = (checked: Checked) => void;

const WATCH_MS = 200;

function printer(options: CheckOptions): Show {
  const paint = palette(colorsWanted(process.stdout));
  const asLines = options.watch || !process.stdout.isTTY;
  return ({ diagnostics, files }) => {
    for (const diagnostic of diagnostics) {
      const text = options.json
        ? jsonLine("diagnostic", diagnosticFields(diagnostic, files))
        : asLines
          ? diagnosticLine(diagnostic, files)
          : `${diagnosticText(diagnostic, files, paint)}\n`;
      process.stdout.write(`${text}\n`);
    }
  };
}

/** Checks all; gives how many errors there are, and the files that they depend on. */
async function checkAll(paths: readonly string[], show: Show): Promise<{ readonly errors: number; readonly read: readonly string[] }> {
  let errors = 0;
  const read: string[] = [];
  for (const path of paths) {
    const checked = await checkScript(scriptFile(path));
    show(checked);
    errors += checked.diagnostics.filter(({ severity }) => severity === "error").length;
    read.push(...checked.files.map((file) => file.path));
  }
  return { errors, read };
}

const stamp = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const time = (): string => new Date().toLocaleTimeString("en-GB");

/** The same words as tsc's, which editors look for. */
async function watch(paths: readonly string[], show: Show): Promise<never> {
  process.stdout.write(`${time()} - Starting compilation in watch mode...\n`);
  for (;;) {
    let read: readonly string[] = paths;
    try {
      const checked = await checkAll(paths, show);
      read = [...paths, ...checked.read];
      process.stdout.write(`${time()} - Found ${checked.errors} error${checked.errors === 1 ? "" : "s"}. Watching for file changes.\n`);
    } catch (error) {
      // A file that is gone for a moment while an editor saves it.
      if (!(error instanceof SondeError)) throw error;
      process.stdout.write(`${describeError(error, palette(false))}\n${time()} - Found 1 error. Watching for file changes.\n`);
    }
    const stamps = new Map(read.map((path) => [path, stamp(path)]));
    while ([...stamps].every(([path, before]) => stamp(path) === before)) await new Promise((next) => setTimeout(next, WATCH_MS));
    process.stdout.write(`${time()} - File change detected. Starting incremental compilation...\n`);
  }
}

export async function check(paths: readonly string[], options: CheckOptions): Promise<number> {
  const show = printer(options);
  if (options.watch) return await watch(paths, show);
  const { errors } = await checkAll(paths, show);
  if (!options.json && errors > 0 && process.stdout.isTTY) process.stdout.write(`${errors} error${errors === 1 ? "" : "s"}\n`);
  return errors > 0 ? ExitStatus.fault : ExitStatus.ok;
}
