/** The ways in which C libraries' code gives the address of errno. */
import { expect, test } from "vitest";
import { threadLocalResult } from "./thread-local.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.split(" ").map((byte) => Number.parseInt(byte, 16)));
const GOT = 0x2000n;
const memory = (address: bigint): bigint | undefined => (address === GOT ? 0xffff_ffff_ffff_ff80n : undefined);
const at = (hex: string): bigint | undefined => threadLocalResult(bytes(hex), 0x1000n, memory);

test.each([
  ["glibc: mov rax,[rip+GOT]; add rax,fs:[0]; ret", "48 8b 05 f9 0f 00 00 64 48 03 04 25 00 00 00 00 c3", -0x80n],
  ["glibc with CET: endbr64 in front", "f3 0f 1e fa 48 8b 05 f5 0f 00 00 64 48 03 04 25 00 00 00 00 c3", -0x80n],
  ["glibc, static: mov rax,-72; add rax,fs:[0]; ret", "48 c7 c0 b8 ff ff ff 64 48 03 04 25 00 00 00 00 c3", -72n],
  ["musl: mov rax,fs:[0]; add rax,0x34; ret", "64 48 8b 04 25 00 00 00 00 48 83 c0 34 c3", 0x34n],
  ["mov rax,fs:[0]; lea rax,[rax-8]; ret", "64 48 8b 04 25 00 00 00 00 48 8d 40 f8 c3", -8n],
  ["mov rax,fs:[0]; sub rax,16; ret", "64 48 8b 04 25 00 00 00 00 48 83 e8 10 c3", -16n],
  ["mov rdx,[rip+GOT]; mov rax,fs:[0]; add rax,rdx; ret", "48 8b 15 f9 0f 00 00 64 48 8b 04 25 00 00 00 00 48 01 d0 c3", -0x80n],
])("%s", (_, code, offset) => expect(at(code)).toBe(offset));

test.each([
  ["a call (dynamic thread-local storage)", "e8 00 00 00 00 c3"],
  ["a variable of the process: lea rax,[rip+8]; ret", "48 8d 05 08 00 00 00 c3"],
  ["a GOT that can't be read", "48 8b 05 00 00 00 00 64 48 03 04 25 00 00 00 00 c3"],
  ["another word of the thread's block: mov rax,fs:[0x10]; ret", "64 48 8b 04 25 10 00 00 00 c3"],
  ["half of an address: mov eax,fs:[0]; ret", "64 8b 04 25 00 00 00 00 c3"],
  ["code without an end", "90 90 90"],
  ["no code", "06"],
])("what isn't one isn't guessed: %s", (_, code) => expect(at(code)).toBeUndefined());
