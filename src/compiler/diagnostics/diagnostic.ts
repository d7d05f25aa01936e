/** What the compiler has to say about a script. Texts are made by the factories beside this file; codes are stable. */
export interface Diagnostic {
  /** `SONDE_C…` for ours; `TS2339` and the like for TypeScript's own. */
  readonly code: string;
  readonly severity: "error" | "warning" | "hint";
  /** Absolute path or "-e". */
  readonly file: string;
  /** Offsets into the file's text. */
  readonly start: number;
  readonly end: number;
  readonly message: string;
  /** Why, in a sentence. */
  readonly cause?: string;
  /** How to write it instead. */
  readonly mend?: string;
  /** What is wrong is the engine: this one has `what`. */
  readonly needs?: { readonly engine: "breakpoint" | "kernel"; readonly what: string };
}
