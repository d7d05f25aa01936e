/** Sessions through the public library, with the suite's scripts, on private copies of the fixture programs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenOptions, open } from "../../../src/index.ts";
import { privateCopy, subject } from "../../fixtures/build.ts";
import { type Running, start } from "../../fixtures/process.ts";
import type { Scripted } from "../../fixtures/scripts.ts";
import type { EngineUnderTest } from "../claims.ts";

/** The scripts in ../scripts. */
export type ScriptName = "statics" | "calls" | "hits" | "order" | "text" | "flood" | "removal" | "functions" | "turns" | "changes" | "records";

/** Opens a script at these targets. `params` are its own beside `at`. */
export async function probe(
  engine: EngineUnderTest,
  script: ScriptName,
  at: string | readonly string[],
  options: Omit<OpenOptions, "engine"> = {},
): Promise<Scripted> {
  const file = join(import.meta.dirname, `../scripts/${script}.probe.ts`);
  const params = { at: [at].flat().join(" "), ...options.params };
  return (await open(file, { ...options, engine, params })) as unknown as Scripted;
}

/** A copy of a program with an inode of its own; processes of it end with it. */
export class Program implements AsyncDisposable {
  readonly path: string;
  readonly #remove: () => void;
  readonly #running: Running[] = [];

  constructor(built = subject()) {
    const copy = privateCopy(built);
    this.path = copy.path;
    this.#remove = copy.remove;
  }
  /** `PATH:function` */
  at(place: string): string {
    return `${this.path}:${place}`;
  }
  async start(args: readonly string[] = []): Promise<Running> {
    const running = await start(this.path, args);
    this.#running.push(running);
    return running;
  }
  /** Runs it with words on its command line; gives its exit status. */
  async run(...words: string[]): Promise<number | NodeJS.Signals | null> {
    return await (await this.start(words)).end();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running) await running[Symbol.asyncDispose]();
    this.#remove();
  }
}

/** A folder that goes with the test. */
export function folder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "sonde-conformance-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Waits until `check` gives true; what handlers send to the host arrives a little later than the hits. */
export async function until(check: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((next) => setTimeout(next, 5));
  }
}
