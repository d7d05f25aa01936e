/** Where entry probes go: behind endbr64, over harmless instructions, never where a jump leads. */
import { describe, expect, test } from "vitest";
import { type PlacementRequest, placeBehindRefused, placeEntry } from "./placement.ts";
import type { Register } from "./registers.ts";

const NOTHING: ReadonlySet<Register> = new Set();

/** The chosen offset for a function of these bytes (in hexadecimal; spaces between instructions). */
function placed(code: string, request: Partial<PlacementRequest> & { readonly before?: string } = {}): number {
  const body = Uint8Array.from(Buffer.from(code.replaceAll(" ", ""), "hex"));
  const before = Uint8Array.from(Buffer.from(request.before ?? "", "hex"));
  const around = () => ({ bytes: Uint8Array.from([...before, ...body]), start: -before.length });
  return placeEntry(body, { move: "prologue", reads: NOTHING, sizeKnown: true, longNops: true, around, ...request });
}

const ENDBR = "f30f1efa";
const PUSH_RBX = "53";
const MOV_EAX_ESI = "89f0";
const RET = "c3";

describe("placement", () => {
  test("goes behind endbr64, to the push that the kernel emulates", () => {
    expect(placed(`${ENDBR} ${PUSH_RBX} ${RET}`)).toBe(4);
    expect(placed(`${ENDBR} ${PUSH_RBX} ${RET}`, { move: "endbr", reads: "all" })).toBe(4);
  });

  test("stays at the start where it is told to, and where the handler reads rip", () => {
    expect(placed(`${ENDBR} ${PUSH_RBX} ${RET}`, { move: "none" })).toBe(0);
    expect(placed(`${ENDBR} ${PUSH_RBX} ${RET}`, { reads: new Set(["rip"]) })).toBe(0);
  });

  test("moves over an instruction whose result the handler doesn't read", () => {
    const code = `${ENDBR} ${MOV_EAX_ESI} ${PUSH_RBX} ${RET}`;
    expect(placed(code)).toBe(6);
    expect(placed(code, { reads: new Set(["rdi", "rsi"]) })).toBe(6);
    expect(placed(code, { reads: new Set(["rax"]) })).toBe(4);
    expect(placed(code, { reads: "all" })).toBe(4);
    expect(placed(code, { move: "endbr" })).toBe(4);
    expect(placed(code, { sizeKnown: false })).toBe(4);
  });

  test("flags count only where they are read", () => {
    // xor eax, eax; push rbx
    const code = `31c0 ${PUSH_RBX} ${RET}`;
    expect(placed(code)).toBe(2);
    expect(placed(code, { reads: new Set(["rflags"]) })).toBe(0);
  });

  test("compares and tests up to a conditional jump are moved over", () => {
    // test rdi, rdi; je +1; push; ret
    expect(placed(`4885ff 7401 ${PUSH_RBX} ${RET}`)).toBe(3);
  });

  test.each([
    ["sub rsp, 8", "4883ec08"],
    ["mov [rdi], eax", "8907"],
    ["mov rax, [rdi]", "488b07"],
    ["ret", "c3"],
    ["movaps xmm0, xmm1", "0f28c1"],
    ["syscall", "0f05"],
  ])("never moves over %s", (_, bytes) => {
    expect(placed(`${ENDBR} ${bytes} ${PUSH_RBX} ${RET}`)).toBe(4);
  });

  test("a push is where it ends, never what it moves over", () => {
    expect(placed(`${PUSH_RBX} ${MOV_EAX_ESI} ${RET}`)).toBe(0);
  });

  test("a loop back to behind endbr64 keeps the probe at the start, for every round would count", () => {
    // endbr64; L: inc edi (ffc7); jne L; ret
    expect(placed(`${ENDBR} ffc7 75fc ${RET}`)).toBe(0);
  });

  test("a loop back to the push or into the range keeps it in front of that", () => {
    // endbr64; mov eax, esi; L: push rbx; pop rbx; jne L; ret
    expect(placed(`${ENDBR} ${MOV_EAX_ESI} ${PUSH_RBX} 5b 75fc ${RET}`)).toBe(4);
    // endbr64; L: mov eax, esi; push rbx; pop rbx; jne L; ret
    expect(placed(`${ENDBR} ${MOV_EAX_ESI} ${PUSH_RBX} 5b 75fa ${RET}`)).toBe(0);
  });

  test("a loop back by a far jump counts too", () => {
    // L+0: endbr64; push; jmp rel32 to 4
    expect(placed(`${ENDBR} ${PUSH_RBX} e9faffffff`)).toBe(0);
  });

  test("a jump to the start is a new call", () => {
    // endbr64; push rbx; pop rbx; jmp start
    expect(placed(`${ENDBR} ${PUSH_RBX} 5b ebf8`)).toBe(4);
  });

  test("bytes that only look like a jump don't hold it back", () => {
    // endbr64; push rbx; mov eax, 0x90f975 (its bytes hold 75 f9, a jump back to 4, if one began there); ret
    expect(placed(`${ENDBR} ${PUSH_RBX} b875f99000 ${RET}`)).toBe(4);
  });

  test("jumps through a table keep it at the start, unless a prologue follows that no table leads to", () => {
    expect(placed(`${ENDBR} ${MOV_EAX_ESI} ffe0`)).toBe(0);
    expect(placed(`${ENDBR} ${PUSH_RBX} 5b ffe0`)).toBe(4);
    expect(placed(`${ENDBR} 4883ec08 ffe0`)).toBe(4);
    expect(placed(`${MOV_EAX_ESI} ${PUSH_RBX} 5b ffe0`)).toBe(0);
  });

  test("another function that jumps behind the first instruction keeps it at the start", () => {
    const code = `${MOV_EAX_ESI} ${PUSH_RBX} 5b ${RET}`;
    expect(placed(code)).toBe(2);
    // jmp to our start + 2, written just in front of it
    expect(placed(code, { before: "eb02" })).toBe(0);
    expect(placed(code, { before: "eb00" })).toBe(2);
  });

  test("nops of several bytes are where it ends only if this kernel emulates them", () => {
    const code = `${MOV_EAX_ESI} 0f1f4000 ${PUSH_RBX} ${RET}`;
    expect(placed(code, { longNops: true })).toBe(2);
    expect(placed(code, { longNops: false })).toBe(6);
  });

  test("a function that begins with a vector instruction that can't be probed is probed behind it", () => {
    // vpxor xmm15, xmm15, xmm15; mov eax, edi; ret
    const body = Uint8Array.from(Buffer.from("c44101efff89f8c3", "hex"));
    const request: PlacementRequest = { move: "endbr", reads: "all", sizeKnown: true, longNops: true, around: () => ({ bytes: body, start: 0 }) };
    expect(placeBehindRefused(body, request, (at) => at < 5)).toBe(5);
    expect(placeBehindRefused(body, request, (at) => at < 7)).toBeUndefined();
    expect(placeBehindRefused(body, { ...request, reads: NOTHING }, (at) => at < 7)).toBe(7);
    expect(placeBehindRefused(body, { ...request, sizeKnown: false }, (at) => at < 5)).toBeUndefined();
  });

  test("nothing is placed beyond bytes that end", () => {
    expect(placed("")).toBe(0);
    expect(placed("f30f1e")).toBe(0);
    expect(placed(ENDBR)).toBe(4);
  });
});
