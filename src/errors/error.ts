/** The one error that sonde throws: a stable code, the place, the cause and the mend. */

/** Exit statuses of the command line. 1: the script's or the target's fault; 2: usage; 3: rights; 70: a bug of ours. */
export const ExitStatus = { ok: 0, fault: 1, usage: 2, rights: 3, bug: 70 } as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

export interface ErrorParts {
  /** Where: a file and line, a target, a system call. */
  readonly where?: string;
  /** Why it happened, where the message alone doesn't say. */
  readonly why?: string;
  /** What to do about it. */
  readonly mend?: string;
  readonly exit?: ExitStatus;
  readonly cause?: unknown;
}

export class SondeError extends Error {
  /** `SONDE_…`, stable across releases. */
  readonly code: string;
  readonly where: string | undefined;
  readonly why: string | undefined;
  readonly mend: string | undefined;
  readonly exit: ExitStatus;

  constructor(code: `SONDE_${string}`, message: string, parts: ErrorParts = {}) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "SondeError";
    this.code = code;
    this.where = parts.where;
    this.why = parts.why;
    this.mend = parts.mend;
    this.exit = parts.exit ?? ExitStatus.fault;
  }
}

/** A fault of sonde itself: says so, and exits with 70. */
export class SondeBug extends SondeError {
  constructor(message: string, parts: ErrorParts = {}) {
    super("SONDE_BUG", message, {
      mend: "This is a bug in sonde, not in your script: please report it with the script and the output of `sonde doctor`.",
      ...parts,
      exit: ExitStatus.bug,
    });
  }
}
