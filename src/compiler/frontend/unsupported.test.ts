/** Each construct that handlers don't have is an error of its own, at its place. */
import { describe, expect, test } from "vitest";
import { compileLine, complaints } from "./compile-text.ts";

/** Each construct that handlers don't have: its code, what is underlined, and a handler's body (or, with a second text, what stands before it). */
const cases: readonly (readonly [code: string, underlined: string, body: string, before?: string])[] = [
  ["SONDE_C_AWAIT", "await c", "await c;"],
  ["SONDE_C_THROW", 'throw "x";', 'throw "x";'],
  ["SONDE_C_TRY", "try { n.add(); } catch {}", "try { n.add(); } catch {}"],
  ["SONDE_C_NEW", "new Map()", "const m = new Map();"],
  ["SONDE_C_THIS", "this", "n.add(this);"],
  ["SONDE_C_CLASS", "class A {}", "class A {}"],
  ["SONDE_C_CLASS", "class {}", "const A = class {};"],
  ["SONDE_C_CAPTURED_CLASS", "A", "const a = A;", "class A {}"],
  ["SONDE_C_REGEXP", "/x/", "const r = /x/;"],
  ["SONDE_C_TYPEOF", "typeof c.arg0", "const t = typeof c.arg0;"],
  ["SONDE_C_TYPEOF", 'typeof c.arg0 === "number"', 'if (typeof c.arg0 === "number") n.add();'],
  ["SONDE_C_IN", '"a" in at', 'const at = { a: 1 }; if ("a" in at) n.add();'],
  ["SONDE_C_INSTANCEOF", "x instanceof A", "const x: any = c.arg0; if (x instanceof A) n.add();", "class A {}"],
  ["SONDE_C_SPREAD", "...list", "n.add(...list);", "const list: [] = [];"],
  ["SONDE_C_SPREAD", "...list", "const a = [...list];", "const list = [1, 2];"],
  ["SONDE_C_DELETE", "delete at.a", "const at: { a?: number } = { a: 1 }; delete at.a;"],
  ["SONDE_C_VAR", "var a = 1", "var a = 1;"],
  ["SONDE_C_USING", "using a = undefined", "using a = undefined;"],
  ["SONDE_C_FOR_IN", "for (const k in at) n.add();", "const at = { a: 1 }; for (const k in at) n.add();"],
  ["SONDE_C_LABEL", "out", "out: { n.add(); break out; }"],
  ["SONDE_C_NULL", "null", "let a: any = null;"],
  ["SONDE_C_NULL", "null", "const a: any = c.arg0; if (a === null) n.add();"],
  ["SONDE_C_FLOAT", "1.5", "h.add(c.arg0 * 1.5);"],
  ["SONDE_C_FLOAT", "0.5", "let a = 1; a += 0.5;"],
  ["SONDE_C_INTEGER", "123456789012345678901", "h.add(123456789012345678901);"],
  ["SONDE_C_BIGINT", "5n", "const a: any = c.arg0; h.add(a + 5n);"],
  ["SONDE_C_TEMPLATE", "`a${c.pid}`", "const t = `a${c.pid}`;"],
  ["SONDE_C_TAG", "f", "f`a${c.pid}`;", "const f = (t: TemplateStringsArray, ...v: any[]) => {};"],
  ["SONDE_C_PRINT", "print", 'print(["x"] as any);'],
  ["SONDE_C_COMPUTED_NAME", "[c.pid]", "const o = { [c.pid]: 1 };"],
  ["SONDE_C_OBJECT_METHOD", "f: () => 1", "const o = { f: () => 1 };"],
  ["SONDE_C_OBJECT_METHOD", "f() { return 1; }", "const o = { f() { return 1; } };"],
  ["SONDE_C_OBJECT_METHOD", "get f() { return 1; }", "const o = { get f() { return 1; } };"],
  ["SONDE_C_FUNCTION_VALUE", "f", "const o = [f];", "const f = () => 1;"],
  ["SONDE_C_FUNCTION_VALUE", "() => 1", "const o = [() => 1];"],
  ["SONDE_C_FUNCTION_LET", "f", "f();", "let f = () => 1; f = () => 2;"],
  ["SONDE_C_RECURSION", "f", "h.add(f(3));", "function f(x: number): number { return x > 0 ? f(x - 1) : 0; }"],
  ["SONDE_C_REST", "...xs: number[]", "f(1);", "const f = (...xs: number[]) => xs.length;"],
  ["SONDE_C_REST", "...rest", "const { a, ...rest } = { a: 1, b: 2 };"],
  ["SONDE_C_DESTRUCTURING", "[a, b]", "let a = 1, b = 2; const d = ([a, b] = [b, a]);"],
  ["SONDE_C_IMPORT", 'import("./x.ts")', 'import("./x.ts");'],
  ["SONDE_C_ARGUMENTS", "arguments", "f();", "function f() { return arguments; }"],
  ["SONDE_C_SYNTAX", "debugger;", "debugger;"],
  ["SONDE_C_GENERATOR", "*", "f();", "function* f() {}"],
  ["SONDE_C_ASYNC", "async", "f();", "async function f() {}"],
  ["SONDE_C_CAPTURED_LET", "a", "h.add(a);", "let a = 1; a = 2;"],
  ["SONDE_C_CAPTURED_ASSIGNMENT", "a", "a++;", "let a = 1;"],
  ["SONDE_C_CAPTURED_ASSIGNMENT", "o.a.b", "o.a.b = 2;", "const o = { a: { b: 1 } };"],
  ["SONDE_C_CAPTURED_INSTANCE", "m", "m.get(c.comm);", 'const m = new Map([["a", 1]]);'],
  ["SONDE_C_CAPTURED_INSTANCE", "a", "const b = a;", "class A { x = 1 }; const a = new A();"],
  ["SONDE_C_CAPTURED_ENUM", "E", "h.add(E.A);", "enum E { A }"],
  ["SONDE_C_HOST_GLOBAL", "console", "console.log(c.pid);"],
  ["SONDE_C_HOST_GLOBAL", "Date", "Date.now();"],
  ["SONDE_C_HOST_GLOBAL", "NaN", "const a = NaN;"],
  ["SONDE_C_HOST_GLOBAL", "setTimeout", "setTimeout(1);"],
  ["SONDE_C_RANDOM", "Math.random", "h.add(Math.random());"],
  ["SONDE_C_MATH", "Math.sqrt", "h.add(Math.sqrt(c.arg0));"],
  ["SONDE_C_HOST_CALL", "read1", "read1();", 'import { read1 } from "some-package";'],
  ["SONDE_C_HOST_VOCABULARY", "count", "const a = count();"],
  ["SONDE_C_HOST_VOCABULARY", "uprobe", 'uprobe("libc:free", () => {});'],
  ["SONDE_C_HOST_METHOD", "read", "if (n.read() > 5) n.add();"],
  ["SONDE_C_HOST_METHOD", "entries", "const e = m.entries();", "const m = hash(u32, count());"],
  ["SONDE_C_MAP_ITERATION", "m", "for (const e of m) n.add();", "const m = hash(u32, count());"],
  ["SONDE_C_DUPLICATE_FIELD", "a: 2", "const o: any = { a: 1, ...{ }, a: 2 } as any, p: any = { a: 1, a: 2 };"],
];

describe("in a handler", () => {
  test.each(cases)("%s at %s", (code, underlined, body, before = "") => {
    const text = `const n = count(), h = hist(); ${before}\nuprobe("libc:malloc", (c) => { ${body} });`;
    const output = compileLine(text);
    expect(complaints(text, output)).toContain(`${code} ${JSON.stringify(underlined)}`);
    expect(output.unit).toBeUndefined();
  });
});

const registrations: readonly (readonly [code: string, underlined: string, text: string])[] = [
  ["SONDE_C_ASYNC", "async", 'uprobe("a:b", async () => { await 1; });'],
  ["SONDE_C_GENERATOR", "*", 'uprobe("a:b", function* () { yield 1; } as any);'],
  ["SONDE_C_HIDDEN_HANDLER", "h", 'function watch(h: () => void) { uprobe("a:b", h); }'],
  ["SONDE_C_HIDDEN_HANDLER", "make()", 'const make = () => () => {}; uprobe("a:b", make());'],
  ["SONDE_C_NO_HANDLER", 'uprobe("a:b")', '(uprobe as any); uprobe("a:b");'],
  ["SONDE_C_LEAVE_FIRST", "leave", 'uprobe("a:b", { leave: (c, at) => {}, enter: (c) => c.time });'],
  ["SONDE_C_ENTER_ALONE", "enter", 'uprobe("a:b", { enter: (c) => c.time });'],
  ["SONDE_C_LEAVE_ALONE", "leave", 'uprobe("a:b", { leave: () => {} } as any);'],
  ["SONDE_C_MIXED_HANDLERS", "before", 'uprobe("a:b", { enter: (c) => c.time, leave: (c, at) => {}, before: () => {} });'],
  ["SONDE_C_UNKNOWN_HANDLER", "exit", 'uprobe("a:b", { exit: () => {} } as any);'],
  ["SONDE_C_EMPTY_HANDLERS", "{}", 'uprobe("a:b", {});'],
  ["SONDE_C_ONLY_FUNCTION", "{ enter: () => {}, leave: () => {} }", 'uretprobe("a:b", { enter: () => {}, leave: () => {} } as any);'],
  ["SONDE_C_REGISTRATION_VALUE", "uprobe", '["a:b"].forEach((t) => [uprobe]);'],
  ["SONDE_C_SPREAD_REGISTRATION", "...both as any", 'const both = ["a:b", () => {}] as const; uprobe(...both as any);'],
  ["SONDE_C_HANDLER_METHOD", "get", "const m = hash(u32, u64); m.get(1);"],
  ["SONDE_C_HANDLER_METHOD", "add", "const n = count(); begin(() => n.add());"],
  ["SONDE_C_NOT_ERASABLE", "E", "enum E { A }"],
  ["SONDE_C_NOT_ERASABLE", "N", "namespace N { export const a = 1; }"],
  ["SONDE_C_NOT_ERASABLE", "private a: number", "class A { constructor(private a: number) {} }"],
  ["SONDE_C_MODULE", '"./nothing.ts"', 'import { a } from "./nothing.ts";'],
];

describe("at the top level", () => {
  test.each(registrations)("%s at %s", (code, underlined, text) => {
    const output = compileLine(text);
    expect(complaints(text, output)).toContain(`${code} ${JSON.stringify(underlined)}`);
  });
});
