/** Every error and warning of the back end: what causes it, and which text is underlined. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: handlers are written as text here.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as factories from "../../src/compiler/diagnostics/lowering.ts";
import { compileScript } from "../../src/compiler/frontend/compile.ts";
import { lower } from "../../src/compiler/lower/lower.ts";
import { someKernel } from "../../src/compiler/testing.ts";
import { checkScript } from "../../src/session/inspect.ts";

const cache = mkdtempSync(join(tmpdir(), "sonde-diagnostics-"));
beforeAll(() => {
  process.env.XDG_CACHE_HOME = cache;
});
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const DECLARATIONS = `import { array, avg, bool, buf, bytes, clear, comm, count, cstring, events, exit, f64, func, hash, hex, hist, i16, i32, i64, max, param, print, read, show, stack, stats, str, struct, sum, u16, u32, u64, u8, uprobe, uretprobe, usdt, variable, type Ptr } from "sonde";
const Pair = struct({ a: u64, b: cstring(4) });
export const n = count(), total = sum(), m = hash(u32, u64), pairs = hash(u32, Pair), four = array(4, u32), text = hash(cstring(8), count()), e = events({ a: u32, s: cstring(8) }), v = variable(u32, 1), names = hash(func, count());
const list = [1, 2, 3], half = 1.5, huge = 2n ** 70n, many = Array.from({ length: 70 }, () => 1), limit = 9;
`;

/** Code, what is written, and what of it is underlined (\`«…»\`). */
type Case = readonly [name: keyof typeof factories, code: string, handler: string];

const probe = (body: string): string => `uprobe("libc:malloc", (c) => { ${body} });`;
const cases: readonly Case[] = [
  ["floatOperand", "SONDE_C_FLOAT", probe("total.add(«1.5»);")],
  ["notAnInteger", "SONDE_C_NOT_INTEGER", probe("total.add(«c.comm» as never);")],
  ["mixedDivision", "SONDE_C_MIXED_SIGNS", probe("print`${«c.time / c.arg0»}`;")],
  ["mixedKinds", "SONDE_C_MIXED_KINDS", probe("let a = c.arg0; «a = c.time»; print`${a}`;")],
  ["noJoin", "SONDE_C_NO_JOIN", probe("print`${«c.arg0 > 1 ? c.comm : 5»}`;")],
  ["powerNotConstant", "SONDE_C_POWER", probe("total.add(«2 ** c.arg0»);")],
  ["powerTooLarge", "SONDE_C_POWER_RANGE", probe("total.add(«2 ** limit ** 2»);")],
  ["integerTooLarge", "SONDE_C_INTEGER_RANGE", probe("total.add(«0x1_0000_0000_0000_0000n»);")],
  ["bigintArithmetic", "SONDE_C_BIGINT", probe("if (c.arg0 > «5n») n.add();")],
  ["textConcatenation", "SONDE_C_CONCAT", probe("names.at(«c.func + 'x'» as never).add();")],
  ["textOrder", "SONDE_C_TEXT_ORDER", probe("if («c.comm < 'b'») n.add();")],
  ["notComparable", "SONDE_C_COMPARE", probe("if («pairs.get(1) === pairs.get(2)») n.add();")],
  ["alwaysComparison", "SONDE_C_ALWAYS", probe("if («c.uid < 0») n.add();")],
  ["alwaysCut", "SONDE_C_ALWAYS_CUT", probe("pairs.set(1, «{ a: 1, b: 'too long' }»);")],
  ["neverEqualText", "SONDE_C_NEVER_EQUAL", probe("if («c.comm === 'longer than fifteen'») n.add();")],
  ["structTruth", "SONDE_C_ALWAYS_TRUE", probe("const k = pairs.getOrInsert(1, { a: 1, b: 'x' }); const t = [k.a]; if («t») n.add();")],
  ["lostUpdate", "SONDE_C_LOST_UPDATE", probe("«m.set(1, (m.get(1) ?? 0) + 1)»;")],
  ["undefinedSink", "SONDE_C_UNDEFINED_SINK", probe("«total.add(undefined)»;")],
  ["noMember", "SONDE_C_NO_MEMBER", probe("const o = { a: 1 } as { a: number; b?: number }; print`${o.«b»}`;")],
  ["hostMethod", "SONDE_C_HOST_METHOD", probe("if (n.«read»() > 5) n.add();")],
  ["noArguments", "SONDE_C_ARGUMENT_AT_RETURN", `uretprobe("libc:malloc", (c) => { total.add((c as never as { arg0: number }).«arg0»); });`],
  ["noResult", "SONDE_C_RESULT_AT_ENTRY", probe("total.add((c as never as { ret: number }).«ret»);")],
  ["voidResult", "SONDE_C_VOID_RESULT", `uretprobe("libc:free", (c) => { print\`\${c.«ret»}\`; });`],
  ["noParameter", "SONDE_C_NO_ARGUMENT", `uprobe("libc:malloc", (c) => { print\`\${(c.args as never as { sise: number }).«sise»}\`; });`],
  [
    "differingArgument",
    "SONDE_C_ARGUMENT_DIFFERS",
    `uprobe(["libc:malloc", "libc:realloc"], (c) => { print\`\${(c.args as never as { size: number }).«size»}\`; });`,
  ],
  ["unbounded", "SONDE_C_UNBOUNDED_LOOP", probe("«while (c.arg0 > 0) n.add();»")],
  ["loopTooLong", "SONDE_C_LOOP_TOO_LONG", probe("«for (let i = 0; i < 10_000; i++) n.add();»")],
  ["notConstant", "SONDE_C_NOT_CONSTANT", probe("print`${str(c.arg0, «c.arg1»)}`;")],
  ["outOfLimits", "SONDE_C_LIMITS", probe("print`${str(c.arg0, «5000»)}`;")],
  ["notAssignable", "SONDE_C_ASSIGN", probe("const o = c.arg0 > 1 ? { a: 1 } : { a: 2 }; «o.a = 5»; print`${o.a}`;")],
  ["contextAssigned", "SONDE_C_CONTEXT_ASSIGNED", probe("«(c as { arg0: number }).arg0 = 5»;")],
  ["capturedAssignment", "SONDE_C_CAPTURED_ASSIGNMENT", probe("«list[0]» = 5;")],
  ["notCallable", "SONDE_C_CALL", probe("const f = c.arg0 as never as () => void; «f»();")],
  ["notSupported", "SONDE_C_UNSUPPORTED", probe("print`${c.«goid»}`;")],
  ["notIterable", "SONDE_C_ITERATE", probe("for (const x of «c.comm») print`${x}`;")],
  ["notPrintable", "SONDE_C_PRINT", probe("print`${«pairs.get(1)» as never}`;")],
  ["wrongValue", "SONDE_C_VALUE", probe("text.at(«c.arg0» as never).add();")],
  ["missingField", "SONDE_C_MISSING_FIELD", probe("e.emit(«{ a: 1 }» as never);")],
  ["recursion", "SONDE_C_RECURSION", probe("const f = (x: number): number => x > 0 ? «f»(x - 1) : 0; total.add(f(3));")],
  ["notCarriable", "SONDE_C_CARRY", `uprobe("libc:malloc", { enter: «(c) => c as never as number», leave: (c, at) => { print\`\${at}\`; } });`],
  ["carriedWrite", "SONDE_C_CARRIED_ENTRY", `uprobe("libc:malloc", { enter: () => pairs.get(1), leave: (c, k) => { k.«a»++; } });`],
  ["floorOfNegative", "SONDE_C_FLOOR", probe("total.add(«Math.floor(c.arg0 / 2)»);")],
  [
    "tooLarge",
    "SONDE_C_TOO_LARGE",
    probe(
      Array.from({ length: 9 }, (_, i) => `const s${i} = str(c.arg${i % 4} + ${i}, 4000);`).join(" ") +
        Array.from({ length: 9 }, (_, i) => `print\`\${s${i}}\`;`).join(" "),
    ),
  ],
  [
    "tooManyValues",
    "SONDE_C_TOO_MANY_VALUES",
    probe(
      `${Array.from({ length: 90 }, (_, i) => `const v${i} = c.arg${i % 3} * ${i + 3};`).join(" ")} n.add(); ${Array.from({ length: 9 }, (_, r) => `print\`${Array.from({ length: 10 }, (_, i) => `\${v${r * 10 + i}}`).join(" ")}\`;`).join(" ")}`,
    ),
  ],
  ["noStaticArgument", "SONDE_C_NO_ARGUMENT", `usdt("libstdc++:libstdcxx:throw", (c) => { total.add(«c.arg(9)»); });`],
  ["mapTruth", "SONDE_C_MAP_TRUTH", probe("if («m») n.add();")],
];

test.each(cases)("%s: %s", async (_, code, marked) => {
  const whole = DECLARATIONS + marked;
  const start = whole.indexOf("«");
  const end = whole.indexOf("»") - 1;
  const script = whole.replace("«", "").replace("»", "");
  const { diagnostics } = await checkScript({ path: "/scripts/a.probe.ts", folder: "/scripts", text: script });
  const about = diagnostics.map((each) => `${each.code} ${script.slice(each.start, each.end)}`);
  expect(about).toContain(`${code} ${start < 0 ? script.slice(DECLARATIONS.length).match(/\(c\) =>.*(?=\);$)/)![0] : script.slice(start, end)}`);
});

/** Errors that only a run meets: the values are there, and rights. */
test.each([
  ["captureInvalid", "SONDE_C_CAPTURE", { kind: "invalid", why: "a Map" }, "kept"],
  ["needsUnsafe", "SONDE_C_UNSAFE", { kind: "int", value: 1n }, "c.unsafe.setRet(kept)"],
] as const)("%s: %s", (_, code, capture, underlined) => {
  const script = `import { uprobe } from "sonde";\nlet kept = 1;\nuprobe("libc:malloc", (c) => { const x = kept; c.unsafe.setRet(kept); });`;
  const { unit } = compileScript({ path: "/scripts/a.probe.ts", text: script, readFile: () => undefined });
  const { diagnostics } = lower({
    files: unit!.files,
    states: [],
    functions: ["malloc"],
    probes: [{ probe: 0, handler: unit!.handlers[0]!, captures: [capture], text: "libc:malloc", signature: undefined, pids: undefined, functions: [0] }],
    target: someKernel,
    unsafe: false,
  });
  expect(diagnostics.map((each) => `${each.code} ${script.slice(each.start, each.end)}`)).toContain(`${code} ${underlined}`);
});

test("each of the back end's diagnostics is among them", () => {
  const elsewhere = ["needsUnsafe", "captureInvalid", "engineLacks"];
  expect(Object.keys(factories).filter((name) => !elsewhere.includes(name) && !cases.some(([each]) => each === name))).toEqual([]);
});
