/** What is said of a code in docs/errors.md and by `sonde explain CODE`. */

/** An error of the compiler: its words are those of the diagnostic that the example gets. */
export interface ScriptEntry {
  /** A script in which it is the one thing that is wrong; the vocabulary is in scope. */
  readonly script: string;
  /** Needs what only a run has (rights, values): the example isn't compiled, and these are its words. */
  readonly cause?: string;
  readonly mend?: string;
}
/** An error of a run. */
export interface RunEntry {
  readonly cause: string;
  /** A command line, or a line of a script or program. */
  readonly example: string;
  readonly mend: string;
}

export type ScriptEntries = { readonly [code: `SONDE_C_${string}`]: ScriptEntry };
export type RunEntries = { readonly [code: `SONDE_${string}`]: RunEntry };
