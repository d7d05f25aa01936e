/** The checks of the stack that Go's functions begin with, as its assembler writes them. */
import { describe, expect, test } from "vitest";
import { goroutineIdOffset, returnOffsets, stackCheck } from "./go-code.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("the check of the stack", () => {
  test.each([
    ["small frame, near jump: cmp rsp,[r14+0x10]; jbe", "49 3b 66 10 76 5d 48 83 ec 28", 6],
    ["small frame, far jump", "49 3b 66 10 0f 86 d5 02 00 00 48 81 ec", 10],
    ["larger frame: lea r12,[rsp-0x48]; cmp r12,[r14+0x10]; jbe", "4c 8d 64 24 b8 4d 3b 66 10 0f 86 10 01 00 00 55", 15],
    ["larger frame, 32-bit offset", "4c 8d a4 24 00 fe ff ff 4d 3b 66 10 76 20 55", 14],
    ["the largest: mov r12,rsp; sub r12,n; jb; cmp; jbe", "49 89 e4 49 81 ec 00 00 01 00 72 30 4d 3b 66 10 76 2a 55", 18],
    ["before Go 1.17", "64 48 8b 0c 25 f8 ff ff ff 48 3b 61 10 76 3b 48 83 ec 18", 15],
    ["none", "48 83 ec 28 48 89 6c 24 20", 0],
    ["a comparison without the jump", "49 3b 66 10 48 83 ec 28", 0],
    ["nothing", "", 0],
  ])("%s", (_, code, length) => expect(stackCheck(bytes(code))).toBe(length));
});

test("returns are instructions, not bytes that look like one", () => {
  // mov eax, 0xc3; ret; int3; mov eax, 1; ret
  expect(returnOffsets(bytes("b8 c3 00 00 00 c3 cc b8 01 00 00 00 c3"))).toEqual([5, 12]);
});

test("a goroutine's id is where its version has it; of versions without goroutines in r14, or not known yet, it isn't told", () => {
  expect([16, 17, 19, 22, 23, 24, 25, 26, 27, undefined].map(goroutineIdOffset)).toEqual([undefined, 152, 152, 152, 160, 160, 152, 152, undefined, undefined]);
});
