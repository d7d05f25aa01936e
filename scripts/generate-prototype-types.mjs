/** Writes lib/types/*.d.ts from the shipped prototypes; `--check` only says whether they are up to date. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sonde-prototypes-"));
try {
  const entry = join(folder, "entry.ts");
  writeFileSync(
    entry,
    [
      `export { PROTOTYPE_TABLES } from ${JSON.stringify(join(root, "src/prototypes/prototypes.ts"))};`,
      `export { shippedDeclarations } from ${JSON.stringify(join(root, "src/prototypes/types.ts"))};`,
      `export { declarationsText } from ${JSON.stringify(join(root, "src/output/declarations/declarations.ts"))};`,
    ].join("\n"),
  );
  const bundle = await rolldown({ input: entry, platform: "node" });
  await bundle.write({ file: join(folder, "entry.mjs"), format: "esm" });
  const { PROTOTYPE_TABLES, shippedDeclarations, declarationsText } = await import(pathToFileURL(join(folder, "entry.mjs")).href);
  const check = process.argv.includes("--check");
  mkdirSync(join(root, "lib/types"), { recursive: true });
  for (const [library, table] of Object.entries(PROTOTYPE_TABLES)) {
    const path = join(root, "lib/types", `${library}.d.ts`);
    const text = declarationsText(shippedDeclarations(library, table));
    const same = existsSync(path) && readFileSync(path, "utf8") === text;
    if (check && !same) {
      console.error(`${path} is not what the prototypes say: run node scripts/generate-prototype-types.mjs`);
      process.exitCode = 1;
    } else if (!same) writeFileSync(path, text);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
