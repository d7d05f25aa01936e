/** Where a run's lines go: stdout, or the file of `-o`. Written at once, so that nothing is left when the process ends. */
import { closeSync, openSync, writeSync } from "node:fs";
import { ExitStatus, SondeError } from "../errors/error.ts";

export interface OutputFile {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number;
  /** The error of a closed pipe, or a full disk. */
  onError(run: (error: NodeJS.ErrnoException) => void): void;
  close(): void;
}

const DEFAULT_COLUMNS = 100;

function failure(path: string, error: NodeJS.ErrnoException): SondeError {
  const isRights = error.code === "EACCES" || error.code === "EPERM";
  return new SondeError("SONDE_OUTPUT", `can't write to ${path}`, {
    why: error.message,
    mend: "Give -o a path that can be written.",
    exit: isRights ? ExitStatus.rights : ExitStatus.usage,
    cause: error,
  });
}

/** Opened here and now, so that a path that can't be written is refused before anything is armed. */
function openFile(path: string): OutputFile {
  let fd: number;
  try {
    fd = openSync(path, "w");
  } catch (error) {
    throw failure(path, error as NodeJS.ErrnoException);
  }
  let report = (_error: NodeJS.ErrnoException): void => {};
  return {
    write(text) {
      try {
        for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        report(error as NodeJS.ErrnoException);
      }
    },
    isTTY: false,
    columns: DEFAULT_COLUMNS,
    onError(run) {
      report = run;
    },
    close: () => closeSync(fd),
  };
}

function stdoutFile(): OutputFile {
  const { stdout } = process;
  return {
    write: (text) => void stdout.write(text),
    isTTY: stdout.isTTY === true,
    columns: stdout.columns ?? DEFAULT_COLUMNS,
    onError: (run) => void stdout.on("error", run),
    close() {},
  };
}

export const outputFile = (path: string | undefined): OutputFile => (path === undefined ? stdoutFile() : openFile(path));
