/** Every script in the documentation compiles, and every mistake that it shows is reported with the code that it names. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkScript } from "../../src/session/inspect.ts";
import { scriptFile, scriptText } from "../../src/session/script/source.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter((name) => name.endsWith(".md"));

interface Block {
  readonly page: string;
  readonly line: number;
  /** What stands behind `ts`: nothing, a diagnostic's code, or `program` for what isn't a probe script. */
  readonly note: string;
  readonly text: string;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```ts\b *(\S*)\n(.*?)^```$/gms)].map((match) => ({
    page,
    line: text.slice(0, match.index).split("\n").length,
    note: match[1]!,
    text: match[2]!,
  }));
}

/** One-liners in the pages' shell commands: what stands quoted behind `sonde -e`. */
function oneLinersOf(page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^\$ .*?sonde .*?-e '([^']+)'/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split("\n").length,
    note: "",
    text: match[1]!,
  }));
}

const all = pages.flatMap((page) => [...blocksOf(page), ...oneLinersOf(page)]);
const isProgram = ({ note, text }: Block): boolean => note === "program" || /import \{[^}]*\bopen\b/.test(text);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-docs-"));
  mkdirSync(join(folder, "scripts"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function diagnostics({ page, line, text }: Block) {
  if (!/^import .* from "sonde"/m.test(text)) return (await checkScript(scriptText(text))).diagnostics;
  const path = join(folder, "scripts", `${page.replaceAll("/", "-")}-${line}.probe.ts`);
  writeFileSync(path, text);
  return (await checkScript(scriptFile(path))).diagnostics;
}

describe.each(all.filter((block) => !isProgram(block)).map((block) => [`${block.page}:${block.line}`, block] as const))("%s", (_, block) => {
  test(block.note === "" ? "compiles without errors" : `is refused as ${block.note}`, async () => {
    const errors = (await diagnostics(block)).filter(({ severity }) => severity === "error");
    const codes = [...new Set(errors.map(({ code }) => code))];
    expect(codes, errors.map(({ message }) => message).join("\n")).toEqual(block.note === "" ? [] : [block.note]);
  });
});

test("the pages have scripts, mistakes and programs to check", () => {
  expect(all.filter(({ note }) => note === "").length).toBeGreaterThan(12);
  expect(all.filter(({ note }) => note.startsWith("SONDE_")).length).toBeGreaterThan(2);
  expect(all.filter(isProgram).length).toBeGreaterThan(0);
});

test("programs in the pages parse as JavaScript or TypeScript", () => {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const paths = all.filter(isProgram).map((block, i) => {
    const path = join(folder, `program-${i}.ts`);
    writeFileSync(path, block.text);
    return path;
  });
  writeFileSync(join(folder, "opened.probe.ts"), blocksOf("docs/language.md").find(({ text }) => text.includes("export const opened"))!.text);
  const options = { target: "es2022", module: "esnext", moduleResolution: "bundler", types: [], strict: true, noEmit: true, allowImportingTsExtensions: true };
  const host = join(root, "src/compiler/lib/host.d.ts");
  const sonde = join(root, "lib/sonde.d.ts");
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...options, lib: ["es2022"], paths: { sonde: [sonde] } }, files: [...paths, host] }),
  );
  expect(() => execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8", stdio: "pipe" })).not.toThrow();
});
