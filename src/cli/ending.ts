/** What asks a command to end: Ctrl-C, SIGTERM, SIGHUP, or that nobody reads its output any more. A second Ctrl-C ends it at once. */

const INTERRUPTED = 130;

export interface Ending extends Disposable {
  readonly signal: AbortSignal;
}

/** Aborted with "closed pipe" or the signal's name as its reason. */
export function watchForEnding(output: NodeJS.WritableStream = process.stdout): Ending {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted && name === "SIGINT") process.exit(INTERRUPTED);
    controller.abort(name);
  };
  const onError = (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") controller.abort("closed pipe");
    else throw error;
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  output.on("error", onError);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of signals) process.off(name, onSignal);
      output.off("error", onError);
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
