/** Go's table in each of its forms, written here, and tables that lie. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GoFunctions } from "./go-pclntab.ts";
import type { ElfImage } from "./image.ts";
import { memorySource } from "./source.ts";

const TEXT = 0x401000;
/** Two functions, at 0 and 0x40; the first has lines 10 and (from its byte 16 on) 12. */
const FUNCTIONS = [
  { name: "main.main", at: 0 },
  { name: "main.(*T).Run", at: 0x40 },
];
const FILE = "/src/main.go";
/** Value changes as zigzag, lengths: from -1 to the file 1, which units count from their start; to the line 10, and to 12. */
const FILES = [4, 0x40, 0];
const LINES = [22, 16, 4, 48, 0];

function imageOf(table: Uint8Array): ElfImage {
  const section = { index: 1, name: ".gopclntab", type: 1, flags: 2, address: 0x500000, offset: 0, size: table.length, link: 0, info: 0, entrySize: 0 };
  return { source: memorySource(table), type: "executable", entry: TEXT, segments: [], sections: [section] };
}

const u32 = (...values: readonly number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
const u64 = (...values: readonly number[]): Buffer => Buffer.from(BigUint64Array.from(values, BigInt).buffer);

/** The table as the given version of Go writes it. */
function tableOf(magic: number): Buffer {
  const old = magic === 0xfffffffb;
  const narrow = magic === 0xfffffff0 || magic === 0xfffffff1;
  const word = narrow ? u32 : u64;
  const base = narrow ? 0 : TEXT;
  const names = Buffer.from(`${FUNCTIONS.map(({ name }) => name).join("\0")}\0`);
  const pcs = Buffer.from([0, ...FILES, ...LINES]);
  const file = Buffer.from(`${FILE}\0`);
  const header = 8 + 8 * (old ? 1 : narrow ? 8 : 7);
  const functabSize = (FUNCTIONS.length * 2 + 1) * (narrow ? 4 : 8);
  const recordSize = (narrow ? 4 : 8) + 36;
  // In the oldest form everything is counted from the table's start, and the place of the files' table is behind that of functions.
  const filesAt = header + functabSize + 4;
  const recordsAt = old ? filesAt + 8 : functabSize;
  const namesAt = old ? recordsAt + FUNCTIONS.length * recordSize : 0;
  const pcsAt = old ? namesAt + names.length : 0;
  const functab = Buffer.concat([...FUNCTIONS.map(({ at }, i) => word(base + at, recordsAt + i * recordSize)), word(base + 0x80)]);
  const records = FUNCTIONS.map(({ at }, i) => {
    const name = namesAt + FUNCTIONS.slice(0, i).reduce((sum, before) => sum + before.name.length + 1, 0);
    return Buffer.concat([word(base + at), u32(name, 0, 0, 0, pcsAt + 1, pcsAt + 1 + FILES.length, 0, 0, 0)]);
  });
  const start = Buffer.concat([u32(magic), Buffer.from([0, 0, 1, 8])]);
  if (old) return Buffer.concat([start, u64(FUNCTIONS.length), functab, u32(filesAt), u32(1, pcsAt + pcs.length), ...records, names, pcs, file]);
  const parts = [names, u32(0, 0), file, pcs, Buffer.concat([functab, ...records])];
  const places = parts.map((_, i) => header + parts.slice(0, i).reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([start, u64(FUNCTIONS.length, 1, ...(narrow ? [TEXT] : []), ...places), ...parts]);
}

describe.each([
  ["1.2", 0xfffffffb],
  ["1.16", 0xfffffffa],
  ["1.18", 0xfffffff0],
  ["1.20", 0xfffffff1],
] as const)("the table of Go %s", (_, magic) => {
  const table = tableOf(magic);
  const functions = GoFunctions.read(imageOf(table));

  test("has names, addresses and sizes", () => {
    expect(functions?.count).toBe(2);
    expect([0, 1].map((i) => [functions?.name(i), functions?.address(i), functions?.size(i)])).toEqual([
      ["main.main", TEXT, 0x40],
      ["main.(*T).Run", TEXT + 0x40, 0x40],
    ]);
    expect(functions?.find("main.(*T).Run")).toEqual([1]);
    expect(functions?.find("main")).toEqual([]);
  });
  test("tells which function and line an address is of", () => {
    expect([TEXT - 1, TEXT, TEXT + 0x3f, TEXT + 0x40, TEXT + 0x80].map((address) => functions?.at(address))).toEqual([undefined, 0, 0, 1, undefined]);
    expect(functions?.line(TEXT)).toEqual({ file: FILE, line: 10 });
    expect(functions?.line(TEXT + 16)).toEqual({ file: FILE, line: 12 });
    expect(functions?.line(TEXT + 0x80)).toBeUndefined();
  });
  test("that lies gives nothing wrong enough to throw", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(table.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), fc.nat(table.length), (changes, length) => {
        const lying = Buffer.from(table);
        for (const [at, byte] of changes) lying[at] = byte;
        for (const bytes of [lying, lying.subarray(0, length)]) {
          const read = GoFunctions.read(imageOf(bytes));
          if (read === undefined) continue;
          expect(read.count).toBeLessThanOrEqual(bytes.length);
          read.find("main.main");
          read.line(TEXT + 20);
          for (let i = 0; i < Math.min(read.count, 8); i++) expect(typeof read.name(i)).toBe("string");
        }
      }),
      { numRuns: 1000 },
    );
  });
});

test("another magic number, or another size of pointers, is no table", () => {
  const table = tableOf(0xfffffff1);
  table[7] = 4;
  expect(GoFunctions.read(imageOf(table))).toBeUndefined();
  expect(GoFunctions.read(imageOf(Buffer.from(tableOf(0xfffffff1)).fill(0, 0, 4)))).toBeUndefined();
  expect(GoFunctions.read(imageOf(new Uint8Array(4)))).toBeUndefined();
});
