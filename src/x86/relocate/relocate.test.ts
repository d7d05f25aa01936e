/** Instructions and what their slots are made of, byte for byte; what is refused; and a whole library's code. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { findSection, readElf } from "../../elf/image.ts";
import { disassemble, iced } from "../full-decoder.ts";
import { type Commented, NAMED_CASES } from "./named-cases.ts";
import { relocate, relocateWindow, type Slot, type SlotPosition } from "./relocate.ts";

const ADDRESS = 0x401000;
const SLOT = 0x501000;
const FAR = 0x7f00_0000_0000;

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function relocated(bytes: string, slot = SLOT): Slot {
  const result = relocate(bytesOf(bytes), ADDRESS, slot);
  if ("refused" in result) throw new Error(result.refused);
  return result;
}

/** The code of a slot as text, up to the padding or literals. */
function texts(slot: Slot, at: number): string[] {
  return slot.positions.map((position) => disassemble(slot.code.subarray(position.offset), BigInt(at + position.offset)));
}

function bytesWithText([bytes, text]: Commented, at: number): Uint8Array {
  expect(disassemble(bytesOf(bytes), BigInt(at))).toBe(text);
  return bytesOf(bytes);
}

describe("slots", () => {
  test.each(NAMED_CASES)("$name", ({ have, want, literals = [], between = [], kind, after }) => {
    const original = bytesWithText(have, ADDRESS);
    const code: number[] = [];
    for (const line of want) code.push(...bytesWithText(line, SLOT + code.length));
    if (literals.length > 0) while (code.length % 8 !== 0) code.push(0xcc);
    for (const literal of literals) code.push(...new Uint8Array(BigUint64Array.of(BigInt(literal)).buffer));
    const start: SlotPosition = { offset: 0, rip: ADDRESS, stack: 0 };
    const back: SlotPosition[] = after === undefined ? [] : [{ offset: after, rip: ADDRESS + original.length, stack: 0 }];
    const slot = relocate(Uint8Array.of(...original, ...new Uint8Array(15)), ADDRESS, SLOT) as Slot;
    expect(hex(slot.code)).toBe(hex(Uint8Array.from(code)));
    expect(slot).toEqual({ code: slot.code, length: original.length, positions: [start, ...between, ...back], after, kind });
  });

  test("jumps reach everywhere, and a far lea becomes the address", () => {
    expect(texts(relocated("74 10", FAR), FAR)).toEqual(["jne 0x7f0000000008", "jmp qword ptr [0x7f0000000010]", "jmp qword ptr [0x7f0000000018]"]);
    expect(texts(relocated("e8 00 01 00 00", FAR), FAR)).toEqual(["push qword ptr [0x7f0000000010]", "jmp qword ptr [0x7f0000000018]"]);
    expect(texts(relocated("4c 8d 3d 00 01 00 00", FAR), FAR)).toEqual(["mov r15, 0x401107", "jmp qword ptr [0x7f0000000010]"]);
    expect(texts(relocated("e2 10", FAR), FAR)).toEqual([
      "loop 0x7f0000000004",
      "jmp 0x7f000000000a",
      "jmp qword ptr [0x7f0000000010]",
      "jmp qword ptr [0x7f0000000018]",
    ]);
  });

  test("the longest instruction that displaces most fits its 64 bytes", () => {
    expect(relocated("66 66 66 66 48 ff 94 24 00 01 00 00", FAR).code.length).toBeLessThanOrEqual(64);
    expect(relocate(bytesOf("0f 05"), ADDRESS, SLOT, 16)).toEqual({ refused: "it would take 17 bytes there, and there are 16" });
  });

  test("bytes in a part of a Buffer give the same slot, and stay as they were", () => {
    const memory = Buffer.from("9090488b05000100009090909090909090909090", "hex");
    expect(relocate(memory.subarray(2), ADDRESS, SLOT)).toEqual(relocated("48 8b 05 00 01 00 00"));
    expect(relocate(memory.subarray(2), ADDRESS, SLOT)).toEqual(relocated("48 8b 05 00 01 00 00"));
    expect(memory.toString("hex")).toBe("9090488b05000100009090909090909090909090");
  });

  test("code that ends with the mapping is enough if the instruction is whole", () => {
    expect(relocated("c3").code).toEqual(bytesOf("c3"));
  });
});

describe("refusals", () => {
  const REFUSALS: readonly (readonly [name: string, bytes: string, reason: string, slot?: number])[] = [
    ["nothing", "", "no code is mapped there"],
    ["truncated", "48 8b 05 00", "the code that is mapped ends within it"],
    ["undecodable", "06 90 90 90 90 90 90 90 90 90 90 90 90 90 90", "its bytes are no instruction"],
    ["lock_nop", "f0 90", "its bytes are no instruction"],
    ["int3", "cc", "it's a breakpoint instruction (int3) of somebody else's"],
    ["int1", "f1", "it's a debug trap (int1)"],
    ["int_3_long", "cd 03", "it's a software interrupt (int 0x3), whose handler would see where it stands"],
    ["int_29", "cd 29", "it's a software interrupt (int 0x29), whose handler would see where it stands"],
    ["xbegin", "c7 f8 00 00 00 00", "it begins a transaction (xbegin), which the breakpoint would abort"],
    ["mov_ss", "8e d0", "it loads the stack segment, which holds traps back for an instruction"],
    ["call_far", "ff 18", "it's a far call, which pushes its own address"],
    ["jmp_far", "48 ff 28", "it's a far jump"],
    ["sysenter", "0f 34", "it's sysenter, which doesn't return to where it stands"],
    ["enclu", "0f 01 d7", "it enters an enclave (enclu), which is told where it stands"],
    ["jcc_16_bits", "66 74 10", "it's a branch with a prefix for 16 bits, which processors understand differently"],
    ["call_16_bits", "66 ff d0", "it's a branch with a prefix for 16 bits, which processors understand differently"],
    ["call_register_rsp", "ff d4", "it calls the address in rsp, which pushing the return address changes"],
    ["call_rsp_pushed", "ff 54 24 f8", "it calls through the place on the stack where it pushes the return address"],
    ["call_rsp_half_pushed", "ff 54 24 f1", "it calls through the place on the stack where it pushes the return address"],
    ["call_rsp_furthest", "ff 94 24 f8 ff ff 7f", "its operand can't be named any more when the return address is pushed"],
    ["rip_far", "48 8b 05 00 01 00 00", "what it addresses relative to itself is more than 2 GiB from where it would be executed", FAR],
    ["call_rip_far", "ff 15 00 01 00 00", "what it addresses relative to itself is more than 2 GiB from where it would be executed", FAR],
  ];

  for (const [name, bytes, reason, slot = SLOT] of REFUSALS) {
    test(name, () => expect(relocate(bytesOf(bytes), ADDRESS, slot)).toEqual({ refused: reason }));
  }
});

describe("windows", () => {
  const windowOf = (bytes: string, needed: number): ReturnType<typeof relocateWindow> => relocateWindow(bytesOf(bytes), ADDRESS, needed, SLOT, 256);

  test("whole instructions, in their order, each with its position", () => {
    // push rbp; mov rbp, rsp; lea rax, [rip+0x100]
    const slot = windowOf("55 48 89 e5 48 8d 05 00 01 00 00", 5) as Slot;
    expect(texts(slot, SLOT)).toEqual(["push rbp", "mov rbp, rsp", "lea rax, [0x40110b]", "jmp 0x40100b"]);
    expect(slot.positions).toEqual([0, 1, 4, 11].map((offset) => ({ offset, rip: ADDRESS + offset, stack: 0 })));
    expect(slot).toMatchObject({ length: 11, after: 11, kind: "plain" });
  });

  test("a branch among them goes to the copy, one to their start to the original", () => {
    // je +2; mov eax, ebx; add eax, edx; jne back to the first
    const slot = windowOf("74 02 89 d8 01 d0 75 f8", 8) as Slot;
    expect(texts(slot, SLOT)).toEqual(["je 0x501008", "mov eax, ebx", "add eax, edx", "jne 0x401000", "jmp 0x401008"]);
  });

  test("padding behind a return is taken along, int3 and nops", () => {
    expect(windowOf("31 c0 c3 cc cc", 5)).toMatchObject({ length: 5, kind: "return", after: undefined });
    expect(windowOf("c3 66 2e 0f 1f 84 00 00 00 00 00", 5)).toMatchObject({ length: 11, kind: "return" });
  });

  const REFUSALS: readonly (readonly [name: string, bytes: string, needed: number, reason: string])[] = [
    ["call_first", "e8 00 01 00 00 31 c0", 6, "its instruction at +0 must be the last that is moved, and 6 bytes are needed"],
    ["syscall_within", "90 0f 05 31 c0", 5, "its instruction at +1 must be the last that is moved, and 5 bytes are needed"],
    ["ret_before_code", "c3 31 c0 31 c0", 5, "its instruction at +0 must be the last that is moved, and 5 bytes are needed"],
    ["between_instructions", "74 01 48 89 d8", 5, "it jumps between the instructions that are moved"],
    ["int3_within", "90 cc 90 90 90", 5, "its instruction at +1: it's a breakpoint instruction (int3) of somebody else's"],
    ["ud2_within", "31 c0 0f 0b 90", 5, "its instruction at +2: it's there to fault, and would where nobody expects it"],
    ["truncated", "31 c0 e8 00", 5, "its instruction at +2: the code that is mapped ends within it"],
    ["too_long", "31 c0 31 c0 31 c0", 6, "it would take 11 bytes there, and there are 8"],
  ];

  test.each(REFUSALS)("refuses %s", (name, bytes, needed, reason) => {
    expect(relocateWindow(bytesOf(bytes), ADDRESS, needed, SLOT, name === "too_long" ? 8 : 256)).toEqual({ refused: reason });
  });
});

/** The code of the C library that this process has mapped. */
function libraryCode(): Uint8Array {
  const path = /\/\S*\/libc[.-][^/\s]*$/m.exec(readFileSync("/proc/self/maps", "utf8"))?.[0];
  if (path === undefined) throw new Error("no C library is mapped");
  const descriptor = openSync(path, "r");
  try {
    const read = (offset: number, length: number): Uint8Array => {
      const part = new Uint8Array(length);
      return part.subarray(0, readSync(descriptor, part, 0, length, offset));
    };
    const text = findSection(readElf({ name: path, size: fstatSync(descriptor).size, read }), ".text");
    if (text === undefined) throw new Error(`${path} has no .text`);
    return read(text.offset, text.size);
  } finally {
    closeSync(descriptor);
  }
}

describe("all instructions of the C library", () => {
  const { Decoder, DecoderOptions, FlowControl, Instruction } = iced();
  const code = libraryCode();
  const refused = new Map<string, number>();
  let instructions = 0;

  test("name what they named, and every instruction of a slot has its position", () => {
    const full = new Decoder(64, code, DecoderOptions.None);
    full.ip = BigInt(ADDRESS);
    const original = new Instruction();
    const copy = new Instruction();
    while (full.canDecode) {
      const start = full.position;
      full.decodeOut(original);
      const slot = relocate(code.subarray(start, start + 15), ADDRESS + start, SLOT + 0x1000_0000);
      instructions++;
      if ("refused" in slot) {
        refused.set(slot.refused, (refused.get(slot.refused) ?? 0) + 1);
        continue;
      }
      // Taking slots apart is what costs.
      if (instructions % 5 !== 0) continue;
      const shown = (): string => `${start.toString(16)}: ${hex(code.subarray(start, start + slot.length))} → ${hex(slot.code)}`;
      const decoder = new Decoder(64, slot.code, DecoderOptions.None);
      decoder.ip = BigInt(SLOT + 0x1000_0000);
      let relative = 0;
      let targets = 0;
      for (const position of slot.positions) {
        if (decoder.position !== position.offset) throw new Error(`an instruction has no position: ${shown()}`);
        decoder.decodeOut(copy);
        if (copy.isIpRelMemoryOperand && copy.ipRelMemoryAddress === original.ipRelMemoryAddress) relative++;
        if (copy.flowControl !== FlowControl.Next && copy.nearBranchTarget === original.nearBranchTarget) targets++;
      }
      decoder.free();
      if (slot.length !== original.length) throw new Error(`not its length: ${shown()}`);
      if (original.isIpRelMemoryOperand && relative !== 1) throw new Error(`not what it addressed: ${shown()}`);
      if (original.nearBranchTarget !== 0n && targets === 0) throw new Error(`not where it went: ${shown()}`);
    }
    for (const one of [full, original, copy]) one.free();
  }, 30_000);

  test("nearly all can be executed elsewhere; the rest says why", () => {
    expect(instructions).toBeGreaterThan(100_000);
    const count = [...refused.values()].reduce((sum, one) => sum + one, 0);
    expect(count / instructions).toBeLessThan(0.001);
    for (const reason of refused.keys()) expect(reason).toMatch(/int3|transaction|16 bits|no instruction/);
  });
});
