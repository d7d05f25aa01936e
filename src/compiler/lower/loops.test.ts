/** Which loops have a bound, and which don't. */

import { expect, test } from "vitest";
import { compile } from "../frontend/compile-text.ts";
import { someKernel } from "../testing.ts";
import { lower } from "./lower.ts";

function codes(body: string): string[] {
  const { unit, diagnostics } = compile(`import { uprobe, count, u32 } from "sonde";\nconst n = count();\nuprobe("a:b", (c) => { ${body} });\n`);
  if (unit === undefined) return diagnostics.map(({ code }) => code);
  return lower({
    files: unit.files,
    states: [{ name: "n", spec: { kind: "aggregate", aggregate: { kind: "count" } } }],
    functions: ["b"],
    probes: [
      {
        probe: 0,
        handler: unit.handlers[0]!,
        captures: unit.handlers[0]!.captures.map(() => ({ kind: "state", state: 0 })),
        text: "a:b",
        signature: undefined,
        pids: undefined,
        functions: [0],
      },
    ],
    target: someKernel,
    unsafe: false,
  }).diagnostics.map(({ code }) => code);
}

test.each([
  "for (let i = 0; i < 10; i++) n.add();",
  "for (let i = 10; i > 0; i--) n.add();",
  "for (let i = 10; i; i--) n.add();",
  "for (let i = 0; 10 > i; i += 3) n.add();",
  "for (let i = 0; i < 4096; i++) n.add();",
  "for (let i = 0; i < u32(c.arg0) % 9; i++) n.add();",
  "for (let i = 0; i < Math.min(c.arg0, 16); i++) n.add();",
  "let i = 0; while (i++ < 10) n.add();",
  "let i = 0; while (c.arg0 > 0 && i < 10) { n.add(); i++; }",
  "let i = 0; for (;;) { if (i >= 10) break; i++; n.add(); }",
  "let i = 0; for (;;) { i++; if (!(i < 10)) return; n.add(); }",
  "let i = 0; do { n.add(); i++; } while (i < 10);",
  "for (let i = 0; i < 10; i++) { if (c.arg0 === i) continue; n.add(); }",
  "for (let i = 0; i < 10; i = i + 2) n.add();",
])("a bound is found: %s", (body) => expect(codes(body)).toEqual([]));

test.each([
  "while (c.arg0 > 0) n.add();",
  "for (;;) n.add();",
  "for (let i = 0; i < c.arg0; i++) n.add();",
  "for (let i = 0; i < 10; i--) n.add();",
  "for (let i = 0; i < 10; i *= 2) n.add();",
  "for (let i = 0; i < 10; i++) { i -= 1; n.add(); }",
  "for (let i = 0; i < 10; i++) { if (c.arg0) i = 0; n.add(); }",
  "let i = 0; while (i < 10) { if (c.arg0) continue; i++; }",
  "let i = 0; while (i < 10) { if (c.arg0) i++; }",
  "let i = 0; i -= 100; while (i < 10) i++;",
  "let i = 0; const back = () => { i = 0; }; while (i < 10) { i++; back(); }",
  "for (let i = 0; i < 10; i++) for (let j = i; j < 10; j++) n.add();",
  "let end = 10; for (let i = 0; i < end; i++) end++;",
])("no bound is found: %s", (body) => expect(codes(body)).toEqual(["SONDE_C_UNBOUNDED_LOOP"]));

test("more rounds than are allowed", () => expect(codes("for (let i = 0; i < 4097; i++) n.add();")).toEqual(["SONDE_C_LOOP_TOO_LONG"]));
