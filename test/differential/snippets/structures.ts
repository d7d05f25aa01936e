/** A page of C structures in the target's memory, and their types as debug information would give them. */
import type { CField, CStruct, CType } from "../../../src/schema/ctypes.ts";

const PAGE = 0x4000_0000;
const TEXTS = 0x1000_0000;
const UNREADABLE = 0x2000_0000;

/** Where each thing lies in the page. */
export const at = {
  /** Three nodes, of which the second is the last, and the third's next one can't be read. */
  first: PAGE,
  second: PAGE + 256,
  third: PAGE + 512,
  points: PAGE + 1024,
  pointers: PAGE + 1104,
  slice: PAGE + 1136,
  text: PAGE + 1152,
  numbers: PAGE + 1168,
  /** At the page's end: what lies behind can't be read. */
  last: PAGE + 4096 - 6,
} as const;

export const i32: CType = { k: "int", name: "i32" };
export const u8: CType = { k: "int", name: "u8" };
export const u16: CType = { k: "int", name: "u16" };
export const u32: CType = { k: "int", name: "u32" };
export const u64: CType = { k: "int", name: "u64" };
export const i64: CType = { k: "int", name: "i64" };
export const i8: CType = { k: "int", name: "i8" };
export const pointer = (to?: CType): CType => ({ k: "pointer", to });
export const struct = (name: string): CType => ({ k: "struct", name });
export const array = (of: CType, length: number): CType => ({ k: "array", of, length });
export const color: CType = {
  k: "enum",
  name: "color",
  size: 4,
  signed: true,
  names: [
    ["RED", 0n],
    ["GREEN", 5n],
    ["ALSO_GREEN", 5n],
    ["BLUE", -2n],
  ],
};

const field = (name: string, offset: number, type: CType, bits?: CField["bits"]): CField => ({ name, offset, type, ...(bits && { bits }) });
const described = (name: string, size: number, ...fields: readonly CField[]): CStruct => ({ name, size, fields });

export const structs: { readonly [name: string]: CStruct } = {
  node: described(
    "node",
    176,
    field("id", 0, i32),
    field("next", 8, pointer(struct("node"))),
    field("name", 16, array(i8, 8)),
    field("flags", 24, u32, { offset: 0, size: 3 }),
    field("level", 24, i32, { offset: 3, size: 5 }),
    field("across", 24, u32, { offset: 8, size: 14 }),
    field("wide", 32, i64, { offset: 12, size: 40 }),
    field("on", 32, { k: "bool" }, { offset: 63, size: 1 }),
    field("kind", 40, color),
    field("ok", 44, { k: "bool" }),
    field("ratio", 48, { k: "float", size: 4 }),
    field("big", 56, { k: "float", size: 8 }),
    field("u", 64, struct("either")),
    field("grid", 72, array(array({ k: "int", name: "i16" }, 3), 2)),
    field("points", 88, array(struct("point"), 3)),
    field("at", 112, pointer(struct("point"))),
    field("table", 120, pointer(pointer(struct("point")))),
    field("text", 128, pointer(i8)),
    field("any", 136, pointer()),
    field("exact", 144, { k: "unknown", size: 16, what: "long double" }),
    field("", 160, struct("anonymous")),
    field("opaque", 168, pointer(struct("hidden"))),
    field("items", 176, array(u16, 0)),
  ),
  either: described("either", 8, field("whole", 0, i64), field("half", 0, u32), field("parts", 0, struct("parts"))),
  parts: described("parts", 2, field("a", 0, u8), field("b", 1, i8)),
  point: described("point", 8, field("x", 0, i32), field("y", 4, i32)),
  anonymous: described("anonymous", 8, field("inner", 0, i32), field("", 4, struct("choice"))),
  choice: described("choice", 4, field("p", 0, u32), field("q", 0, u16)),
  "slice<i32>": { ...described("slice<i32>", 16, field("data", 0, pointer(i32)), field("len", 8, u64)), slice: { address: "data", length: "len" } },
  "&str": { ...described("&str", 16, field("data_ptr", 0, pointer(u8)), field("length", 8, u64)), slice: { address: "data_ptr", length: "length" } },
  mixed: described("mixed", 16, field("a", 0, i64), field("b", 8, i32), field("c", 12, u8)),
  packed: described(
    "packed",
    12,
    field("tag", 0, u8),
    field("word", 1, u32),
    field("letters", 5, array(i8, 4)),
    field("low", 9, u8, { offset: 0, size: 4 }),
    field("high", 9, i8, { offset: 4, size: 4 }),
  ),
  three: described("three", 3, field("letters", 0, array(i8, 3))),
  shorts: described("shorts", 8, field("all", 0, array({ k: "int", name: "i16" }, 4))),
};

interface Node {
  readonly id: number;
  readonly next: number;
  readonly name: string;
  readonly kind: number;
  readonly ratio: number;
}

export function structuresPage(): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  const word = (address: number, value: number | bigint): void => view.setBigUint64(address - PAGE, BigInt.asUintN(64, BigInt(value)), true);
  const half = (address: number, value: number): void => view.setInt32(address - PAGE, value, true);
  const characters = (address: number, text: string): void => bytes.set(new TextEncoder().encode(text), address - PAGE);
  const node = (base: number, { id, next, name, kind, ratio }: Node): void => {
    half(base, id);
    word(base + 8, next);
    characters(base + 16, name);
    // flags 5, level -3, across 0x2abc
    word(base + 24, 5 | (29 << 3) | (0x2abc << 8));
    word(base + 32, ((BigInt.asUintN(40, -123_456_789_012n) << 12n) | 0xfffn) + (1n << 63n));
    half(base + 40, kind);
    bytes[base + 44 - PAGE] = id % 2;
    view.setFloat32(base + 48 - PAGE, ratio, true);
    view.setFloat64(base + 56 - PAGE, -1.5 * id, true);
    word(base + 64, 0x1122_3344_5566_f708n);
    for (let i = 0; i < 6; i++) view.setInt16(base + 72 + 2 * i - PAGE, 100 * i - 200, true);
    for (let i = 0; i < 6; i++) half(base + 88 + 4 * i, 10 * i - 20);
    word(base + 112, at.points + 8);
    word(base + 120, at.pointers);
    word(base + 128, TEXTS + 2 * 128);
    word(base + 136, at.second);
    half(base + 160, -7);
    half(base + 164, 0x1_8002);
    word(base + 168, at.points);
    for (let i = 0; i < 4; i++) view.setUint16(base + 176 + 2 * i - PAGE, 40_000 + i, true);
  };
  node(at.first, { id: 1, next: at.second, name: "abcdefgh", kind: 5, ratio: 0.5 });
  node(at.second, { id: -2, next: 0, name: "short", kind: -2, ratio: -3.25 });
  node(at.third, { id: 3, next: UNREADABLE, name: "", kind: 77, ratio: 1e-45 });
  for (let i = 0; i < 10; i++) half(at.points + 4 * i, 1000 + i);
  word(at.pointers, at.points + 16);
  word(at.pointers + 8, 0);
  word(at.pointers + 16, UNREADABLE);
  word(at.slice, at.numbers);
  word(at.slice + 8, 3);
  word(at.text, TEXTS + 3 * 128);
  word(at.text + 8, 5);
  for (const [i, n] of [-1, 2, 300, 4].entries()) half(at.numbers + 4 * i, n);
  characters(at.last, "endend");
  return bytes;
}
