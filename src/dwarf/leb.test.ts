import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sleb as writeSleb, uleb as writeUleb } from "../../test/dwarf/assemble.ts";
import { afterLeb, big64, bigSleb, bigUleb, textAt, u16, u24, u32, u64, uleb } from "./leb.ts";

describe("numbers of varying length", () => {
  test("unsigned ones are read as they were written, exact to 53 bits", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const bytes = Uint8Array.from([...writeUleb(value), 0xff]);
        const position = { at: 0 };
        expect(uleb(bytes, position)).toBe(value);
        expect(position.at).toBe(bytes.length - 1);
        expect(afterLeb(bytes, 0)).toBe(bytes.length - 1);
      }),
    );
  });
  test("those of 64 bits keep all of them", () => {
    fc.assert(fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (value) => bigUleb(Uint8Array.from(writeUleb(value)), { at: 0 }) === value));
    fc.assert(fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => bigSleb(Uint8Array.from(writeSleb(value)), { at: 0 }) === value));
  });
  test("zeros that pad don't count", () => {
    expect(uleb(Uint8Array.from([0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), { at: 0 })).toBe(5);
    expect(bigSleb(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), { at: 0 })).toBe(-1n);
  });
  test("one that never ends does so with the bytes", () => {
    const bytes = new Uint8Array(1000).fill(0xff);
    const position = { at: 0 };
    uleb(bytes, position);
    expect(position.at).toBe(1001);
    expect(typeof bigUleb(bytes, { at: 0 })).toBe("bigint");
  });
});

test("numbers of fixed length are little-endian, and zero behind the end", () => {
  const bytes = Uint8Array.from([1, 2, 3, 0x84, 5, 6, 7, 0x88]);
  expect(u16(bytes, 0)).toBe(0x0201);
  expect(u24(bytes, 0)).toBe(0x030201);
  expect(u32(bytes, 0)).toBe(0x84030201);
  expect(u64(bytes, 0)).toBe(Number(0x8807060584030201n));
  expect(big64(bytes, 0)).toBe(0x8807060584030201n);
  expect(u32(bytes, 7)).toBe(0x88);
  expect(big64(bytes, 100)).toBe(0n);
});

test("text ends at a NUL, at the end, or at what was asked for", () => {
  const bytes = Buffer.from("abc\0zwölf");
  expect(textAt(bytes, 0)).toBe("abc");
  expect(textAt(bytes, 4)).toBe("zwölf");
  expect(textAt(bytes, 0, 2)).toBe("ab");
  expect(textAt(bytes, 100)).toBe("");
  expect(textAt(bytes, Number.NaN)).toBe("");
});
