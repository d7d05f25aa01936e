/** Programs of a few instructions that sonde brings itself, kept in the cache: what they are is in their name. */
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { staticProgram } from "../elf/static-program.ts";
import { cacheFolder, hashOf, writeWhole } from "./cache-folder.ts";

/** The path of the program of this machine code, written if it isn't there. */
export function ownProgram(name: string, code: Uint8Array): string {
  const file = staticProgram(code);
  const path = join(cacheFolder(), `${name}-${hashOf(Buffer.from(file).toString("latin1")).slice(0, 16)}`);
  if (!existsSync(path)) {
    writeWhole(path, file, 0o700);
    chmodSync(path, 0o700);
  }
  return path;
}
