/** What asks a run to end: Ctrl-C, SIGTERM, SIGHUP, or that its output can't be written any more. A second Ctrl-C ends it at once. */
import type { OutputFile } from "./output-file.ts";

const INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Ending {
  readonly signal: AbortSignal;
  /** What went wrong with the output: EPIPE where nobody reads it any more. */
  readonly outputError: NodeJS.ErrnoException | undefined;
  stop(): void;
}

export function watchForEnding(output: OutputFile): Ending {
  const controller = new AbortController();
  let outputError: NodeJS.ErrnoException | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted && name === "SIGINT") process.exit(INTERRUPTED);
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  output.onError((error) => {
    outputError ??= error;
    controller.abort();
  });
  return {
    signal: controller.signal,
    get outputError() {
      return outputError;
    },
    stop() {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

/** For commands that only print: when the reader is gone there is nothing left to do. */
export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (process.stdout.listenerCount("error") === 1) process.exit(0);
  });
}
