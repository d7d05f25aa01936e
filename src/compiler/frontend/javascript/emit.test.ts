/** The JavaScript that a session imports: no types, no handlers, every line and mostly every column where it was. */

import ts from "typescript";
import { expect, test } from "vitest";
import { compile, compileLine } from "../compile-text.ts";

function code(text: string, files = {}): string {
  const { unit, diagnostics } = compile(text, files);
  expect(diagnostics).toEqual([]);
  return unit!.files[0]!.code;
}

/** Without the first line's prelude. */
const rest = (text: string): string => code(text).replace(/^export default .*? (?=\S*$|\/\*\*\/)/m, "");

test("types become blanks, and what runs stays", () => {
  const text = `/**/
interface A { x: number }
type B = A | undefined;
const f = <T extends A>(a: T, b?: number, ...c: string[]): T => a as T;
let d!: number, e = <any>5, g = f<A>({ x: 1 } satisfies A)!;
class C<T> extends Array<T> implements A { readonly x: number = 1; declare y: string; private static z?: number; m?(): void; constructor(public_: number) { super(); } get v(): number { return this.x!; } [k: string]: any }
abstract class D { abstract m(): void; protected n(this: D, a: number): void {} }
function over(a: number): void;
function over(a: any): void { d = a }
declare const nothing: number;
declare module "sonde" { interface Functions {} }
const long = (
  a: number,
): {
  x: number
} => ({ x: a });
const last = d as number
;(e);
export type { A };
export default f;`;
  const out = code(text);
  expect(out.split("\n").length).toBe(text.split("\n").length + 2);
  const file = ts.createSourceFile("/a.mjs", out, ts.ScriptTarget.ESNext, true, ts.ScriptKind.JS) as ts.SourceFile & {
    parseDiagnostics: readonly ts.Diagnostic[];
  };
  expect(file.parseDiagnostics.map((each) => `${each.start} ${ts.flattenDiagnosticMessageText(each.messageText, "")}`)).toEqual([]);
  const { outputText } = ts.transpileModule(out, { compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext } });
  expect(outputText).not.toMatch(/interface|implements|declare|abstract|readonly|: number|<T>/);
  const lines = out.split("\n");
  expect(lines[3]).toContain("const f =              (a   , b         , ...c          )    => a     ;");
});

test("the first line hands over the module's names, and takes the vocabulary", () => {
  const out = code(
    'import { uprobe, count as counter, type EnterHit } from "sonde";\nexport const calls = counter(), { a, b: [z] } = { a: 1, b: [2] };\nexport function f() {}\nconst own = 1; export { own as shown };\nuprobe("a:b", (c: EnterHit) => { calls.add(); });\n',
  );
  const [first, second] = out.split("\n");
  expect(first).toBe(
    'export default async (__sonde) => { __sonde.module({ calls: () => calls, a: () => a, z: () => z, f: () => f, own: () => own }, { "calls": "calls", "a": "a", "z": "z", "f": "f", "shown": "own" }); const { uprobe, count: counter } = __sonde.vocabulary; ;'.padEnd(
      first!.length,
    ),
  );
  expect(second).toBe("       const calls = counter(), { a, b: [z] } = { a: 1, b: [2] };");
  expect(out.split("\n").at(-2)).toBe("};");
});

test("a handler is replaced by its number and what only the registration knows", () => {
  const out = code(
    'import { uprobe, sum } from "sonde";\nconst s = sum();\nfunction setup(limit: number) {\n  for (const t of ["a:b", "a:c"]) uprobe(t, {\n    enter: (c) => c.arg0,\n    leave: (c, at) => { if (at > limit) s.add(at); },\n  }, { pid: 5 });\n}\nsetup(5);',
  );
  const lines = out.split("\n");
  expect(lines[3]).toBe('  for (const t of ["a:b", "a:c"]) uprobe(t, __sonde.handler(0, () => ({ limit: limit }))');
  expect(lines[6]).toBe(", { pid: 5 });");
  expect(lines[8]).toBe("setup(5);");
});

test("imports lead to compiled files, to files beside the script and to packages", () => {
  const out = code(
    'import { a, type T } from "./a.ts";\nimport data from "./data.json" with { type: "json" };\nimport * as b from "some-package/sub";\nimport { readFileSync } from "node:fs";\nimport { type U } from "./a.ts";\nimport { V } from "./a.ts";\nexport * from "./a.ts";\nimport "sonde/types/nothing";\nconst m = await import("./plain.mjs");\nexport const w: V = a;',
    { "/scripts/a.ts": "export const a = 1; export type T = 1; export type U = 2; export type V = number;", "/scripts/data.json": "{}" },
  );
  const lines = out.split("\n");
  expect(lines[0]).toMatch(/import \{ a, +\} from "__SONDE_FILE_1__";$/);
  expect(lines[1]).toBe('import data from "__SONDE_URL_(/scripts/data.json)__" with { type: "json" };');
  expect(lines[2]).toBe('import * as b from "__SONDE_BARE_(some-package/sub)__";');
  expect(lines[3]).toBe('import { readFileSync } from "node:fs";');
  expect(lines[4]!.trim()).toBe(";");
  expect(lines[5]!.trim()).toBe(";");
  expect(lines[6]).toBe('export * from "__SONDE_FILE_1__";');
  expect(lines[8]).toContain('import("__SONDE_URL_(/scripts/plain.mjs)__")');
});

test("the vocabulary can be imported as a namespace, and exported again", () => {
  const out = code('import * as sonde from "sonde"; export { uprobe as probe, type Hit } from "sonde"; sonde.uprobe("a:b", () => {});');
  expect(out).toContain("const sonde = __sonde.vocabulary;");
  const some = compile('import { probe } from "./some.ts"; probe("a:b", () => {});', {
    "/scripts/some.ts": 'export { uprobe as probe, type Hit } from "sonde";',
  });
  expect(some.unit!.files[1]!.code).toContain("export { __sonde_0_uprobe as probe };");
  const all = compile('import { count } from "./all.ts"; export const n = count();', { "/scripts/all.ts": 'export * from "sonde"; export const hist = 1;' });
  expect(all.diagnostics).toEqual([]);
  expect(all.unit!.files[1]!.code).toMatch(/ as count\b/);
  expect(all.unit!.files[1]!.code).not.toMatch(/ as hist\b/);
});

test("a script's only file is a function: what it imports goes before, and nothing is exported", () => {
  const out = code(`/**/
import data, { // why
  type A, basename as base,
} from "node:path" with { type: "json" };
export * as all from "./plain.mjs";
export { x } from "some-package";
export default class { n = base(""); }
export async function later() { await data; }
export default { a: 1 };`);
  const lines = out.split("\n");
  expect(lines[0]).toMatch(
    /^import data, \{ basename as base \} from "node:path" with \{ type: "json" \}; import "__SONDE_URL_\(\/scripts\/plain.mjs\)__"; import "__SONDE_BARE_\(some-package\)__"; export default async \(__sonde\) => \{ /,
  );
  expect(lines.slice(1).map((line) => line.trim())).toEqual([
    ";",
    "",
    "",
    ";",
    ";",
    'void           class { n = base(""); }',
    "async function later() { await data; }",
    "void { a: 1 };",
    "};",
    "",
  ]);
});

test("the files of a script with modules stay modules, which ask for their session", () => {
  const { unit } = compile('import { a } from "./a.ts"; export const b = a;', { "/scripts/a.ts": "export const a = 1;" });
  for (const each of unit!.files) expect(each.code).toMatch(/^const __sonde = globalThis\[Symbol\.for\("sonde\.scope"\)\]\(import\.meta\.url\); /);
  expect(unit!.files[1]!.code).toContain("export const a = 1;");
});

test("import.meta speaks of the script's own file", () => {
  const out = code("const u = import.meta.url, d = import.meta.dirname, f = import.meta.filename;");
  expect(out).toContain('const u = "file:///scripts/a.probe.ts", d = "/scripts", f = "/scripts/a.probe.ts";');
});

test("a one-liner takes only the names that it mentions, and its own go before", () => {
  const { unit } = compileLine('const hist = 5; const n = count(); uprobe("a:b", () => n.add())');
  const first = unit!.files[0]!.code.split("\n")[0]!;
  expect(first).toContain("const { count, uprobe } = __sonde.vocabulary;");
  expect(unit!.files[0]!.text).toBe('const hist = 5; const n = count(); uprobe("a:b", () => n.add())');
});

test("a first line for the shell is left out", () => {
  const out = code("#!/usr/bin/env sonde\nconst a = 1;");
  expect(out.split("\n")[0]).not.toContain("#!");
  expect(out.split("\n")[1]).toBe("const a = 1;");
});

test("plain host code is unchanged", () => {
  const text =
    "const all = [];\nsetInterval(() => {\n  for (const [k, v] of Object.entries({ a: 1 })) all.push(`${k} ${v}`);\n}, 1000).unref();\nlabel: for (;;) { break label; }\nclass A { #x = 1; static { this.y = 2; } get x() { return this.#x; } }\n";
  expect(rest(`/**/${text}`).replace("/**/", "")).toContain(text.split("\n").slice(1).join("\n"));
});

test("functions given to intercept are the host's own, and stay as they are", () => {
  const text = `import { intercept } from "sonde";
const seen = new Map<string, number>();
intercept("libc:open", {
  async enter(c) { const { promise, resolve } = Promise.withResolvers<void>(); setTimeout(resolve, 1); await promise; seen.set(c.memory.text(c.arg0), 1.5); return this; },
  leave: (c, at) => { try { c.ret = BigInt(seen.size); } catch (e) { throw e; } },
});`;
  const { unit, diagnostics } = compile(text);
  expect(diagnostics).toEqual([]);
  expect(unit!.handlers).toEqual([]);
  expect(unit!.files[0]!.code).toContain("async enter(c) { const { promise, resolve } = Promise.withResolvers");
  expect(unit!.files[0]!.code).toContain("leave: (c, at) => { try { c.ret = BigInt(seen.size); } catch (e) { throw e; } }");
});

test("in them too a map is read by the host's methods", () => {
  const { diagnostics } = compile('import { count, intercept } from "sonde";\nconst n = count();\nintercept("libc:open", { enter() { n.add(); } });');
  expect(diagnostics.map(({ code: each }) => each)).toEqual(["SONDE_C_HANDLER_METHOD"]);
});
