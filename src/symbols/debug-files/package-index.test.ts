/** The index of a .dwp: what is found in it, and that a damaged one is bounded. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PackageIndex } from "./package-index.ts";

interface Made {
  readonly version: 2 | 5;
  readonly slots: number;
  readonly columns: readonly number[];
  readonly units: readonly { readonly id: bigint; readonly parts: readonly (readonly [offset: number, size: number])[] }[];
}

function make({ version, slots, columns, units }: Made): Buffer {
  const bytes = Buffer.alloc(16 + slots * 12 + columns.length * 4 * (1 + 2 * units.length));
  [version, columns.length, units.length, slots].forEach((word, i) => void bytes.writeUInt32LE(word, i * 4));
  const mask = BigInt(slots - 1);
  const names = 16 + slots * 12;
  columns.forEach((column, i) => void bytes.writeUInt32LE(column, names + i * 4));
  for (const [row, { id, parts }] of units.entries()) {
    let slot = id & mask;
    while (bytes.readUInt32LE(16 + slots * 8 + Number(slot) * 4) !== 0) slot = (slot + (((id >> 32n) & mask) | 1n)) & mask;
    bytes.writeBigUInt64LE(id, 16 + Number(slot) * 8);
    bytes.writeUInt32LE(row + 1, 16 + slots * 8 + Number(slot) * 4);
    for (const [column, [offset, size]] of parts.entries()) {
      const at = names + columns.length * 4 + (row * columns.length + column) * 4;
      bytes.writeUInt32LE(offset, at);
      bytes.writeUInt32LE(size, at + units.length * columns.length * 4);
    }
  }
  return bytes;
}
const shown = (bytes: Uint8Array, id: bigint) => Object.fromEntries(PackageIndex.read(bytes)?.find(id) ?? []);

describe("a unit's parts are found by its number", () => {
  const units = [3n, 0x1_0000_0003n, 0xffff_ffff_0000_0003n].map((id, i) => ({
    id,
    parts: [
      [i * 10, 10],
      [i * 7, 7],
    ] as const,
  }));
  test("also where others have taken its place", () => {
    const bytes = make({ version: 5, slots: 4, columns: [1, 5], units });
    expect(units.map(({ id }) => shown(bytes, id))).toEqual(
      [0, 1, 2].map((i) => ({ info: { offset: i * 10, size: 10 }, loclists: { offset: i * 7, size: 7 } })),
    );
    expect(PackageIndex.read(bytes)!.find(7n)).toBeUndefined();
  });
  test("the extension of DWARF 4 numbers sections otherwise", () =>
    expect(shown(make({ version: 2, slots: 4, columns: [2, 5], units }), 3n)).toEqual({ types: { offset: 0, size: 10 }, loc: { offset: 0, size: 7 } }));
  test("sections that aren't known are left out", () =>
    expect(shown(make({ version: 5, slots: 4, columns: [1, 99], units }), 3n)).toEqual({ info: { offset: 0, size: 10 } }));
  test("nothing is in a full table that doesn't have it", () =>
    expect(PackageIndex.read(make({ version: 5, slots: 4, columns: [1, 5], units: [...units, { id: 9n, parts: [] }] }))!.find(8n)).toBeUndefined());
});

describe("what isn't an index is none", () => {
  const good = make({ version: 5, slots: 2, columns: [1], units: [{ id: 1n, parts: [[0, 5]] }] });
  test("cut short", () => {
    for (let length = 0; length < good.length; length++) expect(PackageIndex.read(good.subarray(0, length))).toBeUndefined();
  });
  test("of another version, with a number of slots that isn't a power of two, with huge tables", () => {
    for (const [at, value] of [
      [0, 3],
      [12, 3],
      [4, 1 << 30],
      [8, 0xffffffff],
      [12, 0x80000000],
    ] as const) {
      const bytes = Buffer.from(good);
      bytes.writeUInt32LE(value, at);
      expect(PackageIndex.read(bytes)).toBeUndefined();
    }
  });
  test("changed anyhow, it answers or doesn't, and soon", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (changes, id) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        const found = PackageIndex.read(bytes)?.find(id);
        return found === undefined || found.size <= 6;
      }),
      { numRuns: 2000 },
    );
  });
});
