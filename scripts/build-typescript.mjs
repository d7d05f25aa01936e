// Makes dist/typescript.cjs, the part of TypeScript that sonde's front end uses, and beside it what V8 has compiled of it:
// a new script then starts in a third of the time and half of the memory that the whole compiler would take.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const require = createRequire(import.meta.url);

/** Names of TypeScript's that the front end mentions: nothing else has to stay. */
function usedNames() {
  const names = new Set(["version"]);
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts"))
        for (const [, name] of readFileSync(path, "utf8").matchAll(/\bts\.([A-Za-z_]\w*)/g)) names.add(name);
    }
  };
  visit(join(root, "src/compiler/frontend"));
  visit(join(root, "src/compiler/oracle"));
  return [...names];
}

/** Never reached with the options that the front end sets: it emits nothing, watches nothing, reads no configuration. */
const UNUSED = [
  "emitFiles",
  "getDeclarationDiagnostics",
  "transformNodes",
  "getTransformers",
  "parseJsonSourceFileConfigFileContent",
  "createModuleSpecifierCache",
  "getBuildInfoFileVersionMap",
];

/** The files that TypeScript was made of, by the comments that its bundle still has: the language service and the server go. */
function withoutService(body) {
  const parts = body.split(/^(?=\/\/ src\/)/m);
  const kept = parts.filter((part) => !part.startsWith("// src/") || /^\/\/ src\/(compiler|typescript)\//.test(part));
  return kept
    .filter(
      (part) =>
        !/^\/\/ src\/(compiler\/(executeCommandLine|tsbuild|watch|sys|tracing)|typescript\/_)/.test(part) ||
        /^\/\/ src\/compiler\/(sys|tracing|watchUtilities)\./.test(part),
    )
    .join("");
}

function asModule(text, names) {
  const start = text.indexOf('"use strict";', text.indexOf("((module) => {")) + '"use strict";'.length;
  const end = text.indexOf("// Annotate the CommonJS export names for ESM import in node:");
  if (start < 100 || end < 0) throw new Error("typescript.js isn't built as expected: scripts/build-typescript.mjs has to follow it");
  let body = text.slice(start, end);
  const table = body.indexOf("__export(typescript_exports, {");
  const tableEnd = body.indexOf("\n});", table) + "\n});".length;
  const exported = new Map([...body.slice(table, tableEnd).matchAll(/^ {2}(\w+): \(\) => (\w+)/gm)].map(([, name, local]) => [name, local]));
  body = withoutService(body.slice(0, table) + body.slice(tableEnd)).replace(/^module\.exports = __toCommonJS\(typescript_exports\);$/m, "");
  for (const name of UNUSED)
    body = body.replace(
      `\nfunction ${name}(`,
      `\nfunction ${name}() { throw new Error(${JSON.stringify(`${name} was left out`)}); }\nfunction __left_out_${name}(`,
    );
  // The language service adds these to the tree's nodes; the front end uses no more of it.
  body += `
for (const make of [objectAllocator.getNodeConstructor(), objectAllocator.getTokenConstructor(), objectAllocator.getIdentifierConstructor()]) {
  make.prototype.getSourceFile = function () { return getSourceFileOfNode(this); };
  make.prototype.getStart = function () { return getTokenPosOfNode(this); };
  make.prototype.getText = function () { const file = getSourceFileOfNode(this); return file.text.slice(getTokenPosOfNode(this, file), this.end); };
}
Object.defineProperty(objectAllocator.getIdentifierConstructor().prototype, "text", { get() { return idText(this); } });
Object.defineProperty(objectAllocator.getSymbolConstructor().prototype, "name", { get() { return symbolName(this); } });`;
  const real = names.filter((name) => exported.has(name));
  return `${body}\nexport { ${real.map((name) => `${exported.get(name)} as ${name}`).join(", ")} };\n`;
}

async function build() {
  const path = require.resolve("typescript");
  const text = asModule(readFileSync(path, "utf8"), usedNames());
  const bundle = await rolldown({
    input: "typescript-part",
    platform: "node",
    logLevel: "silent",
    plugins: [
      { name: "typescript-part", resolveId: (id) => (id === "typescript-part" ? id : undefined), load: (id) => (id === "typescript-part" ? text : undefined) },
    ],
    external: [/^node:/, "fs", "path", "os", "crypto", "inspector", "perf_hooks", "source-map-support", "buffer"],
    treeshake: { moduleSideEffects: true, propertyReadSideEffects: false, unknownGlobalSideEffects: false },
    transform: { target: "node20.19" },
  });
  const { output } = await bundle.generate({ format: "cjs", minify: true, comments: false });
  await bundle.close();
  const licence = "/* A part of TypeScript. Copyright (c) Microsoft Corporation, Apache License 2.0: see node_modules/typescript/LICENSE.txt */\n";
  // One byte a character in memory: a text with a single wider one takes two for each.
  const code = output[0].code.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  mkdirSync(dist, { recursive: true });
  const target = join(dist, "typescript.cjs");
  if (existsSync(target) && readFileSync(target, "latin1") === licence + code) return;
  writeFileSync(`${target}.${process.pid}`, licence + code, "latin1");
  renameSync(`${target}.${process.pid}`, target);
  rmSync(join(dist, "typescript.code"), { force: true });
}

/** Compiles one script of each kind, and keeps what V8 made of the compiler meanwhile. */
async function warm() {
  const folder = join(dist, `warm-${process.pid}`);
  const bundle = await rolldown({
    input: join(root, "src/compiler/frontend/warm.ts"),
    platform: "node",
    external: [/^node:/, "typescript"],
    logLevel: "silent",
  });
  await bundle.write({ dir: folder, format: "esm", entryFileNames: "warm.mjs" });
  await bundle.close();
  try {
    execFileSync(process.execPath, [join(folder, "warm.mjs"), dist], { stdio: ["ignore", "ignore", "inherit"] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await build();
await warm();
