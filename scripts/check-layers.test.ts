/** The walls hold: each kind of import that isn't allowed is found where it stands. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "sonde-layers-"));
  for (const name of ["src", "scripts", "docs"]) cpSync(join(root, name), join(copy, name), { recursive: true });
});
afterAll(() => rmSync(copy, { recursive: true }));

/** What the script says of a tree with one more file in it. */
function complaints(path: string, text: string): string[] {
  const file = join(copy, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  try {
    execFileSync(process.execPath, [join(copy, "scripts/check-layers.mjs")], { encoding: "utf8", stdio: "pipe" });
    return [];
  } catch (error) {
    return (error as { readonly stderr: string }).stderr.split("\n").filter((line) => line.startsWith(path));
  } finally {
    rmSync(file);
  }
}

test.each([
  ["a lower folder imports a higher one", "src/schema/x.ts", 'import "../sys/host.ts";'],
  ["an import over several lines", "src/errors/x.ts", 'import {\n  u8,\n} from "../schema/types.ts";'],
  ["a re-export", "src/session/x.ts", 'export * from "../cli/main.ts";'],
  ["an import when needed", "src/engines/x.ts", 'await import("../session/open.ts");'],
  ["a value from where only types may be had", "src/compiler/x.ts", 'import { x } from "../symbols/site.ts";'],
  ["system calls outside of sys/ffi", "src/session/x.ts", 'import koffi from "koffi";'],
  ["TypeScript outside of the front end", "src/compiler/lower/x.ts", 'import ts from "typescript";'],
  ["a package that only tests have", "src/cli/x.ts", 'import fc from "fast-check";'],
  ["a pure part reads files", "src/elf/x.ts", 'import { readFileSync } from "node:fs";'],
  ["a pure part reads files by the old name", "src/compiler/x.ts", 'import fs from "fs";'],
  ["a pure part looks at the process", "src/bpf/x.ts", "export const cwd = process.cwd();"],
  ["the product imports a test", "src/elf/x.ts", 'import type { A } from "../../test/fixtures/build.ts";'],
  ["a folder that has no place", "src/misc/x.ts", 'import "../errors/error.ts";'],
  ["a file that is too long", "src/bpf/x.ts", "\n".repeat(601)],
])("found: %s", (_, path, text) => {
  expect(complaints(path, text)).toHaveLength(1);
});

test("nothing is said of what is allowed", () => {
  expect(complaints("src/compiler/x.ts", 'import type { Site } from "../symbols/site.ts";\nimport { SondeError } from "../errors/error.ts";\n')).toEqual([]);
});
