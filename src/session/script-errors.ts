/** A script that doesn't compile: one error that carries all that the compiler has to say. */
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import { positionAt } from "../compiler/diagnostics/format.ts";
import type { ScriptUnit, UnitFile } from "../compiler/hir/types.ts";
import { SondeError } from "../errors/error.ts";

export type DiagnosedFile = Pick<UnitFile, "path" | "text">;

export class ScriptErrors extends SondeError {
  readonly diagnostics: readonly Diagnostic[];
  readonly files: readonly DiagnosedFile[];
  /** The handlers that are right so far, if the front end has found the errors. */
  readonly accepted: ScriptUnit | undefined;

  constructor(diagnostics: readonly Diagnostic[], files: readonly DiagnosedFile[], accepted?: ScriptUnit) {
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    const first = errors[0];
    const text = first && files.find(({ path }) => path === first.file)?.text;
    const { line, column } = positionAt(text ?? "", first?.start ?? 0);
    const place = first && (text === undefined ? first.file : `${first.file}:${line}:${column}`);
    const others = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
    super("SONDE_SCRIPT_ERRORS", `${first?.message ?? "the script doesn't compile"}${others}`, {
      ...(place === undefined ? {} : { where: place }),
      ...(first?.cause === undefined ? {} : { why: first.cause }),
      ...(first?.mend === undefined ? {} : { mend: first.mend }),
    });
    this.diagnostics = diagnostics;
    this.files = files;
    this.accepted = accepted;
  }
}
