/** Shows diagnostics: to a person with the source underlined, to an editor in tsc's line format, to a program as JSON. */
import type { Diagnostic } from "./diagnostic.ts";

/** Texts of the files that diagnostics speak of. */
export type Sources = (file: string) => string | undefined;

/** Colours, each a function around a text; `plain` leaves it as it is. */
export interface Palette {
  error(text: string): string;
  warning(text: string): string;
  hint(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
}

const same = (text: string): string => text;
export const plain: Palette = { error: same, warning: same, hint: same, strong: same, faint: same };

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units, as editors count. */
  readonly column: number;
}

export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
}

function lineText(text: string, line: number): string {
  return (text.split("\n")[line - 1] ?? "").replace(/\r$/, "");
}

/** Longer source lines are shown around the place. */
const WIDTH = 110;

/** The line, and a second one that underlines the place. Tabs count as they are, so that both lines agree. */
function excerpt(source: string, diagnostic: Diagnostic, palette: Palette): string[] {
  const { line, column } = positionAt(source, diagnostic.start);
  const whole = lineText(source, line);
  const length = Math.max(1, Math.min(diagnostic.end - diagnostic.start, whole.length - column + 1));
  const from = whole.length <= WIDTH ? 0 : Math.max(0, Math.min(column - 1 - WIDTH / 4, whole.length - WIDTH)) | 0;
  const shown = whole.slice(from, from + WIDTH);
  const before = whole.slice(from, column - 1).replace(/[^\t]/g, " ");
  const gutter = String(line);
  const mark = "~".repeat(Math.min(length, Math.max(1, WIDTH - before.length)));
  return [`${palette.faint(`${gutter} |`)} ${shown}`, `${palette.faint(`${" ".repeat(gutter.length)} |`)} ${before}${palette[diagnostic.severity](mark)}`];
}

/** For a person: the code and message, the place, the source underlined, the cause and the mend. */
export function formatPretty(diagnostics: readonly Diagnostic[], sources: Sources, palette: Palette = plain): string {
  return diagnostics
    .map((diagnostic) => {
      const source = sources(diagnostic.file) ?? "";
      const { line, column } = positionAt(source, diagnostic.start);
      const [first, ...rest] = diagnostic.message.split("\n");
      return [
        `${palette[diagnostic.severity](diagnostic.severity)} ${palette.faint(diagnostic.code)}: ${palette.strong(first!)}`,
        ...rest.map((text) => `  ${text.trim()}`),
        `  ${palette.faint(`at ${diagnostic.file}:${line}:${column}`)}`,
        ...excerpt(source, diagnostic, palette),
        ...(diagnostic.cause === undefined ? [] : [`  ${diagnostic.cause}`]),
        ...(diagnostic.mend === undefined ? [] : [`  ${palette.hint("→")} ${diagnostic.mend}`]),
        "",
      ].join("\n");
    })
    .join("\n");
}

/** `file(line,column): error CODE: message`, a line each: what editors' matchers for tsc read. */
export function formatLines(diagnostics: readonly Diagnostic[], sources: Sources): string {
  return diagnostics
    .map((diagnostic) => {
      const { line, column } = positionAt(sources(diagnostic.file) ?? "", diagnostic.start);
      const severity = diagnostic.severity === "hint" ? "info" : diagnostic.severity;
      const text = [diagnostic.message, diagnostic.cause, diagnostic.mend]
        .filter((part) => part !== undefined)
        .map((part) => part.replace(/\s*\n\s*/g, " ").replace(/[^.:!?]$/, "$&."))
        .join(" ");
      return `${diagnostic.file}(${line},${column}): ${severity} ${diagnostic.code}: ${text}\n`;
    })
    .join("");
}

/** One object a line: the diagnostic with its place as line and column besides. */
export function formatJson(diagnostics: readonly Diagnostic[], sources: Sources): string {
  return diagnostics
    .map((diagnostic) => {
      const source = sources(diagnostic.file) ?? "";
      const { file, code, severity, message, cause, mend, start, end } = diagnostic;
      return `${JSON.stringify({ type: "diagnostic", severity, code, file, from: positionAt(source, start), to: positionAt(source, end), message, cause, mend })}\n`;
    })
    .join("");
}
