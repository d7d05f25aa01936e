/** Shows an error as code, place, cause and mend: coloured text for people, one JSON object for `--format json` and `--json`. */
import { CommanderError } from "commander";
import { ExitStatus, SondeBug, SondeError } from "../errors/error.ts";
import { wrap } from "../output/columns.ts";
import { jsonLine } from "../output/json.ts";
import { colorsWanted, type Palette, palette } from "../output/palette.ts";
import { ScriptErrors } from "../session/script-errors.ts";
import { diagnosticFields, diagnosticText } from "./diagnostic-text.ts";

/** A script that throws is the script's fault; anything else that isn't a SondeError is ours. */
function asSondeError(error: unknown): SondeError {
  if (error instanceof SondeError) return error;
  if (error instanceof Error) return new SondeBug(error.message, { where: error.stack?.split("\n").slice(1, 6).join("\n").trim() ?? "", cause: error });
  return new SondeBug(String(error));
}

/** `columns`: of the terminal; texts are broken there. */
export function describeError(error: SondeError, paint: Palette, columns = Infinity): string {
  if (error instanceof ScriptErrors) return error.diagnostics.map((diagnostic) => diagnosticText(diagnostic, error.files, paint)).join("\n\n");
  const lines = [`${paint.fail("error")} ${paint.dim(error.code)} ${error.message}`];
  const part = (name: string, text: string | undefined) => {
    if (text) lines.push(`${paint.dim(name.padStart(7))}  ${(name === "where" ? text.split("\n") : wrap(text, columns - 9)).join(`\n${" ".repeat(9)}`)}`);
  };
  part("where", error.where);
  part("why", error.why);
  part("mend", error.mend);
  return lines.join("\n");
}

export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const own = end === -1 ? argv : argv.slice(0, end);
  return own.includes("--json") || own.includes("--format=json") || own.some((arg, i) => arg === "--format" && own[i + 1] === "json");
}

/** Prints it on stderr (JSON: on stdout, where the other objects go) and gives the exit status. */
export function reportError(error: unknown, argv: readonly string[]): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.ok : ExitStatus.usage;
  const known = asSondeError(error);
  if (wantsJson(argv)) {
    const { code, message, where, why, mend } = known;
    const diagnostics = known instanceof ScriptErrors ? known.diagnostics.map((diagnostic) => diagnosticFields(diagnostic, known.files)) : undefined;
    process.stdout.write(`${jsonLine("error", { code, message, where, why, mend, diagnostics })}\n`);
  } else {
    process.stderr.write(`${describeError(known, palette(colorsWanted(process.stderr)), process.stderr.columns)}\n`);
  }
  return known.exit;
}
