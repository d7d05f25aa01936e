/** Shows an error as code, place, cause and mend: coloured text for people, one JSON object for `--format json` and `--json`. */
import { CommanderError } from "commander";
import pc from "picocolors";
import { ExitStatus, SondeBug, SondeError } from "../errors/error.ts";

/** A script that throws is the script's fault; anything else that isn't a SondeError is ours. */
function asSondeError(error: unknown): SondeError {
  if (error instanceof SondeError) return error;
  if (error instanceof Error) return new SondeBug(error.message, { where: error.stack?.split("\n").slice(1, 6).join("\n").trim() ?? "", cause: error });
  return new SondeBug(String(error));
}

/** `colour` off: as it stands in a log. */
export function describeError(error: SondeError, colour = pc.isColorSupported): string {
  const c = pc.createColors(colour);
  const lines = [`${c.red(c.bold("error"))} ${c.dim(error.code)} ${error.message}`];
  const part = (name: string, text: string | undefined) => {
    if (text) lines.push(`${c.dim(name.padStart(7))}  ${text.replaceAll("\n", `\n${" ".repeat(9)}`)}`);
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
    process.stdout.write(`${JSON.stringify({ type: "error", code, message, where, why, mend })}\n`);
  } else {
    process.stderr.write(`${describeError(known, pc.isColorSupported && process.stderr.isTTY === true)}\n`);
  }
  return known.exit;
}
