/** A script that doesn't compile: one error that carries all that the compiler has to say. */
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import type { UnitFile } from "../compiler/hir/types.ts";
import { SondeError } from "../errors/error.ts";

export type DiagnosedFile = Pick<UnitFile, "path" | "text">;

/** Line and column from 1, as editors count them. */
export function positionIn(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}

export class ScriptErrors extends SondeError {
  readonly diagnostics: readonly Diagnostic[];
  readonly files: readonly DiagnosedFile[];

  constructor(diagnostics: readonly Diagnostic[], files: readonly DiagnosedFile[]) {
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    const first = errors[0];
    const text = first && files.find(({ path }) => path === first.file)?.text;
    const place =
      first === undefined
        ? undefined
        : text === undefined
          ? first.file
          : `${first.file}:${positionIn(text, first.start).line}:${positionIn(text, first.start).column}`;
    const others = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
    super("SONDE_SCRIPT_ERRORS", `${first?.message ?? "the script doesn't compile"}${others}`, {
      ...(place === undefined ? {} : { where: place }),
      ...(first?.cause === undefined ? {} : { why: first.cause }),
      ...(first?.mend === undefined ? {} : { mend: first.mend }),
    });
    this.diagnostics = diagnostics;
    this.files = files;
  }
}
