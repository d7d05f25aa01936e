/** The text of docs/errors.md: every code with cause, example and mend. What the compiler says of an example is what the page says. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Diagnostic } from "../src/compiler/diagnostics/diagnostic.ts";
import { RUN_AREAS, SCRIPT_AREAS } from "../src/errors/catalogue/catalogue.ts";
import type { ScriptEntry } from "../src/errors/catalogue/entry.ts";
import { checkScript } from "../src/session/inspect.ts";

const docs = join(dirname(dirname(fileURLToPath(import.meta.url))), "docs");

const FENCE = "```";
const sentence = (text: string): string => (/[.!?:…`]$/.test(text) ? text : `${text}.`).replace(/^[a-z](?=[a-z]* )/, (letter) => letter.toUpperCase());

interface Compiled {
  readonly found: Diagnostic | undefined;
  /** No other error comes with it. */
  readonly alone: boolean;
}

/** What an example gets, compiled. */
export async function diagnosticOf(code: string, script: string): Promise<Compiled> {
  const inFile = /^import .* from "sonde"/m.test(script);
  const { diagnostics } = await checkScript({ path: inFile ? join(docs, "example.probe.ts") : "-e", folder: docs, text: script });
  const others = diagnostics.filter((one) => one.severity === "error" && one.code !== code);
  return { found: diagnostics.find((one) => one.code === code), alone: others.length === 0 };
}

const section = (code: string, words: string, [note, example]: readonly [string, string], mend: string | undefined): string[] => [
  `### ${code}`,
  "",
  words,
  "",
  `${FENCE}${note}`,
  example,
  FENCE,
  "",
  ...(mend === undefined ? [] : [`_Mend:_ ${sentence(mend.trim())}`, ""]),
];

async function scriptSection(code: string, { script, cause, mend }: ScriptEntry): Promise<string[]> {
  if (cause !== undefined) return section(code, cause, ["", script], mend);
  const { found, alone } = await diagnosticOf(code, script);
  if (found === undefined) throw new Error(`the example of ${code} doesn't get it`);
  const warning = found.severity === "warning";
  const words = [warning ? "A warning" : "", found.message, found.cause ?? ""].filter((part) => part !== "").map(sentence);
  return section(code, words.join(" "), [!alone ? "" : warning ? "ts" : `ts ${code}`, script], found.mend);
}

export async function errorsPage(): Promise<string> {
  const lines = [
    "# Errors",
    "",
    "Made by `node scripts/errors-table.mjs`. Every error has a code that stays the same across releases. `sonde explain CODE` shows what stands here;",
    "the error itself has the place, and names, numbers and near names besides. Errors of handlers begin with `SONDE_C_`; those of TypeScript itself (`TS2322`) aren't listed.",
    "",
  ];
  for (const { title, entries } of RUN_AREAS) {
    lines.push(`## ${title}`, "");
    for (const [code, { cause, example, mend }] of Object.entries(entries)) lines.push(...section(code, cause, ["", example], mend));
  }
  for (const { title, entries } of SCRIPT_AREAS) {
    lines.push(`## ${title}`, "");
    for (const [code, entry] of Object.entries(entries)) lines.push(...(await scriptSection(code, entry)));
  }
  return `${lines.join("\n").trimEnd()}\n`;
}
