/** Where a diagnostic points, and the one way to make one. */
import type { Diagnostic } from "./diagnostic.ts";

export interface Place {
  /** Absolute path or "-e". */
  readonly file: string;
  /** Offsets into the file's text. */
  readonly start: number;
  readonly end: number;
}

export interface Text {
  readonly message: string;
  readonly cause?: string;
  readonly mend?: string;
}

export const error = <C extends `SONDE_C_${string}`>(code: C, at: Place, text: Text): Diagnostic & { readonly code: C } => ({
  code,
  severity: "error",
  file: at.file,
  start: at.start,
  end: at.end,
  ...text,
});

export const warning = <C extends `SONDE_C_${string}`>(code: C, at: Place, text: Text): Diagnostic & { readonly code: C } => ({
  code,
  severity: "warning",
  file: at.file,
  start: at.start,
  end: at.end,
  ...text,
});
