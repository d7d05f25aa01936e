/** BTF as the target's types: each kind, anonymous members, bit-fields, structures that refer to each other, and bytes that lie. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CField } from "../schema/ctypes.ts";
import { BtfCTypes } from "./c-types.ts";
import { BTF_MAGIC, HEADER_BYTES, Kind } from "./format.ts";
import { btfSections } from "./reader.ts";
import { BtfTypeTable } from "./type-table.ts";

const SIGNED = 1;
const BOOL = 4;

type Member = readonly [name: string, type: number, bitOffset: number, bitSize?: number];

/** Writes BTF by hand: every kind, and what no compiler would write. */
class Blob {
  readonly words: number[] = [];
  #strings = "\0";
  #ids = 0;
  /** The first type of each. */
  readonly i32 = this.int("int", 4, SIGNED);

  add(kind: number, name: string, sizeOrType: number, rest: readonly number[] = [], count = 0, flag = false): number {
    this.words.push(this.string(name), (flag ? 0x8000_0000 : 0) | (kind << 24) | count, sizeOrType, ...rest);
    return ++this.#ids;
  }
  string(text: string): number {
    if (text === "") return 0;
    const at = this.#strings.length;
    this.#strings += `${text}\0`;
    return at;
  }
  int(name: string, size: number, encoding = 0): number {
    return this.add(Kind.int, name, size, [(encoding << 24) | (8 * size)]);
  }
  struct(kind: number, name: string, size: number, members: readonly Member[]): number {
    const flag = members.some(([, , , bits]) => bits !== undefined);
    const rest = members.flatMap(([field, type, offset, bits = 0]) => [this.string(field), type, flag ? (bits << 24) | offset : offset]);
    return this.add(kind, name, size, rest, members.length, flag);
  }
  bytes(): Uint8Array {
    const types = new Uint8Array(Uint32Array.from(this.words).buffer);
    const strings = Buffer.from(this.#strings, "latin1");
    const out = new Uint8Array(HEADER_BYTES + types.length + strings.length);
    const view = new DataView(out.buffer);
    view.setUint16(0, BTF_MAGIC, true);
    view.setUint8(2, 1);
    for (const [at, value] of [
      [4, HEADER_BYTES],
      [12, types.length],
      [16, types.length],
      [20, strings.length],
    ] as const) {
      view.setUint32(at, value, true);
    }
    out.set(types, HEADER_BYTES);
    out.set(strings, HEADER_BYTES + types.length);
    return out;
  }
  types(depth?: number): BtfCTypes {
    return new BtfCTypes(new BtfTypeTable(btfSections(this.bytes())!), depth);
  }
}

const i32 = { k: "int", name: "i32" } as const;
const LEVEL = {
  k: "enum",
  name: "level",
  size: 4,
  signed: true,
  names: [
    ["LOW", -1n],
    ["HIGH", 5n],
  ],
};

describe("a type by its name is", () => {
  const blob = new Blob();
  const typedef = (name: string, type: number): number => blob.add(Kind.typedef, name, type);
  typedef("pid_t", blob.add(Kind.const, "", typedef("__kernel_pid_t", blob.i32)));
  typedef("flag_t", blob.int("_Bool", 1, BOOL));
  typedef("wide_t", blob.int("__int128", 16, SIGNED));
  typedef("real_t", blob.add(Kind.float, "double", 8));
  typedef("long_real_t", blob.add(Kind.float, "long double", 16));
  typedef("grid_t", blob.add(Kind.array, "", 0, [blob.add(Kind.array, "", 0, [blob.i32, blob.i32, 3]), blob.i32, 2]));
  typedef("call_t", blob.add(Kind.ptr, "", blob.add(Kind.funcProto, "", blob.i32)));
  typedef("text_t", blob.add(Kind.ptr, "", blob.add(Kind.restrict, "", blob.int("char", 1))));
  blob.add(Kind.enum, "level", 4, [blob.string("LOW"), -1, blob.string("HIGH"), 5], 2, true);
  typedef("mode_t", blob.add(Kind.enum, "", 4, [blob.string("ALL"), -1], 1));
  blob.add(Kind.enum64, "wide", 8, [blob.string("TOP"), 0, 0x8000_0000], 1);
  const types = blob.types();

  test.each([
    ["pid_t", i32],
    ["flag_t", { k: "bool" }],
    ["wide_t", { k: "unknown", size: 16, what: "__int128" }],
    ["real_t", { k: "float", size: 8 }],
    ["long_real_t", { k: "unknown", size: 16, what: "long double" }],
    ["grid_t", { k: "array", length: 2, of: { k: "array", length: 3, of: i32 } }],
    ["call_t", { k: "pointer", to: undefined }],
    ["text_t", { k: "pointer", to: { k: "int", name: "u8" } }],
    ["level", LEVEL],
    ["mode_t", { k: "enum", name: "mode_t", size: 4, signed: false, names: [["ALL", 0xffff_ffffn]] }],
    ["wide", { k: "enum", name: "wide", size: 8, signed: false, names: [["TOP", 1n << 63n]] }],
    ["nothing", undefined],
  ])("%s", (name, type) => expect(types.named(name)).toEqual(type));

  test.each([
    ["unsigned long", { k: "int", name: "u64" }],
    ["const char *", { k: "pointer", to: { k: "int", name: "u8" } }],
    ["void *", { k: "pointer", to: undefined }],
    ["const char *const *", { k: "pointer", to: { k: "pointer", to: { k: "int", name: "u8" } } }],
    ["enum level", LEVEL],
    ["pid_t *", { k: "pointer", to: i32 }],
    ["struct level", undefined],
    ["no_such_t *", { k: "pointer", to: undefined }],
  ])("as C writes it: %s", (text, type) => expect(types.written(text)).toEqual(type));
});

describe("a structure", () => {
  const fields = (types: BtfCTypes, name: string): readonly CField[] => {
    types.named(name);
    return types.structs[name]!.fields;
  };

  test("has the members of its anonymous ones, and one without a tag is called by its path", () => {
    const blob = new Blob();
    const deep = blob.struct(Kind.struct, "", 8, [
      ["d", blob.i32, 0],
      ["e", blob.i32, 32],
    ]);
    const inner = blob.struct(Kind.union, "", 8, [
      ["c", blob.i32, 0],
      ["", deep, 0],
    ]);
    const named = blob.struct(Kind.struct, "", 4, [["x", blob.i32, 0]]);
    blob.struct(Kind.struct, "outer", 20, [
      ["a", blob.i32, 0],
      ["", inner, 32],
      ["in", named, 96],
      ["more", blob.add(Kind.array, "", 0, [named, blob.i32, 1]), 128],
    ]);
    const types = blob.types();
    expect(fields(types, "outer").map(({ name, offset }) => [name, offset])).toEqual([
      ["a", 0],
      ["c", 4],
      ["d", 4],
      ["e", 8],
      ["in", 12],
      ["more", 16],
    ]);
    expect(
      fields(types, "outer")
        .slice(-2)
        .map(({ type }) => type),
    ).toEqual([
      { k: "struct", name: "outer.in" },
      { k: "array", length: 1, of: { k: "struct", name: "outer.in" } },
    ]);
    expect(types.structs["outer.in"]).toEqual({ name: "outer.in", size: 4, fields: [{ name: "x", offset: 0, type: i32 }] });
  });

  test("has bit-fields in units of their type, packed ones from the byte they begin in", () => {
    const blob = new Blob();
    blob.struct(Kind.struct, "bits", 16, [
      ["a", blob.i32, 0, 3],
      ["b", blob.i32, 3, 29],
      ["c", blob.i32, 37, 1],
      ["whole", blob.i32, 64, 0],
      ["packed", blob.i32, 93, 10],
      ["over", blob.i32, 97, 32],
    ]);
    expect(fields(blob.types(), "bits").map(({ name, offset, bits, type }) => [name, offset, bits?.offset, bits?.size, type.k])).toEqual([
      ["a", 0, 0, 3, "int"],
      ["b", 0, 3, 29, "int"],
      ["c", 4, 5, 1, "int"],
      ["whole", 8, undefined, undefined, "int"],
      ["packed", 11, 5, 10, "int"],
      ["over", 12, undefined, undefined, "unknown"],
    ]);
  });

  test("that refers to itself, to a forward declaration and to another of its name is told apart", () => {
    const blob = new Blob();
    // The structure's number is 5, the other one's 6.
    const to = blob.add(Kind.ptr, "", 5);
    const whole = blob.add(Kind.ptr, "", blob.add(Kind.fwd, "whole", 0));
    blob.struct(Kind.struct, "node", 24, [
      ["next", to, 0],
      ["whole", whole, 64],
      ["other", 6, 128],
    ]);
    blob.struct(Kind.union, "node", 4, [["x", blob.i32, 0]]);
    blob.struct(Kind.struct, "whole", 4, [["y", blob.i32, 0]]);
    const types = blob.types();
    expect(fields(types, "node").map(({ type }) => type)).toEqual([
      { k: "pointer", to: { k: "struct", name: "node" } },
      { k: "pointer", to: { k: "struct", name: "whole" } },
      { k: "struct", name: "node#2" },
    ]);
    expect(types.structs["node#2"]?.fields).toEqual([{ name: "x", offset: 0, type: i32 }]);
    expect(types.structs.whole?.size).toBe(4);
  });

  test("behind more pointers than are followed isn't converted, unless something nearer leads to it", () => {
    const blob = new Blob();
    const c = blob.struct(Kind.struct, "c", 4, [["x", blob.i32, 0]]);
    const b = blob.struct(Kind.struct, "b", 8, [["c", blob.add(Kind.ptr, "", c), 0]]);
    const toB = blob.add(Kind.ptr, "", b);
    blob.struct(Kind.struct, "a", 8, [["b", toB, 0]]);
    const types = blob.types(1);
    types.named("a");
    expect(Object.keys(types.structs)).toEqual(["a", "b"]);
    types.named("b");
    expect(Object.keys(types.structs).sort()).toEqual(["a", "b", "c"]);
  });
});

test("bytes that lie are read in bounded time, and give types or nothing", () => {
  const blob = new Blob();
  const self = blob.add(Kind.typedef, "self", 2);
  blob.add(Kind.ptr, "", 3);
  blob.add(Kind.array, "", 0, [4, blob.i32, 7]);
  // Each nests the one before it 40 times, without a name: 40¹² members, were they all visited.
  let nested = blob.struct(Kind.struct, "", 4, [["x", blob.i32, 0]]);
  for (let i = 0; i < 12; i++)
    nested = blob.struct(
      Kind.struct,
      i === 11 ? "bomb" : "",
      4,
      Array.from({ length: 40 }, () => ["", nested, 0] as const),
    );
  blob.struct(Kind.struct, "uses", 64, [
    ["self", self, 0],
    ["p", 3, 64],
    ["a", 4, 128],
    ["none", 9999, 192],
    ["inside", 1000, 7, 3],
  ]);
  const bytes = blob.bytes();
  const all = (of: Uint8Array): void => {
    const sections = btfSections(of);
    if (sections === undefined) return;
    const table = new BtfTypeTable(sections);
    for (const name of [...table.names(Kind.struct), ...table.names(Kind.typedef)].slice(0, 50)) new BtfCTypes(table).named(name);
  };
  all(bytes);
  const mutated = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(mutated, fc.nat(bytes.length), (changes, end) => {
      const copy = bytes.slice(0, changes.length % 3 === 0 ? end : undefined);
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      all(copy);
    }),
    { numRuns: 60, endOnFailure: true },
  );
}, 60_000);
