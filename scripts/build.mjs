// Bundles src/ into dist/: the command line in one script, which V8 keeps compiled; the library and what tests import in chunks.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Loaded from node_modules at run time: prebuilt machine code, wasm, and a compiler that most runs never load. */
const external = ["koffi", "iced-x86", "typescript"];
/** A chunk that a running process may still import is kept for this long after it went out of use; with --clean not at all. */
const KEEP_MS = 10 * 60_000;

const entries = {
  cli: "src/cli/entry.ts",
  index: "src/index.ts",
  testing: "src/testing.ts",
  tracer: "src/engines/breakpoint/tracer/main.ts",
  armer: "src/engines/inline/attach/main.ts",
};
const modules = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file))));

/** Stands for all that a build is made from: what another build has compiled and kept must not be read by this one. */
function buildStamp() {
  const hash = createHash("sha256");
  const visit = (path) => {
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).toSorted()) visit(join(path, name));
    else if (!path.endsWith(".test.ts"))
      hash
        .update(`${path.slice(root.length)}\0`)
        .update(readFileSync(path))
        .update("\0");
  };
  for (const name of ["src", "lib", "scripts", "package.json", "package-lock.json"]) visit(join(root, name));
  return hash.digest("hex").slice(0, 16);
}

async function bundle(input, options) {
  const build = await rolldown({
    input,
    cwd: root,
    platform: "node",
    external: [/^node:/, ...external.map((name) => new RegExp(`^${name}(/|$)`))],
    transform: {
      target: "node20.19",
      define: { "process.env.SONDE_VERSION": JSON.stringify(version), "process.env.SONDE_BUILD": JSON.stringify(buildStamp()) },
    },
    onLog(level, log, print) {
      if (level === "warn") throw new Error(log.message);
      print(level, log);
    },
  });
  const { output } = await build.generate({ dir: dist, minify: "dce-only", ...options });
  await build.close();
  return output;
}

const asModules = () => bundle(modules, { format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "chunk-[name]-[hash].mjs" });

/** With characters outside of ASCII escaped (they stand in strings, templates and regular expressions): the entry reads it as Latin-1. */
async function asScript() {
  const [{ code }] = await bundle(
    { cli: "src/cli/main.ts" },
    { format: "cjs", codeSplitting: false, entryFileNames: "[name].cjs", comments: { jsdoc: false } },
  );
  return code.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Chunks first, entries last and by rename, so that a process that starts meanwhile sees one build or the other. */
function write(script, output) {
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, `cli.cjs.${process.pid}`), script, "latin1");
  renameSync(join(dist, `cli.cjs.${process.pid}`), join(dist, "cli.cjs"));
  const now = new Set();
  for (const file of output.toSorted((a, b) => Number(a.isEntry ?? false) - Number(b.isEntry ?? false))) {
    const path = join(dist, file.fileName);
    const text = file.type === "chunk" ? file.code : file.source;
    now.add(file.fileName);
    if (file.fileName.startsWith("chunk-") && existsSync(path)) continue;
    writeFileSync(`${path}.${process.pid}`, file.isEntry && file.name === "cli" ? `#!/usr/bin/env node\n${text}` : text, {
      mode: file.isEntry ? 0o755 : 0o644,
    });
    renameSync(`${path}.${process.pid}`, path);
  }
  for (const name of readdirSync(dist)) {
    if (!name.startsWith("chunk-") || now.has(name)) continue;
    const path = join(dist, name);
    if (process.argv.includes("--clean") || Date.now() - statSync(path).mtimeMs > KEEP_MS) rmSync(path);
  }
}

write(await asScript(), await asModules());
const compiler = join(root, "scripts/build-typescript.mjs");
if (existsSync(compiler)) await import(pathToFileURL(compiler).href);
