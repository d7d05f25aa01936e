/** Shows a diagnostic: to a person with the source underlined, to an editor in tsc's line format, to a program as fields. */
import type { Diagnostic } from "./diagnostic.ts";

/** Texts of the files that diagnostics speak of. */
export type Sources = (file: string) => string | undefined;

type Paint = (text: string) => string;
/** Colours, each a function around a text. */
export interface Palette {
  readonly strong: Paint;
  readonly dim: Paint;
  readonly fail: Paint;
  readonly warn: Paint;
  readonly name: Paint;
}

export interface FormatOptions {
  readonly sources: Sources;
  readonly paint: Palette;
  /** How a file's path is shown. */
  readonly path?: (file: string) => string;
  /** Columns; longer source lines are shown around the place. */
  readonly columns?: number;
  /** Breaks a text between words into lines of so many columns. */
  readonly wrap?: (text: string, columns: number) => readonly string[];
}

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

/** The line, and a second one that underlines the place; of several lines the first. Tabs count as they are, so that both lines agree. */
function excerpt(source: string, diagnostic: Diagnostic, colour: Paint, dim: Paint, columns: number): string[] {
  const { line, column } = positionAt(source, diagnostic.start);
  const gutter = String(line);
  const room = Math.max(20, columns - gutter.length - 5);
  const whole = lineText(source, line);
  const length = Math.max(1, Math.min(diagnostic.end - diagnostic.start, whole.length - column + 1));
  const from = whole.length <= room ? 0 : Math.max(0, Math.min(column - 1 - room / 4, whole.length - room)) | 0;
  const shown = whole.slice(from, from + room);
  const before = whole.slice(from, column - 1).replace(/[^\t]/g, " ");
  const mark = "~".repeat(Math.min(length, Math.max(1, room - before.length)));
  return [`  ${dim(`${gutter} │`)} ${shown}`, `  ${" ".repeat(gutter.length)} ${dim("│")} ${before}${colour(mark)}`];
}

const indented = (lines: readonly string[]): string => lines.join("\n").replaceAll("\n", `\n${" ".repeat(8)}`);

/** For a person: place, severity, code and message, the source underlined, why it is so and what to write instead. */
export function diagnosticText(
  diagnostic: Diagnostic,
  { sources, paint, path = (file) => file, columns = 110, wrap = (text) => [text] }: FormatOptions,
): string {
  const { severity, code, message, cause, mend, file } = diagnostic;
  const colour = severity === "error" ? paint.fail : severity === "warning" ? paint.warn : paint.name;
  const text = sources(file);
  const place = text === undefined ? undefined : positionAt(text, diagnostic.start);
  const where = `${path(file)}${place === undefined ? "" : `:${place.line}:${place.column}`}`;
  const under = (name: string, part: string | undefined): string[] =>
    part ? [`  ${paint.dim(name.padEnd(4))}  ${indented(wrap(part.replace(/\s*\n\s*/g, "\n"), columns - 8))}`] : [];
  return [
    `${paint.strong(where)} ${colour(severity)} ${paint.dim(code)} ${message.replace(/\s*\n\s*/g, "\n  ")}`,
    ...(text === undefined ? [] : excerpt(text, diagnostic, colour, paint.dim, columns)),
    ...under("why", cause),
    ...under("mend", mend),
  ].join("\n");
}

/** `file(line,column): error CODE: message`, on one line: what editors' matchers for tsc read. */
export function diagnosticLine(diagnostic: Diagnostic, { sources, path = (file) => file }: Pick<FormatOptions, "sources" | "path">): string {
  const { line, column } = positionAt(sources(diagnostic.file) ?? "", diagnostic.start);
  const severity = diagnostic.severity === "hint" ? "info" : diagnostic.severity;
  const text = [diagnostic.message, diagnostic.cause, diagnostic.mend]
    .filter((part) => part !== undefined && part !== "")
    .map((part) => part!.replace(/\s*\n\s*/g, " ").replace(/[^.:!?]$/, "$&."))
    .join(" ");
  return `${path(diagnostic.file)}(${line},${column}): ${severity} ${diagnostic.code}: ${text}`;
}

/** For a program: the place as line and column besides. */
export function diagnosticFields(diagnostic: Diagnostic, sources: Sources): object {
  const { severity, code, message, cause, mend, file, start, end } = diagnostic;
  const text = sources(file) ?? "";
  return { severity, code, message, why: cause, mend, file, ...positionAt(text, start), end: positionAt(text, end) };
}
