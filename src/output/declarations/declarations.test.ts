/** What declarations look like, type by type, and what becomes of names that TypeScript can't have. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import type { CField, CStruct, CType, Signature } from "../../schema/ctypes.ts";
import { type Declared, declarationsText } from "./declarations.ts";
import { VOCABULARY_TYPES } from "./identifiers.ts";

const i32: CType = { k: "int", name: "i32" };
const u64: CType = { k: "int", name: "u64" };
const pointer = (to?: CType): CType => ({ k: "pointer", to });
const struct = (name: string): CType => ({ k: "struct", name });
const enumeration = (names: readonly string[], name?: string): CType => ({
  k: "enum",
  size: 4,
  signed: true,
  ...(name === undefined ? {} : { name }),
  names: names.map((one, i) => [one, BigInt(i)] as const),
});

const laidOut = (name: string, fields: { readonly [field: string]: CType | [CType, bits: number] }): CStruct => ({
  name,
  size: 8 * Object.keys(fields).length,
  fields: Object.entries(fields).map(
    ([field, type], i): CField =>
      Array.isArray(type) ? { name: field, offset: 8 * i, type: type[0], bits: { offset: 0, size: type[1] } } : { name: field, offset: 8 * i, type },
  ),
});
const table = (...structs: readonly CStruct[]): { [name: string]: CStruct } => Object.fromEntries(structs.map((one) => [one.name, one]));

function signature(params: { readonly [name: string]: CType }, ...structs: readonly CStruct[]): Signature {
  return { params: Object.entries(params).map(([name, type]) => ({ name, type })), ret: { k: "void" }, structs: table(...structs) };
}

/** What is declared of one function "a:f" with these parameters. */
const declared = (params: { readonly [name: string]: CType }, ...structs: readonly CStruct[]): string =>
  declarationsText({ header: [], functions: [{ target: "a:f", signature: signature(params, ...structs) }] });

/** Mistakes that TypeScript finds in the texts, each a file beside the vocabulary. */
function mistakes(...texts: readonly string[]): string[] {
  const sonde = new URL("../../../lib/sonde.d.ts", import.meta.url).pathname;
  const files = new Map(texts.map((text, i) => [`/virtual/${i}.d.ts`, text]));
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    paths: { sonde: [sonde] },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (path, version, ...rest) =>
    files.has(path) ? ts.createSourceFile(path, files.get(path)!, version) : getSourceFile.call(host, path, version, ...rest);
  host.fileExists = (path) => files.has(path) || fileExists.call(host, path);
  const program = ts.createProgram({ rootNames: [...files.keys()], options, host });
  return [...files.keys()].flatMap((path) =>
    [...program.getSyntacticDiagnostics(program.getSourceFile(path)), ...program.getSemanticDiagnostics(program.getSourceFile(path))].map(({ messageText }) =>
      ts.flattenDiagnosticMessageText(messageText, "\n"),
    ),
  );
}

describe("a type looks like", () => {
  test.each<[string, CType, string]>([
    ["an integer", i32, "i32"],
    ["a bool", { k: "bool" }, "bool"],
    ["a float of either size", { k: "float", size: 4 }, "f64"],
    ["void *", pointer(), "Ptr"],
    ["a pointer to what can't be represented", pointer({ k: "unknown", size: 16, what: "long double" }), "Ptr"],
    ["char *", pointer({ k: "int", name: "i8" }), "Ptr<i8>"],
    ["a pointer to a pointer", pointer(pointer(u64)), "Ptr<Ptr<u64>>"],
    ["an array of arrays", { k: "array", length: 3, of: { k: "array", length: 2, of: u64 } }, "CArray<CArray<u64, 2>, 3>"],
    ["a short enumeration without a name", enumeration(["ON", "OFF"]), '"ON" | "OFF"'],
    ["an enumeration of nothing", enumeration([]), "i32"],
    ["what can't be represented", { k: "unknown", size: 16, what: "long double" }, "unknown"],
  ])("%s", (_, type, text) => {
    expect(declared({ x: type })).toContain(`"a:f": { args: { x: ${text} }; ret: void };`);
  });
});

test("the file imports what it uses and merges into the vocabulary's registry", () => {
  const query = laidOut("QueryDesc", { operation: enumeration(["CMD_SELECT", "CMD_UPDATE"], "CmdType"), next: pointer(struct("QueryDesc")), odd: [i32, 3] });
  expect(
    declarationsText({
      header: ["Made by a test."],
      functions: [{ target: "postgres:run", signature: { ...signature({ query: pointer(struct("QueryDesc")) }, query), ret: u64 } }],
    }),
  ).toBe(`// Made by a test.
import type { Ptr, i32, u64 } from "sonde";
declare module "sonde" {
  interface Functions {
    "postgres:run": { args: { query: Ptr<QueryDesc> }; ret: u64 };
  }
}
export type CmdType = "CMD_SELECT" | "CMD_UPDATE";
/** @sonde QueryDesc */
export interface QueryDesc {
  operation: CmdType;
  next: Ptr<QueryDesc>;
  odd: i32; // 3 bits
}
`);
});

test("tracepoints and structures of the kernel have registries of their own", () => {
  const task = laidOut("task_struct", { pid: i32 });
  const text = declarationsText({
    header: [],
    tracepoints: [
      {
        name: "sched:sched_switch",
        fields: [
          { name: "prev_comm", type: "text" },
          { name: "prev_pid", type: i32 },
        ],
      },
    ],
    kernelTypes: [{ name: "task_struct", type: struct("task_struct") }],
    structs: table(task),
  });
  expect(text).toContain('  interface Tracepoints {\n    "sched:sched_switch": { args: { prev_comm: string; prev_pid: i32 } };\n  }');
  expect(text).toContain("  interface KernelTypes {\n    task_struct: task_struct;\n  }");
  expect(mistakes(text)).toEqual([]);
});

describe("names", () => {
  test("that aren't TypeScript's become identifiers, and the tag keeps them", () => {
    const text = declared(
      { a: struct("std::vector<int>"), b: struct("alloc::string::String"), c: struct("std::vector<int*>"), d: struct("{closure#0}") },
      ...["std::vector<int>", "alloc::string::String", "std::vector<int*>", "{closure#0}"].map((name) => laidOut(name, { [name]: i32 })),
    );
    expect(text).toContain("{ a: std_vector_int; b: alloc_string_String; c: std_vector_int_2; d: closure_0 }");
    expect(text).toContain('/** @sonde std::vector<int*> */\nexport interface std_vector_int_2 {\n  "std::vector<int*>": i32;');
    expect(mistakes(text)).toEqual([]);
  });

  test("of the vocabulary and of TypeScript aren't taken from them", () => {
    const names = ["u8", "Stack", "string", "class", "Register", "await", "undefined", "Object"];
    const text = declared(Object.fromEntries(names.map((name) => [name, pointer(struct(name))])), ...names.map((name) => laidOut(name, { [name]: u64 })));
    expect(mistakes(text)).toEqual([]);
    expect(text).toContain("Stack: Ptr<Stack_>");
    expect(text).toContain("Object: Ptr<Object>");
  });

  test("that are plain stay, whatever else would become the same", () => {
    const text = declared({ a: struct("a::b"), b: struct("a_b") }, laidOut("a::b", { x: i32 }), laidOut("a_b", { y: i32 }));
    expect(text).toContain("{ a: a_b_2; b: a_b }");
  });

  test("of an enumeration and a structure don't clash", () => {
    const text = declared({ a: struct("kind"), b: enumeration(["A", "B"], "kind") }, laidOut("kind", { x: i32 }));
    expect(text).toContain("{ a: kind; b: kind_2 }");
  });

  test("that are missing or come twice are left out", () => {
    const twice: CStruct = { name: "s", size: 8, fields: ["x", "", "x"].map((name, i) => ({ name, offset: 4 * i, type: i === 0 ? i32 : u64 })) };
    const text = declarationsText({
      header: [],
      functions: [{ target: "a:f", signature: { params: ["p", "", "p"].map((name) => ({ name, type: struct("s") })), ret: i32, structs: table(twice) } }],
    });
    expect(text).toContain("{ args: { p: s }; ret: i32 }");
    expect(text).toContain("export interface s {\n  x: i32;\n}");
  });

  test("the list of the vocabulary's types is what its declarations have", () => {
    const files = ["sonde", "hits", "session"].map((name) => {
      const path = new URL(`../../../lib/${name}.d.ts`, import.meta.url);
      return ts.createSourceFile(path.pathname, readFileSync(path, "utf8"), ts.ScriptTarget.Latest);
    });
    const types = files
      .flatMap(({ statements }) => [...statements])
      .filter((node) => ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node));
    expect([...VOCABULARY_TYPES].sort()).toEqual([...new Set(types.map((node) => node.name!.text))].sort());
  });
});

describe("structures", () => {
  const node = laidOut("node", { next: pointer(struct("node")), data: pointer(struct("data")), inside: struct("inside") });
  const data = laidOut("data", { far: pointer(struct("far")) });
  const all = [node, data, laidOut("inside", { x: i32 }), laidOut("far", { x: i32 }), laidOut("other", { x: i32 })];

  test("are those that parameters lead to, sorted", () => {
    expect([...declared({ n: pointer(struct("node")) }, ...all).matchAll(/interface (\w+) \{$/gm)].map(([, name]) => name)).toEqual([
      "Functions",
      "data",
      "far",
      "inside",
      "node",
    ]);
  });

  test("behind more pointers than wanted are addresses; embedded ones are no further than what they are in", () => {
    const text = declarationsText({ header: [], functions: [{ target: "a:f", signature: signature({ n: pointer(struct("node")) }, ...all) }], depth: 1 });
    expect(text).toContain("  next: Ptr<node>;\n  data: Ptr;\n  inside: inside;");
    expect(text).not.toContain("interface data");
  });

  test("that are strings or slices are text and elements besides", () => {
    const view: CStruct = {
      ...laidOut("&str", { data_ptr: pointer({ k: "int", name: "u8" }), length: u64 }),
      slice: { address: "data_ptr", length: "length" },
    };
    const go: CStruct = { ...laidOut("[]*node", { array: pointer(pointer(struct("&str"))), len: u64 }), slice: { address: "array", length: "len" } };
    const text = declared({ a: struct("&str"), b: pointer(struct("[]*node")) }, view, go);
    expect(text).toContain("/** @sonde &str */\nexport interface str extends Slice<u8> {\n  data_ptr: Ptr<u8>;\n  length: u64;");
    expect(text).toContain("export interface slice_node extends Slice<Ptr<str>> {\n  array: Ptr<Ptr<str>>;");
    expect(mistakes(text)).toEqual([]);
  });

  test("that are only mentioned have no fields", () => {
    const text = declared({ p: pointer(struct("opaque")) });
    expect(text).toContain("/** @sonde opaque */\nexport interface opaque {}");
  });

  test("of two signatures are one if all that they lead to is", () => {
    const two = (inner: CType): Declared => ({
      header: [],
      functions: [i32, inner].map((type, i) => ({
        target: `a:f${i}`,
        signature: signature({ p: pointer(struct("outer")) }, laidOut("outer", { p: pointer(struct("state")) }), laidOut("state", { x: type })),
      })),
    });
    expect(declarationsText(two(i32))).not.toContain("_2");
    const text = declarationsText(two(u64));
    expect(text).toContain("/** @sonde outer */\nexport interface outer_2 {\n  p: Ptr<state_2>;");
    expect(text).toContain("/** @sonde state */\nexport interface state_2 {\n  x: u64;");
  });
});

test("functions of one target have the parameters and the result that they share", () => {
  const text = declarationsText({
    header: [],
    functions: [
      { target: "a:f*", signature: { ...signature({ a: i32, b: u64, c: i32 }), ret: i32 } },
      { target: "a:f*", signature: { ...signature({ a: i32, b: i32, d: i32 }), ret: u64 } },
    ],
  });
  expect(text).toContain('"a:f*": { args: { a: i32 }; ret: i64 };');
  expect(mistakes(text)).toEqual([]);
});

test("nothing to declare is a module that declares nothing", () => {
  expect(mistakes(declarationsText({ header: ["nothing"] }))).toEqual([]);
});

test("hostile names and shapes give declarations that TypeScript accepts, the same each time", { timeout: 60_000 }, () => {
  const name = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom("*/ }", "__proto__", "constructor", "a\nb", "\u2028", "{@link x}", "toString", "s", "u8", "Ptr", "s_2", "x".repeat(500)),
  );
  const { type } = fc.letrec<{ type: CType }>((tie) => ({
    type: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<CType>(i32, { k: "bool" }, { k: "float", size: 8 }, { k: "unknown", size: 3, what: "a\n*/ b" }, { k: "void" }, pointer()),
      name.map(struct),
      fc.tuple(fc.array(name, { maxLength: 12 }), fc.option(name, { nil: undefined })).map(([names, of]) => enumeration(names, of)),
      tie("type").map((to) => pointer(to)),
      fc.tuple(tie("type"), fc.nat(100)).map(([of, length]): CType => ({ k: "array", of, length })),
    ),
  }));
  const one = fc.record({
    params: fc.array(fc.tuple(name, type), { maxLength: 5 }),
    structs: fc.array(fc.tuple(name, fc.array(fc.tuple(name, type), { maxLength: 5 })), { maxLength: 6 }),
    target: name,
  });
  const texts = fc.sample(fc.tuple(fc.array(one, { maxLength: 4 }), fc.nat(4)), { numRuns: 150, seed: 7 }).map(([functions, depth], i) => {
    const input: Declared = {
      header: functions.map(({ target }) => target),
      depth,
      functions: functions.map(({ target, params, structs }) => ({
        target: `${i}:${target}`,
        signature: {
          params: params.map(([param, of]) => ({ name: param, type: of })),
          ret: i32,
          structs: Object.fromEntries(
            structs.map(([of, fields]) => [of, { name: of, size: 8, fields: fields.map(([field, each]) => ({ name: field, offset: 0, type: each })) }]),
          ),
        },
      })),
    };
    const text = declarationsText(input);
    expect(declarationsText(input)).toBe(text);
    return text;
  });
  expect(mistakes(...texts)).toEqual([]);
});
