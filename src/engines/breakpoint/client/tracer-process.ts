/** The tracer's process as the session sees it: started with a socket and the shared memory, asked and listened to. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { SondeBug } from "../../../errors/error.ts";
import type { FromTracer, ToTracer } from "../protocol.ts";
import { Decoder, encode } from "../wire.ts";

/** A program that the build makes: tracer.mjs of tracer/main.ts, and the like. */
export function builtProgram(name: string): string {
  // Beside the bundle that this is part of; from the sources in the folder that the build writes to.
  let folder = dirname(typeof __dirname === "string" ? join(__dirname, "x") : fileURLToPath(import.meta.url));
  for (;;) {
    for (const path of [join(folder, name), join(folder, "dist", name)]) if (existsSync(path)) return path;
    const above = dirname(folder);
    if (above === folder) throw new SondeBug(`${name} isn't where the build puts it`);
    folder = above;
  }
}
declare const __dirname: unknown;

/** In a process of its own, as all tracing is: Node would take the stops of its own children for their ends. */
export async function recoverInProcess(): Promise<void> {
  const child = spawn(process.execPath, ["--no-warnings", builtProgram("tracer.mjs"), "--recover"], { stdio: "ignore", detached: true, env: environment() });
  await new Promise((resolve) => child.once("close", resolve).once("error", resolve));
}

/** What the tracer needs of ours: where things are kept. */
export function environment(): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const name of ["PATH", "HOME", "XDG_CACHE_HOME", "TMPDIR"]) if (process.env[name] !== undefined) kept[name] = process.env[name];
  return kept;
}

export class TracerProcess {
  readonly pid: number;
  /** Resolves when it has ended, with how. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #socket: Duplex;
  readonly #waiting = new Map<number, () => void>();
  #request = 0;
  #over = false;
  #listener: ((message: FromTracer) => void) | undefined;
  /** What came before anybody listened. */
  readonly #early: FromTracer[] = [];

  /** `memory`: the descriptor of what both map. */
  constructor(memory: number) {
    // In a session of its own, so that Ctrl-C in a terminal ends the session and not the one that puts everything back.
    this.#child = spawn(process.execPath, ["--no-warnings", builtProgram("tracer.mjs")], {
      stdio: ["ignore", "ignore", "pipe", "pipe", memory],
      detached: true,
      env: environment(),
    });
    this.pid = this.#child.pid ?? 0;
    let errors = "";
    this.#child.stderr?.on("data", (text: Buffer) => {
      errors = (errors + text.toString("utf8")).slice(-4000);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("close", (status, signal) => resolve(`${signal ?? `status ${status}`}${errors === "" ? "" : `: ${errors.trim()}`}`));
    });
    void this.ended.then(() => {
      this.#over = true;
      for (const done of this.#waiting.values()) done();
      this.#waiting.clear();
    });
    this.#socket = this.#child.stdio[3] as Duplex;
    const decoder = new Decoder<FromTracer>();
    this.#socket.on("data", (piece: Buffer) => {
      for (const message of decoder.push(piece)) this.#take(message);
    });
    // The other end is gone: `ended` tells.
    this.#socket.on("error", () => {});
    this.idle();
  }

  get over(): boolean {
    return this.#over;
  }
  listen(listener: (message: FromTracer) => void): void {
    this.#listener = listener;
    for (const message of this.#early.splice(0)) listener(message);
  }
  #take(message: FromTracer): void {
    if (message.kind === "done") {
      this.#waiting.get(message.request)?.();
      this.#waiting.delete(message.request);
    } else if (this.#listener === undefined) this.#early.push(message);
    else this.#listener(message);
  }

  /** The answer to what was sent first; whatever else comes is kept for whoever listens. Rejects with how the tracer ended. */
  async answer<Kind extends FromTracer["kind"]>(kinds: readonly Kind[]): Promise<Extract<FromTracer, { kind: Kind }>> {
    this.busy();
    const others: FromTracer[] = [];
    const answer = new Promise<Extract<FromTracer, { kind: Kind }>>((resolve, reject) => {
      this.listen((message) => {
        if ((kinds as readonly string[]).includes(message.kind)) resolve(message as Extract<FromTracer, { kind: Kind }>);
        else others.push(message);
      });
      void this.ended.then(reject);
    });
    try {
      return await answer;
    } finally {
      // Whatever came behind it in the same piece is in `others` by now.
      this.#listener = undefined;
      this.#early.push(...others);
    }
  }

  send(message: ToTracer): void {
    if (!this.#over) this.#socket.write(encode(message));
  }
  /** Resolves when it was done, or the tracer has ended. */
  async ask(message: (request: number) => ToTracer): Promise<void> {
    if (this.#over) return;
    const request = ++this.#request;
    const done = new Promise<void>((resolve) => this.#waiting.set(request, resolve));
    this.busy();
    this.send(message(request));
    await done;
  }
  /** While an answer is awaited, the process doesn't end. */
  busy(): void {
    this.#child.ref();
    (this.#socket as unknown as { ref(): void }).ref();
  }
  idle(): void {
    this.#child.unref();
    (this.#socket as unknown as { unref(): void }).unref();
    (this.#child.stderr as unknown as { unref(): void } | null)?.unref();
  }
  /** Ends it: at the end of its input it takes out all that is armed. */
  close(): void {
    this.#socket.end();
    this.#socket.destroy();
  }
}
