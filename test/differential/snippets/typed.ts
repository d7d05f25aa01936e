/** Handlers on a program's own types: signatures as debug information gives them, and what each handler prints. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: handlers are written as text here.
import type { CPlace, CType, Signature, SinglePlace } from "../../../src/schema/ctypes.ts";
import { AT_END, text, UNREADABLE, WORDS } from "./snippet.ts";
import { array, at, color, i8, i32, i64, pointer, struct, structs, u16, u32, u64 } from "./structures.ts";

export interface TypedCase {
  readonly name: string;
  readonly signature: Signature;
  readonly body: string;
  /** Arguments of the hits, and what is printed at each. */
  readonly hits: readonly (readonly [args: readonly (number | bigint)[], prints: string])[];
  readonly misses?: number;
}

type Param = readonly [name: string, type: CType, place?: CPlace];
const signature = (params: readonly Param[], variables?: Signature["variables"]): Signature => ({
  params: params.map(([name, type, place]) => ({ name, type, ...(place && { place }) })),
  ret: { k: "void" },
  structs,
  ...(variables && { variables }),
});
type Parts = Extract<CPlace, { k: "registers" }>["parts"];
const registers = (...parts: readonly (readonly [Parts[number]["register"], number, number])[]): SinglePlace => ({
  k: "registers",
  parts: parts.map(([register, offset, size]) => ({ register, offset, size })),
});
const node = signature([["n", pointer(struct("node"))]]);
const print = (...values: readonly string[]): string => `print\`${values.map((value) => `\${${value}}`).join(" ")}\`;`;

export const behindPointers: readonly TypedCase[] = [
  {
    name: "fields, through pointers as far as they can be read",
    signature: node,
    body: print("c.args.n.id", "c.args.n.next?.id", "c.args.n.next?.next?.id", "c.args.n.next.next.next.id"),
    hits: [
      [[at.first], "1 -2 <unreadable> <unreadable>"],
      [[at.second], "-2 <unreadable> <unreadable> <unreadable>"],
      [[at.third], "3 <unreadable> <unreadable> <unreadable>"],
      [[0], "<unreadable> <unreadable> <unreadable> <unreadable>"],
      [[UNREADABLE], "<unreadable> <unreadable> <unreadable> <unreadable>"],
    ],
  },
  {
    name: "bit-fields, signed and not, over several bytes",
    signature: node,
    body: print("c.args.n.flags", "c.args.n.level", "c.args.n.across", "c.args.n.wide", "c.args.n.on"),
    hits: [
      [[at.first], "5 -3 10940 -123456789012 true"],
      [[0], "<unreadable> <unreadable> <unreadable> <unreadable> <unreadable>"],
    ],
  },
  {
    name: "a bit-field of the last bytes that can be read",
    signature: signature([["p", pointer(struct("packed"))]]),
    body: print("c.args.p.word", "c.args.p.low", "c.args.p.high"),
    hits: [
      [[at.last - 4], "1694498816 4 6"],
      [[at.last - 3], "1852112896 <unreadable> <unreadable>"],
    ],
  },
  {
    name: "enumerators print their names, are compared with them, and have numbers",
    signature: node,
    body: `${print("c.args.n.kind", "c.args.n.kind === 'GREEN'", "c.args.n.kind !== 'BLUE'", "i32(c.args.n.kind)")} switch (c.args.n.kind) { case 'RED': case 'BLUE': print\`red or blue\`; break; case 'GREEN': print\`green\`; break; default: print\`other\`; }`,
    hits: [
      [[at.first], "GREEN true true 5|green"],
      [[at.second], "BLUE false false -2|red or blue"],
      [[at.third], "77 false true 77|other"],
      [[0], "<unreadable> false true <unreadable>|other"],
    ],
  },
  {
    name: "booleans, unions, structures without a name",
    signature: node,
    body: print("c.args.n.ok", "c.args.n.u.whole", "c.args.n.u.half", "c.args.n.u.parts.a", "c.args.n.u.parts.b", "c.args.n.inner", "c.args.n.p", "c.args.n.q"),
    hits: [
      [[at.first], "true 1234605616436541192 1432811272 8 -9 -7 98306 32770"],
      [[at.second], "false 1234605616436541192 1432811272 8 -9 -7 98306 32770"],
    ],
  },
  {
    name: "arrays of arrays and of structures",
    signature: node,
    body: print(
      "c.args.n.grid[0][1]",
      "c.args.n.grid[1]?.[2]",
      "c.args.n.points[2].y",
      "c.args.n.points[c.arg1].x",
      "c.args.n.points.length",
      "c.args.n.items[3]",
    ),
    hits: [
      [[at.first, 1], "-100 300 30 0 3 40003"],
      [[at.second, 2], "-100 300 30 20 3 40003"],
      [[0, 0], "<unreadable> <unreadable> <unreadable> <unreadable> 3 <unreadable>"],
    ],
  },
  {
    name: "pointers to pointers, as keys, compared with 0, and with bytes added",
    signature: node,
    body: print(
      "c.args.n.at?.x",
      "c.args.n.at?.[2]?.x",
      "c.args.n.table?.[0]?.y",
      "c.args.n.table?.[1]?.y",
      "c.args.n.table?.[2]?.y",
      "c.args.n.table?.[1] === 0",
      "hex(c.args.n + 16)",
      "c.args.n === 0",
    ),
    hits: [
      [[at.first], "1002 1006 1005 <unreadable> <unreadable> true hex(1073741840) false"],
      [[0], "<unreadable> <unreadable> <unreadable> <unreadable> <unreadable> false hex(16) true"],
    ],
  },
  {
    name: "texts in arrays end with them, texts behind pointers with their NUL",
    signature: node,
    body: print(
      "str(c.args.n.name)",
      "str(c.args.n.name, 4)",
      "str(c.args.n.name, 7)",
      "str(c.args.n.text)",
      "str(c.args.n.name)?.length",
      "buf(c.args.n.name, 3)",
    ),
    hits: [
      [[at.first], "abcdefgh abcd… abcdefg… hello 8 <616263>"],
      [[at.second], "short shor… short hello 5 <73686f>"],
      [[at.third], "   hello 0 <000000>"],
      [[0], "<unreadable> <unreadable> <unreadable> <unreadable> <unreadable> <unreadable>"],
    ],
  },
  {
    name: "casts to a structure of the program, and to pointers to pointers",
    signature: node,
    body: print(
      "(c.args.n.any as Ptr<TheNode>).id",
      "(c.args.n.table as Ptr<Ptr<point>>)[0]?.x",
      "(c.args.n.grid as Ptr<i32>)[0]",
      "(c.args.n.any as Ptr<u8>)[0]",
    ),
    hits: [[[at.first], "-2 1004 -6488264 254"]],
  },
  {
    name: "loops over arrays: unrolled ones, long ones, left early",
    signature: signature([
      ["n", pointer(struct("node"))],
      ["long", pointer(array(i32, 10))],
    ]),
    body: `let s = 0; let k = 0; for (const p of c.args.n.points) { if (p.x === 0) continue; s += (p.x ?? 0) * 100 + (p.y ?? 0); }
      for (const x of c.args.long[0]) { if (x === undefined || x === 1007) break; k += x; } print\`\${s} \${k}\`; for (const row of c.args.n.grid) for (const v of row) { if (v === 300) print\`found\`; }`,
    hits: [
      [[at.first, at.points], "20 7021|found"],
      [[at.first, 0], "20 0|found"],
    ],
  },
  {
    name: "slices end at their length, and texts know theirs",
    signature: signature([
      ["s", pointer(struct("slice<i32>"))],
      ["t", pointer(struct("&str"))],
    ]),
    body: print(
      "c.args.s[0][c.arg2]",
      "c.args.s.length",
      "c.args.s.len",
      "str(c.args.t[0])",
      "str(c.args.t[0], 3)",
      "buf(c.args.s[0], 16)",
      "c.args.t[0].length",
    ),
    hits: [
      [[at.slice, at.text, 0], "-1 3 3 hello hel… <ffffffff020000002c010000> 5"],
      [[at.slice, at.text, 2], "300 3 3 hello hel… <ffffffff020000002c010000> 5"],
      [[at.slice, at.text, 3], "<unreadable> 3 3 hello hel… <ffffffff020000002c010000> 5"],
      [[at.slice, at.text, -1], "<unreadable> 3 3 hello hel… <ffffffff020000002c010000> 5"],
      [[0, UNREADABLE, 0], "<unreadable> <unreadable> <unreadable> <unreadable> <unreadable> <unreadable> <unreadable>"],
    ],
  },
  {
    name: "what can't be read is counted as a miss where it is recorded",
    signature: node,
    body: "total.add(c.args.n.next?.id); byKind.at(c.args.n.kind).add(); byPointer.at(c.args.n.next).add();",
    hits: [
      [[at.second], ""],
      [[0], ""],
    ],
    misses: 4,
  },
];

export const inRegisters: readonly TypedCase[] = [
  {
    name: "a structure in one register",
    signature: signature([["p", struct("point"), registers(["rdi", 0, 8])]]),
    body: print("c.args.p.x", "c.args.p.y", "c.args.p.x + c.args.p.y"),
    hits: [
      [[0xffff_fffe_0000_0003n], "3 -2 1"],
      [[0x7fff_ffff_8000_0000n], "-2147483648 2147483647 -1"],
    ],
  },
  {
    name: "a structure in two registers, of which the second isn't full",
    signature: signature([
      ["m", struct("mixed"), registers(["rdi", 0, 8], ["rsi", 8, 8])],
      ["after", i32, registers(["rdx", 0, 4])],
    ]),
    body: print("c.args.m.a", "c.args.m.b", "c.args.m.c", "c.args.after"),
    hits: [[[-5, 0xdead_beef_ffff_fff9n, 0xffff_ffff_0000_0007n], "-5 -7 239 7"]],
  },
  {
    name: "fields that aren't on their alignment, bit-fields and characters in registers",
    signature: signature([["p", struct("packed"), registers(["rdi", 0, 8], ["rsi", 8, 4])]]),
    body: print(
      "c.args.p.tag",
      "c.args.p.word",
      "str(c.args.p.letters)",
      "str(c.args.p.letters, 2)",
      "buf(c.args.p.letters, 3)",
      "c.args.p.letters[1]",
      "c.args.p.low",
      "c.args.p.high",
    ),
    hits: [[[0x6362_6112_3456_78aan, 0x3964], "170 305419896 abcd ab… <616263> 98 9 3"]],
  },
  {
    name: "three bytes of a register",
    signature: signature([["p", struct("three"), registers(["rdi", 0, 3])]]),
    body: print("str(c.args.p.letters)", "c.args.p.letters[2]", "c.args.p.letters.length"),
    hits: [
      [[0xffff_ff63_6261n], "abc 99 3"],
      [[0x61], "a 0 3"],
    ],
  },
  {
    name: "an array in a register: by any index, in a loop",
    signature: signature([["p", struct("shorts"), registers(["rdi", 0, 8])]]),
    body: `let s = 0; for (const x of c.args.p.all) s += x; ${print("c.args.p.all[c.arg1]", "s")}`,
    hits: [
      [[0x0004_0003_fffe_0001n, 1], "-2 6"],
      [[0x0004_0003_fffe_0001n, 3], "4 6"],
      [[0x0004_0003_fffe_0001n, 4], "<unreadable> 6"],
      [[0x0004_0003_fffe_0001n, -1], "<unreadable> 6"],
    ],
  },
  {
    name: "one of two structures, in a variable and by a condition",
    signature: signature([
      ["p", struct("mixed"), registers(["rdi", 0, 8], ["rsi", 8, 8])],
      ["q", struct("mixed"), registers(["rdx", 0, 8], ["rcx", 8, 8])],
    ]),
    body: `let m = c.args.p; const first = m; const one = c.arg4 > 1 ? c.args.q : m; if (c.arg4 > 0) m = c.args.q; ${print("m.a", "m.b", "first.a", "one.b")}`,
    hits: [
      [[1, 2, 3, 4, 0], "1 2 1 2"],
      [[1, 2, 3, 4, 1], "3 4 1 2"],
      [[1, 2, 3, 4, 2], "3 4 1 4"],
    ],
  },
  {
    name: "a string in two registers, and a slice",
    signature: signature([
      ["s", struct("&str"), registers(["rdi", 0, 8], ["rsi", 8, 8])],
      ["n", struct("slice<i32>"), registers(["rdx", 0, 8], ["rcx", 8, 8])],
    ]),
    body: print("str(c.args.s)", "c.args.s.length", "c.args.n[1]", "c.args.n[c.arg4]", "buf(c.args.s, 4)"),
    hits: [
      [[text(3), 7, at.numbers, 2, 0], "hello w 7 2 -1 <68656c6c>"],
      [[text(3), 0, at.numbers, 2, 2], " 0 2 <unreadable> <>"],
      [[UNREADABLE, 4, 0, 2, 0], "<unreadable> 4 <unreadable> <unreadable> <unreadable>"],
      [[AT_END, 3, at.numbers, 1, 0], "at  3 <unreadable> -1 <617420>"],
    ],
  },
  {
    name: "scalars in parts of registers: pointers, enumerators, booleans",
    signature: signature([
      ["p", pointer(struct("point")), registers(["rsi", 0, 8])],
      ["e", color, registers(["rdi", 0, 4])],
      ["b", { k: "bool" }, registers(["rdx", 0, 1])],
      ["u", u16, registers(["rcx", 0, 2])],
      ["s", i8, registers(["rcx", 0, 1])],
    ]),
    body: print("c.args.p.y", "c.args.e", "c.args.b", "c.args.u", "c.args.s"),
    hits: [
      [[0xffff_0000_0005n, at.points, 0xff00, 0x1_ffff], "1001 GREEN false 65535 -1"],
      [[0xffff_fffen, at.points + 8, 0xff01, 0x80], "1003 BLUE true 128 -128"],
    ],
  },
];

const inMemory = (...address: Extract<CPlace, { k: "memory" }>["address"]): SinglePlace => ({ k: "memory", address });
const computed = (...steps: Extract<CPlace, { k: "memory" }>["address"]): SinglePlace => ({ k: "value", steps });
const pieces = (...parts: readonly (readonly [offset: number, size: number, place: SinglePlace])[]): CPlace => ({
  k: "pieces",
  parts: parts.map(([offset, size, place]) => ({ offset, size, place })),
});
const nowhere: SinglePlace = { k: "none", why: "the compiler has removed it" };
const rdi = (plus = 0n) => ({ op: "register", register: "rdi", plus }) as const;
const rsi = (plus = 0n) => ({ op: "register", register: "rsi", plus }) as const;
const constant = (value: bigint) => ({ op: "constant", value }) as const;
const op = (name: "add" | "sub" | "mul" | "and" | "or" | "xor" | "shl" | "shr" | "sar" | "neg" | "not") => ({ op: name });

export const placed: readonly TypedCase[] = [
  {
    name: "variables in memory, at addresses that are computed and read",
    signature: signature(
      [],
      [
        { name: "id", type: i32, place: inMemory(rdi()) },
        { name: "next", type: struct("node"), place: inMemory(rdi(8n), { op: "read", size: 8 }) },
        { name: "y", type: i32, place: inMemory(rdi(120n), { op: "read", size: 8 }, { op: "read", size: 8 }, constant(4n), op("add")) },
        { name: "name", type: array(i8, 8), place: inMemory(rdi(16n)) },
        { name: "id", type: u64, place: { k: "none", why: "it is another one" } },
      ],
    ),
    body: print("c.vars.id", "c.vars.next.id", "c.vars.next?.points[1].x", "c.vars.y", "str(c.vars.name)"),
    hits: [
      [[at.first], "1 -2 0 1005 abcdefgh"],
      [[at.second], "-2 <unreadable> <unreadable> 1005 short"],
      [[UNREADABLE], "<unreadable> <unreadable> <unreadable> <unreadable> <unreadable>"],
    ],
  },
  {
    name: "values that are computed",
    signature: signature(
      [],
      [
        { name: "a", type: i64, place: computed(rdi(2n), rsi(), op("sub"), constant(3n), op("mul")) },
        { name: "b", type: u32, place: computed(rdi(), op("not"), rsi(), op("xor")) },
        { name: "c", type: i8, place: computed(rdi(), constant(4n), op("shl")) },
        { name: "d", type: i64, place: computed(rdi(), op("neg"), constant(1n), op("sar")) },
        { name: "e", type: u64, place: computed(rdi(), op("neg"), constant(60n), op("shr")) },
        { name: "f", type: i64, place: computed(rdi(), rsi(), op("or"), constant(0xffn), op("and")) },
        { name: "g", type: i64, place: computed(constant(-9n)) },
        { name: "p", type: struct("point"), place: computed(rdi()) },
        { name: "q", type: pointer(struct("point")), place: computed(constant(BigInt(at.points))) },
        { name: "r", type: i32, place: computed(rsi(), { op: "read", size: 4 }) },
        { name: "n", type: struct("either"), place: computed(rsi(), { op: "read", size: 8 }) },
      ],
    ),
    body: print(
      "c.vars.a",
      "c.vars.b",
      "c.vars.c",
      "c.vars.d",
      "c.vars.e",
      "c.vars.f",
      "c.vars.g",
      "c.vars.p.x",
      "c.vars.q[1].y",
      "c.vars.r",
      "c.vars.n?.parts.a",
      "c.vars.n.half",
    ),
    hits: [
      [[9, WORDS + 40n], `${3n * (11n - (WORDS + 40n))} ${BigInt.asUintN(32, ~9n ^ (WORDS + 40n))} -112 -5 15 41 -9 9 1003 1432778632 136 1432778632`],
      [[7, 0], `27 ${BigInt.asUintN(32, ~7n)} 112 -4 15 7 -9 7 1003 <unreadable> <unreadable> <unreadable>`],
    ],
  },
  {
    name: "a structure in pieces: in a register, in memory, computed, and nowhere",
    signature: signature([
      [
        "n",
        struct("node"),
        pieces(
          [0, 4, registers(["rdi", 0, 4])],
          [4, 4, nowhere],
          [8, 8, computed(rsi(1n))],
          // `name`, the bit-fields, `kind` and `ok`; `ratio` begins in them.
          [16, 34, inMemory({ op: "register", register: "rdx", plus: 16n })],
          [50, 6, nowhere],
          [56, 8, computed({ op: "register", register: "rcx", plus: 0n }, { op: "read", size: 8 })],
          [64, 8, registers(["rdi", 0, 8])],
          [72, 8, nowhere],
          [80, 8, registers(["rdi", 0, 8])],
        ),
      ],
      ["sum", i64, pieces([0, 4, registers(["rdi", 0, 4])], [4, 4, inMemory(rsi())])],
    ]),
    body: print(
      "c.args.n.id",
      "c.args.n.next",
      "str(c.args.n.name)",
      "c.args.n.across",
      "c.args.n.kind",
      "c.args.n.ratio",
      "c.args.n.big",
      "c.args.n.u.half",
      "c.args.n.grid[0][1]",
      "c.args.n.grid[1][2]",
      "c.args.sum",
    ),
    hits: [
      [[-7, at.first, at.first, at.first + 56], "-7 1073741825 abcdefgh 10940 GREEN <unreadable> 000000000000f8bf 4294967289 <unreadable> -1 8589934585"],
      [[8, 0, UNREADABLE, UNREADABLE], "8 1 <unreadable> <unreadable> <unreadable> <unreadable> <unreadable> 8 <unreadable> 0 <unreadable>"],
    ],
  },
  {
    name: "a structure in pieces that enter hands to leave, where it could be read and where it couldn't",
    signature: signature([["p", struct("mixed"), pieces([0, 8, registers(["rdi", 0, 8])], [8, 8, inMemory(rsi())])]]),
    body: `{ enter: (c) => ({ p: c.args.p }), leave: (c, at) => { ${print("at.p.a", "at.p.b")} } }`,
    hits: [
      [[-1, at.points], "-1 1000"],
      [[-2, UNREADABLE], "-2 <unreadable>"],
    ],
  },
  {
    name: "floats of 4 and 8 bytes in memory",
    signature: node,
    body: print("c.args.n.ratio", "c.args.n.big"),
    hits: [
      [[at.first], "000000000000e03f 000000000000f8bf"],
      [[at.second], "0000000000000ac0 0000000000000840"],
      [[at.third], "000000000000a036 00000000000012c0"],
      [[0], "<unreadable> <unreadable>"],
    ],
  },
  {
    name: "what enter hands to leave: a structure that was in registers, a pointer, an enumerator",
    signature: signature([
      ["p", struct("mixed"), registers(["rdi", 0, 8], ["rsi", 8, 8])],
      ["n", pointer(struct("node")), registers(["rdx", 0, 8])],
      ["e", color, registers(["rcx", 0, 4])],
    ]),
    body: `{ enter: (c) => ({ p: c.args.p, n: c.args.n, e: c.args.e }), leave: (c, at) => { ${print("at.p.a", "at.p.b", "at.n.id", "at.e")} } }`,
    hits: [[[-1, 0x1_0000_0002n, at.first, 5], "-1 2 1 GREEN"]],
  },
];
