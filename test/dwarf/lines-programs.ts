/** Programs for tests of lines, frames and places: where they are, what their tables say. None is position-independent. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileName, lineIndex } from "../../src/dwarf/line-index.ts";
import { IS_STATEMENT } from "../../src/dwarf/line-program.ts";
import type { DebugInfo } from "../../src/dwarf/units.ts";
import { readElf } from "../../src/elf/image.ts";
import { buildId } from "../../src/elf/notes.ts";
import { memorySource } from "../../src/elf/source.ts";
import { providePackages } from "../fixtures/packages.ts";

const sources = join(import.meta.dirname, "..", "fixtures", "programs");

/** lined.c and lined-more.c. */
export function lined(...flags: readonly string[]): string {
  const files = ["lined.c", "lined-more.c"].map((name) => join(sources, name));
  const all = ["-g", "-no-pie", "-fcf-protection=none", "-w", ...flags];
  const texts = [...files, join(sources, "lined.h")].map((file) => readFileSync(file, "utf8"));
  const hash = createHash("sha256")
    .update([...all, ...texts].join("\0"))
    .digest("hex")
    .slice(0, 16);
  const folder = join(tmpdir(), `sonde-fixtures-${process.getuid?.() ?? 0}`, hash);
  const out = join(folder, "lined");
  if (existsSync(out)) return out;
  mkdirSync(folder, { recursive: true });
  execFileSync("cc", [...all, "-o", `${out}.${process.pid}`, ...files], { stdio: "pipe" });
  renameSync(`${out}.${process.pid}`, out);
  return out;
}

export interface Statement {
  readonly address: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The statements of the source files whose names match, in the order of the tables. */
export function statementsOf(debug: DebugInfo, source: RegExp): Statement[] {
  const index = lineIndex(debug);
  const found: Statement[] = [];
  for (const unit of debug.units) {
    const lines = index.of(unit);
    if (lines === undefined) continue;
    const table = index.table(lines);
    const files = lines.header.files.map((_, number) => fileName(lines, number));
    for (const { first, last } of table.sequences) {
      for (let row = first; row < last; row++) {
        const file = files[table.files[row]!];
        if ((table.flags[row]! & IS_STATEMENT) === 0 || table.lines[row] === 0 || file === undefined || !source.test(file)) continue;
        found.push({ address: table.addresses[row]!, file, line: table.lines[row]!, column: table.columns[row]! });
      }
    }
  }
  return found;
}

/** The separate debug information of the C library that programs here are linked with (package libc6-dbg; it is installed if it isn't there). */
export function libcDebug(): string {
  const library = execFileSync("cc", ["-print-file-name=libc.so.6"], { encoding: "utf8" }).trim();
  const id = buildId(readElf(memorySource(readFileSync(library), library)));
  if (id === undefined) throw new Error(`${library} has no build-id`);
  const path = `/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`;
  providePackages("libc6-dbg");
  return path;
}

export const sourceLines = (name: string): string[] => readFileSync(join(sources, name), "utf8").split("\n");
