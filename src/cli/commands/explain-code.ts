/** `sonde explain CODE`: what an error means, with an example and the mend: as docs/errors.md has it. */
import { join } from "node:path";
import { RUN_AREAS, SCRIPT_AREAS } from "../../errors/catalogue/catalogue.ts";
import type { RunEntry, ScriptEntry } from "../../errors/catalogue/entry.ts";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { nearNames } from "../../errors/near-names.ts";
import { wrap } from "../../output/columns.ts";
import { colorsWanted, palette } from "../../output/palette.ts";
import { checkScript } from "../../session/inspect.ts";
import { scriptText } from "../../session/script/source.ts";
import { diagnosticText } from "../diagnostic-text.ts";

/** Codes of system calls end in the system's own name of the error. */
const FAMILY = "SONDE_SYS_*";

export async function explainCode(code: string): Promise<number> {
  const paint = palette(colorsWanted(process.stdout));
  const entry = entryOf(code);
  const part = (name: string, text: string): string => {
    const lines = text.split("\n").flatMap((line) => wrap(line, (process.stdout.columns ?? 110) - 9));
    return `${paint.dim(name.padStart(7))}  ${lines.join(`\n${" ".repeat(9)}`)}`;
  };
  if ("script" in entry && entry.cause === undefined) {
    const source = { ...scriptText(entry.script), path: /^import .* from "sonde"/m.test(entry.script) ? join(process.cwd(), "example.probe.ts") : "-e" };
    const { diagnostics, files } = await checkScript(source);
    const found = diagnostics.find((one) => one.code === code);
    if (found !== undefined) {
      process.stdout.write(`${diagnosticText(found, files, paint)}\n\n${part("example", entry.script)}\n`);
      return ExitStatus.ok;
    }
  }
  const example = "script" in entry ? entry.script : entry.example;
  const lines = [paint.strong(code), part("why", entry.cause ?? ""), part("example", example), part("mend", entry.mend ?? "")];
  process.stdout.write(`${lines.join("\n")}\n`);
  return ExitStatus.ok;
}

function entryOf(code: string): ScriptEntry | RunEntry {
  const all = new Map<string, ScriptEntry | RunEntry>([...RUN_AREAS, ...SCRIPT_AREAS].flatMap(({ entries }) => Object.entries(entries)));
  const entry = all.get(code) ?? (code.startsWith(FAMILY.slice(0, -1)) ? all.get(FAMILY) : undefined);
  if (entry !== undefined) return entry;
  const near = nearNames(code, all.keys());
  throw new SondeError("SONDE_USAGE", `there is no error ${code}`, {
    mend: near.length > 0 ? `Did you mean ${near.join(", ")}?` : "docs/errors.md lists them all.",
    exit: ExitStatus.usage,
  });
}
