/** Instructions at 0x401000 and their slots at 0x501000; bytes, and what the full decoder must call them. */
import type { Slot, SlotPosition } from "./relocate.ts";

export type Commented = readonly [bytes: string, text: string];

export interface NamedCase {
  readonly name: string;
  readonly have: Commented;
  readonly want: readonly Commented[];
  /** Behind the code, at the next address that 8 divides. */
  readonly literals?: readonly number[];
  /** Positions but for those of its start and of the jump back. */
  readonly between?: readonly SlotPosition[];
  readonly kind: Slot["kind"];
  readonly after?: number;
}

export const NAMED_CASES: readonly NamedCase[] = [
  {
    name: "jmp_short",
    have: ["eb 10", "jmp 0x401012"],
    want: [["e9 0d 00 f0 ff", "jmp 0x401012"]],
    kind: "jump",
  },
  {
    name: "jmp_near",
    have: ["e9 00 01 00 00", "jmp 0x401105"],
    want: [["e9 00 01 f0 ff", "jmp 0x401105"]],
    kind: "jump",
  },
  {
    name: "jmp_back",
    have: ["eb f0", "jmp 0x400ff2"],
    want: [["e9 ed ff ef ff", "jmp 0x400ff2"]],
    kind: "jump",
  },
  {
    name: "jmp_itself",
    have: ["eb fe", "jmp 0x401000"],
    want: [["e9 fb ff ef ff", "jmp 0x401000"]],
    kind: "jump",
  },
  {
    name: "jmp_rip",
    have: ["ff 25 00 01 00 00", "jmp qword ptr [0x401106]"],
    want: [["ff 25 00 01 f0 ff", "jmp qword ptr [0x401106]"]],
    kind: "jump",
  },
  {
    name: "jmp_rip_bnd",
    have: ["f2 ff 25 00 01 00 00", "bnd jmp qword ptr [0x401107]"],
    want: [["f2 ff 25 00 01 f0 ff", "bnd jmp qword ptr [0x401107]"]],
    kind: "jump",
  },
  {
    name: "jmp_notrack",
    have: ["3e ff e0", "notrack jmp rax"],
    want: [["3e ff e0", "notrack jmp rax"]],
    kind: "jump",
  },
  {
    name: "jcc_short",
    have: ["74 10", "je 0x401012"],
    want: [
      ["0f 84 0c 00 f0 ff", "je 0x401012"],
      ["e9 f7 ff ef ff", "jmp 0x401002"],
    ],
    kind: "conditional",
    after: 6,
  },
  {
    name: "jcc_short_back",
    have: ["7f f0", "jg 0x400ff2"],
    want: [
      ["0f 8f ec ff ef ff", "jg 0x400ff2"],
      ["e9 f7 ff ef ff", "jmp 0x401002"],
    ],
    kind: "conditional",
    after: 6,
  },
  {
    name: "jcc_short_hinted",
    have: ["2e 75 10", "hint-not-taken jne 0x401013"],
    want: [
      ["0f 85 0d 00 f0 ff", "jne 0x401013"],
      ["e9 f8 ff ef ff", "jmp 0x401003"],
    ],
    kind: "conditional",
    after: 6,
  },
  {
    name: "jcc_near",
    have: ["0f 8c 00 01 00 00", "jl 0x401106"],
    want: [
      ["0f 8c 00 01 f0 ff", "jl 0x401106"],
      ["e9 fb ff ef ff", "jmp 0x401006"],
    ],
    kind: "conditional",
    after: 6,
  },
  {
    name: "loop",
    have: ["e2 10", "loop 0x401012"],
    want: [
      ["e2 02", "loop 0x501004"],
      ["eb 05", "jmp 0x501009"],
      ["e9 09 00 f0 ff", "jmp 0x401012"],
      ["e9 f4 ff ef ff", "jmp 0x401002"],
    ],
    between: [
      { offset: 2, rip: 0x401002, stack: 0 },
      { offset: 4, rip: 0x401012, stack: 0 },
    ],
    kind: "conditional",
    after: 9,
  },
  {
    name: "jecxz",
    have: ["67 e3 10", "jecxz 0x401013"],
    want: [
      ["67 e3 02", "jecxz 0x501005"],
      ["eb 05", "jmp 0x50100a"],
      ["e9 09 00 f0 ff", "jmp 0x401013"],
      ["e9 f4 ff ef ff", "jmp 0x401003"],
    ],
    between: [
      { offset: 3, rip: 0x401003, stack: 0 },
      { offset: 5, rip: 0x401013, stack: 0 },
    ],
    kind: "conditional",
    after: 10,
  },
  {
    name: "call_near",
    have: ["e8 00 01 00 00", "call 0x401105"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["e9 fa 00 f0 ff", "jmp 0x401105"],
    ],
    literals: [0x401005],
    between: [{ offset: 6, rip: 0x401105, stack: 0 }],
    kind: "call",
  },
  {
    name: "call_next",
    have: ["e8 00 00 00 00", "call 0x401005"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["e9 fa ff ef ff", "jmp 0x401005"],
    ],
    literals: [0x401005],
    between: [{ offset: 6, rip: 0x401005, stack: 0 }],
    kind: "call",
  },
  {
    name: "call_tls_get_addr",
    have: ["66 66 48 e8 00 01 00 00", "call 0x401108"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["e9 fd 00 f0 ff", "jmp 0x401108"],
    ],
    literals: [0x401008],
    between: [{ offset: 6, rip: 0x401108, stack: 0 }],
    kind: "call",
  },
  {
    name: "call_register",
    have: ["ff d0", "call rax"],
    want: [
      ["ff 35 02 00 00 00", "push qword ptr [0x501008]"],
      ["ff e0", "jmp rax"],
    ],
    literals: [0x401002],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "call_r12",
    have: ["41 ff d4", "call r12"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["41 ff e4", "jmp r12"],
    ],
    literals: [0x401003],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "call_notrack",
    have: ["3e ff d2", "notrack call rdx"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["3e ff e2", "notrack jmp rdx"],
    ],
    literals: [0x401003],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "call_rip",
    have: ["ff 15 00 01 00 00", "call qword ptr [0x401106]"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["ff 25 fa 00 f0 ff", "jmp qword ptr [0x401106]"],
    ],
    literals: [0x401006],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "call_rsp",
    have: ["ff 14 24", "call qword ptr [rsp]"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["ff a4 24 08 00 00 00", "jmp qword ptr [rsp+0x8]"],
    ],
    literals: [0x401003],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "call_rsp_short",
    have: ["ff 54 24 08", "call qword ptr [rsp+0x8]"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["ff a4 24 10 00 00 00", "jmp qword ptr [rsp+0x10]"],
    ],
    literals: [0x401004],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "call_rsp_becomes_long",
    have: ["ff 54 24 78", "call qword ptr [rsp+0x78]"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["ff a4 24 80 00 00 00", "jmp qword ptr [rsp+0x80]"],
    ],
    literals: [0x401004],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "call_rsp_indexed",
    have: ["42 ff 94 a4 00 01 00 00", "call qword ptr [rsp+r12*4+0x100]"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["42 ff a4 a4 08 01 00 00", "jmp qword ptr [rsp+r12*4+0x108]"],
    ],
    literals: [0x401008],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "call_r12_operand",
    have: ["41 ff 54 24 08", "call qword ptr [r12+0x8]"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["41 ff 64 24 08", "jmp qword ptr [r12+0x8]"],
    ],
    literals: [0x401005],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "call_fs",
    have: ["64 ff 14 25 10 00 00 00", "call qword ptr fs:[0x10]"],
    want: [
      ["ff 35 0a 00 00 00", "push qword ptr [0x501010]"],
      ["64 ff 24 25 10 00 00 00", "jmp qword ptr fs:[0x10]"],
    ],
    literals: [0x401008],
    between: [{ offset: 6, rip: 0x401000, stack: 8 }],
    kind: "call",
  },
  {
    name: "ret",
    have: ["c3", "ret"],
    want: [["c3", "ret"]],
    kind: "return",
  },
  {
    name: "rep_ret",
    have: ["f3 c3", "rep ret"],
    want: [["f3 c3", "rep ret"]],
    kind: "return",
  },
  {
    name: "ret_with_bytes",
    have: ["c2 10 00", "ret 0x10"],
    want: [["c2 10 00", "ret 0x10"]],
    kind: "return",
  },
  {
    name: "iretq",
    have: ["48 cf", "iretq"],
    want: [["48 cf", "iretq"]],
    kind: "return",
  },
  {
    name: "syscall",
    have: ["0f 05", "syscall"],
    want: [
      ["0f 05", "syscall"],
      ["48 b9 02 10 40 00 00 00 00 00", "mov rcx, 0x401002"],
      ["e9 f1 ff ef ff", "jmp 0x401002"],
    ],
    between: [{ offset: 2, rip: 0x401002, stack: 0, rcx: 0x401002 }],
    kind: "syscall",
    after: 12,
  },
  {
    name: "int_80",
    have: ["cd 80", "int 0x80"],
    want: [
      ["cd 80", "int 0x80"],
      ["e9 fb ff ef ff", "jmp 0x401002"],
    ],
    kind: "syscall",
    after: 2,
  },
  {
    name: "rip_load",
    have: ["48 8b 05 00 01 00 00", "mov rax, [0x401107]"],
    want: [
      ["48 8b 05 00 01 f0 ff", "mov rax, [0x401107]"],
      ["e9 fb ff ef ff", "jmp 0x401007"],
    ],
    kind: "plain",
    after: 7,
  },
  {
    name: "rip_store_immediate",
    have: ["c7 05 00 01 00 00 78 56 34 12", "mov dword ptr [0x40110a], 0x12345678"],
    want: [
      ["c7 05 00 01 f0 ff 78 56 34 12", "mov dword ptr [0x40110a], 0x12345678"],
      ["e9 fb ff ef ff", "jmp 0x40100a"],
    ],
    kind: "plain",
    after: 10,
  },
  {
    name: "rip_lea",
    have: ["48 8d 3d 00 01 00 00", "lea rdi, [0x401107]"],
    want: [
      ["48 8d 3d 00 01 f0 ff", "lea rdi, [0x401107]"],
      ["e9 fb ff ef ff", "jmp 0x401007"],
    ],
    kind: "plain",
    after: 7,
  },
  {
    name: "eip_load",
    have: ["67 8b 05 00 01 00 00", "mov eax, [0x401107]"],
    want: [
      ["67 8b 05 00 01 f0 ff", "mov eax, [0x401107]"],
      ["e9 fb ff ef ff", "jmp 0x401007"],
    ],
    kind: "plain",
    after: 7,
  },
  {
    name: "fs_load",
    have: ["64 48 8b 04 25 28 00 00 00", "mov rax, fs:[0x28]"],
    want: [
      ["64 48 8b 04 25 28 00 00 00", "mov rax, fs:[0x28]"],
      ["e9 fb ff ef ff", "jmp 0x401009"],
    ],
    kind: "plain",
    after: 9,
  },
  {
    name: "rip_lock_redundant_prefix",
    have: ["2e f0 48 0f c7 0d 00 01 00 00", "lock cmpxchg16b [0x40110a]"],
    want: [
      ["2e f0 48 0f c7 0d 00 01 f0 ff", "lock cmpxchg16b [0x40110a]"],
      ["e9 fb ff ef ff", "jmp 0x40100a"],
    ],
    kind: "plain",
    after: 10,
  },
  {
    name: "rip_vex_immediate",
    have: ["c5 fd 70 05 00 01 00 00 1b", "vpshufd ymm0, [0x401109], 0x1b"],
    want: [
      ["c5 fd 70 05 00 01 f0 ff 1b", "vpshufd ymm0, [0x401109], 0x1b"],
      ["e9 fb ff ef ff", "jmp 0x401009"],
    ],
    kind: "plain",
    after: 9,
  },
  {
    name: "rip_evex",
    have: ["62 f1 fe 48 6f 05 00 01 00 00", "vmovdqu64 zmm0, [0x40110a]"],
    want: [
      ["62 f1 fe 48 6f 05 00 01 f0 ff", "vmovdqu64 zmm0, [0x40110a]"],
      ["e9 fb ff ef ff", "jmp 0x40100a"],
    ],
    kind: "plain",
    after: 10,
  },
  {
    name: "rip_mulx",
    have: ["c4 62 fb f6 05 00 01 00 00", "mulx r8, rax, [0x401109]"],
    want: [
      ["c4 62 fb f6 05 00 01 f0 ff", "mulx r8, rax, [0x401109]"],
      ["e9 fb ff ef ff", "jmp 0x401009"],
    ],
    kind: "plain",
    after: 9,
  },
  {
    name: "push_rsp",
    have: ["54", "push rsp"],
    want: [
      ["54", "push rsp"],
      ["e9 fb ff ef ff", "jmp 0x401001"],
    ],
    kind: "plain",
    after: 1,
  },
  {
    name: "push_redundant_rex",
    have: ["40 55", "push rbp"],
    want: [
      ["40 55", "push rbp"],
      ["e9 fb ff ef ff", "jmp 0x401002"],
    ],
    kind: "plain",
    after: 2,
  },
  {
    name: "add_long_form",
    have: ["48 81 c4 10 00 00 00", "add rsp, 0x10"],
    want: [
      ["48 81 c4 10 00 00 00", "add rsp, 0x10"],
      ["e9 fb ff ef ff", "jmp 0x401007"],
    ],
    kind: "plain",
    after: 7,
  },
  {
    name: "pushfq",
    have: ["9c", "pushfq"],
    want: [
      ["9c", "pushfq"],
      ["e9 fb ff ef ff", "jmp 0x401001"],
    ],
    kind: "plain",
    after: 1,
  },
  {
    name: "enter",
    have: ["c8 20 00 00", "enter 0x20, 0x0"],
    want: [
      ["c8 20 00 00", "enter 0x20, 0x0"],
      ["e9 fb ff ef ff", "jmp 0x401004"],
    ],
    kind: "plain",
    after: 4,
  },
  {
    name: "rep_movsb",
    have: ["f3 a4", "rep movsb [rdi], [rsi]"],
    want: [
      ["f3 a4", "rep movsb [rdi], [rsi]"],
      ["e9 fb ff ef ff", "jmp 0x401002"],
    ],
    kind: "plain",
    after: 2,
  },
  {
    name: "endbr64",
    have: ["f3 0f 1e fa", "endbr64"],
    want: [
      ["f3 0f 1e fa", "endbr64"],
      ["e9 fb ff ef ff", "jmp 0x401004"],
    ],
    kind: "plain",
    after: 4,
  },
  {
    name: "nop_long",
    have: ["66 2e 0f 1f 84 00 00 00 00 00", "nop [rax+rax]"],
    want: [
      ["66 2e 0f 1f 84 00 00 00 00 00", "nop [rax+rax]"],
      ["e9 fb ff ef ff", "jmp 0x40100a"],
    ],
    kind: "plain",
    after: 10,
  },
  {
    name: "ud2",
    have: ["0f 0b", "ud2"],
    want: [
      ["0f 0b", "ud2"],
      ["e9 fb ff ef ff", "jmp 0x401002"],
    ],
    kind: "plain",
    after: 2,
  },
  {
    name: "hlt",
    have: ["f4", "hlt"],
    want: [
      ["f4", "hlt"],
      ["e9 fb ff ef ff", "jmp 0x401001"],
    ],
    kind: "plain",
    after: 1,
  },
  {
    name: "rdpmc",
    have: ["0f 33", "rdpmc"],
    want: [
      ["0f 33", "rdpmc"],
      ["e9 fb ff ef ff", "jmp 0x401002"],
    ],
    kind: "plain",
    after: 2,
  },
  {
    name: "xabort",
    have: ["c6 f8 01", "xabort 0x1"],
    want: [
      ["c6 f8 01", "xabort 0x1"],
      ["e9 fb ff ef ff", "jmp 0x401003"],
    ],
    kind: "plain",
    after: 3,
  },
  {
    name: "red_zone_store",
    have: ["48 89 44 24 f8", "mov [rsp-0x8], rax"],
    want: [
      ["48 89 44 24 f8", "mov [rsp-0x8], rax"],
      ["e9 fb ff ef ff", "jmp 0x401005"],
    ],
    kind: "plain",
    after: 5,
  },
];
