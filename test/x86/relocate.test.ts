/** Slots against the instructions they stand for: both are executed, and must leave the same behind. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  type Case,
  type CaseOptions,
  codeOf,
  distinctInstructions,
  FLAGS_ON_STACK,
  FRAME_ON_STACK,
  makeCase,
  OPERANDS,
  SYSTEM_CALL,
  SYSTEM_CALL_32,
  windows,
} from "./cases.ts";
import { hex, useRunner } from "./execute.ts";

const execute = useRunner();
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** Cases of the bytes near and far; a refusal fails the test. */
function both(name: string, bytes: Uint8Array, options: CaseOptions = {}): Case[] {
  return [false, true].map((far) => {
    const made = makeCase(far ? `${name}, far` : name, bytes, { ...options, far });
    if ("refused" in made) throw new Error(`${name}: ${made.refused}`);
    return made;
  });
}

test("the 16 conditions, short and near, under all combinations of the flags that they ask for", () => {
  const cases: Case[] = [];
  for (let condition = 0; condition < 16; condition++) {
    cases.push(...both(`jcc ${condition}, short`, Uint8Array.of(0x70 | condition, 0x20), { states: 32 }));
    cases.push(...both(`jcc ${condition}, back`, Uint8Array.of(0x70 | condition, 0xe0), { states: 32 }));
    cases.push(...both(`jcc ${condition}, near`, Uint8Array.of(0x0f, 0x80 | condition, 0, 0, 0, 0), { states: 32 }));
    cases.push(...both(`jcc ${condition}, hinted`, Uint8Array.of(0x3e, 0x70 | condition, 0x20), { states: 32 }));
  }
  expect(execute(cases)).toMatchObject({ finished: cases.length * 32, faulted: 0 });
});

const NAMED: readonly (readonly [name: string, bytes: string, options?: CaseOptions])[] = [
  ["jmp_short", "eb 20"],
  ["jmp_near", "e9 00 00 00 00"],
  ["jmp_register", "ff e0"],
  ["jmp_rsp_operand", "ff 64 24 08"],
  ["loop", "e2 20", { states: 64 }],
  ["loope", "e1 20", { states: 64 }],
  ["loopne", "e0 e0", { states: 64 }],
  ["loop_ecx", "67 e2 20", { states: 64 }],
  ["jrcxz", "e3 20", { states: 64 }],
  ["jecxz", "67 e3 20", { states: 64 }],
  ["call_near", "e8 00 00 00 00"],
  ["call_tls_get_addr", "66 66 48 e8 00 00 00 00"],
  ["call_register", "ff d0"],
  ["call_r12", "41 ff d4"],
  ["call_notrack_register", "3e ff d2"],
  ["call_rsp", "ff 14 24"],
  ["call_rsp_short", "ff 54 24 08"],
  ["call_rsp_short_last", "ff 54 24 7f"],
  ["call_rsp_long", "ff 94 24 00 01 00 00"],
  ["call_rsp_below", "ff 54 24 f0"],
  ["call_rsp_index", "ff 54 c4 08"],
  ["call_fs", "64 ff 14 25 00 04 00 00"],
  ["call_fs_rsp", "64 ff 54 24 08"],
  ["call_esp", "67 ff 54 24 08"],
  ["ret", "c3"],
  ["rep_ret", "f3 c3"],
  ["bnd_ret", "f2 c3"],
  ["ret_with_bytes", "c2 10 00"],
  ["retf", "48 cb", { kind: FRAME_ON_STACK }],
  ["iretq", "48 cf", { kind: FRAME_ON_STACK }],
  ["push_rsp", "54"],
  ["pop_rsp", "5c"],
  ["push_rsp_operand", "ff 74 24 08"],
  ["pop_rsp_operand", "8f 44 24 08"],
  ["push_red_zone", "48 89 44 24 80"],
  ["pushfq", "9c", { states: 32 }],
  ["popfq", "9d", { kind: FLAGS_ON_STACK, states: 32 }],
  ["enter", "c8 20 00 00"],
  ["enter_nested", "c8 20 00 03"],
  ["leave", "c9"],
  ["endbr64", "f3 0f 1e fa"],
  ["nop_long", "66 2e 0f 1f 84 00 00 00 00 00"],
  ["syscall", "0f 05", { kind: SYSTEM_CALL }],
  ["int_80", "cd 80", { kind: SYSTEM_CALL_32 }],
  ["rep_movsb", "f3 a4", { states: 32 }],
  ["rep_stosq", "f3 48 ab", { states: 32 }],
  ["repne_scasb", "f2 ae", { states: 32 }],
  ["lods", "ac"],
  ["xlat", "d7"],
  ["lock_xadd_ah", "f0 0f c0 27"],
  ["fs_load", "64 48 8b 04 25 28 00 00 00"],
  ["moffs_load", "a0 00 04 10 40 00 00 00 00"],
  ["hlt", "f4"],
  ["ud2", "0f 0b"],
  ["cli", "fa"],
  ["in", "ec"],
  ["div", "48 f7 f1", { states: 32 }],
];

test("each kind of control flow, stack and string instruction, near and far", () => {
  const cases = NAMED.flatMap(([name, bytes, options]) => both(name, bytesOf(bytes), { states: 16, ...options }));
  const outcome = execute(cases);
  expect(outcome.finished).toBeGreaterThan(1500);
  expect(outcome.inSlot).toBeGreaterThan(100);
});

const RIP_RELATIVE: readonly (readonly [name: string, bytes: string, window?: number])[] = [
  ["rip_load", "8b 05 00 00 00 00"],
  ["rip_store", "48 89 0d 00 00 00 00"],
  ["rip_store_immediate", "c7 05 00 00 00 00 78 56 34 12"],
  ["rip_store_short", "66 c7 05 00 00 00 00 34 12"],
  ["rip_lea", "4c 8d 3d 00 00 00 00"],
  ["rip_lea_short", "66 8d 05 00 00 00 00"],
  ["rip_lea_32", "8d 05 00 00 00 00"],
  ["eip_load", "67 8b 05 00 00 00 00"],
  ["eip_lea", "67 48 8d 05 00 00 00 00"],
  ["rip_fs", "64 8b 05 00 00 00 00"],
  ["rip_cmpxchg8b", "f0 0f c7 0d 00 00 00 00"],
  ["rip_cmpxchg16b", "f0 48 0f c7 0d 00 00 00 00"],
  ["rip_mulx", "c4 62 fb f6 05 00 00 00 00"],
  ["rip_movups", "0f 10 05 00 00 00 00"],
  ["rip_vmovdqu", "c5 fe 6f 05 00 00 00 00"],
  ["rip_vpshufd_immediate", "c5 fd 70 05 00 00 00 00 1b"],
  ["rip_pcmpistri", "66 0f 3a 63 05 00 00 00 00 0c"],
  ["rip_bt", "48 0f a3 05 00 00 00 00"],
  ["rip_push", "ff 35 00 00 00 00"],
  ["rip_pop", "8f 05 00 00 00 00"],
  ["rip_call", "ff 15 00 00 00 00"],
  ["rip_call_rex", "48 ff 15 00 00 00 00"],
  ["rip_jmp", "ff 25 00 00 00 00"],
  ["rip_jmp_bnd", "f2 ff 25 00 00 00 00"],
  ["rip_fld", "db 2d 00 00 00 00"],
  ["rip_twice", "48 8b 05 00 00 00 00 48 89 05 00 00 00 00", 14],
  ["rip_evex", "62 f1 fe 48 6f 05 00 00 00 00"],
];

test("operands relative to rip name what they named", () => {
  const cases = RIP_RELATIVE.map(([name, bytes, window]) => {
    const made = makeCase(name, bytesOf(bytes), { states: 16, ...(window === undefined ? {} : { window }) });
    if ("refused" in made) throw new Error(`${name}: ${made.refused}`);
    return made;
  });
  cases.push(...both("rip_lea", bytesOf("4c 8d 3d 00 00 00 00")), ...both("eip_load", bytesOf("67 8b 05 00 00 00 00")));
  expect(execute(cases).finished).toBeGreaterThan(200);
});

test("indirect calls and jumps through every form of operand", () => {
  const cases: Case[] = [];
  const refused: string[] = [];
  const add = (bytes: number[]): void => {
    const made = makeCase("indirect", Uint8Array.from(bytes), { kind: OPERANDS, states: 6 });
    if ("refused" in made) refused.push(`${hex(Uint8Array.from(bytes))}: ${made.refused}`);
    else cases.push(made);
  };
  for (const extension of [2, 4]) {
    for (const rex of [undefined, 0x40, 0x41, 0x42, 0x43, 0x49]) {
      const prefix = rex === undefined ? [0xff] : [rex, 0xff];
      for (let mode = 0; mode < 4; mode++) {
        const displacement = [[], [0x10], [0x10, 1, 0, 0], []][mode] as number[];
        for (let operand = 0; operand < 8; operand++) {
          const modrm = (mode << 6) | (extension << 3) | operand;
          if (mode === 3 || operand !== 4) add([...prefix, modrm, ...(mode === 0 && operand === 5 ? [0, 0, 0, 0] : displacement)]);
          else for (let sib = 0; sib < 256; sib += 3) add([...prefix, modrm, sib, ...(mode === 0 && (sib & 7) === 5 ? [0, 1, 0, 0] : displacement)]);
        }
      }
    }
  }
  // Without REX.B, 4 is rsp.
  expect(refused).toEqual(["ffd4", "40ffd4", "42ffd4"].map((bytes) => `${bytes}: it calls the address in rsp, which pushing the return address changes`));
  expect(cases.length).toBeGreaterThan(3000);
  expect(execute(cases).finished).toBeGreaterThan(2000);
});

/** What this process has mapped: libraries that nobody wrote for this test. */
function mapped(name: RegExp): string {
  const path = readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .map((line) => line.slice(73))
    .find((line) => name.test(line));
  if (path === undefined) throw new Error(`no ${name} is mapped`);
  return path;
}

const LIBRARIES: readonly (readonly [name: string, path: () => string, bytes: number])[] = [
  ["libc", () => mapped(/\/libc[.-][^/]*$/), 2 << 20],
  ["libstdc++", () => mapped(/\/libstdc\+\+[^/]*$/), 2 << 20],
  ["node", () => process.execPath, 6 << 20],
];

test("thousands of instructions of libc, libstdc++ and node", () => {
  const known = new Set<string>();
  const cases: Case[] = [];
  for (const [name, path, bytes] of LIBRARIES) {
    for (const original of distinctInstructions(codeOf(path(), bytes), known)) {
      const made = makeCase(name, original, { states: 4 });
      if ("refused" in made) expect(made.refused).toMatch(REFUSED);
      else if (!loopsToItself(original)) cases.push(made);
    }
  }
  expect(cases.length).toBeGreaterThan(5000);
  const outcome = execute(cases);
  // The rest fault, in both places: on wild addresses, as the kernel's, or because this processor doesn't know them.
  expect(outcome.finished).toBeGreaterThan(2 * cases.length);
  expect(outcome.inSlot).toBeGreaterThan(cases.length / 10);
});

/** What a sweep through code meets that can't be executed elsewhere: padding, data, and the operands of data. */
const REFUSED =
  /a breakpoint instruction|a debug trap|a far (call|jump)|a software interrupt|16 bits|the stack segment|begins a transaction|the address in rsp|the place on the stack/;

/** A short branch to its own start or into itself. */
function loopsToItself(code: Uint8Array): boolean {
  const first = code[0] as number;
  const short = first === 0xeb || (first >= 0x70 && first <= 0x7f) || (first >= 0xe0 && first <= 0xe3);
  return short && (code[1] as number) >= 0xfe;
}

test("windows of several instructions of libc, libstdc++ and node", () => {
  const cases: Case[] = [];
  for (const [name, path, bytes] of LIBRARIES) {
    const code = codeOf(path(), bytes);
    for (const [size, every] of [
      [5, 100],
      [14, 300],
      [30, 600],
    ] as const) {
      for (const original of windows(code, size, every)) {
        const made = makeCase(`${name}, ${size} bytes`, original, { states: 2, window: size });
        if ("refused" in made) expect(made.refused).toMatch(WINDOW_REFUSED);
        else cases.push(made);
      }
    }
  }
  expect(cases.length).toBeGreaterThan(10_000);
  expect(execute(cases).finished).toBeGreaterThan(cases.length);
});

const WINDOW_REFUSED = new RegExp(`${REFUSED.source}|must be the last|there to fault|between the instructions`);

const WINDOWS: readonly (readonly [name: string, bytes: string, bytesNeeded: number])[] = [
  ["jcc_within", "74 02 89 d8 01 d0", 5],
  ["loop_within", "e2 02 89 d8 01 d0", 5],
  // mov ecx, 5; again: add eax, ecx; loop again
  ["loop_back_within", "b9 05 00 00 00 01 c8 e2 fc 90", 10],
  // mov ecx, 3; again: inc rax; dec ecx; jne again
  ["jcc_back_within", "b9 03 00 00 00 48 ff c0 ff c9 75 f9", 12],
  ["call_last", "55 48 89 e5 e8 00 00 00 00", 5],
  ["call_rsp_operand_last", "53 53 90 ff 54 24 18", 5],
  ["syscall_last", "b8 27 00 00 00 0f 05", 7],
  ["ret_with_padding", "31 c0 c3 cc cc", 5],
  ["jmp_with_padding", "48 89 c3 ff e0 66 0f 1f 44 00 00", 9],
  ["push_pop_red_zone", "48 89 44 24 f8 48 8b 5c 24 f8", 10],
];

test("windows with branches among their own instructions, and what may only end one", () => {
  const cases = WINDOWS.flatMap(([name, bytes, window]) => both(name, bytesOf(bytes), { states: 32, window }));
  expect(execute(cases).finished).toBeGreaterThan(500);
});
