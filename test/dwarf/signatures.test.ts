import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Entry } from "../../src/dwarf/entry.ts";
import { debugSections, type SectionName, sectionsInMemory } from "../../src/dwarf/sections.ts";
import { type SignatureOptions, signatureOf } from "../../src/dwarf/signature.ts";
import { describe as text } from "../../src/dwarf/signature-text.ts";
import { qualifiedName } from "../../src/dwarf/type-names.ts";
import { StructTable } from "../../src/dwarf/types.ts";
import { definitionsIn } from "../../src/dwarf/types-definitions.ts";
import { DebugInfo } from "../../src/dwarf/units.ts";
import { readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";
import { SondeError } from "../../src/errors/error.ts";
import type { CType, Signature } from "../../src/schema/ctypes.ts";
import { debugOf, functionsOf, randomC, randomCxx, typedC, typedCxx, typedGo, typedRust } from "./typed-programs.ts";

function entryOf(debug: DebugInfo, name: string): Entry {
  for (const entry of functionsOf(debug)) if (qualifiedName(entry) === name) return entry;
  throw new Error(`there is no function ${name}`);
}
function signature(path: string, name: string, options: SignatureOptions = {}): Signature {
  const debug = debugOf(path);
  return signatureOf(debug, entryOf(debug, name), options)!;
}
const described = (path: string, names: readonly string[]): string[] => {
  const debug = debugOf(path);
  return names.map((name) => text(entryOf(debug, name)));
};
const fieldOf = (of: Signature, struct: string, field: string) => of.structs[struct]?.fields.find((one) => one.name === field);
const int = (name: string) => ({ k: "int", name });

describe("C", () => {
  test("a function is described as its source has it", () => {
    expect(described(typedC("-O0"), ["uri_length", "by_pointer", "apply", "variadic", "rows", "whole", "packed_value", "main"])).toEqual([
      "int uri_length(text_t uri, int add)",
      "long by_pointer(const struct request *request, struct pool *restrict pool)",
      "int apply(int (*with)(const void *, const void *), const int *values, size_t count)",
      "int variadic(int count, ...)",
      "int rows(int (*matrix)[3], char *names, int count)",
      "struct request whole(struct request request)",
      "int packed_value(struct packed one, int other)",
      "int main(int argc, char **argv)",
    ]);
  });

  test("a char is a number, an anonymous structure is called as its typedef, structures refer to each other by name", () => {
    const whole = signature(typedC("-O0"), "whole");
    expect(whole.params).toMatchObject([{ name: "request", type: { k: "struct", name: "request" } }]);
    expect(fieldOf(whole, "request", "uri")?.type).toEqual({ k: "struct", name: "text" });
    expect(fieldOf(whole, "request", "flags")?.type).toEqual({ k: "struct", name: "flags_t" });
    expect(fieldOf(whole, "request", "self")?.type).toEqual({ k: "pointer", to: { k: "struct", name: "request" } });
    expect(fieldOf(whole, "text", "data")?.type).toEqual({ k: "pointer", to: int("i8") });
    expect(fieldOf(whole, "pool", "take")?.type).toEqual({ k: "pointer", to: undefined });
    expect(fieldOf(whole, "request", "matrix")?.type).toEqual({ k: "array", of: { k: "array", of: int("i32"), length: 3 }, length: 2 });
    expect(fieldOf(whole, "request", "rest")?.type).toEqual({ k: "array", of: int("i8"), length: 0 });
    expect(fieldOf(whole, "request", "precise")?.type).toEqual({ k: "unknown", size: 16, what: "long double" });
    expect(fieldOf(whole, "request", "done")?.type).toEqual({ k: "bool" });
    expect(fieldOf(whole, "request", "at")?.type).toEqual({ k: "struct", name: "request.at" });
  });

  test("members of anonymous members belong to the outer structure", () => {
    const whole = signature(typedC("-O0"), "whole");
    const { offset } = fieldOf(whole, "request", "number")!;
    expect(fieldOf(whole, "request", "real")).toEqual({ name: "real", offset, type: { k: "float", size: 4 } });
    expect(fieldOf(whole, "request", "high")).toEqual({ name: "high", offset: offset + 1, type: int("u8") });
  });

  test.each([["-gdwarf-5"], ["-gdwarf-4"], ["-gdwarf-3", "-gstrict-dwarf"], ["-gdwarf-2", "-gstrict-dwarf"]])(
    "bit-fields are bits of an integer inside of the structure, by %s",
    (...flags) => {
      const flagged = signature(typedC("-O0", ...flags), "with_flags");
      expect(flagged.structs.flags_t).toEqual({
        name: "flags_t",
        size: 8,
        fields: [
          { name: "keep", offset: 0, type: int("u32"), bits: { offset: 0, size: 1 } },
          { name: "version", offset: 0, type: int("u32"), bits: { offset: 1, size: 7 } },
          { name: "delta", offset: 0, type: int("i32"), bits: { offset: 8, size: 5 } },
          { name: "method", offset: 0, type: expect.objectContaining({ k: "enum", name: "method", signed: true }), bits: { offset: 13, size: 8 } },
          { name: "wide", offset: 0, type: int("u64"), bits: { offset: 21, size: 40 } },
        ],
      });
      expect(flagged.params[1]?.type).toEqual({
        k: "enum",
        name: "method",
        size: 4,
        signed: true,
        names: [
          ["GET", 0n],
          ["POST", 5n],
          ["PUT", -1n],
        ],
      });
    },
  );

  test("the symbol of a variant that the compiler made says that the convention doesn't hold", () => {
    const { params, retPlace } = signature(typedC("-O0"), "plain", { symbol: "plain.constprop.0" });
    expect([...params.map((one) => one.place), retPlace].map((place) => place?.k)).toEqual(["none", "none", "none", "none"]);
  });

  test("what a unit only declares is found in another, and what none defines is no type", () => {
    const first = "struct there { int a; struct nowhere *b; };\nint one(struct there *x) { return x->a; }\n";
    const second = "struct there;\nint two(struct there *x) { return x != 0; }\nint main(void) { return two(0); }\n";
    const folder = typedC("-O0").replace(/typed$/, "");
    const other = `${folder}/there.o`;
    if (!existsSync(other)) execFileSync("cc", ["-g", "-c", "-x", "c", "-", "-o", other], { input: first });
    const two = signature(randomC(second, "-O0", "-x", "none", other, "-x", "c"), "two");
    expect(two.params[0]?.type).toEqual({ k: "pointer", to: { k: "struct", name: "there" } });
    expect(two.structs.there?.fields).toEqual([
      { name: "a", offset: 0, type: int("i32") },
      { name: "b", offset: 8, type: { k: "pointer", to: undefined } },
    ]);
  });
});

describe("C++", () => {
  test("a function is described with its scopes, and without what the compiler adds", () => {
    const names = [
      "shop::Cart::add",
      "shop::Cart::total",
      "shop::Cart::of",
      "shop::Cart::Cart",
      "shop::largest<int>",
      "(anonymous namespace)::hidden",
      "shop::arrays",
      "shop::members",
    ];
    expect(described(typedCxx("-O0"), names)).toEqual([
      "int shop::Cart::add(shop::Point point, const std::string &name)",
      "int shop::Cart::total() const",
      "int shop::Cart::of(shop::Color color, shop::Plain plain)",
      "shop::Cart::Cart(int size)",
      "int shop::largest<int>(int a, int b)",
      "int (anonymous namespace)::hidden(std::string_view view, long scale)",
      "int shop::arrays(const int (&three)[3], shop::Point (*points)[2], int &&moved)",
      "int shop::members(int shop::Point::*field, int (shop::Cart::*method)(), const shop::Point &point)",
    ]);
  });

  test("fields of base classes belong to the class; one whose name is taken is in the base", () => {
    const { structs } = signature(typedCxx("-O0"), "shop::inherits");
    expect(structs["shop::Tagged"]?.fields).toEqual([
      { name: "weight", offset: 8, type: { k: "float", size: 8 } },
      { name: "id", offset: 16, type: int("i32") },
      { name: "Named", offset: 0, type: { k: "struct", name: "shop::Named" } },
    ]);
    expect(structs["shop::Pair"]?.fields.map((field) => field.name)).toEqual(["z", "x", "y"]);
  });

  test("virtual bases are left out, static members too; this is a parameter", () => {
    const { structs } = signature(typedCxx("-O0"), "shop::diamond");
    expect(structs["shop::Diamond"]?.fields.map((field) => field.name)).not.toContain("root");
    const total = signature(typedCxx("-O0"), "shop::Cart::total");
    expect(total.params).toMatchObject([{ name: "this", type: { k: "pointer", to: { k: "struct", name: "shop::Cart" } } }]);
    expect(total.structs["shop::Cart"]?.fields.map((field) => field.name)).toEqual(["size_"]);
  });

  test("enum class, references, nullptr_t and pointers to members", () => {
    const cxx = typedCxx("-O0");
    expect(signature(cxx, "shop::Cart::of").params.map((one) => one.type)).toMatchObject([
      {
        k: "enum",
        name: "shop::Color",
        size: 1,
        signed: false,
        names: [
          ["Red", 0n],
          ["Green", 7n],
        ],
      },
      {
        k: "enum",
        name: "shop::Plain",
        size: 4,
        signed: true,
        names: [
          ["One", 1n],
          ["Minus", -2n],
        ],
      },
    ]);
    expect(signature(cxx, "shop::nothing").params.map((one) => one.type)).toEqual([{ k: "pointer", to: undefined }, { k: "bool" }, int("u16"), int("u32")]);
    expect(signature(cxx, "shop::members").params.map((one) => one.type)).toMatchObject([
      { k: "unknown", size: 8 },
      { k: "unknown", size: 16 },
      { k: "pointer" },
    ]);
  });

  test("a structure that only a typedef names is called so, wherever it stands", () => {
    const source = `
      typedef struct { int a; } Top;
      namespace geo { class Window { public: typedef struct { long offset, length; } Span; int bind(Span *span, long size); }; }
      template <typename T> struct Box { typedef struct { T inner; } Held; int held(Held *one) { return one->inner; } };
      int geo::Window::bind(Span *span, long size) { return span->length > size; }
      int top(Top *one) { return one->a; }
      int main() { geo::Window w; geo::Window::Span s{1, 2}; Top t{1}; Box<int>::Held h{1}; return w.bind(&s, 3) + top(&t) + Box<int>().held(&h); }
    `;
    const program = randomCxx(source, "-O0");
    expect(described(program, ["geo::Window::bind", "top"])).toEqual(["int geo::Window::bind(geo::Window::Span *span, long size)", "int top(Top *one)"]);
    const { params, structs } = signature(program, "geo::Window::bind");
    expect(params[1]).toMatchObject({ name: "span", type: { k: "pointer", to: { k: "struct", name: "geo::Window::Span" } } });
    expect(structs["geo::Window::Span"]?.fields.map(({ name }) => name)).toEqual(["offset", "length"]);
    expect(signature(program, "Box<int>::held").params[1]).toMatchObject({ type: { k: "pointer", to: { k: "struct", name: "Box<int>::Held" } } });
  });

  test("types in units of their own are found by their signatures", () => {
    const { structs } = signature(typedCxx("-O0", "-fdebug-types-section"), "shop::inherits");
    expect(structs["shop::Tagged"]?.fields.map((field) => field.name)).toEqual(["weight", "id", "Named"]);
  });
});

describe("Rust", { timeout: 60_000 }, () => {
  test("a function is described as its source has it, types with their modules", () => {
    expect(described(typedRust(), ["typed::shop::Cart::add", "typed::structures", "typed::gives_str", "typed::pairs"])).toEqual([
      "fn typed::shop::Cart::add(self: &mut typed::shop::Cart, point: typed::shop::Point, times: u8) -> u64",
      "fn typed::structures(a: typed::shop::Triple, b: typed::shop::Wide, c: [u8; 4], d: [u16; 9], e: (u8, u8, u8)) -> u32",
      "fn typed::gives_str(a: &str) -> &str",
      "fn typed::pairs(a: typed::shop::Point, b: (u64, f64), c: typed::shop::Meters, d: (u8, u16)) -> i32",
    ]);
  });

  test("an enum with data has its variants as fields, and `variant` says which it is", () => {
    const { structs } = signature(typedRust(), "typed::enums");
    const shape = structs["typed::shop::Shape"]!;
    expect(shape.fields.map((field) => field.name)).toEqual(["variant", "Circle", "Square", "Nothing"]);
    expect(shape.fields[0]?.type).toMatchObject({
      k: "enum",
      names: [
        ["Circle", 0n],
        ["Square", 1n],
        ["Nothing", 2n],
      ],
    });
    expect(structs["typed::shop::Shape::Square"]?.fields.map((field) => field.name).sort()).toEqual(["at", "side"]);
    expect(structs["typed::shop::Shape::Circle"]?.fields.map((field) => field.name)).toEqual(["0"]);
  });

  test("where a value that can't be stands for a variant, every other value is the other one's; fields are there by the discriminant", () => {
    const { structs } = signature(typedRust(), "typed::boxes");
    expect(structs["core::option::Option<&u64>"]?.fields).toMatchObject([
      {
        name: "variant",
        offset: 0,
        type: {
          k: "enum",
          size: 8,
          names: [
            ["None", 0n],
            ["Some", 1n],
          ],
          otherwise: 1n,
        },
      },
      { name: "None", offset: 0, when: { at: 0, size: 8, ranges: [[0n, 0n]], inside: true } },
      { name: "Some", offset: 0, when: { at: 0, size: 8, ranges: [[0n, 0n]], inside: false } },
    ]);
  });

  test("strings, slices and vectors say where their address and length are", () => {
    const texts = signature(typedRust(), "typed::texts");
    expect(texts.structs["&str"]).toMatchObject({ slice: { address: "data_ptr", length: "length" } });
    const string = texts.structs["alloc::string::String"]!;
    expect(string.slice).toEqual({ address: "data_ptr", length: "len" });
    expect(string.fields.find((field) => field.name === "data_ptr")?.type).toEqual({ k: "pointer", to: int("u8") });
    const slices = signature(typedRust(), "typed::slices");
    const vectors = Object.values(slices.structs).filter((one) => one.name.startsWith("alloc::vec::Vec<"));
    expect(vectors.map((one) => one.slice)).toEqual([
      { address: "data_ptr", length: "len" },
      { address: "data_ptr", length: "len" },
    ]);
    expect(Object.values(slices.structs).find((one) => one.name === "&[u32]")?.slice).toEqual({ address: "data_ptr", length: "length" });
  });
});

describe("a table of structures that a unit's functions share has each as a table of its own would", { timeout: 60_000 }, () => {
  test.each([
    ["C", () => typedC("-O2")],
    ["C++", () => typedCxx("-O0")],
    ["Rust", () => typedRust()],
    ["Go", () => typedGo()],
  ])("%s", (_, build) => {
    const debug = debugOf(build());
    const tables = new Map<unknown, StructTable>();
    let compared = 0;
    for (const entry of functionsOf(debug)) {
      const structs = tables.get(entry.unit) ?? new StructTable(definitionsIn(debug));
      tables.set(entry.unit, structs);
      if (!structs.settled) continue;
      const shared = signatureOf(debug, entry, { structs });
      if (!structs.settled) continue;
      const own = signatureOf(debug, entry);
      expect(shared?.params).toEqual(own?.params);
      // Results that Go has several of are no type of the program, and are numbered.
      if (own?.ret.k !== "struct" || !own.ret.name.startsWith("results")) expect(shared?.ret).toEqual(own?.ret);
      for (const [name, struct] of Object.entries(own?.structs ?? {})) if (!name.startsWith("results")) expect(shared?.structs[name]).toEqual(struct);
      if (++compared === 400) break;
    }
    expect(compared).toBeGreaterThan(15);
  });
});

describe("Go", { timeout: 60_000 }, () => {
  test("a function is described as its source has it", () => {
    expect(described(typedGo(), ["main.texts", "main.(*Point).Move", "main.several", "main.named"])).toEqual([
      "func main.texts(a string, b []uint8, c []string) int",
      "func main.(*Point).Move(p *main.Point, dx int32, dy int32) int",
      "func main.several(a int) (int, string, error)",
      "func main.named(a int) (count int, err error)",
    ]);
  });

  test("strings and slices say where their address and length are; several results are one structure", () => {
    const texts = signature(typedGo(), "main.texts");
    expect(texts.structs.string?.slice).toEqual({ address: "str", length: "len" });
    expect(texts.structs["[]uint8"]?.slice).toEqual({ address: "array", length: "len" });
    const several = signature(typedGo(), "main.several");
    expect(several.params.map((one) => one.name)).toEqual(["a"]);
    expect(several.ret).toEqual({ k: "struct", name: "results" });
    expect(several.structs.results?.fields.map((field) => `${field.name}@${field.offset}`)).toEqual(["r0@0", "r1@8", "r2@24"]);
  });
});

test("a Go function's parameter `_`, which its debug information doesn't have, is passed all the same", { timeout: 60_000 }, () => {
  const blank = signature(typedGo(), "main.blank");
  expect(blank.params.map(({ name, place }) => [name, place?.k === "registers" ? place.parts.map((part) => part.register) : place?.k])).toEqual([
    ["a", ["rax"]],
    ["b", ["rdi"]],
    ["unused", ["r8"]],
  ]);
});

/** Every type that a signature has. */
function* typesOf({ params, ret, structs }: Signature): Generator<CType> {
  for (const { type } of params) yield type;
  yield ret;
  for (const { fields } of Object.values(structs)) for (const { type } of fields) yield type;
}

test("every function of the C library converts; what is unknown are types that nothing represents, and results of assembly code", { timeout: 300_000 }, () => {
  const debug = debugOf(libcDebug());
  const unknown = new Map<string, number>();
  const nowhere: string[] = [];
  let functions = 0;
  for (const entry of functionsOf(debug)) {
    functions++;
    expect(text(entry)).toMatch(/\w\(/);
    const converted = signatureOf(debug, entry)!;
    for (const type of typesOf(converted)) {
      let inner: CType | undefined = type;
      while (inner?.k === "array" || inner?.k === "pointer") inner = inner.k === "array" ? inner.of : inner.to;
      if (inner?.k === "unknown") unknown.set(inner.what, (unknown.get(inner.what) ?? 0) + 1);
    }
    for (const { name, place } of converted.params) if (place?.k === "none") nowhere.push(`${text(entry)}: ${name}: ${place.why}`);
  }
  expect(functions).toBeGreaterThan(3_000);
  expect([...unknown.keys()].sort()).toEqual(["_Float128", "long double", "what the debug information doesn't say"]);
  expect(nowhere.length).toBeLessThan(functions / 50);
});

function libcDebug(): string {
  const library = ["/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6"].find((path) => existsSync(path));
  const id = /Build ID: ([0-9a-f]+)/.exec(execFileSync("readelf", ["-n", library!], { encoding: "utf8" }))![1]!;
  const path = `/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`;
  if (!existsSync(path)) execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "libc6-dbg"], { stdio: "pipe" });
  return path;
}

describe("debug information that lies", { timeout: 200_000 }, () => {
  const NAMES: readonly SectionName[] = ["info", "abbrev", "str", "line_str", "loclists", "rnglists", "addr"];
  const small = randomC(
    "struct a { int x : 3; struct a *next; struct { char c; }; union { float f; int i; } u; };\nenum e { A, B = -1 };\nint f(struct a v, enum e w, int (*g)(long), const char *s, double m[3]) { return v.x; }\nstatic int k(int z) { return z; }\nint main(void) { return k(1); }\n",
    "-O1",
  );

  test.each([
    ["a small C program", () => small, 400],
    ["C", () => typedC("-O2"), 60],
    ["C++ in DWARF 4", () => typedCxx("-O0", "-gdwarf-4", "-fdebug-types-section"), 4],
  ] as const)("gives no other error than sonde's, in bounded time: %s", (_, path, runs) => {
    const sections = debugSections(readElf(memorySource(readFileSync(path()))))!;
    const types: readonly SectionName[] = [...NAMES, "types", "loc", "ranges"];
    const all = Object.fromEntries(types.map((name) => [name, sections.get(name)])) as { [name in SectionName]: Uint8Array };
    const change = fc.record({ section: fc.constantFrom<SectionName>("info", "info", "info", "abbrev"), at: fc.nat(), value: fc.nat(255) });
    let converted = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        const mutated = { ...all, info: new Uint8Array(all.info), abbrev: new Uint8Array(all.abbrev) };
        for (const { section, at, value } of changes) mutated[section][at % Math.max(1, mutated[section].length)] = value;
        let left = 300;
        try {
          const debug = new DebugInfo({ sections: sectionsInMemory(mutated) });
          for (const entry of functionsOf(debug)) {
            if (--left < 0) break;
            text(entry);
            converted++;
            for (const { name, size, fields } of Object.values(signatureOf(debug, entry)!.structs)) {
              for (const field of fields) if (field.offset > size) throw new Error(`${name}.${field.name} is outside`);
            }
          }
        } catch (error) {
          if (!(error instanceof SondeError)) throw error;
        }
      }),
      { numRuns: runs, seed: 4 },
    );
    // Most of what is changed stays readable: it isn't all refused at the door.
    expect(converted).toBeGreaterThan(runs / 2);
  });
});
