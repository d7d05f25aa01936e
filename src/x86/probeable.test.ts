/** Which instructions are refused, with the reason. */
import { expect, test } from "vitest";
import { measure } from "./length-decoder.ts";
import { uprobeRefusal } from "./probeable.ts";

function refusal(hex: string): string | undefined {
  const code = Uint8Array.from(Buffer.from(hex.padEnd(32, "0"), "hex"));
  return uprobeRefusal(code, () => measure(code, 0)?.length ?? 0);
}

test.each([
  ["int3", "cc", /breakpoint/],
  ["lock xadd", "f00fc107", /lock/],
  ["notrack jmp rax", "3effe0", /notrack/],
  ["cs nop", "662e0f1f84", /CS/],
  ["hlt", "f4", /halts/],
  ["cli", "fa", /masks/],
  ["in al, dx", "ec", /port/],
  ["mov ss, eax", "8ed0", /stack segment/],
  ["vmovd xmm0, esi", "c5f96ec6", /vector/],
  ["vmovdqa", "c5fd6f06", /vector/],
  ["vpor, whose opcode is that of jmp", "c5e9ebd9", /takes for another/],
  ["vpcmpeqb, of je", "c5e974d9", /takes for another/],
  ["vpsubsb, of call", "c5e9e8d9", /takes for another/],
  ["vcmpltps, of ret", "c5e8c2d901", /takes for another/],
  ["vzeroupper, of ja", "c5f877", /takes for another/],
  ["jmp with operand size", "66e900000000", /operand-size/],
  ["syscall", "0f05", /system call/],
  ["an invalid opcode", "06", /not valid/],
  ["xop", "8fe878", /not an instruction/],
])("%s is refused", (_, hex, reason) => {
  expect(refusal(hex)).toMatch(reason);
});

test.each([
  ["push rbp", "55"],
  ["endbr64", "f30f1efa"],
  ["vxorps", "c5e857d9"],
  ["mov rax, fs:0x28", "64488b042528"],
  ["rep stosq", "f348ab"],
  ["nopw", "660f1f4400"],
  ["mov ds, eax", "8ed8"],
  ["movaps", "0f280f"],
  ["push 0x1", "6a01"],
])("%s is not", (_, hex) => {
  expect(refusal(hex)).toBeUndefined();
});

test("the end of the bytes is refused", () => {
  expect(uprobeRefusal(new Uint8Array(0), () => 0)).toBeDefined();
  expect(uprobeRefusal(Uint8Array.of(0x66), () => 0)).toBeDefined();
});
