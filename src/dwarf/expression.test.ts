/** Expressions by their bytes: what they are reduced to, what is refused and why, and that none takes long. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CPlace } from "../schema/ctypes.ts";
import { DW_ATE, DW_OP } from "./constants.ts";
import { type ExpressionContext, reduceExpression } from "./expression.ts";
import { register } from "./expression-value.ts";

const context: ExpressionContext = {
  pc: 0x401234,
  size: 8,
  entry: 0x401200,
  addressOf: (index) => (index === 1 ? 0x404000 : undefined),
  baseType: (offset) =>
    ({ 1: { encoding: DW_ATE.signed, size: 4 }, 2: { encoding: DW_ATE.unsigned, size: 1 }, 3: { encoding: DW_ATE.float, size: 8 } })[offset],
  cfa: () => register("rsp", 24n),
  frameBase: () => ({ bytes: Uint8Array.of(DW_OP.call_frame_cfa), context: { pc: 0x401234, size: undefined, cfa: () => register("rsp", 24n) } }),
};
const reduce = (bytes: readonly number[], with_: Partial<ExpressionContext> = {}): CPlace => reduceExpression(Uint8Array.from(bytes), { ...context, ...with_ });

/** "[rsp+8]" for memory, "=…" for a value, "rax+rdx" for registers, or why there is none. */
function show(place: CPlace): string {
  if (place.k === "none") return place.why;
  if (place.k === "registers") return place.parts.map((part) => `${part.register}@${part.offset}:${part.size}`).join("+");
  if (place.k === "pieces") return place.parts.map((part) => `${part.offset}:${part.size} ${show(part.place)}`).join(", ");
  const steps = (place.k === "memory" ? place.address : place.steps).map((step) => {
    if (step.op === "constant") return `${step.value}`;
    if (step.op === "address") return `@${step.value.toString(16)}`;
    if (step.op === "register") return step.plus === 0n ? step.register : `${step.register}${step.plus < 0n ? "" : "+"}${step.plus}`;
    return step.op === "read" ? `read${step.size}` : step.op;
  });
  return place.k === "memory" ? `[${steps.join(" ")}]` : `=${steps.join(" ")}`;
}

const value = (...bytes: readonly number[]): readonly number[] => [...bytes, DW_OP.stack_value];
const address8 = [0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0];

describe("an expression", () => {
  test.each<readonly [string, readonly number[], string]>([
    ["a static address", [DW_OP.addr, ...address8], "[@12345678]"],
    ["an address of the table of addresses", [DW_OP.addrx, 1], "[@404000]"],
    ["one that the table lacks", [DW_OP.addrx, 9], "its address isn't in the file"],
    ["a register", [DW_OP.reg0 + 5], "rdi@0:8"],
    ["a register by its number", [DW_OP.regx, 17], "xmm0@0:8"],
    ["what a register points to", [DW_OP.breg0 + 6, 0x70], "[rbp-16]"],
    ["the frame's base", [DW_OP.fbreg, 0x6c], "[rsp+4]"],
    ["a pointer in the frame", [DW_OP.fbreg, 0x68, DW_OP.deref], "[rsp read8]"],
    ["a register of the x87 unit", [DW_OP.reg0 + 31, DW_OP.nop], "its expression goes on behind its end"],
    ["a register that isn't read", [DW_OP.regx, 33], "it is in a register of the x87 unit, which isn't read"],
    ["a folded sum", value(DW_OP.lit0 + 7, DW_OP.lit0 + 3, DW_OP.minus), "=4"],
    ["a negative number", value(DW_OP.const1s, 0xff), "=-1"],
    ["a comparison, by other steps", value(DW_OP.breg0, 0, DW_OP.lit0, DW_OP.ne), "=rax 0 xor rax 0 xor neg or 63 shr"],
    ["a division by a power of two", value(DW_OP.breg0, 0, DW_OP.lit0 + 4, DW_OP.div), "=rax rax 63 sar 3 and add 2 sar"],
    ["another division", value(DW_OP.breg0, 0, DW_OP.lit0 + 3, DW_OP.div), "finding it takes a division"],
    ["a division by zero", value(DW_OP.lit0 + 1, DW_OP.lit0, DW_OP.div), "its expression divides by zero"],
    ["a sign-extended register", value(DW_OP.regval_type, 0, 1, DW_OP.convert, 0), "=rax 32 shl 32 sar"],
    ["a conversion to a byte", value(DW_OP.breg0, 0, DW_OP.convert, 2), "=rax 255 and"],
    ["floats", value(DW_OP.regval_type, 0, 3), "its expression computes with floats"],
    ["a part that is swapped and rotated", value(DW_OP.lit0 + 1, DW_OP.lit0 + 2, DW_OP.lit0 + 4, DW_OP.rot, DW_OP.minus, DW_OP.minus), "=5"],
    ["a constant branch", value(DW_OP.lit0 + 1, DW_OP.bra, 1, 0, DW_OP.lit0 + 9, DW_OP.lit0 + 2), "=2"],
    ["a branch that depends on the program", value(DW_OP.breg0, 0, DW_OP.bra, 0, 0), "where it is depends on a condition"],
    ["an endless loop", [DW_OP.skip, 0xfd, 0xff], "its expression doesn't end"],
    ["a jump out of it", [DW_OP.skip, 0, 0x80], "its expression jumps out of itself"],
    ["two registers", [DW_OP.reg0, DW_OP.piece, 8, DW_OP.reg0 + 1, DW_OP.piece, 4], "rax@0:8+rdx@8:4"],
    ["memory in a row", [DW_OP.breg0, 0, DW_OP.piece, 4, DW_OP.breg0, 4, DW_OP.piece, 4], "[rax]"],
    ["a piece that is nowhere", [DW_OP.reg0, DW_OP.piece, 4, DW_OP.piece, 4], "0:4 rax@0:4, 4:4 the compiler has removed it, or it has no value here"],
    ["pieces that are all nowhere", [DW_OP.piece, 4, DW_OP.piece, 4], "the compiler has removed it, or it has no value here"],
    [
      "pieces of each kind",
      [DW_OP.reg0, DW_OP.piece, 8, DW_OP.breg0 + 7, 8, DW_OP.piece, 24, ...value(DW_OP.breg0 + 5, 1), DW_OP.piece, 4, DW_OP.regx, 17, DW_OP.piece, 16],
      "0:8 rax@0:8, 8:24 [rsp+8], 32:4 =rdi+1, 36:16 xmm0@0:16",
    ],
    [
      "a register and bytes in the debug information, too few of them",
      [DW_OP.reg0, DW_OP.piece, 8, DW_OP.implicit_value, 10, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, DW_OP.piece, 12],
      "0:8 rax@0:8, 8:8 =1, 16:2 =2, 18:2 the compiler has removed it, or it has no value here",
    ],
    ["memory that isn't in a row", [DW_OP.breg0, 0, DW_OP.piece, 8, DW_OP.breg0, 16, DW_OP.piece, 8], "0:8 [rax], 8:8 [rax+16]"],
    [
      "a computed part of more than a word",
      [DW_OP.reg0, DW_OP.piece, 8, ...value(DW_OP.lit0), DW_OP.piece, 16],
      "0:8 rax@0:8, 8:16 it is computed, and larger than 8 bytes",
    ],
    ["a word of two values", [DW_OP.lit0 + 2, DW_OP.stack_value, DW_OP.piece, 4, DW_OP.lit0 + 1, DW_OP.stack_value, DW_OP.piece, 4], "=4294967298"],
    ["bits that are no bytes", [DW_OP.reg0, DW_OP.bit_piece, 3, 0], "its parts aren't whole bytes"],
    ["bytes in the debug information", [DW_OP.implicit_value, 2, 1, 2], "=513"],
    ["a removed pointer", [DW_OP.implicit_pointer, 0, 0, 0, 0, 0], "the compiler has removed what it points to"],
    ["thread-local memory", [DW_OP.const8u, ...address8, DW_OP.form_tls_address], "it is thread-local"],
    ["nothing", [], "the compiler has removed it, or it has no value here"],
    ["too little on the stack", [DW_OP.plus], "its expression takes what isn't there"],
    ["an operation of tomorrow", [0xef], "its expression has an operation that isn't known (0xef)"],
    ["an end that is missing", [DW_OP.addr, 1], "its expression is cut short"],
  ])("of %s is reduced, or refused with the reason", (_, bytes, expected) => {
    expect(show(reduce(bytes))).toBe(expected);
  });

  test("of an entry value is the register itself at the function's first instruction, and nowhere else anything", () => {
    const bytes = value(DW_OP.entry_value, 1, DW_OP.reg0 + 5);
    expect(show(reduce(bytes, { pc: 0x401200 }))).toBe("=rdi");
    expect(show(reduce(bytes))).toBe("it is known only at its function's entry");
  });

  test("of a value that doesn't fit its register is refused", () => {
    expect(show(reduce([DW_OP.reg0], { size: 16 }))).toBe("it takes more than the 8 bytes of rax");
    expect(show(reduce([DW_OP.reg0 + 17], { size: 32 }))).toBe("it takes more than the 16 bytes of xmm0");
  });

  test("that doubles itself over and over is refused before it is large", () => {
    const bytes = [DW_OP.breg0, 0, ...Array.from({ length: 200 }, () => [DW_OP.dup, DW_OP.plus]).flat()];
    expect(show(reduce(bytes))).toBe("finding it takes too many steps");
  });

  test("of any bytes gives a place of few steps, and throws nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(0x401200, 0x401234), (bytes, pc) => {
        const place = reduceExpression(bytes, { ...context, pc });
        const steps = place.k === "memory" ? place.address : place.k === "value" ? place.steps : [];
        expect(steps.length).toBeLessThan(2000);
      }),
      { numRuns: 20_000 },
    );
  });
});
