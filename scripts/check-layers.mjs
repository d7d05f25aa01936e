// Holds the walls: which folder of src/ may import which, who may import which package, how long a file may be.
// docs/architecture.md shows the same table, and this script checks that it does.
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const src = join(root, "src");
const MAX_LINES = 600;

/** Each folder with those that it may import, besides itself. Lower ones first. */
const LAYERS = {
  errors: [],
  schema: ["errors"],
  bpf: ["errors", "schema"],
  x86: ["errors", "schema"],
  elf: ["errors", "schema"],
  btf: ["errors", "schema", "bpf"],
  dwarf: ["errors", "schema", "elf"],
  prototypes: ["errors", "schema"],
  compiler: ["errors", "schema", "bpf"],
  sys: ["errors", "schema", "bpf", "btf", "elf"],
  symbols: ["errors", "schema", "elf", "dwarf", "btf", "x86", "sys"],
  output: ["errors", "schema"],
  engines: ["errors", "schema", "bpf", "btf", "elf", "x86", "compiler", "sys", "symbols"],
  session: ["errors", "schema", "bpf", "btf", "elf", "dwarf", "x86", "compiler", "prototypes", "sys", "symbols", "output", "engines"],
  cli: ["errors", "schema", "bpf", "compiler", "sys", "symbols", "output", "engines", "session"],
};
/** Single files that a lower folder may import for their types. */
const TYPES = { compiler: ["symbols/site.ts"] };
/** Packages, and the folders that alone may import them. */
const PACKAGES = {
  typescript: ["compiler/frontend"],
  koffi: ["sys/ffi"],
  "iced-x86": ["x86"],
  commander: ["cli"],
  picocolors: ["output"],
  fzstd: ["dwarf"],
};
/** Pure: bytes and text in, values out. They see no file and no process. */
const PURE = ["errors", "schema", "bpf", "x86", "elf", "btf", "dwarf", "prototypes", "compiler", "output"];
/** Apart from these: they read the package's own files, are run by the build, or ask whether colours are wanted. */
const EXEMPT = ["compiler/frontend/package.ts", "compiler/frontend/warm.ts", "output/palette.ts", "x86/full-decoder.ts"];
/** Built-in modules that a pure part may use: they compute. */
const PURE_BUILTINS = /^node:(assert|buffer|crypto|path|url|util|zlib)\b/;
const PROCESS = /\bprocess\.\w/g;

const problems = [];
const complain = (file, line, text) => problems.push(`${relative(root, file)}:${line}: ${text}`);
const lineOf = (text, index) => text.slice(0, index).split("\n").length;
const below = (path, folder) => path === folder || path.startsWith(`${folder}/`);

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

/** Import and export declarations and dynamic imports, from text: comments that look like one don't matter enough to parse. */
const IMPORT = /^\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)/gm;

function checkImport(file, line, specifier, isType) {
  const here = relative(src, file).split(sep).join("/");
  const folder = here.includes("/") ? here.slice(0, here.indexOf("/")) : undefined;
  const isTest = file.endsWith(".test.ts");
  if (!specifier.startsWith(".")) {
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    const owners = PACKAGES[name];
    if (owners && !isTest && !owners.some((owner) => below(here, owner))) complain(file, line, `only ${owners.join(" and ")} may import ${name}`);
    const known = specifier.startsWith("node:") ? specifier : isBuiltin(specifier) ? `node:${specifier}` : undefined;
    if (known === undefined && !isTest && /^[@\w]/.test(name) && !(name in PACKAGES)) complain(file, line, `no part of src/ may import ${name}: see PACKAGES`);
    if (!isTest && PURE.includes(folder) && !EXEMPT.includes(here) && known !== undefined && !PURE_BUILTINS.test(known))
      complain(file, line, `${folder} is pure: no ${specifier}`);
    return;
  }
  const target = relative(src, resolve(dirname(file), specifier))
    .split(sep)
    .join("/");
  // Tests may use fixtures; the package has nothing that isn't below src/.
  if (target.startsWith("..")) return isTest ? undefined : complain(file, line, `src/ may not import ${specifier}`);
  const other = target.includes("/") ? target.slice(0, target.indexOf("/")) : undefined;
  if (folder === undefined || other === undefined || other === folder || isTest) return;
  if (!(folder in LAYERS)) return complain(file, line, `src/${folder} has no place among the layers of scripts/check-layers.mjs`);
  if (LAYERS[folder].includes(other)) return;
  if (isType && TYPES[folder]?.includes(target)) return;
  complain(file, line, `${folder} may not import ${other} (${target})`);
}

for (const file of sources(src)) {
  const text = readFileSync(file, "utf8");
  for (const match of text.matchAll(IMPORT)) checkImport(file, lineOf(text, match.index + match[0].length), match[2] ?? match[3], match[1] !== undefined);
  const here = relative(src, file).split(sep).join("/");
  if (PURE.includes(here.slice(0, here.indexOf("/"))) && !EXEMPT.includes(here) && !file.endsWith(".test.ts"))
    for (const match of text.matchAll(PROCESS)) complain(file, lineOf(text, match.index), "pure parts see no process");
  const lines = text.split("\n").length;
  if (lines > MAX_LINES && !/generated|\.test\.ts$/.test(file)) complain(file, lines, `${lines} lines: more than ${MAX_LINES}`);
}

/** The table in the architecture's page: `| folder | may import |`. */
const page = readFileSync(join(root, "docs/architecture.md"), "utf8");
for (const [folder, may] of Object.entries(LAYERS)) {
  const row = `| \`${folder}\` | ${may.length === 0 ? "nothing" : may.map((name) => `\`${name}\``).join(", ")} |`;
  if (!page.includes(row)) problems.push(`docs/architecture.md: the row of ${folder} should be: ${row}`);
}

if (problems.length > 0) {
  process.stderr.write(`${problems.join("\n")}\n${problems.length} problems with the layers\n`);
  process.exit(1);
}
process.stdout.write("Layers hold.\n");
