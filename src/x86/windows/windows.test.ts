/** Functions as bytes, and the windows that their entries and exits have, or why they have none. */
import { describe, expect, test } from "vitest";
import { relocateWindow, type Slot } from "../relocate/relocate.ts";
import { sweep } from "./sweep.ts";
import { type FunctionCode, functionWindows, type Window, type WindowReason } from "./windows.ts";

const ADDRESS = 0x401000;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** `padding`: behind the function, up to the next. */
function windows(text: string, padding = "", more: Partial<FunctionCode> = {}): ReturnType<typeof functionWindows> {
  const code = bytesOf(text);
  return functionWindows({ code: Uint8Array.of(...code, ...bytesOf(padding)), address: ADDRESS, size: code.length, ...more });
}
const shown = (one: object): unknown => ("reason" in one ? (one.reason as WindowReason) : [(one as Window).start, (one as Window).length]);
const entry = (text: string, padding = "", more: Partial<FunctionCode> = {}): unknown => shown(windows(text, padding, more).entry);
const exits = (text: string, padding = "", more: Partial<FunctionCode> = {}): unknown[] =>
  windows(text, padding, more).exits.map(({ window }) => shown(window));

/** push rbp; mov rbp, rsp; sub rsp, 16; a call, so that what follows is far from the entry's window. */
const PROLOGUE = "55 48 89 e5 48 83 ec 10 e8 00 10 00 00";

describe("entries", () => {
  test("whole instructions that cover five bytes", () => {
    expect(entry(`${PROLOGUE} c9 c3`)).toEqual([0, 8]);
    expect(windows(`${PROLOGUE} c9 c3`).entry).toMatchObject({ instructions: 3, probes: [{ offset: 0, kind: "entry" }] });
    expect(windows("b8 01 00 00 00 c3 cc cc cc cc cc").entry).toMatchObject({ start: 0, length: 5, instructions: 1 });
  });
  test("behind endbr64, which an indirect call must find", () => expect(entry(`f3 0f 1e fa ${PROLOGUE} c9 c3`)).toEqual([4, 8]));
  test("a call may end the window, and nothing may follow it", () => {
    expect(entry("50 e8 00 00 00 00 58 c3")).toEqual([0, 6]);
    expect(entry("90 ff d0 90 90 90 c3")).toBe("ends-early");
    expect(entry("90 0f 05 90 90 90 c3")).toBe("ends-early");
  });
  test("a jump with padding behind it", () => {
    expect(entry("ff e0", "cc cc cc")).toEqual([0, 5]);
    expect(entry("ff e0", "cc cc")).toBe("too-short");
    expect(entry("ff e0", "66 0f 1f 44 00 00")).toEqual([0, 8]);
  });
  test("a loop that begins within", () => {
    // xor eax, eax; again: inc rdi; cmp byte [rdi], 0; jne again
    expect(entry(`31 c0 48 ff c7 80 3f 00 75 f8 ${PROLOGUE} c9 c3`)).toBe("entered");
    // A branch that moves along is no stranger: je the add; mov eax, ebx; add eax, edx
    expect(entry(`74 02 89 d8 01 d0 ${PROLOGUE} c9 c3`)).toEqual([0, 6]);
  });
  test("entered from elsewhere: a table, an exception, another function", () => {
    expect(entry(`${PROLOGUE} c9 c3`, "", { landings: [4] })).toBe("entered");
    expect(entry(`${PROLOGUE} c9 c3`, "", { landings: [0, 8] })).toEqual([0, 8]);
  });
  test("jumps by a table that wasn't found", () => {
    // notrack jmp rax
    expect(entry(`${PROLOGUE} 3e ff e0`)).toBe("unknown-tables");
    expect(entry(`${PROLOGUE} 3e ff e0`, "", { tables: true, landings: [8] })).toEqual([0, 8]);
  });
  test("an unknown size leaves windows of one instruction", () => {
    expect(entry(`${PROLOGUE} c9 c3`, "", { size: 0 })).toBe("unknown-size");
    expect(entry("48 81 ec 00 01 00 00 90", "", { size: 0 })).toEqual([0, 7]);
  });
  test("so do threads that are parked anywhere, and exceptions that land nobody knows where", () => {
    expect(entry(`${PROLOGUE} c9 c3`, "", { parks: true })).toBe("one-instruction");
    expect(entry("48 81 ec 00 01 00 00 c3", "cc cc cc cc", { parks: true })).toEqual([0, 7]);
    expect(entry(`${PROLOGUE} c9 c3`, "", { landingsUnknown: true })).toBe("unknown-landings");
  });
  test("data in the code", () => expect(entry(`${PROLOGUE} c9 c3 06 06`)).toBe("undecodable"));
  test("int3, transactions, what is there to fault", () => {
    expect(entry("90 cc 90 90 90 90 c3")).toBe("instruction");
    expect(entry("c7 f8 00 00 00 00 c3")).toBe("instruction");
    expect(entry("31 c0 0f 0b 90 c3")).toBe("faults");
  });
  test("restartable sequences", () => {
    expect(entry(`${PROLOGUE} c9 c3`, "", { critical: [{ start: 4, end: 20 }] })).toBe("critical");
    expect(entry(`${PROLOGUE} c9 c3`, "", { critical: [{ start: 8, end: 20 }] })).toEqual([0, 8]);
  });
  test("memory, where the program looks at its faults", () => {
    expect(entry("8b 07 89 d8 01 d0 c3", "", { watchesFaults: true })).toBe("memory");
    expect(entry(`${PROLOGUE} c9 c3`, "", { watchesFaults: true })).toEqual([0, 8]);
  });
  test("a jump that would lie in two pages", () => {
    expect(entry(`${PROLOGUE} c9 c3`, "", { address: 0x401ffb })).toEqual([0, 8]);
    expect(entry(`${PROLOGUE} c9 c3`, "", { address: 0x401ffc })).toBe("page");
  });
});

describe("exits", () => {
  test("the padding behind a return", () => expect(exits(`${PROLOGUE} c9 c3`, "0f 1f 40 00")).toEqual([[14, 5]]));
  test("instructions before a return: the probe stands behind them", () => {
    // pop rbx; pop rbp; pop r12; pop r13; ret
    const found = windows(`${PROLOGUE} 5b 5d 41 5c 41 5d c3`);
    expect(found.exits).toEqual([
      { exit: { offset: 19, kind: "return" }, window: { start: 15, length: 5, instructions: 3, probes: [{ offset: 19, kind: "return" }] } },
    ]);
  });
  test("a return that is jumped to", () => {
    // …; je the return; mov eax, 1; nop; return
    expect(exits(`${PROLOGUE} 74 06 b8 01 00 00 00 90 c3`)).toEqual(["entered"]);
    expect(exits(`${PROLOGUE} 74 06 b8 01 00 00 00 90 c3`, "cc cc cc cc")).toEqual([[21, 5]]);
  });
  test("a short function's entry and return in one window", () => {
    const found = windows("31 c0 c3", "cc cc");
    expect(found.entry).toEqual({
      start: 0,
      length: 5,
      instructions: 2,
      probes: [
        { offset: 0, kind: "entry" },
        { offset: 2, kind: "return" },
      ],
    });
    expect(found.exits[0]?.window).toBe(found.entry);
  });
  test("a window that grows takes the place of the one it was", () => {
    // xor eax, eax; nop; nop; nop; add eax, 1; ret
    const found = windows("31 c0 90 90 90 89 c1 c3");
    expect(found.entry).toMatchObject({ start: 0, length: 8, probes: [{ offset: 0 }, { offset: 7 }] });
    expect(found.exits[0]?.window).toBe(found.entry);
  });
  test("tail calls, direct and through a fixed place", () => {
    expect(exits(`${PROLOGUE} c9 e9 00 10 00 00`)).toEqual([[14, 5]]);
    expect(exits(`${PROLOGUE} c9 ff 25 00 10 00 00`)).toEqual([[14, 6]]);
    expect(windows(`${PROLOGUE} c9 e9 00 10 00 00`).exits[0]?.exit.kind).toBe("jump");
  });
  test("a jump by a register is a tail call, unless there are tables", () => {
    expect(exits(`${PROLOGUE} c9 ff e0`, "cc cc cc")).toEqual([[14, 5]]);
    expect(exits(`${PROLOGUE} c9 ff e0`, "cc cc cc", { tables: true, landings: [8] })).toEqual(["unclear"]);
  });
  test("jumps by tables leave nothing", () => {
    // add rax, rdx; jmp rax
    expect(sweep(bytesOf("90 48 01 d0 ff e0")).exits).toEqual([]);
    // jmp [table + 8 * rax]
    expect(sweep(bytesOf("ff 24 c5 00 20 40 00"))).toMatchObject({ exits: [], absolute: [0x402000] });
  });
});

test("a probe stands before its instruction, and threads and branches within the window come to it", () => {
  // je the second mov; mov eax, ebx; probe: add eax, edx; nop
  const probe = bytesOf("0f 1f 40 00");
  const at: number[] = [];
  const copy = relocateWindow(bytesOf("74 02 89 d8 01 d0"), ADDRESS, 6, 0x501000, 256, (address, place) => {
    if (address !== ADDRESS + 4) return undefined;
    at.push(place);
    return probe;
  }) as Slot;
  expect(at).toEqual([0x501008]);
  expect(Buffer.from(copy.code.subarray(0, 14)).toString("hex")).toBe("0f8402000000" + "89d8" + "0f1f4000" + "01d0");
  expect(copy.positions.map(({ offset, rip }) => [offset, rip - ADDRESS])).toEqual([
    [0, 0],
    [6, 2],
    [8, 4],
    [12, 4],
    [14, 6],
  ]);
});
