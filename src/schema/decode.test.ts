import fc from "fast-check";
import { expect, test } from "vitest";
import { decoder } from "./decode.ts";
import { encode, toBytes } from "./encode.ts";
import { bool, bytes, comm, cstring, f64, func, ints, struct, tuple } from "./layout.ts";
import type { Schema } from "./types.ts";

function through(schema: Schema, value: unknown, names: readonly string[] = []): unknown {
  const view = new DataView(new ArrayBuffer(schema.size + 8));
  expect(encode(schema, value, view, 8, names)).toBe(true);
  return decoder(schema, names)(view, 8);
}

test("integers of all widths come back as they went in", () => {
  for (const [name, schema] of Object.entries(ints)) {
    const bits = schema.size * 8;
    const low = schema.signed ? -(2n ** BigInt(bits - 1)) : 0n;
    const high = 2n ** BigInt(schema.signed ? bits - 1 : bits) - 1n;
    for (const value of [low, 0n, 1n, high]) expect(through(schema, value), name).toBe(bits === 64 ? value : Number(value));
  }
});

test("an integer that is too wide keeps its low bits", () => {
  expect(through(ints.u8, 300)).toBe(44);
  expect(through(ints.i8, 200)).toBe(-56);
  expect(through(ints.u64, -1)).toBe(2n ** 64n - 1n);
  expect(through(ints.i32, 2n ** 40n + 7n)).toBe(7);
});

test("a struct's fields lie where the layout puts them, and a field called __proto__ is a field", () => {
  const schema = struct([
    ["a", ints.u8],
    ["b", ints.u64],
    ["c", cstring(8)],
    ["d", bytes(5)],
    ["__proto__", ints.u16],
    ["f", f64],
    ["ok", bool],
    ["fn", func],
  ]);
  const value = { a: 1, b: 2n, c: "text", d: Uint8Array.of(1, 2, 3), ["__proto__"]: 7, f: 1.5, ok: true, fn: "memcpy" };
  const got = through(schema, value, ["strlen", "memcpy"]) as object;
  expect(got).toEqual(value);
  expect(Object.getPrototypeOf(got)).toBe(Object.prototype);
  expect(Object.keys(got)).toContain("__proto__");
});

test("a tuple is an array", () => {
  expect(through(tuple([ints.u32, comm]), [7, "curl"])).toEqual([7, "curl"]);
});

test("a text that fits is unmarked, one that is cut ends in … and encodes to the same bytes again", () => {
  expect(through(cstring(4), "abcd")).toBe("abcd");
  expect(through(cstring(4), "abcde")).toBe("abcd…");
  const once = toBytes(cstring(4), "abcde", []);
  expect(toBytes(cstring(4), "abcd…", [])).toEqual(once);
  expect(toBytes(cstring(4), "abcd", [])).not.toEqual(once);
});

test("a character that was cut in half is left out", () => {
  expect(through(cstring(4), "abcé")).toBe("abc…");
  expect(through(cstring(8), "añb")).toBe("añb");
});

test("texts that were seen before are told apart", () => {
  const read = decoder(comm, []);
  const names = Array.from({ length: 1000 }, (_, i) => `process-${i}`);
  for (let round = 0; round < 2; round++) for (const name of names) expect(read(new DataView(toBytes(comm, name, [])!.buffer), 0)).toBe(name);
});

test("any struct of any values survives the way to bytes and back", () => {
  const leaf = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => [ints.u64 as Schema, value as unknown] as const),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((value) => [ints.i32 as Schema, value as unknown] as const),
    fc.integer({ min: 0, max: 255 }).map((value) => [ints.u8 as Schema, value as unknown] as const),
    fc.boolean().map((value) => [bool as Schema, value as unknown] as const),
    fc.uint8Array({ maxLength: 13 }).map((value) => [bytes(13) as Schema, value as unknown] as const),
    fc.string({ maxLength: 12, unit: "binary-ascii" }).map((text) => [cstring(12) as Schema, text.replaceAll("\0", "-") as unknown] as const),
  );
  fc.assert(
    fc.property(fc.array(leaf, { minLength: 1, maxLength: 8 }), (fields) => {
      const schema = struct(fields.map(([one], i) => [`f${i}`, one] as const));
      expect(through(schema, Object.fromEntries(fields.map(([, value], i) => [`f${i}`, value])))).toEqual(
        Object.fromEntries(fields.map(([, value], i) => [`f${i}`, value])),
      );
    }),
    { numRuns: 200 },
  );
});

test("a value of the wrong kind is refused with its place", () => {
  const schema = struct([
    ["pid", ints.u32],
    ["name", comm],
  ]);
  expect(() => toBytes(schema, { pid: 1.5, name: "x" }, [], "value")).toThrow("value.pid: 1.5 is no value for u32");
  expect(() => toBytes(schema, { pid: 1 }, [], "value")).toThrow("the field name is missing");
  expect(() => toBytes(tuple([ints.u32]), [1, 2], [], "key")).toThrow("key: an array is no value for [u32]");
});

test("undefined anywhere in a value means that nothing is stored", () => {
  expect(toBytes(tuple([ints.u32, comm]), [1, undefined], [])).toBeUndefined();
  expect(toBytes(func, "not probed", ["a"])).toBeUndefined();
});
