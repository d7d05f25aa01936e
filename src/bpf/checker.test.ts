import { expect, test } from "vitest";
import { add, mov } from "./alu64.ts";
import { atomicAdd, fetchAdd } from "./atomic.ts";
import { callHelper, callLocal } from "./call.ts";
import { check } from "./checker.ts";
import type { Instruction } from "./instruction.ts";
import { exit, goto, jeq } from "./jump.ts";
import { ldx, st, stx } from "./memory.ts";
import { r0, r1, r6, r10 } from "./register.ts";

test("accepts branches, a loop back, calls, and a local function", () => {
  const program = [
    mov(r6, 3),
    callLocal(7),
    callHelper("ktime_get_ns"),
    stx(8, r10, -8, r0),
    add(r6, -1),
    jeq(r6, 0, 10),
    goto(1),
    mov(r0, 1),
    exit(),
    exit(),
    mov(r0, 0),
    exit(),
  ];
  // Instruction 9 is a second exit that nothing reaches.
  expect(check(program, [0, 7])).toEqual([
    { index: 5, message: "control leaves its function" },
    { index: 9, message: "is never reached" },
    { index: 10, message: "is never reached" },
    { index: 11, message: "is never reached" },
  ]);
  const good = [mov(r6, 3), callLocal(8), callHelper("ktime_get_ns"), stx(8, r10, -8, r0), add(r6, -1), jeq(r6, 0, 7), goto(1), exit(), mov(r0, 1), exit()];
  expect(check(good, [0, 8])).toEqual([]);
});

test.each<[string, Instruction[]]>([
  ["its target 9 isn't an instruction", [goto(9)]],
  ["is never reached", [goto(2), mov(r0, 1), exit()]],
  ["control runs off the end of the program", [mov(r0, 1)]],
  ["r10 can't be written", [mov(r10, 1), exit()]],
  ["r10 can't be written", [fetchAdd(8, r1, 0, r10), exit()]],
  ["a register that doesn't exist", [{ ...mov(r0, 1), dst: 12 }, exit()]],
  ["8 bytes at r10-516 are outside of the stack", [st(8, r10, -516, 0), exit()]],
  ["8 bytes at r10-4 are outside of the stack", [st(8, r10, -4, 0), exit()]],
  ["8 bytes at r10+0 are outside of the stack", [ldx(8, r0, r10, 0), exit()]],
  ["8 bytes at r10-12 aren't aligned", [st(8, r10, -12, 0), exit()]],
  ["an atomic operation of 2 bytes", [{ ...atomicAdd(4, r1, 0, r0), code: 0xcb }, exit()]],
  ["the immediate 4294967296 has more than 32 bits", [{ ...mov(r0, 1), imm: 2 ** 32 }, exit()]],
  ["a jump without its target", [{ code: 0x05, dst: 0, src: 0, offset: 0, imm: 0 }, exit()]],
  ["no function begins at 1", [callLocal(1), mov(r0, 0), exit()]],
  ["there is no instruction", []],
])("says: %s", (message, program) => {
  expect(check(program).map((problem) => problem.message)).toContain(message);
});
