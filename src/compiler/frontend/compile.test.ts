/** Handlers become trees: names resolved, captures found, functions shared. */
import { expect, test } from "vitest";
import type { Expr, HandlerHir, Stmt } from "../hir/types.ts";
import { compile, compileLine } from "./compile-text.ts";
import { packageText, vocabularyFiles } from "./package.ts";
import { vocabulary } from "./vocabulary.ts";

function handlers(text: string, files = {}): readonly HandlerHir[] {
  const { unit, diagnostics } = compile(text, files);
  expect(diagnostics).toEqual([]);
  return unit!.handlers;
}

const line = (text: string): HandlerHir => {
  const { unit, diagnostics } = compileLine(text);
  expect(diagnostics).toEqual([]);
  return unit!.handlers[0]!;
};

/** A tree as text, short enough to be read in a test. */
function show(h: HandlerHir, node: Expr | Stmt | undefined): string {
  if (node === undefined) return "_";
  const s = (child: Expr | Stmt | undefined): string => show(h, child);
  switch (node.k) {
    case "int":
      return node.value;
    case "bigint":
      return `${node.value}n`;
    case "string":
      return JSON.stringify(node.value);
    case "bool":
      return String(node.value);
    case "undefined":
      return "undefined";
    case "local":
      return node.name;
    case "capture":
      return `$${[h.captures[node.id]!.name, ...h.captures[node.id]!.path].join(".")}`;
    case "builtin":
      return `#${node.name}`;
    case "function":
      return `fn${node.id}`;
    case "binary":
    case "logical":
      return `(${s(node.left)} ${node.op} ${s(node.right)})`;
    case "unary":
      return `${node.op}${s(node.operand)}`;
    case "assign":
      return `${s(node.target)} ${node.op === "=" ? "" : node.op}= ${s(node.value)}`;
    case "update":
      return node.prefix ? `${node.op}${s(node.target)}` : `${s(node.target)}${node.op}`;
    case "member":
      return `${s(node.object)}${node.optional ? "?" : ""}.${node.name}`;
    case "index":
      return `${s(node.object)}${node.optional ? "?." : ""}[${s(node.index)}]`;
    case "call":
      return `${s(node.callee)}(${node.args.map(s).join(", ")})`;
    case "chain":
      return `<${s(node.inner)}>`;
    case "object":
      return `{${node.properties.map((p) => `${p.name}: ${s(p.value)}`).join(", ")}}`;
    case "spread":
      return `{...${s(node.base)}, ...${s(node.over)}}`;
    case "array":
      return `[${node.items.map(s).join(", ")}]`;
    case "default":
      return `(${s(node.value)} ?= ${s(node.otherwise)})`;
    case "conditional":
      return `(${s(node.test)} ? ${s(node.then)} : ${s(node.else)})`;
    case "cast":
      return `(${s(node.value)} as ${node.type})`;
    case "void":
      return `void ${s(node.operand)}`;
    case "tagged":
      return `${s(node.tag)}\`${node.texts.map((text, i) => text + (i < node.values.length ? `\${${s(node.values[i])}}` : "")).join("")}\``;
    case "expr":
      return `${s(node.expr)};`;
    case "return":
      return `return ${s(node.value)};`;
    case "let":
      return `let ${h.functions[0]!.locals[node.local]!.name} = ${s(node.init)};`;
    case "if":
      return `if (${s(node.test)}) {${node.then.map(s).join(" ")}} else {${node.else.map(s).join(" ")}}`;
    case "block":
      return `{${node.body.map(s).join(" ")}}`;
    case "loop":
      return `loop${node.label} (${node.init.map(s).join(" ")} ${s(node.test)}; ${s(node.update)}) {${node.body.map(s).join(" ")}}`;
    case "forOf":
      return `for${node.label} (${h.functions[0]!.locals[node.local]!.name} of ${s(node.of)}) {${[...node.bind, ...node.body].map(s).join(" ")}}`;
    case "break":
    case "continue":
      return `${node.k} ${node.label};`;
    case "switch":
      return `switch${node.label} (${s(node.value)}) {${node.clauses.map((c) => `${c.test === undefined ? "default" : s(c.test)}: ${c.body.map(s).join(" ")}`).join(" | ")}}`;
    default:
      return node.k;
  }
}

const body = (text: string, before = ""): string => {
  const h = line(`const n = count(), h = hist(); ${before} uprobe("a:b", (c) => { ${text} });`);
  return h.functions[0]!.body.map((each) => show(h, each)).join(" ");
};

test.each([
  ["n.add();", "$n.add();"],
  ["const { pid, args: { x = 3 } } = c;", "let pid = c.pid; let %2 = c.args; let x = (%2.x ?= 3);"],
  ["const [a, , b] = [1, 2, 3];", "let %1 = [1, 2, 3]; let a = %1[0]; let b = %1[2];"],
  ["let a = 1, b = 2; [a, b] = [b, a];", "let a = 1; let b = 2; {let %3 = [b, a]; let %4 = %3[0]; let %5 = %3[1]; a = %4; b = %5;}"],
  ["const p: any = c.arg0; p?.x.y; p?.[0];", "let p = c.arg0; <p?.x.y>; <p?.[0]>;"],
  ["const q = (c.arg0 as any)!.x;", "let q = c.arg0.x;"],
  ["const q = c.arg0 as Ptr<{ a: number }>;", "let q = (c.arg0 as { a: number });"],
  [
    'const q: any = c.arg0; if (q == null || typeof q === "undefined") return;',
    "let q = c.arg0; if (((q === undefined) || (q === undefined))) {return _;} else {}",
  ],
  ["for (let i = 0; i < 4; i++) { if (i === 2) continue; else break; }", "loop0 (let i = 0; (i < 4); i++) {if ((i === 2)) {continue 0;} else {break 0;}}"],
  ["a: for (const x of [1, 2]) for (const [y] of [[1]]) continue a;", "for0 (x of [1, 2]) {for1 (%2 of [[1]]) {let y = %2[0]; continue 0;}}"],
  ["switch (i32(c.arg0)) { case -1: return; case 2: break; default: n.add(); }", "switch0 (#i32(c.arg0)) {-1: return _; | 2: break 0; | default: $n.add();}"],
  ["let a = 1; a += 2; a ??= 3; a--;", "let a = 1; a += 2; a ??= 3; a--;"],
  ["h.add(u64(0xffff_ffff_ffff_ffffn)); h.add(u64(2n ** 63n));", "$h.add(#u64(18446744073709551615n)); $h.add(#u64(9223372036854775808n));"],
  ["const o = { a: 1, ...{ b: 2 }, c };", "let o = {...{...{a: 1}, ...{b: 2}}, ...{c: c}};"],
  ["print`${c.comm}: ${hex(c.arg0)}`;", "#print`${c.comm}: ${#hex(c.arg0)}`;"],
  ["h.add(Math.min(c.arg0, 0x10, 1e3));", "$h.add(#Math.min(c.arg0, 16, 1000));"],
])("%s", (text, tree) => {
  expect(body(text)).toBe(tree);
});

test("a helper is built once, and a literal handed to it stands for itself", () => {
  const h = line(
    'const twice = (f: (x: number) => void, x: number) => { f(x); f(x); }; const s = sum(); uprobe("a:b", (c) => { const k = c.arg0; twice((x) => s.add(x + k), 1); twice((x) => s.add(x), 2); });',
  );
  expect(h.functions.map((f) => f.name)).toEqual(["", "twice", "", ""]);
  expect(show(h, h.functions[0]!.body[1])).toBe("fn1(fn2, 1);");
  const literal = h.functions[2]!;
  expect(literal.locals.map((local) => local.name)).toEqual(["x", "k"]);
  expect(literal.outer).toEqual([{ local: 1, function: 0, outer: 1 }]);
  expect(h.functions[1]!.params.map((id) => h.functions[1]!.locals[id]!.name)).toEqual(["f", "x"]);
});

test("parameters with defaults and patterns are taken apart at the body's head", () => {
  const h = line('function f({ a, b: [c] = [7] }: any, d = 5) { return a + c + d; } const s = sum(); uprobe("x:y", (c) => s.add(f({ a: 1 })));');
  const f = h.functions[1]!;
  const named = { ...h, functions: [f] };
  expect(f.body.map((each) => show(named, each))).toEqual([
    "let a = %0.a;",
    "let %2 = (%0.b ?= [7]);",
    "let c = %2[0];",
    "let d = (%4 ?= 5);",
    "return ((a + c) + d);",
  ]);
});

test("captures come from modules by path, and from the registration where it stands in a function", () => {
  const [first, second] = handlers(
    `import { uprobe, hist, param } from "sonde"; import { LIMITS, h as shared } from "./limits.ts"; import * as all from "./limits.ts";
    const slow = param("slow", 5);
    uprobe("a:b", (c) => { if (c.arg0 > LIMITS.deep.max && c.arg0 > slow) shared.add(all.LIMITS.deep.max); });
    for (const [name, size] of [["x", 1]] as const) { const own = hist(); uprobe(\`lib:\${name}\`, (c) => { if (c.arg0 > size) own.add(c.arg0); }); }`,
    { "/scripts/limits.ts": 'import { hist } from "sonde"; export const LIMITS = { deep: { max: 1 << 10 } }; export const h = hist({ bits: 2 });' },
  );
  expect(first!.captures.map(({ name, path, from, known }) => ({ name, path, from, known }))).toEqual([
    { name: "LIMITS", path: ["deep", "max"], from: { kind: "module", file: 1 }, known: { kind: "int", value: "1024" } },
    { name: "slow", path: [], from: { kind: "module", file: 0 }, known: { kind: "someInt" } },
    {
      name: "h",
      path: [],
      from: { kind: "module", file: 1 },
      known: { kind: "call", name: "hist", args: [{ kind: "object", properties: [{ name: "bits", value: { kind: "int", value: "2" } }] }] },
    },
  ]);
  expect(second!.captures.map(({ name, from }) => ({ name, from }))).toEqual([
    { name: "size", from: { kind: "registration" } },
    { name: "own", from: { kind: "registration" } },
  ]);
  expect(first!.targets).toEqual(["a:b"]);
  expect(second!.targets).toBeUndefined();
});

test("the length of a captured text isn't JavaScript's", () => {
  const h = line('const text = "é"; const s = sum(); uprobe("a:b", () => s.add(text.length));');
  expect(h.captures.map((c) => [c.name, c.path])).toEqual([
    ["s", []],
    ["text", []],
  ]);
});

test("handlers are found through names, imports, namespaces and re-exports", () => {
  const found = handlers(
    `import * as sonde from "sonde"; import { probe, onCall, both } from "./shared.ts"; const again = onCall;
    sonde.uprobe("a:b", again); probe("a:c", both); sonde.uretprobe(["a:d", "a:e"], function named() {});`,
    {
      "/scripts/shared.ts":
        'export { uprobe as probe } from "sonde"; import { count, type EnterHit } from "sonde"; const n = count(); export function onCall(c: EnterHit) { n.add(); } export const both = { enter: () => {}, leave() {} };',
    },
  );
  expect(found.map((h) => [h.register, h.shape.kind, h.targets, h.file])).toEqual([
    ["uprobe", "hit", ["a:b"], 0],
    ["uprobe", "call", ["a:c"], 0],
    ["uretprobe", "hit", ["a:d", "a:e"], 0],
  ]);
  expect(found[0]!.functions[0]!.file).toBe(1);
  expect(found[0]!.captures[0]!.from).toEqual({ kind: "module", file: 1 });
});

test("what cannot be told before the script runs is unknown, or of its type", () => {
  const h = line(
    'const user = Number(process.env.USER_ID ?? -1), text = String(process.argv[2]), any = JSON.parse("1"), big = 5n; const s = sum(); uprobe("a:b", (c) => { if (user > 0 && c.comm === text) s.add(any); s.add(big); });',
  );
  expect(Object.fromEntries(h.captures.map((c) => [c.name, c.known.kind]))).toEqual({
    user: "someInt",
    text: "someString",
    any: "unknown",
    big: "int",
    s: "call",
  });
});

test("files that were read are dependencies, and those imported for their types aren't compiled", () => {
  const { unit, dependencies } = compile('import { a } from "./a.ts"; import type { B } from "./b.ts"; export const x: B = a;', {
    "/scripts/a.ts": "export const a = 1;",
    "/scripts/b.ts": "export type B = number;",
  });
  expect(unit?.files.map((file) => file.path)).toEqual(["/scripts/a.probe.ts", "/scripts/a.ts"]);
  expect(dependencies.toSorted()).toEqual(["/scripts/a.ts", "/scripts/b.ts"]);
});

test("a syntax error is reported at its place, and nothing else", () => {
  const { diagnostics, unit } = compileLine("uprobe('a:b', (c) => {");
  expect(diagnostics.map((each) => each.code)).toEqual(["TS1005"]);
  expect(unit).toBeUndefined();
});

test("the table of the vocabulary and its declarations agree", () => {
  const text = [...vocabularyFiles].map(packageText).join("\n");
  const declared = [...text.matchAll(/^export (?:declare )?(?:function|class) (\w+)/gm)].map((match) => match[1]!);
  for (const [, list] of text.matchAll(/^export (?:declare )?const ([^;]+);/gm)) declared.push(...[...list!.matchAll(/(\w+):/g)].map((match) => match[1]!));
  expect([...new Set(declared)].toSorted()).toEqual(vocabulary.toSorted());
});

test("a mistake at the end of a one-liner is shown in it, not in what is put behind it", () => {
  const text = 'uprobe("libc:malloc", (c) => {';
  const { diagnostics } = compileLine(text);
  expect(diagnostics.map(({ code, start, end }) => [code, start, end])).toEqual([["TS1005", text.length - 1, text.length]]);
});
