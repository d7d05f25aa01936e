/**
 * Whoever executes or opens a probed file, anywhere on the machine, is held by the kernel until the tracer has attached to
 * it: root only. An open of such a file costs everybody about 50 µs.
 *
 * The tracer must not open these files itself once they are watched: it would wait for its own answer.
 */
import { effectiveCapabilities } from "../../../sys/capabilities.ts";
import { Ask, FileQuestions } from "../../../sys/fanotify.ts";

export interface FileWatchActions {
  /** Attach to the process; it isn't let go before this returns. */
  follow(pid: number, why: "exec" | "open"): void;
  readonly ignore: ReadonlySet<number>;
}

const LIBRARY = /\.so(\.|$)/;

export class FileWatch {
  readonly #questions: FileQuestions;
  readonly #actions: FileWatchActions;

  static available(): boolean {
    return effectiveCapabilities().has("CAP_SYS_ADMIN");
  }
  constructor(files: readonly { readonly path: string; readonly display: string }[], actions: FileWatchActions) {
    this.#actions = actions;
    this.#questions = new FileQuestions();
    try {
      for (const { path, display } of files) this.#questions.watch(path, LIBRARY.test(display) ? Ask.open : Ask.exec);
    } catch (error) {
      this.#questions.close();
      throw error;
    }
  }
  get fd(): number {
    return this.#questions.fd;
  }
  /** Answers all who wait. Nobody waits longer because something has failed. */
  handle(): void {
    for (const event of this.#questions.read()) {
      try {
        if (!this.#actions.ignore.has(event.pid)) this.#actions.follow(event.pid, (event.mask & Ask.exec) !== 0 ? "exec" : "open");
      } finally {
        this.#questions.allow(event);
      }
    }
  }
  close(): void {
    this.#questions.close();
  }
}
