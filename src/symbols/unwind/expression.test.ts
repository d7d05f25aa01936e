import { expect, test } from "vitest";
import { DW_OP } from "../../dwarf/constants.ts";
import { evaluate } from "./expression.ts";

const memory = new Map([
  [0x2008n, 0x1122334455667788n],
  [0x3000n, 0xf1n],
]);
const world = {
  bias: 0x1000,
  register: (number: number) => ({ 7: 0x2000n, 16: 0x40100bn })[number],
  read: (address: bigint, size: number) => {
    const word = memory.get(address);
    return word === undefined ? undefined : BigInt.asUintN(size * 8, word);
  },
};
const { lit0, breg0 } = DW_OP;
const lit = (value: number): number => lit0 + value;

test.each([
  // The linker's, of PLT entries: rsp + 8 + ((rip & 15) >= 11) << 3 (binutils, elf_x86_64_eh_frame_plt).
  ["a PLT's frame", [breg0 + 7, 8, breg0 + 16, 0, lit(15), DW_OP.and, lit(11), DW_OP.ge, lit(3), DW_OP.shl, DW_OP.plus], 0x2010n],
  ["a word in memory", [breg0 + 7, 8, DW_OP.deref], 0x1122334455667788n],
  ["a part of one", [breg0 + 7, 8, DW_OP.deref_size, 2], 0x7788n],
  ["an address as linked", [DW_OP.addr, 0, 0x20, 0, 0, 0, 0, 0, 0, DW_OP.deref], 0xf1n],
  ["a branch that is taken", [lit(9), lit(1), DW_OP.bra, 2, 0, DW_OP.drop, lit(31)], 9n],
  ["one that isn't", [lit(9), lit(0), DW_OP.bra, 2, 0, DW_OP.drop, lit(31)], 31n],
  [
    "a loop: 5 + 4 + … + 1",
    [lit(0), lit(5), DW_OP.dup, DW_OP.rot, DW_OP.plus, DW_OP.swap, lit(1), DW_OP.minus, DW_OP.dup, DW_OP.bra, 0xf6, 0xff, DW_OP.drop],
    15n,
  ],
  ["signed division", [DW_OP.const1s, 0xf9, lit(2), DW_OP.div], (1n << 64n) - 3n],
  ["a comparison of signed words", [DW_OP.const1s, 0xff, lit(1), DW_OP.lt], 1n],
  ["shifts with signs", [DW_OP.const2s, 0, 0x80, lit(4), DW_OP.shra], (1n << 64n) - 0x800n],
  ["rot", [lit(1), lit(2), lit(3), DW_OP.rot, lit(4), DW_OP.shl, DW_OP.plus, lit(8), DW_OP.shl, DW_OP.plus], 0x2103n],
  ["what is on the stack at first", [DW_OP.plus_uconst, 0x80, 0x01], 0x77n + 128n],
])("%s is computed", (_, bytes, value) => {
  expect(evaluate(Uint8Array.from(bytes), world, 0x77n)).toBe(value);
});

test.each([
  ["a register that is lost", [breg0 + 3, 0]],
  ["memory that can't be read", [lit(5), DW_OP.deref]],
  ["a division by zero", [lit(5), lit(0), DW_OP.div]],
  ["an operation that has nothing to work on", [DW_OP.swap]],
  ["an operation that isn't known", [0xe7]],
  ["a branch to before the start", [DW_OP.skip, 0xf0, 0xff]],
])("%s gives nothing", (_, bytes) => {
  expect(evaluate(Uint8Array.from(bytes), world)).toBeUndefined();
});
