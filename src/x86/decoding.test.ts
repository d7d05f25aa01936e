/** The quick decoders against the full one, over a real library's code and over random bytes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nodeCode } from "../../test/fixtures/node-code.ts";
import { functionBranches } from "./branches.ts";
import { disassemble, iced, instructionBoundaries } from "./full-decoder.ts";
import { measure } from "./length-decoder.ts";
import { decodeSimple } from "./simple-decoder.ts";

const { Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register, RegisterExt, RflagsBits } = iced();

/** What the quick decoder says of one instruction must be true by the full decoder. */
function compareSimple(code: Uint8Array, at: number, full: InstanceType<typeof Instruction>): void {
  const simple = decodeSimple(code, at);
  if (simple === undefined) return;
  const shown = Buffer.from(code.subarray(at, at + 15)).toString("hex");
  expect(simple.length, shown).toBe(full.length);
  const factory = new InstructionInfoFactory();
  const info = factory.info(full);
  const changed = info
    .usedRegisters()
    .filter(
      (used) =>
        used.access === OpAccess.Write || used.access === OpAccess.ReadWrite || used.access === OpAccess.CondWrite || used.access === OpAccess.ReadCondWrite,
    )
    .map((used) => Register[RegisterExt.fullRegister(used.register)]?.toLowerCase());
  switch (simple.kind) {
    case "registers":
      expect(info.usedMemory().length, shown).toBe(0);
      expect(
        changed.every((register) => simple.writes.includes(register as never)),
        `${shown} changes ${changed}, not only ${simple.writes}`,
      ).toBe(true);
      if (full.rflagsModified !== RflagsBits.None) expect(simple.flags, shown).toBe(true);
      break;
    case "vector":
      expect(info.usedMemory().length, shown).toBe(0);
      expect(
        changed.every((register) => /^[xyz]mm/.test(`${register}`)),
        `${shown} changes ${changed}`,
      ).toBe(true);
      break;
    case "nop":
      expect(changed, shown).toEqual([]);
      break;
    case "stack":
      expect(changed, shown).toContain("rsp");
      break;
    case "push":
      expect(full.mnemonic, shown).toBe(Mnemonic.Push);
      break;
    case "jump":
      expect([FlowControl.ConditionalBranch, FlowControl.UnconditionalBranch], shown).toContain(full.flowControl);
      break;
    case "call":
      expect(full.flowControl, shown).toBe(FlowControl.Call);
      break;
    case "ret":
      expect(full.flowControl, shown).toBe(FlowControl.Return);
      break;
    case "endbr":
      expect(full.mnemonic, shown).toBe(Mnemonic.Endbr64);
      break;
  }
  info.free();
  factory.free();
}

describe("the quick decoders", () => {
  test("measure every instruction of a real program as the full decoder does, and understand the common ones rightly", () => {
    const code = nodeCode(150_000);
    const decoder = new Decoder(64, code, DecoderOptions.None);
    const full = new Instruction();
    let measured = 0;
    let all = 0;
    while (decoder.position < code.length - 15) {
      const at = decoder.position;
      decoder.decodeOut(full);
      if (full.isInvalid) continue;
      all++;
      const length = measure(code, at)?.length;
      if (length !== undefined) {
        measured++;
        if (length !== full.length) expect(length, Buffer.from(code.subarray(at, at + 15)).toString("hex")).toBe(full.length);
      }
      if (all % 8 === 0) compareSimple(code, at, full);
    }
    expect(measured / all).toBeGreaterThan(0.999);
  });

  test("agree with the full decoder on random bytes that are an instruction", () => {
    const prefixed = fc.tuple(
      fc.subarray([0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x64, 0xf0]),
      fc.option(fc.oneof(fc.integer({ min: 0x40, max: 0x4f }), fc.constantFrom(0xc5, 0xc4))),
      fc.uint8Array({ minLength: 15, maxLength: 15 }),
    );
    fc.assert(
      fc.property(prefixed, ([prefixes, rex, rest]) => {
        const code = Uint8Array.from([...prefixes, ...(rex === null ? [] : [rex]), ...rest]);
        const decoder = new Decoder(64, code, DecoderOptions.None);
        const full = decoder.decode();
        try {
          if (full.isInvalid) return;
          const length = measure(code, 0)?.length;
          if (length !== undefined) expect(length, disassemble(code, 0n)).toBe(full.length);
          compareSimple(code, 0, full);
        } finally {
          full.free();
          decoder.free();
        }
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ["f30f1efa", "endbr64"],
    ["55", "push rbp"],
    ["4154", "push r12"],
    ["90", "nop"],
    ["e800000000", "call 0x1005"],
    ["4883ec08", "sub rsp, 0x8"],
  ])("%s is shown as %s", (bytes, text) => {
    expect(disassemble(Uint8Array.from(Buffer.from(bytes, "hex")), 0x1000n)).toBe(text);
  });

  test("boundaries end in front of what doesn't decode", () => {
    expect(instructionBoundaries(Uint8Array.from([0x55, 0x48, 0x89, 0xe5, 0x06, 0x90]))).toEqual([0, 1]);
  });
});

describe("a function's branches", () => {
  const branches = (hex: string) => functionBranches(Uint8Array.from(Buffer.from(hex, "hex")));

  test("jumps, conditional jumps, loops and calls of both lengths", () => {
    // jmp +0; jne -4; loop -6; jmp rel32 0; je rel32 0; call 0
    expect(branches("eb0075fce2fae9000000000f8400000000e800000000")?.targets).toEqual(new Set([2, 0, 11, 17, 22]));
  });

  test("a jump through a register or a table is indirect; one through a fixed place isn't", () => {
    expect(branches("ffe0")?.indirect).toBe(true);
    expect(branches("3eff24c500000000")?.indirect).toBe(true);
    expect(branches("ff2500000000")?.indirect).toBe(false);
    expect(branches("ffd0c3")?.indirect).toBe(false);
  });

  test("code that can't be measured has no known branches", () => {
    expect(branches("5506")).toBeUndefined();
  });
});
