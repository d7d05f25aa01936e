// Writes docs/errors.md from src/errors/catalogue (scripts/errors-page.ts says how). `npm test` checks that the page is up to date.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, "docs/errors.md");

const folder = join(root, ".cache/errors-table");
mkdirSync(folder, { recursive: true });
try {
  const bundle = await rolldown({ input: join(root, "scripts/errors-page.ts"), platform: "node", external: [/^node:/, "koffi", "iced-x86", "typescript"] });
  await bundle.write({ file: join(folder, "errors-page.mjs"), format: "esm", codeSplitting: false });
  const { errorsPage } = await import(pathToFileURL(join(folder, "errors-page.mjs")).href);
  writeFileSync(page, await errorsPage());
  process.stdout.write(`written: ${page}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
