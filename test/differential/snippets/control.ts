/** Snippets on control flow: branches, loops, switches, helper functions, captured constants, plain objects. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: handlers are written as text here.
import { edges, handlers, type Theme } from "./snippet.ts";

const small = [
  [0, 0, 0],
  [1, 2, 3],
  [3, 5, 7],
  [5, -1, 2],
  [8, 100, 4],
  [64, 9, 9],
  [-3, 12, 1],
];

const loops: Theme = {
  name: "loops",
  declarations:
    "export const total = sum(), n = count();\nconst limits = [3, 5, 8] as const;\nconst pairs = [[1, 10], [2, 20], [3, 30]] as const;\nconst rules = [{ at: 1, by: 5 }, { at: 5, by: 7 }];",
  snippets: handlers(small, {
    "for, constant bound": "let s = 0; for (let i = 0; i < 5; i++) s += i * c.arg0; print`${s}`;",
    "for, larger bound": "let s = 0; for (let i = 0; i < 64; i++) if ((c.arg0 >> i) & 1) s++; print`${s}`;",
    "for, long": "let s = 0; for (let i = 0; i < 300; i++) s += (c.arg0 ^ i) & 3; print`${s}`;",
    "for, down": "let s = 0; for (let i = 9; i >= 0; i--) s = s * 3 + ((c.arg0 >> i) & 1); print`${s}`;",
    "for, step": "let s = 0; for (let i = 0; i < 100; i += 7) s += i; print`${s + c.arg0}`;",
    break: "let i = 0; for (; i < 20; i++) if (i * i > c.arg1) break; print`${i}`;",
    continue: "let s = 0; for (let i = 0; i < 12; i++) { if (i % 3 === c.arg0 % 3) continue; s += i; } print`${s}`;",
    "while with a counter": "let x = c.arg1, k = 0; while (x > 0 && k < 70) { x >>= 1; k++; } print`${k} ${x}`;",
    "do while": "let k = 0; do { k++; } while (k < 5 && k < c.arg0); print`${k}`;",
    nested: "let s = 0; for (let i = 0; i < 5; i++) for (let j = 0; j < 4; j++) s += i * j + c.arg0; print`${s}`;",
    "labelled break": "let s = 0; outer: for (let i = 0; i < 6; i++) { for (let j = 0; j < 6; j++) { if (i * j > c.arg1) break outer; s++; } } print`${s}`;",
    "labelled continue":
      "let s = 0; outer: for (let i = 0; i < 6; i++) { for (let j = 0; j < 6; j++) { if (j > i) continue outer; s += j; } s += 100; } print`${s + c.arg0}`;",
    "return inside": "for (let i = 0; i < 10; i++) { if (i === c.arg0) { print`found ${i}`; return; } } print`none`;",
    "a bound from an argument": "let s = 0; const most = Math.min(c.arg0, 16); for (let i = 0; i < most; i++) s += i; print`${s}`;",
    "a masked bound": "let s = 0; for (let i = 0; i < (c.arg0 & 15); i++) s += i; print`${s}`;",
    "sinks in a loop": "for (let i = 0; i < 4; i++) { if (c.arg0 > i) total.add(i); n.add(); }",
    "for of captured numbers": "let s = 0; for (const x of limits) s += x * c.arg0; print`${s}`;",
    "for of with break": "let s = 0; for (const x of limits) { if (x > c.arg0) break; s += x; } print`${s}`;",
    "for of with continue": "let s = 0; for (const x of limits) { if (x === c.arg0) continue; s += x; } print`${s}`;",
    "for of a tuple": "let s = 0; for (const x of [c.arg0, c.arg1, c.arg2]) s = s * 3 + x; print`${s}`;",
    "for of pairs": "let s = 0; for (const [a, b] of pairs) if (a === c.arg0) s += b; print`${s}`;",
    "for of objects": "let s = c.arg1; for (const { at, by } of rules) if (s > at) s -= by; print`${s}`;",
    "a local made anew in each round": "let s = 0; for (let i = 0; i < 4; i++) { const d = c.arg0 * i; let e = d; e++; s += e; } print`${s}`;",
    "two loops one after the other": "let s = 0; for (let i = 0; i < 3; i++) s += c.arg0; for (let i = 0; i < 3; i++) s *= 2; print`${s}`;",
    "a loop that doesn't run": "let s = 1; for (let i = 5; i < 5; i++) s = 9; print`${s + c.arg0}`;",
    "two variables": "let s = 0; for (let i = 0, j = 10; i < 5; i++, j--) s += j - i; print`${s + c.arg0}`;",
  }),
};

const branches: Theme = {
  name: "branches",
  declarations:
    "export const total = sum();\nconst debug = false, verbose = true, limit = 5, name = 'x', far = -1, config = { limits: { max: 8, min: -2 }, on: true, title: 'cfg' };\nlet once = 3;",
  snippets: handlers(small, {
    if: "if (c.arg0 > 3) print`big`;",
    "if else": "if (c.arg0 > 3) print`big`; else print`small`;",
    "else if": "if (c.arg0 > 7) print`a`; else if (c.arg0 > 3) print`b`; else if (c.arg0 > 0) print`c`; else print`d`;",
    "nested ifs": "if (c.arg0 > 0) { if (c.arg1 > 4) { print`1`; } else { print`2`; } } else if (c.arg1 > 4) print`3`;",
    "early return": "if (c.arg0 < 1) return; print`${c.arg0}`; if (c.arg1 < 5) return; print`${c.arg1}`;",
    "a constant branch": "if (debug) print`debug`; if (verbose) print`verbose`; print`${c.arg0}`;",
    "a captured number": "if (c.arg0 > limit) print`over ${limit}`; print`${c.arg0 * limit} ${c.arg0 + far}`;",
    "a let that is never assigned": "print`${c.arg0 + once}`;",
    "captured text": "print`${name} ${config.title}`;",
    "captured by path": "print`${c.arg0 > config.limits.max} ${config.limits.min + c.arg0} ${config.on}`;",
    switch: "switch (c.arg0) { case 0: print`zero`; break; case 1: case 3: print`odd`; break; default: print`other`; }",
    "switch, falling through": "let s = 0; switch (c.arg0) { case 1: s += 1; case 3: s += 10; case 5: s += 100; break; case 8: s += 1000; } print`${s}`;",
    "switch, default in the middle": "let s = 0; switch (c.arg0) { case 1: s += 1; default: s += 10; case 5: s += 100; } print`${s}`;",
    "switch with return": "switch (c.arg0) { case 3: return; case 5: print`five`; return; } print`after`;",
    "switch in a loop":
      "let s = 0; for (let i = 0; i < 6; i++) { switch (i) { case 2: continue; case 4: break; default: s += i; } s += 100; } print`${s + c.arg0}`;",
    "switch on an expression": "switch (c.arg0 % 3) { case 0: print`0`; break; case 1: print`1`; break; case 2: print`2`; break; default: print`negative`; }",
    "short circuits skip effects": "c.arg0 > 3 && c.arg1 > 3 && total.add(1); (c.arg0 > 3 || c.arg1 > 50) && total.add(100);",
    "conditions of every shape": "if (!(c.arg0 > 1 && (c.arg1 < 5 || !(c.arg2 === 3)))) print`yes`; else print`no`;",
    "a condition on bits": "if (c.arg0 & 1) print`odd`; if (!(c.arg1 & 4)) print`no four`;",
    "truth of an integer": "if (c.arg0) print`not zero`; else print`zero`;",
  }),
};

const functions: Theme = {
  name: "helper functions",
  declarations: `
export const total = sum(), seen = hash(i64, count()), marks = hash(i64, u64);
const k = 3;
function twice(x: number): number { return x * 2; }
const half = (x: number): number => x / 2;
function clamp(x: number, low = 0, high = 10): number { if (x < low) return low; if (x > high) return high; return x; }
function sign(x: number): number { return x < 0 ? -1 : x > 0 ? 1 : 0; }
function digits(x: number): number { let n = 0; for (let i = 0; i < 20; i++) { n++; x /= 10; if (x === 0) return n; } return n; }
function note(x: number): void { if (x < 0) return; total.add(x); seen.at(x).add(); }
function apply(x: number, f: (x: number) => number): number { return f(f(x)); }
function pair(a: number, b: number): { low: number; high: number } { return a < b ? { low: a, high: b } : { low: b, high: a }; }
function find(x: number): number | undefined { if (x > 4) return x * k; }
function nested(x: number): number { return twice(clamp(half(x))); }
function narrow(x: u8): number { return x; }
function first({ low }: { low: number; high: number }): number { return low; }
`,
  snippets: handlers(small, {
    "one expression": "print`${twice(c.arg0)} ${half(c.arg1)}`;",
    "early returns and defaults": "print`${clamp(c.arg1)} ${clamp(c.arg1, -5)} ${clamp(c.arg1, 1, 3)}`;",
    "called twice with different kinds": "print`${twice(c.arg0)} ${twice(u64(c.arg1))} ${half(u64(c.arg1))}`;",
    "a loop with a return": "print`${digits(c.arg1)} ${digits(c.arg0 * 1000)}`;",
    effects: "note(c.arg0); note(c.arg1); note(-1);",
    "a function handed over": "print`${apply(c.arg0, twice)} ${apply(c.arg0, (x) => x + k)}`;",
    "a function that sees locals": "const by = c.arg1; print`${apply(c.arg0, (x) => x * by + 1)}`;",
    "a function that assigns to a local": "let n = 0; const bump = (x: number): number => { n += x; return n; }; bump(c.arg0); print`${bump(c.arg1)} ${n}`;",
    "an object as result": "const p = pair(c.arg0, c.arg1); print`${p.low}..${p.high}`;",
    "a destructured result": "const { low, high: top } = pair(c.arg0, c.arg1); print`${top - low}`;",
    "maybe nothing": "const f = find(c.arg0); print`${f ?? -7} ${f === undefined}`; total.add(find(c.arg1));",
    nested: "print`${nested(c.arg0)} ${nested(c.arg1)}`;",
    "a parameter's type doesn't convert": "print`${narrow(c.arg1 + 1000)}`;",
    "a function inside": "function add(a: number): number { return a + c.arg1; } print`${add(c.arg0) * add(1)}`;",
    "an argument is computed once": "let n = 0; const next = (): number => ++n; print`${twice(next())} ${n}`;",
    "order of arguments": "let n = 0; const next = (): number => ++n; const f = (a: number, b: number): number => a * 10 + b; print`${f(next(), next())}`;",
    "a parameter that is assigned to": "const f = (x: number): number => { x += 5; x *= 2; return x; }; const v = c.arg0; print`${f(v)} ${v}`;",
    "a destructured parameter of a helper": "print`${first(pair(c.arg0, c.arg1))}`;",
    "a result as a condition": "if (sign(c.arg0) > 0 && sign(c.arg1) < 0) print`mixed`; else print`${sign(c.arg0)}`;",
    "the context handed over": "const f = (x: { readonly arg0: number; readonly arg1: number }): number => x.arg0 + x.arg1; print`${f(c)}`;",
  }),
};

const objects: Theme = {
  name: "plain objects",
  declarations: "export const total = sum();\nconst origin = { x: 1, y: 2 };",
  snippets: handlers(edges, {
    fields: "const p = { x: c.arg0, y: c.arg1 }; print`${p.x} ${p.y} ${p.x + p.y}`;",
    shorthand: "const x = c.arg0, y = c.arg1; const p = { x, y }; print`${p.x - p.y}`;",
    nested: "const p = { a: { b: c.arg0 }, d: [c.arg1, 3] as const }; print`${p.a.b} ${p.d[0]} ${p.d[1]}`;",
    spread: "const p = { x: c.arg0, y: c.arg1 }; const q = { ...p, y: 9 }; print`${q.x} ${q.y} ${p.y}`;",
    "spread of a captured object": "const q = { ...origin, y: c.arg0 }; print`${q.x} ${q.y}`;",
    "an assigned field": "const p = { x: c.arg0, y: 1 }; p.x += 5; p.y = c.arg1; print`${p.x} ${p.y}`;",
    "an aliased object": "const p = { x: c.arg0 }; const q = p; q.x = 7; print`${p.x} ${q.x}`;",
    "a field assigned on a branch": "const p = { x: c.arg0 }; if (c.arg1 > 1) p.x = 3; print`${p.x}`;",
    "a field assigned in a loop": "const p = { n: 0, s: 0 }; for (let i = 0; i < 4; i++) { p.n++; p.s += c.arg0; } print`${p.n} ${p.s}`;",
    destructuring: "const { x, y: z } = { x: c.arg0, y: c.arg1 }; print`${x} ${z}`;",
    "destructuring with a default": "const { x, y = 4 } = { x: c.arg0, y: c.arg1 > 1 ? c.arg1 : undefined }; print`${x} ${y}`;",
    "a tuple": "const t = [c.arg0, c.arg1, 3] as const; const [a, , b] = t; print`${a} ${b} ${t.length} ${t[1]}`;",
    "an object on both branches": "const p = c.arg0 > 1 ? { x: c.arg0 } : { x: c.arg1 }; print`${p.x}`;",
    "an object or nothing": "const p = c.arg0 > 1 ? { x: c.arg0 } : undefined; print`${p?.x ?? -1}`; if (p) print`${p.x}`;",
    "unsigned fields": "const p = { x: u64(c.arg0), y: c.arg1 }; print`${p.x} ${p.x + p.y} ${p.x >> 1}`;",
  }),
};

export const control: readonly Theme[] = [loops, branches, functions, objects];
