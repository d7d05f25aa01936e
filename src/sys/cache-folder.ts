/** Small values kept between runs, below $XDG_CACHE_HOME/sonde or ~/.cache/sonde. A cache that can't be used is as good as none. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base?.startsWith("/") ? base : join(homedir(), ".cache"), "sonde");
}

export function readCached(name: string): Buffer | undefined {
  try {
    return readFileSync(join(cacheFolder(), name));
  } catch {
    return undefined;
  }
}

/** Written beside and renamed, so that a reader never sees half of it. */
export function writeCached(name: string, content: Uint8Array | string): void {
  const path = join(cacheFolder(), name);
  try {
    mkdirSync(cacheFolder(), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.${process.pid}`, content, { mode: 0o600 });
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // A read-only or missing home: the value is computed again next time.
  }
}
