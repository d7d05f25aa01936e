import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SondeError } from "../../errors/error.ts";
import { namedStates } from "../names.ts";
import { Scope } from "../scope.ts";
import { makeVocabulary } from "../vocabulary/vocabulary.ts";
import { readCache } from "./cache.ts";
import { compiled } from "./compile.ts";
import { loadScript } from "./load.ts";
import { scriptFile, scriptText } from "./source.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-load-"));
  process.env.XDG_CACHE_HOME = join(folder, "cache");
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function load(path: string, prints: string[] = []) {
  const source = path.startsWith("/") ? scriptFile(path) : scriptText(path);
  const { unit } = await compiled(source);
  const scope = new Scope({
    params: {},
    pids: [],
    unsafe: false,
    modeOf: () => "entry",
    resolve: () => ({ sites: [], notes: [] }),
    actions: { print: (text) => prints.push(text), show() {}, exit() {}, symbol: String },
  });
  const loaded = await loadScript(unit, source, scope, makeVocabulary(scope));
  return { unit, scope, loaded, prints, names: () => namedStates(unit, scope).map(({ name }) => name) };
}

test("the same script in two sessions of one process has its own states in each", async () => {
  const path = write("two.ts", 'import { hash, u32, u64 } from "sonde";\nexport const seen = hash(u32, u64);\nseen.set(1, 2);\n');
  const [one, two] = [await load(path), await load(path)];
  const [a, b] = [one, two].map(({ scope }) => scope.binding(0, "seen") as { set(k: number, v: number): void; read(k: number): unknown });
  a!.set(1, 77);
  expect([a!.read(1), b!.read(1)]).toEqual([77n, 2n]);
});

test("an imported module is the session's own too, and names that clash are qualified by the module", async () => {
  write("lib/sizes.ts", 'import { count } from "sonde";\nexport const calls = count();\nexport const other = count();\n');
  const path = write(
    "main.probe.ts",
    'import { count, hash, comm } from "sonde";\nimport { calls as theirs } from "./lib/sizes.ts";\nexport const calls = count();\nconst local = hash(comm, count());\nvoid theirs; void local;\n',
  );
  const one = await load(path);
  const two = await load(path);
  expect(one.names()).toEqual(["calls", "local", "sizes.calls", "other"]);
  expect(one.scope.binding(1, "calls")).not.toBe(two.scope.binding(1, "calls"));
});

test("packages, Node's own modules and files beside the script are found from the script's folder", async () => {
  write(
    "node_modules/dep/package.json",
    '{ "name": "dep", "type": "module", "exports": { ".": { "require": "./no.cjs", "import": "./yes.js" }, "./sub/*": "./sub/*.js" } }',
  );
  write("node_modules/dep/yes.js", 'export default "import condition";\n');
  write("node_modules/dep/sub/x.js", 'export const x = "subpath";\n');
  write("beside.mjs", "export const beside = import.meta.url;\n");
  const path = write(
    "imports.ts",
    'import { print } from "sonde";\nimport dep from "dep";\nimport { x } from "dep/sub/x";\nimport { basename } from "node:path";\nimport { beside } from "./beside.mjs";\nprint`${dep} ${x} ${basename(beside)}`;\n',
  );
  expect((await load(path)).prints).toEqual(["import condition subpath beside.mjs"]);
});

test("a package that isn't installed is an error that names it", async () => {
  const path = write("missing.ts", 'import nothing from "not-installed-here";\nvoid nothing;\n');
  await expect(load(path)).rejects.toMatchObject({ code: "SONDE_IMPORT", mend: expect.stringContaining("npm install not-installed-here") });
});

test("a package that was missing is found by the next session, once it is there", async () => {
  const path = write("late.ts", 'import { print } from "sonde";\nimport { late } from "./late.mjs";\nprint`${late}`;\n');
  await expect(load(path)).rejects.toMatchObject({ code: "SONDE_SCRIPT_THREW" });
  write("late.mjs", "export const late = 7;\n");
  expect((await load(path)).prints).toEqual(["7"]);
});

test("nothing of a script of one file stays behind its session", async () => {
  const path = write(
    "gone.ts",
    "const made = { big: new Array(1000).fill(1) };\n(globalThis as { seen?: unknown }).seen = new WeakRef(made);\nexport { made };\n",
  );
  const once = async (): Promise<WeakRef<object>> => {
    const { loaded, scope } = await load(path);
    const { seen } = globalThis as { seen?: WeakRef<object> };
    expect(scope.binding(0, "made")).toBe(seen!.deref());
    loaded.forget();
    scope.retire();
    return seen!;
  };
  const left = [await once(), await once()];
  expect(left[0]).not.toBe(left[1]);
  // A reference that was looked at lasts until the turn is over.
  for (let i = 0; i < 5 && left.some((one) => one.deref() !== undefined); i++) {
    await new Promise((next) => setTimeout(next, 20));
    collect();
  }
  expect(left.map((one) => one.deref())).toEqual([undefined, undefined]);
});

test("a script that throws is reported with its own file and line", async () => {
  const path = write(
    "throws.ts",
    'import { print } from "sonde";\n\ninterface A { x: number }\nfunction inner(a: A): never {\n  throw new TypeError(`no ${a.x}`);\n}\nprint`on`;\ninner({ x: 3 });\n',
  );
  const error = await load(path).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "SONDE_SCRIPT_THREW", message: "the script threw TypeError: no 3", where: `${path}:5`, exit: 1 });
});

test("a mistake in the vocabulary's use is reported with the script's line", async () => {
  const path = write(
    "wrong.ts",
    'import { hash, u32, u64, count } from "sonde";\nconst n = 0;\n\nexport const a = hash(u32, count(), { capacity: n });\nvoid u64;\n',
  );
  await expect(load(path)).rejects.toMatchObject({
    code: "SONDE_OPTION",
    where: `${path}:4`,
    message: "hash(): capacity is 0: it is a whole number from 1 to 134217728",
  });
});

test("a one-liner has the whole vocabulary in scope", async () => {
  const { prints, names } = await load("const n = hash(comm, hist()); print`${duration(1500n)} ${hex(255)}`;");
  expect(prints).toEqual(["1.5 µs 0xff"]);
  expect(names()).toEqual(["n"]);
});

test("an unchanged script comes from the cache, a changed one or a changed import doesn't", async () => {
  const lib = write("dep/lib.ts", "export const n: number = 1;\n");
  const path = write("dep/script.ts", 'import { print } from "sonde";\nimport { n } from "./lib.ts";\nprint`${n}`;\n');
  expect((await load(path)).prints).toEqual(["1"]);
  expect(readCache(path, scriptFile(path).text)).toBeDefined();
  writeFileSync(lib, "export const n: number = 2;\n");
  expect(readCache(path, scriptFile(path).text)).toBeUndefined();
  expect((await load(path)).prints).toEqual(["2"]);
});

test("a missing file, a folder, a file of another kind and a package's URL are refused with a reason", () => {
  for (const [given, code] of [
    ["/no/such.ts", "SONDE_SCRIPT_NOT_FOUND"],
    [folder, "SONDE_SCRIPT_UNREADABLE"],
    [write("kinds/script.js", ""), "SONDE_SCRIPT_KIND"],
    [write("kinds/script", ""), "SONDE_SCRIPT_KIND"],
    [write("kinds/script.d.ts", ""), "SONDE_SCRIPT_KIND"],
    [new URL("https://example.org/x.ts"), "SONDE_SCRIPT_NOT_FOUND"],
  ] as const) {
    let thrown: unknown;
    try {
      scriptFile(given);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SondeError);
    expect((thrown as SondeError).code).toBe(code);
  }
});
