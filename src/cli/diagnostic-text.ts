/** What the compiler has to say, as people read it (the source underlined) and as tsc's lines, which editors parse. */
import { relative } from "node:path";
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import type { Palette } from "../output/palette.ts";
import { type DiagnosedFile, positionIn } from "../session/script-errors.ts";

const TAB = "  ";

const textOf = (diagnostic: Diagnostic, files: readonly DiagnosedFile[]): string | undefined => files.find(({ path }) => path === diagnostic.file)?.text;

function shownPath(path: string): string {
  if (path === "-e") return path;
  const near = relative(process.cwd(), path);
  return near.startsWith("../../") ? path : near;
}

/** The line with what is meant underlined; of several lines the first. */
function excerpt(text: string, start: number, end: number, paint: Palette, colour: (text: string) => string): string[] {
  const { line } = positionIn(text, start);
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const lineEnd = text.indexOf("\n", start);
  const source = text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd).replace(/\r$/, "");
  const before = source.slice(0, start - lineStart).replaceAll("\t", TAB).length;
  const length = Math.max(1, Math.min(end, lineStart + source.length) - start);
  const number = String(line);
  return [
    `${paint.dim(`${number} │`)} ${source.replaceAll("\t", TAB)}`,
    `${" ".repeat(number.length)} ${paint.dim("│")} ${" ".repeat(before)}${colour("~".repeat(length))}`,
  ];
}

/** For people: place, code, message, the source, why and what to write instead. */
export function diagnosticText(diagnostic: Diagnostic, files: readonly DiagnosedFile[], paint: Palette): string {
  const { severity, code, message, cause, mend, start, end } = diagnostic;
  const colour = severity === "error" ? paint.fail : severity === "warning" ? paint.warn : paint.name;
  const text = textOf(diagnostic, files);
  const place = text === undefined ? undefined : positionIn(text, start);
  const where = `${shownPath(diagnostic.file)}${place === undefined ? "" : `:${place.line}:${place.column}`}`;
  return [
    `${paint.strong(where)} ${colour(severity)} ${paint.dim(code)} ${message}`,
    ...(text === undefined ? [] : excerpt(text, start, end, paint, colour).map((line) => `  ${line}`)),
    ...(cause ? [`  ${paint.dim("why")}   ${cause}`] : []),
    ...(mend ? [`  ${paint.dim("mend")}  ${mend}`] : []),
  ].join("\n");
}

/** `path(line,column): error CODE: message`, on one line. */
export function diagnosticLine(diagnostic: Diagnostic, files: readonly DiagnosedFile[]): string {
  const { severity, code, message, cause, mend, start } = diagnostic;
  const { line, column } = positionIn(textOf(diagnostic, files) ?? "", start);
  const all = [message, cause, mend]
    .filter((text) => text !== undefined && text !== "")
    .map((text) => (/[.!?]$/.test(text ?? "") ? text : `${text}.`))
    .join(" ");
  return `${shownPath(diagnostic.file)}(${line},${column}): ${severity === "hint" ? "info" : severity} ${code}: ${all.replaceAll("\n", " ")}`;
}

export function diagnosticFields(diagnostic: Diagnostic, files: readonly DiagnosedFile[]): object {
  const { severity, code, message, cause, mend, file, start, end } = diagnostic;
  const text = textOf(diagnostic, files) ?? "";
  return { severity, code, message, why: cause, mend, file, ...positionIn(text, start), end: positionIn(text, end) };
}
