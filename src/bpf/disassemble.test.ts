import { describe, expect, test } from "vitest";
import * as alu32 from "./alu32.ts";
import * as alu64 from "./alu64.ts";
import * as atomic from "./atomic.ts";
import { callHelper, callKfunc, callLocal } from "./call.ts";
import { disassemble, listing } from "./disassemble.ts";
import { encode } from "./encode.ts";
import type { Instruction } from "./instruction.ts";
import * as jump from "./jump.ts";
import { loadFunction, loadImm64, loadMap, loadMapValue, loadNumber } from "./load-imm.ts";
import { ldsx, ldx, st, stx } from "./memory.ts";
import { r0, r1, r2, r3, r6, r10 } from "./register.ts";

const table: readonly (readonly [text: string, hex: string, instruction: Instruction])[] = [
  // arithmetic, 64 bits
  ["r1 = r2", "bf21000000000000", alu64.mov(r1, r2)],
  ["r1 = -1", "b7010000ffffffff", alu64.mov(r1, -1)],
  ["r1 += 8", "0701000008000000", alu64.add(r1, 8)],
  ["r1 -= r2", "1f21000000000000", alu64.sub(r1, r2)],
  ["r1 *= -3", "27010000fdffffff", alu64.mul(r1, -3)],
  ["r1 /= r2", "3f21000000000000", alu64.div(r1, r2)],
  ["r1 s/= r2", "3f21010000000000", alu64.sdiv(r1, r2)],
  ["r1 %= 10", "970100000a000000", alu64.mod(r1, 10)],
  ["r1 s%= 10", "970101000a000000", alu64.smod(r1, 10)],
  ["r1 |= r2", "4f21000000000000", alu64.or(r1, r2)],
  ["r1 &= 255", "57010000ff000000", alu64.and(r1, 255)],
  ["r1 ^= r2", "af21000000000000", alu64.xor(r1, r2)],
  ["r1 <<= 32", "6701000020000000", alu64.lsh(r1, 32)],
  ["r1 >>= 32", "7701000020000000", alu64.rsh(r1, 32)],
  ["r1 s>>= 63", "c70100003f000000", alu64.arsh(r1, 63)],
  ["r1 = -r1", "8701000000000000", alu64.neg(r1)],
  ["r1 = (s8)r2", "bf21080000000000", alu64.movsx(r1, r2, 8)],
  ["r1 = (s32)r2", "bf21200000000000", alu64.movsx(r1, r2, 32)],
  ["r1 = bswap64 r1", "d701000040000000", alu64.bswap(r1, 64)],
  ["r1 = be16 r1", "dc01000010000000", alu64.toBigEndian(r1, 16)],
  ["r1 = le32 r1", "d401000020000000", alu64.toLittleEndian(r1, 32)],
  // arithmetic, 32 bits
  ["w1 = w2", "bc21000000000000", alu32.mov32(r1, r2)],
  ["w1 += 1", "0401000001000000", alu32.add32(r1, 1)],
  ["w1 s/= w2", "3c21010000000000", alu32.sdiv32(r1, r2)],
  ["w1 = (s16)w2", "bc21100000000000", alu32.movsx32(r1, r2, 16)],
  ["w1 = -w1", "8401000000000000", alu32.neg32(r1)],
  ["w1 s>>= w2", "cc21000000000000", alu32.arsh32(r1, r2)],
  // memory
  ["r1 = *(u64 *)(r1 +112)", "7911700000000000", ldx(8, r1, r1, 112)],
  ["r1 = *(u8 *)(r2 -1)", "7121ffff00000000", ldx(1, r1, r2, -1)],
  ["r1 = *(s32 *)(r2 +4)", "8121040000000000", ldsx(4, r1, r2, 4)],
  ["r1 = *(s8 *)(r2 +0)", "9121000000000000", ldsx(1, r1, r2, 0)],
  ["*(u64 *)(r10 -8) = r1", "7b1af8ff00000000", stx(8, r10, -8, r1)],
  ["*(u16 *)(r10 -8) = 7", "6a0af8ff07000000", st(2, r10, -8, 7)],
  // atomics
  ["lock *(u64 *)(r1 +8) += r2", "db21080000000000", atomic.atomicAdd(8, r1, 8, r2)],
  ["lock *(u32 *)(r1 +0) |= r2", "c321000040000000", atomic.atomicOr(4, r1, 0, r2)],
  ["r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)", "db21000001000000", atomic.fetchAdd(8, r1, 0, r2)],
  ["r2 = atomic_xchg((u32 *)(r1 +0), r2)", "c3210000e1000000", atomic.xchg(4, r1, 0, r2)],
  ["r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)", "db210000f1000000", atomic.cmpxchg(8, r1, 0, r2)],
  // calls and the end
  ["call bpf_get_current_pid_tgid#14", "850000000e000000", callHelper("get_current_pid_tgid")],
  ["call kernel-function bpf_session_cookie", "852000004d000000", callKfunc("bpf_session_cookie")],
  ["exit", "9500000000000000", jump.exit()],
  ["r1 = 7", "b701000007000000", loadNumber(r1, 7n)],
];

const resolver = { map: (index: number) => index + 1, kfunc: () => ({ id: 77, offset: 0 }) };
const hex = (program: readonly Instruction[]): string => Buffer.from(encode(program, resolver)).toString("hex");

describe("builders give the code and the disassembler gives the text of", () => {
  test.each(table)("%s", (text, bytes, instruction) => {
    expect(disassemble([instruction])).toEqual([text]);
    expect(hex([instruction])).toBe(bytes);
  });
});

test("64-bit loads name numbers, maps, their values and functions", () => {
  const program = [loadNumber(r1, 2n ** 31n), loadImm64(r1, -1n), loadMap(r1, 0), loadMapValue(r2, 1, 16), loadFunction(r3, 5), jump.exit()];
  expect(disassemble(program, { map: (index) => ["calls", "state"][index], function: (index) => (index === 5 ? "again" : undefined) })).toEqual([
    "r1 = 0x80000000",
    "r1 = 0xffffffffffffffff",
    "r1 = map[calls]",
    "r2 = map[state][0]+16",
    "r3 = subprog[again]",
    "exit",
  ]);
});

test("jumps show the distance in slots from behind them", () => {
  const program = [jump.jeq(r1, 0, 3), loadImm64(r0, 5n), jump.jslt32(r1, r2, 1), jump.gotoLong(0), callLocal(5), jump.exit()];
  expect(disassemble(program)).toEqual(["if r1 == 0x0 goto pc+3", "r0 = 0x5", "if w1 s< w2 goto pc-3", "gotol pc-5", "call pc+0", "exit"]);
});

test.each([
  ["==", "!=", jump.jeq, jump.jne],
  [">", "<=", jump.jgt, jump.jle],
  [">=", "<", jump.jge, jump.jlt],
  ["s>", "s<=", jump.jsgt, jump.jsle],
  ["s>=", "s<", jump.jsge, jump.jslt],
])("%s and %s are each other's inverse", (one, other, a, b) => {
  expect(disassemble([a(r6, 1, 0), b(r6, 1, 0)])).toEqual([`if r6 ${one} 0x1 goto pc-1`, `if r6 ${other} 0x1 goto pc-2`]);
  expect(jump.inverted(a(r6, 1, 0))).toEqual(b(r6, 1, 0));
  expect(jump.inverted(b(r6, 1, 0))).toEqual(a(r6, 1, 0));
});

test("a jump on common bits has no inverse", () => {
  expect(jump.inverted(jump.jset(r1, 4, 0))).toBeUndefined();
});

test("a listing numbers slots, and shows codes and comments", () => {
  expect(listing([loadImm64(r1, 1n), { ...alu64.mov(r0, 0), comment: "done" }, jump.exit()])).toBe(
    "   0: (18) r1 = 0x1\n   2: (b7) r0 = 0  ; done\n   3: (95) exit",
  );
});
