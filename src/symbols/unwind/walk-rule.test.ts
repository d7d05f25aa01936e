/** Rows of frame tables as the words by which handlers unwind. */
import { expect, test } from "vitest";
import type { CfaRule, FrameAt, RegisterRule } from "../../dwarf/frames.ts";
import { BY_SIGNAL, NO_RULE, walkRule } from "./walk-rule.ts";

const RETURNS: [number, RegisterRule] = [16, { k: "saved", offset: -8 }];
const row = (cfa: CfaRule, rules: readonly [number, RegisterRule][] = [], more: Partial<FrameAt> = {}): FrameAt => ({
  address: 0x1000,
  low: 0x1000,
  high: 0x1100,
  returnRegister: 16,
  signal: false,
  cfa,
  rules: new Map([RETURNS, ...rules]),
  ...more,
});
const register = (number: number, offset: number): CfaRule => ({ k: "register", register: number, offset });
const code = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const rule = (one: FrameAt, pc = 0x1010): { readonly from: number; readonly frame: number; readonly rbp: string } => {
  const word = walkRule(one, pc, 0);
  const saved = Number(BigInt.asIntN(16, word >> 16n));
  const by = Number(word & 24n);
  return { from: Number(word & 7n), frame: Number(BigInt.asIntN(32, word >> 32n)), rbp: by === 0 ? "kept" : `${by === 8 ? "frame" : "rbp"}${saved}` };
};

test("frames by rsp and by rbp, with rbp kept or saved", () => {
  expect(rule(row(register(7, 24)))).toEqual({ from: 1, frame: 24, rbp: "kept" });
  expect(rule(row(register(7, 400_000), [[6, { k: "saved", offset: -16 }]]))).toEqual({ from: 1, frame: 400_000, rbp: "frame-16" });
  expect(rule(row(register(6, 16), [[6, { k: "saved", offset: -16 }]]))).toEqual({ from: 2, frame: 16, rbp: "frame-16" });
});

test("the linker's stubs: what depends on the pc is computed for this one", () => {
  const cfa: CfaRule = { k: "expression", bytes: code("77 08 80 00 3f 1a 3b 2a 33 24 22") };
  expect(rule(row(cfa), 0x1020)).toEqual({ from: 1, frame: 8, rbp: "kept" });
  expect(rule(row(cfa), 0x102b)).toEqual({ from: 1, frame: 16, rbp: "kept" });
});

test("functions that align their stack: the frame's address is a word by rbp, and so is where rbp is saved", () => {
  const aligned = row({ k: "expression", bytes: code("76 78 06") }, [[6, { k: "expression", bytes: code("76 00") }]]);
  expect(rule(aligned)).toEqual({ from: 5, frame: -8, rbp: "rbp0" });
});

test("the outermost frame, and a signal's", () => {
  expect(rule(row({ k: "register", register: 7, offset: 8 }, [[16, { k: "undefined" }]])).from).toBe(3);
  expect(walkRule(row(register(7, 8), [], { signal: true }), 0x1010, 0)).toBe(BY_SIGNAL);
});

test.each<[string, FrameAt]>([
  ["another register", row(register(3, 16))],
  ["no frame", row({ k: "unknown" })],
  ["a return address elsewhere", row(register(7, 8), [[16, { k: "saved", offset: -16 }]])],
  ["a return address in a register", row(register(7, 8), [[16, { k: "register", register: 3 }]])],
  ["rbp in a register", row(register(7, 8), [[6, { k: "register", register: 3 }]])],
  ["rbp too far off", row(register(7, 8), [[6, { k: "saved", offset: -40_000 }]])],
  ["rsp with a rule of its own", row(register(7, 8), [[7, { k: "saved", offset: -24 }]])],
  ["an expression of rsp and rbp", row({ k: "expression", bytes: code("77 00 76 00 22") })],
  ["an expression of another register", row({ k: "expression", bytes: code("73 08") })],
  ["two words of memory", row({ k: "expression", bytes: code("76 08 06 06") })],
  ["a word by rsp", row({ k: "expression", bytes: code("77 08 06") })],
  ["an expression that isn't one", row({ k: "expression", bytes: code("ff") })],
  ["a frame too far off", row(register(7, 2 ** 40))],
])("%s is left to copies", (_, one) => {
  expect(walkRule(one, 0x1010, 0)).toBe(NO_RULE);
});
