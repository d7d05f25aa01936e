/** What binutils' readelf reads of the notes of static probes, to compare with. */
import { execFileSync } from "node:child_process";
import type { StapsdtNote } from "../../src/elf/stapsdt.ts";

const DESCRIBED = /Provider: (.*)\n\s+Name: (.*)\n\s+Location: 0x([0-9a-f]+), Base: 0x([0-9a-f]+), Semaphore: 0x([0-9a-f]+)\n\s+Arguments: ?(.*)$/gm;

/** In the file's order; addresses as they are written, which they also are in fact where the file isn't prelinked. */
export function notesByReadelf(path: string): StapsdtNote[] {
  const text = execFileSync("readelf", ["--notes", "--wide", path], { encoding: "utf8", maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: "C.UTF-8" } });
  const listed = text.match(/NT_STAPSDT/g)?.length ?? 0;
  const notes = [...text.matchAll(DESCRIBED)].map(([, provider = "", name = "", location = "", , semaphore = "", args = ""]) => ({
    provider,
    name,
    location: Number.parseInt(location, 16),
    semaphore: Number.parseInt(semaphore, 16),
    args,
  }));
  if (notes.length !== listed) throw new Error(`readelf lists ${listed} notes of ${path}, of which ${notes.length} were understood`);
  return notes;
}
