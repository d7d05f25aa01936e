/** Diagnostics as the command line shows them: paths as seen from the working directory, lines that fit the terminal. */
import { relative } from "node:path";
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import * as format from "../compiler/diagnostics/format.ts";
import { wrap } from "../output/columns.ts";
import type { Palette } from "../output/palette.ts";
import type { DiagnosedFile } from "../session/script-errors.ts";

const sourcesOf =
  (files: readonly DiagnosedFile[]): format.Sources =>
  (file) =>
    files.find(({ path }) => path === file)?.text;

function path(file: string): string {
  if (file === "-e") return file;
  const near = relative(process.cwd(), file);
  return near.startsWith("../../") ? file : near;
}

/** For people. */
export const diagnosticText = (diagnostic: Diagnostic, files: readonly DiagnosedFile[], paint: Palette): string =>
  format.diagnosticText(diagnostic, { sources: sourcesOf(files), paint, path, ...(process.stderr.isTTY ? { columns: process.stderr.columns, wrap } : {}) });

/** For editors: a line in tsc's format. */
export const diagnosticLine = (diagnostic: Diagnostic, files: readonly DiagnosedFile[]): string =>
  format.diagnosticLine(diagnostic, { sources: sourcesOf(files), path });

/** For programs. */
export const diagnosticFields = (diagnostic: Diagnostic, files: readonly DiagnosedFile[]): object => format.diagnosticFields(diagnostic, sourcesOf(files));
