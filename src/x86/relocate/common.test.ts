/** What is taken apart without the full decoder against the full decoder, over this program's own code and over random bytes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { nodeCode } from "../../../test/fixtures/node-code.ts";
import { iced } from "../full-decoder.ts";
import { common } from "./common.ts";

const { Decoder, DecoderOptions, FlowControl, Instruction } = iced();
const instruction = new Instruction();

/** Whether it was let through; fails where the full decoder has something else. */
function compare(bytes: Uint8Array): boolean {
  const found = common(bytes);
  if (found === undefined) return false;
  const decoder = new Decoder(64, bytes.slice(0, 15), DecoderOptions.None);
  decoder.decodeOut(instruction);
  const offsets = decoder.getConstantOffsets(instruction);
  const want = {
    valid: !instruction.isInvalid,
    length: instruction.length,
    ripRelative: instruction.isIpRelMemoryOperand ? offsets.displacementOffset : -1,
    faults: instruction.isPrivileged || instruction.flowControl === FlowControl.Exception || instruction.hasLockPrefix,
  };
  offsets.free();
  decoder.free();
  const shown = Buffer.from(bytes.subarray(0, 15)).toString("hex");
  expect({ shown, valid: true, length: found.length, ripRelative: found.ripRelative, faults: false }).toEqual({ shown, ...want });
  return true;
}

test("random bytes that are let through are what the full decoder says", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 15, maxLength: 15 }), (bytes) => {
      compare(bytes);
    }),
    { numRuns: 30_000 },
  );
});

test("every opcode with every ModRM and each usual prefix", () => {
  for (const prefixes of [[], [0x66], [0x48], [0x66, 0x41], [0xf3], [0xf2], [0xf3, 0x48], [0x4f]])
    for (let opcode = 0; opcode < 512; opcode++)
      for (let modrm = 0; modrm < 256; modrm += 3)
        compare(Uint8Array.of(...prefixes, ...(opcode < 256 ? [opcode] : [0x0f, opcode - 256]), modrm, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}, 60_000);

test("nearly all of a real program's code needs no more", () => {
  const code = nodeCode(300_000, 0x100_0000);
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const each = new Instruction();
  let all = 0;
  let through = 0;
  for (let at = 0; decoder.canDecode; at = decoder.position) {
    decoder.decodeOut(each);
    if (each.isInvalid || at + 15 > code.length) continue;
    all++;
    if (compare(code.subarray(at, at + 15))) through++;
  }
  decoder.free();
  each.free();
  expect(through / all).toBeGreaterThan(0.98);
}, 60_000);
