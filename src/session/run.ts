/** What the command line runs: a session to its end, with text or JSON lines, a repeated print, a time limit, and the final print. */

import type { SondeError } from "../errors/error.ts";
import { jsonLine, viewFields } from "../output/json.ts";
import { palette } from "../output/palette.ts";
import { viewLines } from "../output/text.ts";
import { valueText } from "../output/value.ts";
import type { View } from "../output/view.ts";
import { isAggregate } from "../schema/types.ts";
import type { NamedState } from "./names.ts";
import type { SessionOutput } from "./output.ts";
import type { ScriptSource } from "./script/source.ts";
import type { RunningSession } from "./session.ts";
import { type StartOptions, startSession } from "./start.ts";
import { lossLines, type Summary } from "./summary.ts";

export interface RunOptions extends StartOptions {
  readonly format: "text" | "json";
  /** Takes whole lines, with their ends. */
  readonly write: (text: string) => void;
  /** Where losses are shown in the text format: what isn't the script's output. */
  readonly tell: (line: string) => void;
  /** Where errors are shown in the text format that don't end the run. */
  readonly complain: (error: SondeError) => void;
  readonly color: boolean;
  /** Columns of the terminal that is written to. */
  readonly columns: number;
  readonly forMs: number | undefined;
  readonly everyMs: number | undefined;
  /** Aborted: the run ends, with its final print. */
  readonly signal: AbortSignal;
  /** The probes are in: to show what is attached and how many hits there were. */
  readonly onArmed?: (session: RunningSession) => void;
}

/** Output of handlers under load comes in many small pieces: they are written together. */
const WRITE_BYTES = 1 << 16;

/** Collects lines and writes them when there are many, or when the event loop turns. */
class Writer {
  readonly #write: (text: string) => void;
  #text = "";
  #scheduled = false;
  constructor(write: (text: string) => void) {
    this.#write = write;
  }
  line(text: string): void {
    this.#text += `${text}\n`;
    if (this.#text.length > WRITE_BYTES) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.flush());
    }
  }
  flush(): void {
    this.#scheduled = false;
    const text = this.#text;
    this.#text = "";
    if (text !== "") this.#write(text);
  }
}

/** The final print leaves out what only carries state between handlers: a map of values or a variable that isn't exported. */
function printed({ state, exported }: NamedState): boolean {
  const { spec } = state;
  if (spec.kind === "aggregate") return true;
  if (spec.kind === "events") return false;
  if (spec.kind === "variable") return exported;
  return exported || isAggregate(spec.value);
}

abstract class Report implements SessionOutput {
  abstract readonly everyEvent: boolean;
  readonly writer: Writer;
  constructor(writer: Writer) {
    this.writer = writer;
  }
  abstract attached(session: RunningSession): void;
  abstract print(text: string): void;
  abstract event(name: string, data: unknown, heard: boolean): void;
  abstract show(view: View, top: number | undefined): void;
  abstract fault(error: SondeError): void;
  abstract summary(summary: Summary): void;
  maps(session: RunningSession): void {
    for (const named of session.named) {
      const view = printed(named) ? named.state.view(named.name) : undefined;
      if (view !== undefined) this.show(view, undefined);
    }
  }
}

class TextReport extends Report {
  readonly everyEvent = true;
  readonly #options: RunOptions;
  /** Between blocks of several lines stands an empty one. */
  #gap = false;

  constructor(writer: Writer, options: RunOptions) {
    super(writer);
    this.#options = options;
  }
  attached(): void {}
  print(text: string): void {
    this.writer.line(text);
    this.#gap = true;
  }
  /** Nobody listens: the event is shown as a line. */
  event(name: string, data: unknown, heard: boolean): void {
    if (heard) return;
    this.print(
      `${name} ${Object.entries(data as object)
        .map(([field, value]) => `${field}=${valueText(value)}`)
        .join(" ")}`,
    );
  }
  show(view: View, top: number | undefined): void {
    const { columns, color } = this.#options;
    const lines = viewLines(view, { columns, paint: palette(color), top });
    if (this.#gap && lines.length > 1) this.writer.line("");
    for (const line of lines) this.writer.line(line);
    this.#gap = true;
  }
  fault(error: SondeError): void {
    this.writer.flush();
    this.#options.complain(error);
  }
  summary(summary: Summary): void {
    for (const line of lossLines(summary)) this.#options.tell(line);
  }
}

class JsonReport extends Report {
  readonly everyEvent = true;
  attached({ engine, method, sites, notes }: RunningSession): void {
    this.writer.line(jsonLine("attached", { engine, method, sites, ...(notes.length > 0 ? { notes } : {}) }));
  }
  print(text: string): void {
    this.writer.line(jsonLine("print", { text }));
  }
  event(name: string, data: unknown): void {
    this.writer.line(jsonLine("event", { name, data }));
  }
  show(view: View, top: number | undefined): void {
    this.writer.line(jsonLine("map", viewFields(view, top)));
  }
  fault({ code, message, where, why, mend }: SondeError): void {
    this.writer.line(jsonLine("error", { code, message, where, why, mend }));
  }
  summary(summary: Summary): void {
    this.writer.line(jsonLine("summary", summary));
  }
}

/** What a script's timers and promises throw comes to nobody but the process. What comes before there is a session waits for it. */
class Strays {
  readonly #early: unknown[] = [];
  #session: RunningSession | undefined;
  readonly #onError = (error: unknown): void => {
    if (this.#session === undefined) this.#early.push(error);
    else this.#session.fail(error);
  };
  constructor() {
    process.on("uncaughtException", this.#onError);
  }
  to(session: RunningSession): void {
    this.#session = session;
    for (const error of this.#early) session.fail(error);
  }
  stop(): void {
    process.off("uncaughtException", this.#onError);
  }
}

/** Runs to the end. Throws what startSession throws, and what the script's host code throws. The run's exit status is `summary.status`. */
export async function run(source: ScriptSource, options: RunOptions): Promise<Summary> {
  const writer = new Writer(options.write);
  const report = options.format === "json" ? new JsonReport(writer) : new TextReport(writer, options);
  const strays = new Strays();
  let session: RunningSession;
  try {
    session = await startSession(source, options, report);
  } catch (error) {
    strays.stop();
    throw error;
  }
  strays.to(session);
  report.attached(session);
  const told = new Set(session.notes);
  options.onArmed?.(session);
  const abort = (): void => session.end("aborted");
  options.signal.addEventListener("abort", abort);
  if (options.signal.aborted) abort();
  const limit = options.forMs === undefined ? undefined : setTimeout(() => session.end("time"), options.forMs);
  const repeat = options.everyMs === undefined ? undefined : setInterval(() => report.maps(session), options.everyMs);
  try {
    await session.done;
    report.maps(session);
    // Nobody reads maps any more: they needn't be copied.
    const summary = await session.close(false);
    for (const note of session.notes) {
      if (told.has(note)) continue;
      if (options.format === "text") options.tell(note);
      else writer.line(jsonLine("note", { text: note }));
    }
    report.summary(summary);
    return summary;
  } catch (error) {
    await session.close(false).catch(() => {});
    throw error;
  } finally {
    clearTimeout(limit);
    clearInterval(repeat);
    strays.stop();
    options.signal.removeEventListener("abort", abort);
    writer.flush();
  }
}
