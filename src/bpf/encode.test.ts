import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SondeBug } from "../errors/error.ts";
import { decode, encode, type Resolver, slotIndices } from "./encode.ts";
import type { Instruction } from "./instruction.ts";

const resolver: Resolver = { map: (index) => 100 + index, kfunc: (name) => ({ id: name.length, offset: 2 }) };
const hex = (program: readonly Instruction[], isa: 3 | 4 = 3): string[] =>
  [
    ...Buffer.from(encode(program, resolver, isa))
      .toString("hex")
      .matchAll(/.{16}/g),
  ].map((m) => m[0]);

const exit: Instruction = { code: 0x95, dst: 0, src: 0, offset: 0, imm: 0 };
const mov0: Instruction = { code: 0xb7, dst: 0, src: 0, offset: 0, imm: 0 };
const wide = (parts: Partial<Instruction>): Instruction => ({ code: 0x18, dst: 1, src: 0, offset: 0, imm: 0n, ...parts });

describe("encode", () => {
  test("puts a 64-bit constant into two slots", () => {
    expect(hex([wide({ imm: 0x1122334455667788n })])).toEqual(["1801000088776655", "0000000044332211"]);
    expect(hex([wide({ imm: -1n })])).toEqual(["18010000ffffffff", "00000000ffffffff"]);
  });
  test("puts descriptors of maps and offsets into their values in", () => {
    expect(hex([wide({ src: 1, map: 3 })])).toEqual(["1811000067000000", "0000000000000000"]);
    expect(hex([wide({ src: 2, map: 1, imm: 64n })])).toEqual(["1821000065000000", "0000000040000000"]);
  });
  test("counts slots, not instructions, between a jump and its target", () => {
    const jump: Instruction = { code: 0x05, dst: 0, src: 0, offset: 0, imm: 0, target: 2 };
    expect(hex([jump, wide({}), mov0, exit])[0]).toBe("0500020000000000");
    expect(slotIndices([jump, wide({}), mov0, exit])).toEqual([0, 1, 3, 4, 5]);
  });
  test("encodes a jump back", () => {
    expect(hex([mov0, { code: 0x15, dst: 0, src: 0, offset: 0, imm: 7, target: 0 }, exit])[1]).toBe("1500feff07000000");
  });
  test("encodes calls of helpers, local functions and kernel functions", () => {
    const call = (parts: Partial<Instruction>): Instruction => ({ code: 0x85, dst: 0, src: 0, offset: 0, imm: 0, ...parts });
    expect(hex([call({ imm: 14 }), call({ src: 1, target: 3 }), call({ src: 2, kfunc: "abc" }), exit])).toEqual([
      "850000000e000000",
      "8510000001000000",
      "8520020003000000",
      "9500000000000000",
    ]);
  });
  test("turns a goto that is too far into gotol where the instruction set has it, and refuses it elsewhere", () => {
    const far: Instruction[] = [{ code: 0x05, dst: 0, src: 0, offset: 0, imm: 0, target: 40001 }, ...Array<Instruction>(40000).fill(mov0), exit];
    expect(hex(far, 4)[0]).toBe("06000000409c0000");
    expect(() => encode(far, resolver, 3)).toThrow(SondeBug);
    expect(() => encode([{ ...far[0]!, code: 0x15 }, ...far.slice(1)], resolver, 4)).toThrow(/too far/);
  });
  test.each<[string, Instruction]>([
    ["a jump out of the program", { code: 0x05, dst: 0, src: 0, offset: 0, imm: 0, target: 9 }],
    ["an immediate of more than 32 bits", { ...mov0, imm: 2 ** 31 }],
    ["a bigint immediate of more than 32 bits", { ...mov0, imm: 2n ** 31n }],
    ["an offset of more than 16 bits", { code: 0x79, dst: 1, src: 10, offset: 40000, imm: 0 }],
    ["a register that doesn't exist", { ...mov0, dst: 11 }],
  ])("refuses %s as a bug of ours", (_, instruction) => {
    expect(() => encode([instruction, exit], resolver)).toThrow(SondeBug);
  });
});

test("decode gives back what was encoded, with targets for offsets", () => {
  const program: Instruction[] = [
    wide({ imm: -5n }),
    { code: 0x1d, dst: 3, src: 4, offset: 0, imm: 0, target: 3 },
    { code: 0x7b, dst: 10, src: 1, offset: -8, imm: 0 },
    { code: 0x85, dst: 0, src: 1, offset: 0, imm: 0, target: 5 },
    exit,
    { code: 0x06, dst: 0, src: 0, offset: 0, imm: 0, target: 6 },
    exit,
  ];
  expect(decode(encode(program, resolver))).toEqual(program);
});

test("decode undoes encode for every program", () => {
  const register = fc.integer({ min: 0, max: 9 });
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const offset = fc.integer({ min: -0x8000, max: 0x7fff });
  const plain = fc.record<Instruction>({
    code: fc.constantFrom(0x07, 0x0f, 0x04, 0xbf, 0x79, 0x7b, 0x7a, 0xdb, 0x91),
    dst: register,
    src: register,
    offset,
    imm: int32,
  });
  const wide64 = fc.record<Instruction>({
    code: fc.constant(0x18),
    dst: register,
    src: fc.constant(0),
    offset: fc.constant(0),
    imm: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  });
  const helper = fc.record<Instruction>({
    code: fc.constant(0x85),
    dst: fc.constant(0),
    src: fc.constant(0),
    offset: fc.constant(0),
    imm: fc.integer({ min: 1, max: 200 }),
  });
  const to = fc.nat(1000);
  const jump = fc.record<Instruction>({
    code: fc.constantFrom(0x05, 0x15, 0x1d, 0x56, 0xcd),
    dst: register,
    src: register,
    offset: fc.constant(0),
    imm: int32,
    target: to,
  });
  const far = fc.record<Instruction>({
    code: fc.constantFrom(0x06),
    dst: fc.constant(0),
    src: fc.constant(0),
    offset: fc.constant(0),
    imm: fc.constant(0),
    target: to,
  });
  const local = fc.record<Instruction>({
    code: fc.constant(0x85),
    dst: fc.constant(0),
    src: fc.constant(1),
    offset: fc.constant(0),
    imm: fc.constant(0),
    target: to,
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(plain, wide64, helper, jump, far, local), { minLength: 1, maxLength: 60 }), (given) => {
      const program = given.map((instruction) =>
        instruction.target === undefined ? instruction : { ...instruction, target: instruction.target % given.length },
      );
      expect(decode(encode(program, resolver))).toEqual(program);
    }),
  );
});
