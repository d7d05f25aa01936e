/** A fixture of its own for each test, so that its probes see nobody else's calls, and scripts written for it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenOptions, openSource, type Session } from "../../src/session/open.ts";
import { scriptText } from "../../src/session/script/source.ts";
import { type BuildOptions, privateCopy, target } from "../fixtures/build.ts";
import { type Running, start } from "../fixtures/process.ts";

export interface Probed extends AsyncDisposable {
  readonly path: string;
  readonly running: Running;
}

/** A private copy of the target program, running. */
export async function probed(options: BuildOptions = {}): Promise<Probed> {
  const copy = privateCopy(target(options));
  const running = await start(copy.path);
  return {
    path: copy.path,
    running,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      copy.remove();
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the maps of a script that is made up in a test have no type.
type Loose = any;
export interface LooseSession extends Omit<Session, "maps" | "events"> {
  readonly maps: Loose;
  readonly events: Loose;
}

/** A one-liner; BIN in it stands for the program's path. */
export async function openText(text: string, path: string, options: OpenOptions = {}): Promise<LooseSession> {
  return (await openSource(scriptText(text.replaceAll("BIN", path)), options)) as LooseSession;
}

/** Files of a script in a folder of their own. */
export function scripts(files: { readonly [name: string]: string }): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "sonde-script-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

/** Waits until `check` gives true: events arrive a little after the calls that caused them. */
export async function until(check: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((next) => setTimeout(next, 5));
  }
}
