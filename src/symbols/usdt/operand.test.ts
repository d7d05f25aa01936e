/** Operands as assemblers write them: each form's place, what can't be read, and values of made-up registers and memory. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesAt, type Stop, valuesOf } from "../../../test/dwarf/gdb.ts";
import type { CPlace, CType } from "../../schema/ctypes.ts";
import { placeOfOperand } from "./operand.ts";
import { usdtSignature } from "./signature.ts";

const SYMBOLS: { readonly [name: string]: readonly bigint[] } = {
  table: [0x4040n],
  "count.0": [0x4100n],
  _ZN1aE: [0x4200n],
  same: [0x1n, 0x2n],
  again: [3n, 3n],
};
const addressesOf = (name: string): readonly bigint[] => (Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name]! : []);
const i64 = { size: 8, signed: true, float: false } as const;
const place = (operand: string): CPlace => placeOfOperand(operand, i64, addressesOf);
const register = (name: string, plus = 0n) => ({ op: "register", register: name, plus });
const constant = (value: bigint) => ({ op: "constant", value });
const address = (value: bigint) => ({ op: "address", value });
const memory = (...steps: readonly object[]) => ({ k: "memory", address: steps });
const [add, mul] = [{ op: "add" }, { op: "mul" }];

describe("the place of an operand", () => {
  test.each<[string, object]>([
    ["$5", { k: "value", steps: [constant(5n)] }],
    ["$-1", { k: "value", steps: [constant(-1n)] }],
    ["$0x10", { k: "value", steps: [constant(16n)] }],
    ["$010", { k: "value", steps: [constant(8n)] }],
    ["$18446744073709551615", { k: "value", steps: [constant(-1n)] }],
    ["$table+8", { k: "value", steps: [address(0x4048n)] }],
    ["%rax", { k: "registers", parts: [{ register: "rax", offset: 0, size: 8 }] }],
    ["%R15", { k: "registers", parts: [{ register: "r15", offset: 0, size: 8 }] }],
    ["%xmm15", { k: "registers", parts: [{ register: "xmm15", offset: 0, size: 8 }] }],
    ["(%rax)", memory(register("rax"))],
    ["8(%rbp)", memory(register("rbp", 8n))],
    ["-0x8(%rbp)", memory(register("rbp", -8n))],
    ["8+-24(%rbp)", memory(register("rbp", -16n))],
    ["-8+3+1(%rbp)", memory(register("rbp", -4n))],
    ["(%rdi,%rsi)", memory(register("rdi"), register("rsi"), add)],
    ["-8(%rbp,%rax,4)", memory(register("rbp", -8n), register("rax"), constant(4n), mul, add)],
    ["( %rbp , %rax , 1 )", memory(register("rbp"), register("rax"), add)],
    ["(,%rax,8)", memory(constant(0n), register("rax"), constant(8n), mul, add)],
    ["table(,%rax,8)", memory(address(0x4040n), register("rax"), constant(8n), mul, add)],
    ["-8+table(%rbx,%rax,2)", memory(address(0x4038n), register("rbx"), add, register("rax"), constant(2n), mul, add)],
    ["table(%rip)", memory(address(0x4040n))],
    ["table+8(%rip)", memory(address(0x4048n))],
    ["52+count.0(%rip)", memory(address(0x4134n))],
    ["_ZN1aE", memory(address(0x4200n))],
    ["again(%rip)", memory(address(3n))],
    ["0x601040", memory(constant(0x601040n))],
    ["6295616", memory(constant(6295616n))],
  ])("%s", (operand, expected) => expect(place(operand)).toEqual(expected));
});

describe("it can't be read", () => {
  const loader = "which only the linker and the loader know";
  const thread = "it is in memory of the thread's own (%fs), whose address handlers don't have";
  test.each<[string, string]>([
    ["table@GOTPCREL(%rip)", `its address is "table@GOTPCREL", ${loader}`],
    ["$table@PLT", `its address is "table@PLT", ${loader}`],
    ["own@tpoff(%rax)", `its address is "own@tpoff", ${loader}`],
    ["%fs:own@tpoff", thread],
    ["%fs:40", thread],
    ["%fs:-8(%rax,%rbx,4)", thread],
    ["other(%rip)", 'it is found by the symbol "other", which the file doesn\'t have, or was stripped of'],
    [".LC0(%rip)", 'it is found by the symbol ".LC0", which the file doesn\'t have, or was stripped of'],
    ["same(%rip)", 'it is found by the symbol "same", which the file has several of'],
    ["%rip", 'it is in "%rip", which isn\'t a register that handlers have'],
    ["%st(0)", 'it is in "%st(0)", which isn\'t a register that handlers have'],
    ["%xmm16", 'it is in "%xmm16", which isn\'t a register that handlers have'],
    ["%ymm0", 'it is in "%ymm0", which isn\'t a register that handlers have'],
    ["%rax)", 'it is in "%rax)", which isn\'t a register that handlers have'],
    ["%", 'it is in "%", which isn\'t a register that handlers have'],
  ])("%s, because %s", (operand, why) => expect(place(operand)).toEqual({ k: "none", why }));

  test.each([
    "",
    "$",
    "()",
    "(%eax)",
    "(%rip)",
    "8(%rip)",
    "table(%rip,%rax)",
    "(%rax",
    ")",
    "(%rax,%rsp)",
    "(%rax,%rbx,3)",
    "(%rax,%rbx,4,1)",
    "(%rax,)",
    "(,)",
    "(%xmm0)",
    "(%al)",
    "1f(%rip)",
    "8 8(%rax)",
    "---8(%rax)",
    "8+(%rax)",
    "table-table",
    "table+same(%rip)",
    "-table(%rip)",
    "$-",
    "$36893488147419103232",
    "$(1<<3)",
    "[x0, 8]",
    "+".repeat(1000),
  ])("%s, which isn't understood", (operand) => {
    const found = place(operand);
    expect(found.k).toBe("none");
    expect((found as { readonly why: string }).why).toMatch(/^its place is written ".*", which isn't understood$/);
  });
});

describe("the arguments of a probe", () => {
  const params = (operands: string) => usdtSignature(operands, addressesOf).params;
  const types = (operands: string) => params(operands).map(({ name, type }) => `${name}: ${type.k === "int" ? type.name : JSON.stringify(type)}`);

  test("are named in order, with widths and signs", () =>
    expect(types("1@%al -1@%ah 2@%ax -2@$5 4@%eax -4@8(%rsp) 8@%rax -8@(%rax)")).toEqual(
      ["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64"].map((type, i) => `arg${i}: ${type}`),
    ));
  test("may be floats", () =>
    expect(params("8f@%xmm1 4f@-4(%rbp)")).toEqual([
      { name: "arg0", type: { k: "float", size: 8 }, place: { k: "registers", parts: [{ register: "xmm1", offset: 0, size: 8 }] } },
      { name: "arg1", type: { k: "float", size: 4 }, place: memory(register("rbp", -4n)) },
    ]));
  test("are none where nothing is written", () => {
    expect(params("")).toEqual([]);
    expect(params("  ")).toEqual([]);
  });
  test("are twelve at most", () => expect(types("4@$1 ".repeat(20)).at(-1)).toBe("arg11: u32"));
  test("may have white space inside of their parentheses", () =>
    expect(params("8@-8(%rbp, %rax, 4)  4@$1").map(({ place }) => place)).toEqual([place("-8(%rbp,%rax,4)"), { k: "value", steps: [constant(1n)] }]));
  test("are words where their size isn't written", () => {
    expect(types("%rax $5 4@%edi")).toEqual(["arg0: u64", "arg1: u64", "arg2: u32"]);
    expect(types("8@(%rax 4@$1")).toEqual(["arg0: u64", "arg1: u32"]);
  });
  test("of other sizes have a place in the list, and no value", () =>
    expect(params("16@%xmm0 4@%eax 2f@%xmm0")).toEqual([
      { name: "arg0", type: { k: "unknown", size: 16, what: "value of 16 bytes" }, place: { k: "none", why: "it is a value of 16 bytes" } },
      { name: "arg1", type: { k: "int", name: "u32" }, place: { k: "registers", parts: [{ register: "rax", offset: 0, size: 4 }] } },
      { name: "arg2", type: { k: "unknown", size: 2, what: "float of 2 bytes" }, place: { k: "none", why: "it is a float of 2 bytes" } },
    ]));
});

const WHOLE = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const;
/** The assembler's names of a register's parts, widest first; the last of four is its second byte. */
function partsOf(name: string): readonly string[] {
  const old = /^r([a-d])x$/.exec(name)?.[1];
  if (old !== undefined) return [name, `e${old}x`, `${old}x`, `${old}l`, `${old}h`];
  return /\d/.test(name) ? [name, `${name}d`, `${name}w`, `${name}b`] : [name, `e${name.slice(1)}`, name.slice(1), `${name.slice(1)}l`];
}

interface Made {
  /** "-4" */
  readonly size: string;
  readonly operand: string;
  /** Of registers by name. */
  readonly registers: { readonly [name: string]: string };
  readonly memory: readonly (readonly [string, string])[];
  readonly value: bigint;
}

const word = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const registerFile = fc.tuple(...WHOLE.map(() => word)).map((values) => Object.fromEntries(WHOLE.map((name, i) => [name, values[i]!])));
const sized = fc.record({ size: fc.constantFrom(1, 2, 4, 8), signed: fc.boolean() });
const whole = fc.constantFrom(...WHOLE);
const display = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

/** What C makes of the lowest bytes. */
const converted = (value: bigint, size: number, signed: boolean): bigint => (signed ? BigInt.asIntN(8 * size, value) : BigInt.asUintN(8 * size, value));

const inRegister: fc.Arbitrary<Made> = fc.tuple(registerFile, sized, whole, fc.nat(4)).map(([registers, { size, signed }, name, which]) => {
  const parts = partsOf(name);
  const part = Math.min(which, parts.length - 1);
  const bits = [64n, 32n, 16n, 8n, 8n][part]!;
  const raw = part === 4 ? registers[name]! / 256n : registers[name]!;
  const own = signed ? BigInt.asIntN(Number(bits), raw) : BigInt.asUintN(Number(bits), raw);
  return { size: `${signed ? "-" : ""}${size}`, operand: `%${parts[part]}`, registers: texts(registers), memory: [], value: converted(own, size, signed) };
});

const texts = (registers: { readonly [name: string]: bigint }) => Object.fromEntries(Object.entries(registers).map(([name, value]) => [name, String(value)]));

const inMemory: fc.Arbitrary<Made> = fc
  .record({
    registers: registerFile,
    size: sized,
    base: fc.option(whole),
    index: fc.option(whole.filter((name) => name !== "rsp")),
    scale: fc.constantFrom(undefined, 1, 2, 4, 8),
    display: fc.option(display),
    symbol: fc.constantFrom(undefined, "table", "count.0"),
    behind: fc.boolean(),
    content: word,
  })
  .filter(({ base, index, display, symbol }) => base !== null || index !== null || display !== null || symbol !== undefined)
  .map(({ registers, size: { size, signed }, base, index, scale, display, symbol, behind, content }) => {
    const terms = [...(symbol === undefined ? [] : [symbol]), ...(display === null ? [] : [String(display)])];
    if (behind) terms.reverse();
    const sum = terms.join("+").replace("+-", scale === 1 ? "+-" : "-");
    const inside = [base === null ? "" : `%${base}`, ...(index === null ? [] : [`%${index}`, ...(scale === undefined ? [] : [scale])])].join(",");
    const at =
      (base === null ? 0n : registers[base]!) +
      (index === null ? 0n : registers[index]! * BigInt(scale ?? 1)) +
      BigInt(display ?? 0) +
      (symbol === undefined ? 0n : SYMBOLS[symbol]![0]!);
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(content);
    return {
      size: `${signed ? "-" : ""}${size}`,
      operand: `${sum}${inside === "" ? "" : `(${inside})`}`,
      registers: texts(registers),
      memory: [[String(BigInt.asUintN(64, at)), bytes.subarray(0, size).toString("hex")]] as const,
      value: converted(content, size, signed),
    };
  });

const immediate: fc.Arbitrary<Made> = fc
  .tuple(sized, fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }), fc.boolean())
  .map(([{ size, signed }, number, hex]) => ({
    size: `${signed ? "-" : ""}${size}`,
    operand: `$${hex && number >= 0n ? `0x${number.toString(16)}` : number}`,
    registers: {},
    memory: [],
    value: converted(number, size, signed),
  }));

test("what a place gives is what the assembler's operand means, for any registers and memory", () => {
  fc.assert(
    fc.property(fc.oneof(inRegister, inMemory, immediate), ({ size, operand, registers, memory, value }) => {
      const [param] = usdtSignature(`${size}@${operand}`, addressesOf).params;
      const type = param!.type as Extract<CType, { k: "int" }>;
      const stop: Stop = { registers, memory };
      const bytes = bytesAt(stop, param!.place!, Number(type.name.slice(1)) / 8);
      expect(bytes === undefined ? `${operand}: nowhere` : valuesOf(type, bytes, {}).get("")).toBe(String(value));
    }),
    { numRuns: 3000 },
  );
});

test("whatever the operands are, each has a type and a place or a reason", () => {
  const pieces = fc.constantFrom(
    "8@",
    "-4@",
    "8f@",
    "99@",
    "%",
    "%rax",
    "%ah",
    "%fs:",
    "$",
    "-",
    "+",
    "(",
    ")",
    ",",
    "table",
    "@PLT",
    "(%rip)",
    " ",
    "8",
    "0x",
    ".",
    '"',
  );
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 30 }).map((all) => all.join("")),
    fc.string({ maxLength: 60 }),
    fc.string({ unit: "binary", maxLength: 60 }),
  );
  fc.assert(
    fc.property(text, (operands) => {
      const { params } = usdtSignature(operands, addressesOf);
      expect(params.length).toBeLessThanOrEqual(12);
      for (const [i, { name, place }] of params.entries()) {
        expect(name).toBe(`arg${i}`);
        expect(place?.k === "none" ? place.why.length : 1).toBeGreaterThan(0);
      }
    }),
    { numRuns: 5000 },
  );
});

test.each(["8@".repeat(8000), "(".repeat(16000), "8@$1+".repeat(3000), `8@${"+1".repeat(8000)}(%rax)`, " ".repeat(16000), `8@$${"9".repeat(16000)}`])(
  "operands as long as a note's may be take no time (%#)",
  (operands) => {
    const start = process.cpuUsage().user;
    usdtSignature(operands, addressesOf);
    expect(process.cpuUsage().user - start).toBeLessThan(500_000);
  },
);
