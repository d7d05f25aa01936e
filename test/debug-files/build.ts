/** Programs whose debug information is elsewhere, made by the tools that distributions use. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { indexFunctions } from "../../src/dwarf/index.ts";
import { signatureOf } from "../../src/dwarf/signature.ts";
import type { DebugInfo } from "../../src/dwarf/units.ts";
import { readElf } from "../../src/elf/image.ts";
import { buildId } from "../../src/elf/notes.ts";
import { FileSource } from "../../src/symbols/file-source.ts";

/** A function whose parameter leads to a structure, and one that isn't exported. */
export const SOURCE = `
struct item { int id; long size; char name[8]; };
struct list { struct item item; struct list *next; };
__attribute__((noinline)) static int hidden(struct list *list) { return list->item.id; }
int twice(struct list *first, int times) { return hidden(first) * times; }
`;
export const MAIN = `
struct item { int id; long size; char name[8]; };
struct list { struct item item; struct list *next; };
int twice(struct list *first, int times);
int main(int argc, char **argv) { struct list list = { { argc, 2, "x" }, 0 }; return argv == 0 ? twice(&list, 2) : twice(&list, 0); }
`;

/** A folder of a test's own, taken away with `using`. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "sonde-debug-files-"));

  at(...parts: readonly string[]): string {
    const path = join(this.path, ...parts);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }
  run(program: string, ...args: readonly string[]): string {
    return execFileSync(program, args, { cwd: this.path, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  }
  /** twice() and main(), compiled in this folder. */
  program(name: string, ...flags: readonly string[]): string {
    for (const [file, text] of [
      ["twice.c", SOURCE],
      ["main.c", MAIN],
    ] as const) {
      writeFileSync(this.at(file), text);
      this.run("cc", "-g", "-O1", ...flags.filter((flag) => !flag.startsWith("-Wl") && flag !== "-static"), "-c", file, "-o", `${name}-${file}.o`);
    }
    this.run("cc", "-o", name, ...flags.filter((flag) => flag.startsWith("-Wl") || flag === "-static"), `${name}-twice.c.o`, `${name}-main.c.o`);
    return this.at(name);
  }
  /** The program is stripped, and its debug information put where it says. Gives the program's build-id. */
  strip(program: string, debugFile: string | ((id: string) => string), ...flags: readonly string[]): string {
    const id = idOf(program) ?? "";
    const path = typeof debugFile === "string" ? debugFile : debugFile(id);
    mkdirSync(dirname(path), { recursive: true });
    this.run("objcopy", "--only-keep-debug", ...flags, program, path);
    this.run("strip", program);
    return id;
  }
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Where a build-id's file is in a folder. */
export const filed = (folder: string, id: string): string => join(folder, ".build-id", id.slice(0, 2), `${id.slice(2)}.debug`);

export const imageOf = (path: string) => readElf(new FileSource(path), true);
export const idOf = (path: string): string | undefined => buildId(imageOf(path));

/** What debug information says of twice(): text that is the same wherever it is from. */
export function described(debug: DebugInfo): string {
  const index = indexFunctions(debug);
  const [row] = index.named("twice");
  const entry = row === undefined ? undefined : index.entry(debug, row);
  if (entry === undefined) return "unknown";
  const { params, structs, ret } = signatureOf(debug, entry)!;
  const fields = Object.values(structs).map(({ name, size, fields }) => `${name}:${size}{${fields.map(({ name, offset }) => `${name}@${offset}`).join(" ")}}`);
  const typed = params.map(({ name, type }) => `${name} ${type.k === "pointer" && type.to?.k === "struct" ? `${type.to.name}*` : type.k}`);
  return `${ret.k} twice(${typed.join(", ")}) ${fields.sort().join(" ")}`;
}
/** Of the programs that are made here. */
export const TWICE = "int twice(first list*, times int) item:24{id@0 size@8 name@16} list:32{item@0 next@24}";
