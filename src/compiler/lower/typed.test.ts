/** What handlers can't do with the program's own types: each error, its code and the words that matter; and registers of floats. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: handlers are written as text here.
import { expect, test } from "vitest";
import { breakpoint } from "../../../test/differential/harness/targets.ts";
import { thread, written } from "../../../test/fixtures/interpreted.ts";
import { Interpreter } from "../../bpf/interpreter/interpreter.ts";
import type { CPlace, CStruct, CType, Signature } from "../../schema/ctypes.ts";
import { compile } from "../frontend/compile-text.ts";
import type { Target } from "../target.ts";
import type { LowerResult } from "./input.ts";
import { lower } from "./lower.ts";
import { covers, findField } from "./typed.ts";

const i32: CType = { k: "int", name: "i32" };
const double: CType = { k: "float", size: 8 };
const float: CType = { k: "float", size: 4 };
const pointer = (to?: CType): CType => ({ k: "pointer", ...(to ? { to } : { to: undefined }) });
const struct = (name: string): CType => ({ k: "struct", name });
const described = (name: string, size: number, fields: { readonly [name: string]: readonly [offset: number, type: CType] }): CStruct => ({
  name,
  size,
  fields: Object.entries(fields).map(([field, [offset, type]]) => ({ name: field, offset, type })),
});
const structs = {
  plan: described("plan", 24, { rows: [0, i32], cost: [8, struct("cost")], kind: [16, struct("hidden")] }),
  cost: described("cost", 16, { start: [0, i32], total: [8, { k: "unknown", size: 16, what: "long double" }] }),
  pair: described("pair", 16, { x: [0, double], n: [8, i32] }),
  floats: described("floats", 16, { a: [0, float], b: [4, float], c: [8, float], d: [12, i32] }),
};
const registers = (...parts: readonly (readonly [register: "rdi" | "rsi" | "xmm0" | "xmm1", offset: number, size: number])[]): CPlace => ({
  k: "registers",
  parts: parts.map(([register, offset, size]) => ({ register, offset, size })),
});
const color: CType = {
  k: "enum",
  size: 4,
  signed: false,
  names: [
    ["CMD_SELECT", 1n],
    ["CMD_UPDATE", 2n],
  ],
};
const signature: Signature = {
  params: [
    { name: "plan", type: pointer(struct("plan")), place: registers(["rdi", 0, 8]) },
    { name: "gone", type: i32, place: { k: "none", why: "the compiler has removed it" } },
    { name: "exact", type: { k: "unknown", size: 16, what: "long double" }, place: registers(["rdi", 0, 8]) },
    { name: "part", type: struct("cost"), place: registers(["rdi", 4, 4]) },
    { name: "scattered", type: { k: "int", name: "i64" }, place: registers(["rdi", 0, 4], ["rsi", 4, 4]) },
    {
      name: "halved",
      type: { k: "int", name: "i64" },
      place: {
        k: "pieces",
        parts: [
          { offset: 0, size: 4, place: { k: "registers", parts: [{ register: "rdi", offset: 0, size: 4 }] } },
          { offset: 4, size: 4, place: { k: "none", why: "the compiler has removed it" } },
        ],
      },
    },
    { name: "huge", type: struct("cost"), place: { k: "pieces", parts: [{ offset: 0, size: 1 << 20, place: { k: "memory", address: [] } }] } },
    { name: "any", type: pointer(), place: registers(["rdi", 0, 8]) },
    { name: "hidden", type: pointer(struct("hidden")), place: registers(["rdi", 0, 8]) },
    { name: "cost", type: struct("cost"), place: registers(["rdi", 0, 8]) },
    { name: "pair", type: struct("pair"), place: registers(["xmm0", 0, 8], ["rdi", 8, 4]) },
    { name: "floats", type: struct("floats"), place: registers(["xmm0", 0, 8], ["xmm1", 8, 8]) },
    { name: "wide", type: struct("floats"), place: registers(["xmm1", 0, 16]) },
    { name: "x", type: float, place: registers(["xmm1", 0, 4]) },
    { name: "e", type: color, place: registers(["rdi", 0, 4]) },
    { name: "fixed", type: i32, place: { k: "memory", address: [{ op: "address", value: 0x4010n }] } },
    { name: "nonsense", type: i32, place: { k: "memory", address: [{ op: "add" }] } },
    { name: "endless", type: i32, place: { k: "value", steps: Array.from({ length: 300 }, () => ({ op: "constant", value: 1n })) } },
    { name: "open", type: pointer({ k: "array", of: i32, length: 0 }), place: registers(["rdi", 0, 8]) },
  ],
  ret: i32,
  structs,
};
const kernel: Target = { ...breakpoint, extendedContext: false };

function lowered(script: string, from: Signature | undefined, target = kernel, address?: bigint): LowerResult {
  const { unit, diagnostics } = compile(
    `import { buf, cstring, count, events, hash, print, read, str, struct, sum, u32, uprobe, type Ptr } from "sonde";\ninterface Other { readonly rows: any }\nconst total = sum(), byPlan = hash(u32, count());\n${script}`,
  );
  if (unit === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const names = ["total", "byPlan"];
  return lower({
    files: unit.files,
    states: [
      { name: "total", spec: { kind: "aggregate", aggregate: { kind: "sum" } } },
      {
        name: "byPlan",
        spec: { kind: "hash", key: { kind: "int", name: "u32", size: 4, align: 4, signed: false }, value: { kind: "count" }, capacity: 8, full: "drop" },
      },
    ],
    functions: ["f"],
    probes: unit.handlers.map((handler) => ({
      probe: 0,
      handler,
      captures: handler.captures.map(({ name }) => ({ kind: "state", state: names.indexOf(name) })),
      text: "app:f",
      signature: from,
      ...(address !== undefined && { address }),
      pids: undefined,
      functions: [0],
    })),
    target,
    unsafe: false,
  });
}

const probe = (body: string): string => `uprobe("app:f", (c) => { ${body} });`;
const printing = (value: string): string => probe(`print\`\${${value}}\`;`);

test.each([
  ["a parameter that the compiler has removed", "c.args.gone", "SONDE_C_NO_PLACE", /`c\.args\.gone` can't be read here: the compiler has removed it/],
  ["a value of a type that handlers don't have", "c.args.exact", "SONDE_C_TYPE", /`c\.args\.exact` of type long double/],
  ["a field of such a type", "c.args.plan.cost.total", "SONDE_C_TYPE", /`total` of type long double .*buf\(address, 16\)/],
  ["a field that is in no register", "c.args.part.start", "SONDE_C_NO_PLACE", /`start` can't be read here: this part of it is in no register/],
  ["a number that is scattered over registers", "c.args.scattered", "SONDE_C_NO_PLACE", /only parts of it/],
  ["a number of which a part is nowhere", "c.args.halved", "SONDE_C_NO_PLACE", /the compiler has removed a part of it/],
  ["what is scattered, and large", "c.args.huge.start", "SONDE_C_NO_PLACE", /too large to be copied/],
  ["a computation that isn't one", "c.args.nonsense", "SONDE_C_NO_PLACE", /isn't understood/],
  ["a computation without an end", "c.args.endless", "SONDE_C_NO_PLACE", /too long/],
  ["what is at a fixed address, where several places are probed", "c.args.fixed", "SONDE_C_NO_PLACE", /fixed address in its file/],
  ["a misspelt field", "c.args.plan.cots", "SONDE_C_NO_MEMBER", /`plan` has no `cots` Did you mean `cost`\?/],
  ["a misspelt field of what is in registers", "c.args.cost.totals", "SONDE_C_NO_MEMBER", /Did you mean `total`\?/],
  ["a field behind a pointer to void", "c.args.any.rows", "SONDE_C_NO_MEMBER", /a pointer to void has no `rows` .*Ptr<Name>/],
  ["a field of a structure that is only declared", "c.args.hidden.rows", "SONDE_C_NO_MEMBER", /`hidden`, of which only the name is known,/],
  ["an element of such structures", "c.args.hidden[1]", "SONDE_C_NO_SIZE", /the size of `hidden` isn't known/],
  ["a whole structure in a print", "c.args.plan.cost", "SONDE_C_STRUCTURE", /can't be printed as a whole Name the fields that are wanted: `start`, `total`/],
  ["a whole structure of registers in a print", "c.args.cost", "SONDE_C_STRUCTURE", /can't be printed/],
  ["a structure as text", "str(c.args.plan.cost)", "SONDE_C_STRUCTURE", /can't be read as text/],
  ["a structure behind a pointer as text", "str(c.args.plan)", "SONDE_C_STRUCTURE", /can't be read as text as a whole .*`rows`/],
  ["registers by another type", "read(c.args.cost, u32)", "SONDE_C_STRUCTURE", /can't be read by another type/],
  ["a cast to a type that the program doesn't have", "(c.args.any as Ptr<Other>).rows", "SONDE_C_POINTEE", /a type `Other`/],
  ["an enumerator as an address", "str(c.args.e)", "SONDE_C_VALUE", /an address is wanted here, and this is an enumerator/],
  ["a number that is too short to be an address", "str(c.tid & 0xff)", "SONDE_C_VALUE", /a number of 16 bits or less .* a character is its code/],
  ["a misspelt enumerator", "c.args.e === 'CMD_SELETC'", "SONDE_C_NO_ENUMERATOR", /Did you mean `CMD_SELECT`\?/],
  ["arithmetic with an enumerator", "c.args.e + 1", "SONDE_C_NOT_INTEGER", /an enumerator/],
  ["variables where there are none", "c.vars.n", "SONDE_C_NO_VARIABLES", /file\.c:120/],
  ["a structure's float register on an engine without one", "c.args.pair.x", "SONDE_C_ENGINE", /this engine/],
])("%s", (_, value, code, text) => {
  const { image, diagnostics } = lowered(printing(value), signature);
  expect(image).toBeUndefined();
  expect(diagnostics.map((each) => each.code)).toEqual([code]);
  expect(`${diagnostics[0]!.message} ${diagnostics[0]!.mend}`).toMatch(text);
});

test.each([
  ["a whole structure as a key", "byPlan.at(c.args.plan.cost).add();", "SONDE_C_STRUCTURE"],
  ["a loop over an array whose length isn't known", "for (const x of c.args.open[0]) total.add(x);", "SONDE_C_ITERATE"],
])("%s", (_, body, code) => {
  expect(lowered(probe(body), signature).diagnostics.map((each) => each.code)).toEqual([code]);
});

test("a variable that isn't in scope is named, with those that are", () => {
  const variables = [{ name: "length", type: i32, place: registers(["rdi", 0, 4]) }];
  const { diagnostics } = lowered(printing("c.vars.lenght"), { ...signature, variables });
  expect(diagnostics).toMatchObject([{ code: "SONDE_C_NO_VARIABLE", mend: "Did you mean `length`?" }]);
});

test.each(["c.vars.n", "c.args.e"])("%s isn't there at a return", (value) => {
  const script = `import { print, uretprobe } from "sonde";\nuretprobe("app:f", (c) => { print\`\${(c as any).${value.slice(2)}}\`; });`;
  const { unit } = compile(script);
  expect(unit).toBeDefined();
  const { diagnostics } = lower({
    files: unit!.files,
    states: [],
    functions: ["f"],
    probes: [{ probe: 0, handler: unit!.handlers[0]!, captures: [], text: "app:f", signature, pids: undefined, functions: [0] }],
    target: kernel,
    unsafe: false,
  });
  expect(diagnostics.map(({ code }) => code)).toEqual(["SONDE_C_ARGUMENT_AT_RETURN"]);
});

/** What one hit prints, with these registers and this memory. */
function printed(values: readonly string[], target: Target, context: Uint8Array, memory = new Map<bigint, Uint8Array>(), address?: bigint): unknown[] {
  const script = probe(`print\`${values.map((value) => `\${${value}}`).join(" ")}\`;`);
  const { image, diagnostics } = lowered(script, signature, target, address);
  if (image === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const interpreter = new Interpreter(image.maps, image.cpuRegion.cpus);
  interpreter.run(
    image.programs[0]!.instructions,
    context,
    thread((at, size) => memory.get(at)?.subarray(0, size)),
  );
  return Object.values(written(interpreter, image)[0]!.fields as object);
}

test("of a structure in both kinds of registers the integers can be had on an engine without the floats", () => {
  const { image, diagnostics } = lowered(printing("c.args.pair.n"), signature);
  expect(diagnostics).toEqual([]);
  expect(image).toBeDefined();
});

test("structures of floats and integers lie in both kinds of registers", () => {
  const context = new Uint8Array(440);
  const view = new DataView(context.buffer);
  view.setBigUint64(112, 0xffff_ffff_8000_0001n, true); // rdi
  view.setFloat64(168, 2.5, true); // xmm0
  view.setFloat32(184, 0.25, true); // xmm1
  view.setFloat32(188, -1e-40, true);
  view.setFloat32(192, Number.POSITIVE_INFINITY, true);
  view.setInt32(196, -9, true);
  expect(
    printed(["c.args.pair.x", "c.args.pair.n", "c.args.floats.c", "c.args.x", "c.args.wide.b", "c.args.wide.c", "c.args.wide.d"], breakpoint, context),
  ).toEqual([2.5, -2_147_483_647n, 0.25, 0.25, Math.fround(-1e-40), Number.POSITIVE_INFINITY, -9n]);
});

test("what is at a fixed address in the file is found from where the probed instruction is", () => {
  const context = new Uint8Array(168);
  new DataView(context.buffer).setBigUint64(128, 0x5555_5555_1234n, true); // rip
  const memory = new Map([[0x5555_5555_4010n, new Uint8Array([7, 0, 0, 0])]]);
  expect(printed(["c.args.fixed"], kernel, context, memory, 0x1234n)).toEqual([7n, true]);
});

test("a structure that doesn't end, and fields of nameless ones", () => {
  const endless: CStruct = { name: "e", size: 8, fields: [{ name: "", offset: 4, type: struct("e") }] };
  expect(findField(endless, "x", { e: endless })).toBeUndefined();
  const inner: CStruct = { name: "i", size: 4, fields: [{ name: "x", offset: 2, type: i32 }] };
  expect(findField({ ...endless, fields: [{ name: "", offset: 4, type: struct("i") }] }, "x", { i: inner })).toEqual({ name: "x", offset: 6, type: i32 });
});

test.each([
  [[[0, 8]], 0, 8, true],
  [[[0, 8]], 4, 12, false],
  [
    [
      [8, 4],
      [0, 8],
    ],
    2,
    12,
    true,
  ],
  [
    [
      [0, 4],
      [5, 4],
    ],
    0,
    9,
    false,
  ],
  [[], 0, 1, false],
] as const)("which bytes are known: %j has those from %d to %d", (ranges, from, to, covered) => {
  expect(
    covers(
      ranges.map(([offset, size]) => ({ offset, size })),
      from,
      to,
    ),
  ).toBe(covered);
});
