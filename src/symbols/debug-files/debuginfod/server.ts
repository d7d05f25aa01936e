/** One question to one debuginfod server. Source: debuginfod(8), "WEBAPI". */
import type { DebuginfodSettings } from "./settings.ts";

/** The server has it and is sending it. */
export interface Answer {
  readonly kind: "given";
  readonly server: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** In bytes, where the server says it. */
  readonly size: number | undefined;
  readonly modified: Date | undefined;
  /** Why it was ended by us, if it was. */
  expired(): string | undefined;
  stop(): void;
}
export type ServerAnswer =
  | Answer
  | { readonly kind: "absent"; readonly server: string }
  | { readonly kind: "failed"; readonly server: string; readonly why: string };

export interface Question {
  readonly server: string;
  /** Never rejects. */
  readonly answer: Promise<ServerAnswer>;
  stop(): void;
}

/** A server that gives less within the timeout isn't waited for. */
const LEAST_PROGRESS = 100 * 1024;
const FOUND = 200;
const NOT_FOUND = [404, 410];
const TOO_LARGE = 406;

export function ask(server: string, buildId: string, settings: DebuginfodSettings, outer: AbortSignal | undefined): Question {
  const watch = new Watch(settings.timeout, outer);
  return { server, answer: answerOf(server, buildId, settings, watch), stop: () => watch.stop() };
}

async function answerOf(server: string, buildId: string, settings: DebuginfodSettings, watch: Watch): Promise<ServerAnswer> {
  const failed = (why: string): ServerAnswer => {
    watch.stop();
    return { kind: "failed", server, why };
  };
  try {
    const headers = new Headers();
    for (const [name, value] of settings.headers) headers.append(name, value);
    if (settings.most !== undefined) headers.set("X-DEBUGINFOD-MAXSIZE", `${settings.most}`);
    const response = await fetch(`${server}/buildid/${buildId}/debuginfo`, { headers, signal: watch.signal, redirect: "follow" });
    if (NOT_FOUND.includes(response.status)) {
      watch.stop();
      return { kind: "absent", server };
    }
    if (response.status === TOO_LARGE) return failed(`it is larger than DEBUGINFOD_MAXSIZE, ${settings.most} bytes`);
    if (response.status !== FOUND || response.body === null) return failed(`HTTP status ${response.status}`);
    const modified = new Date(response.headers.get("last-modified") ?? "");
    return {
      kind: "given",
      server,
      chunks: watched(response.body as unknown as AsyncIterable<Uint8Array>, watch),
      size: sizeOf(response.headers),
      modified: Number.isNaN(modified.getTime()) ? undefined : modified,
      expired: () => watch.expired,
      stop: () => watch.stop(),
    };
  } catch (error) {
    const { cause, message } = error as Error;
    return failed(watch.expired ?? (cause instanceof Error ? cause.message || ((cause as NodeJS.ErrnoException).code ?? message) : message));
  }
}

async function* watched(body: AsyncIterable<Uint8Array>, watch: Watch): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    watch.got(chunk.length);
    yield chunk;
  }
}

/** Of the file itself: Content-Length is that of what may be compressed on its way. */
function sizeOf(headers: Headers): number | undefined {
  const text = headers.get("x-debuginfod-size") ?? (headers.has("content-encoding") ? null : headers.get("content-length"));
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Ends what is too slow. */
class Watch {
  readonly #controller = new AbortController();
  readonly #timeout: number;
  readonly #outer: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort(this.#outer?.reason);
  #timer: NodeJS.Timeout | undefined;
  #since = 0;
  expired: string | undefined;

  constructor(timeout: number, outer: AbortSignal | undefined) {
    this.#timeout = timeout;
    this.#outer = outer;
    if (outer?.aborted) this.#abort();
    else outer?.addEventListener("abort", this.#abort, { once: true });
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  got(bytes: number): void {
    this.#since += bytes;
    if (this.#since < LEAST_PROGRESS) return;
    this.#since = 0;
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#abort);
    this.#controller.abort();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#timeout === 0) return;
    this.#timer = setTimeout(() => {
      this.expired = `it gave less than ${LEAST_PROGRESS / 1024} KiB in ${this.#timeout / 1000} s`;
      this.#controller.abort();
    }, this.#timeout);
  }
}
