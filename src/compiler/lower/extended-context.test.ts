/** Handlers that only our own breakpoint run: before, after and fault, and the registers that hold floats. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: handlers are written as text here.
import { expect, test } from "vitest";
import { breakpoint } from "../../../test/differential/harness/targets.ts";
import { thread, written } from "../../../test/fixtures/interpreted.ts";
import { Interpreter } from "../../bpf/interpreter/interpreter.ts";
import type { Signature } from "../../schema/ctypes.ts";
import { f64, ints } from "../../schema/layout.ts";
import type { StateSpec } from "../../schema/types.ts";
import { compile, complaints } from "../frontend/compile-text.ts";
import type { ProgramImage, SessionImage } from "../image.ts";
import type { LowerResult } from "./input.ts";
import { lower } from "./lower.ts";

const STATES: { readonly [name: string]: StateSpec } = {
  n: { kind: "aggregate", aggregate: { kind: "count" } },
  kept: { kind: "variable", schema: f64, initial: 0.5 },
  byThread: { kind: "hash", key: ints.u32, value: f64, capacity: 8, full: "drop" },
};
const DECLARATIONS =
  'import { count, events, f64, hash, i32, print, u32, uprobe, uretprobe, variable } from "sonde";\nconst n = count(), kept = variable(f64, 0.5 as never), byThread = hash(u32, f64);\n';

function lowered(script: string, target = breakpoint, signature?: Signature): LowerResult {
  const { unit, diagnostics } = compile(DECLARATIONS + script);
  if (unit === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const states = Object.entries(STATES).map(([name, spec]) => ({ name, spec }));
  return lower({
    files: unit.files,
    states,
    functions: ["f"],
    probes: unit.handlers.map((handler) => ({
      probe: 0,
      handler,
      captures: handler.captures.map(({ name }) => ({ kind: "state", state: states.findIndex((state) => state.name === name) })),
      text: "app:f",
      signature,
      pids: undefined,
      functions: [0],
    })),
    target,
    unsafe: false,
  });
}

function imageOf(script: string, signature?: Signature): SessionImage {
  const { image, diagnostics } = lowered(script, breakpoint, signature);
  if (image === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return image;
}

interface Context {
  readonly xmm?: readonly (readonly [low: number, high: number])[];
  readonly signal?: number;
  readonly address?: bigint;
  readonly rax?: bigint;
}

function contextOf({ xmm = [], signal = 0, address = 0n, rax = 0n }: Context): Uint8Array {
  const bytes = new Uint8Array(440);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(80, BigInt.asUintN(64, rax), true);
  for (const [i, [low, high]] of xmm.entries()) {
    view.setFloat64(168 + 16 * i, low, true);
    view.setFloat64(176 + 16 * i, high, true);
  }
  view.setUint32(424, signal, true);
  view.setBigUint64(432, address, true);
  return bytes;
}

/** Runs these programs one after the other, each on its context, and gives the payloads of the ring's records. */
function run(image: SessionImage, hits: readonly (readonly [runs: ProgramImage["runs"], context: Context])[]) {
  const interpreter = new Interpreter(image.maps, image.cpuRegion.cpus);
  const cookie = new Uint8Array(8);
  let isReturn = false;
  for (const [runs, context] of hits) {
    for (const program of image.programs.filter((one) => one.runs === runs)) {
      const session = runs === "session" ? { session: { isReturn, cookie } } : {};
      interpreter.run(program.instructions, contextOf(context), { ...thread(), sleepable: program.sleepable, ...session });
      if (runs === "session") isReturn = !isReturn;
    }
  }
  const records = written(interpreter, image).map(({ format, fields }) => fields ?? format.kind);
  const only = (map: number): DataView => {
    const { buffer, byteOffset, byteLength } = interpreter.keyed(map).entries()[0]!.values[0]!;
    return new DataView(buffer, byteOffset, byteLength);
  };
  const hitCounter = image.counters.find(({ kind }) => kind === "hits")!;
  return {
    records,
    hits: only(image.cpuRegion.map).getBigUint64(hitCounter.offset, true),
    shared: only(image.sharedRegion.map),
    entries: (map: number) => interpreter.keyed(map).entries(),
  };
}

test("before, after and fault are three programs, and an execution is counted once, before", () => {
  const image = imageOf(
    'uprobe("app:f+0x4", { before: (c) => print`before ${c.arg0} ${c.regs.rax}`, after: (c) => print`after ${c.regs.rax}`, fault: (c) => print`${c.signal} at ${c.address}` });',
  );
  expect(image.programs.map(({ runs, name, readsFloats }) => [runs, name, readsFloats])).toEqual([
    ["entry", "p0_entry", false],
    ["after", "p0_after", false],
    ["fault", "p0_fault", false],
  ]);
  const { records, hits } = run(image, [
    ["entry", { rax: -1n }],
    ["after", { rax: 5n }],
    ["entry", { rax: 1n }],
    ["fault", { signal: 11, address: 0xffff_8000_0000_0010n }],
  ]);
  expect(records).toEqual([{ v0: 0n, v1: -1n }, { v0: 5n }, { v0: 0n, v1: 1n }, { v0: 11n, v1: 0xffff_8000_0000_0010n }]);
  expect(hits).toBe(2n);
});

test("without before, an execution is counted where it ends", () => {
  const image = imageOf('uprobe("app:f", { after: () => n.add(), fault: () => n.add() });');
  expect(image.programs.map(({ runs }) => runs)).toEqual(["after", "fault"]);
  const ends = (["after", "after", "fault"] as const).map((end) => [end, {}] as const);
  expect(run(image, ends).hits).toBe(3n);
});

test("float registers are printed, put into a variable and into a map, and make the program say so", () => {
  const image = imageOf('uprobe("app:f", (c) => { print`${c.farg0} ${c.farg3}`; kept.set(c.farg1); byThread.set(c.tid, c.farg2); });');
  expect(image.programs.map(({ readsFloats }) => readsFloats)).toEqual([true]);
  const xmm = [1.5, -2.25, Number.POSITIVE_INFINITY, 1e300].map((low) => [low, 0] as const);
  const { records, shared, entries } = run(image, [["entry", { xmm }]]);
  expect(records).toEqual([{ v0: 1.5, v1: 1e300 }]);
  const variable = image.states[1]!.place;
  if (variable.in !== "sharedRegion") throw new Error(variable.in);
  expect(shared.getFloat64(variable.offset, true)).toBe(-2.25);
  const map = image.states[2]!.place;
  if (map.in !== "map") throw new Error(map.in);
  const value = entries(map.map)[0]!.values[0]!;
  expect(new DataView(value.buffer, value.byteOffset).getFloat64(0, true)).toBe(Number.POSITIVE_INFINITY);
});

test("a float is carried from enter to leave, beside the result's", () => {
  const image = imageOf('uprobe("app:f", { enter: (c) => c.farg0, leave: (c, x) => print`f(${x}) = ${c.fret}` });');
  expect(image.programs.map(({ runs, readsFloats }) => [runs, readsFloats])).toEqual([["session", true]]);
  const { records } = run(image, [
    ["session", { xmm: [[0.1, 0]] }],
    ["session", { xmm: [[Math.PI, 0]] }],
  ]);
  expect(records).toEqual([{ v0: 0.1, v1: Math.PI }]);
});

test("a vector register is 16 bytes", () => {
  const bytes = Array.from({ length: 16 }, () => [0, 0] as [number, number]);
  bytes[15] = [2, -2];
  const { records } = run(imageOf('uretprobe("app:f", (c) => print`${c.xmm15}`);'), [["return", { xmm: bytes }]]);
  expect(records).toEqual([{ v0: new Uint8Array(new Float64Array([2, -2]).buffer) }]);
});

const signature: Signature = {
  params: [
    { name: "n", type: { k: "int", name: "i32" } },
    { name: "x", type: { k: "float", size: 8 } },
    { name: "p", type: { k: "pointer", to: { k: "void" } } },
    { name: "y", type: { k: "float", size: 4 } },
    { name: "z", type: { k: "float", size: 8 } },
  ],
  ret: { k: "float", size: 8 },
  structs: {},
};

test("float arguments and results by their prototypes are in registers of their own row", () => {
  const image = imageOf('uprobe("app:f", { enter: (c) => [c.args.x, c.args.z] as const, leave: (c, [x, z]) => print`${x} ${z} ${c.ret}` });', signature);
  const { records } = run(image, [
    ["session", { xmm: [1.5, 2.5, 3.5].map((low) => [low, 0] as const) }],
    ["session", { xmm: [[4.5, 0]] }],
  ]);
  expect(records).toEqual([{ v0: 1.5, v1: 3.5, v2: 4.5 }]);
});

/** The double that has these two floats of 4 bytes for its bytes. */
const floats = (first: number, second: number): number => new Float64Array(new Float32Array([first, second]).buffer)[0]!;

test("a float of 4 bytes is the double of its value", () => {
  const image = imageOf('uprobe("app:f", (c) => print`${c.args.y}`);', signature);
  const values = [0.1, -0, 1e-45, -1.1754942e-38, 3.4028235e38, -Infinity].map(Math.fround);
  const { records } = run(
    image,
    values.map((value) => [
      "entry",
      {
        xmm: [
          [0, 0],
          [floats(value, 7), 0],
        ],
      },
    ]),
  );
  expect(records).toEqual(values.map((v0) => ({ v0 })));
});

test.each([
  ['uprobe("app:f", { before: () => n.add() });', "a before, after or fault handler"],
  ['uprobe("app:f", (c) => print`${c.farg0}`);', "`c.farg0` (a float register)"],
  ['uretprobe("app:f", (c) => print`${c.fret}`);', "`c.fret` (a float register)"],
  ['uprobe("app:f", (c) => print`${c.xmm3}`);', "`c.xmm3` (a float register)"],
  ['uprobe("app:f", (c) => print`${c.args.x}`);', "`x` (a float argument)"],
  ['uretprobe("app:f", (c) => print`${c.ret}`);', "`c.ret` (a float result)"],
])("on an engine without an extended context an error names the one that has it: %s", (script, what) => {
  const { image, diagnostics } = lowered(script, { ...breakpoint, extendedContext: false }, signature);
  expect(image).toBeUndefined();
  expect(diagnostics).toMatchObject([
    {
      code: "SONDE_C_ENGINE",
      message: `${what} can't be had on this engine`,
      mend: expect.stringContaining("breakpoint"),
      needs: { engine: "breakpoint", what },
    },
  ]);
});

test.each([
  ["c.farg0 at a return", 'uretprobe("app:f", (c) => print`${(c as never as { farg0: f64 }).farg0}`);', "SONDE_C_ARGUMENT_AT_RETURN"],
  ["c.fret at an entry", 'uprobe("app:f", (c) => print`${(c as never as { fret: f64 }).fret}`);', "SONDE_C_RESULT_AT_ENTRY"],
  ["c.arg0 after an instruction", 'uprobe("app:f", { after: (c) => print`${(c as never as { arg0: number }).arg0}` });', "SONDE_C_NO_MEMBER"],
  ["c.signal before one", 'uprobe("app:f", { before: (c) => print`${(c as never as { signal: number }).signal}` });', "SONDE_C_NO_MEMBER"],
])("%s isn't there", (_, script, code) => {
  expect(lowered(script).diagnostics.map((each) => each.code)).toEqual([code]);
});

test.each(["c.farg0 * 1000", "c.farg0 < 3", "c.farg0 + c.farg1"])("floats aren't computed with: %s", (text) => {
  const script = `import { print, uprobe } from "sonde";\nuprobe("app:f", (c) => print\`\${${text}}\`);\n`;
  expect(complaints(script, compile(script)).map((each) => each.split(" ")[0])).toContain("SONDE_C_FLOAT_VALUE");
});

test("nor negated", () => {
  expect(lowered('uprobe("app:f", (c) => print`${-c.farg0}`);').diagnostics).toMatchObject([
    { code: "SONDE_C_NOT_INTEGER", message: expect.stringContaining("a float") },
  ]);
});
