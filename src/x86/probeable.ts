/** Which instructions the kernel's uprobes refuse, and why. */
import { decodeSimple } from "./simple-decoder.ts";

/** Prefixes that the kernel takes for a danger: it would have to reproduce their effect. */
const BAD_PREFIXES: { readonly [prefix: number]: string } = {
  38: "an ES prefix",
  46: "a CS prefix",
  54: "an SS prefix",
  62: "a DS (or notrack) prefix",
  240: "a lock prefix",
};

/** One-byte opcodes that the kernel doesn't step in 64-bit code. VEX and EVEX instructions are judged by their opcode byte as if it were one of these. */
const BAD_OPCODES = new Set([
  0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x62, 0x6c, 0x6d, 0x6e, 0x6f, 0x82, 0x9a, 0xcc, 0xcd, 0xce, 0xcf, 0xd4, 0xd5,
  0xd6, 0xe4, 0xe5, 0xe6, 0xe7, 0xea, 0xec, 0xed, 0xee, 0xef, 0xf1, 0xf4, 0xfa, 0xfb,
]);

/**
 * Opcode bytes of vector instructions that the kernel takes for the one-byte instruction of the same number, and emulates or mends
 * as that (jumps, nop, calls, returns, popf): `vpor` jumps, `vcmpps` crashes (both seen). Accepted, they would do something else.
 */
const MISTAKEN = new Set([...Array.from({ length: 16 }, (_, i) => 0x70 + i), 0x90, 0x9d, 0xc2, 0xc3, 0xca, 0xcb, 0xe8, 0xe9, 0xeb, 0xff]);

/** Behind 0f: syscall, sysret, sysenter, sysexit. A `ret` behind a stepped syscall ends the program (seen): its address is then "mended". */
const SYSTEM_CALLS = new Set([0x05, 0x07, 0x34, 0x35]);

const PORTS = "it reads or writes an I/O port";
const REASONS: { readonly [opcode: number]: string } = {
  204: "there is a breakpoint (int3) already",
  205: "it raises an interrupt",
  207: "it returns from an interrupt",
  241: "it is a breakpoint (int1)",
  244: "it halts the processor",
  250: "it masks interrupts",
  251: "it unmasks interrupts",
  108: PORTS,
  109: PORTS,
  110: PORTS,
  111: PORTS,
  228: PORTS,
  229: PORTS,
  230: PORTS,
  231: PORTS,
  236: PORTS,
  237: PORTS,
  238: PORTS,
  239: PORTS,
};

/**
 * Why the kernel won't probe the instruction at the start of `code`; undefined if it will. Completes "it can't be probed: …".
 * Whether the bytes decode at all is for `length` to say (0: they don't).
 * Source: uprobe_init_insn and its tables in arch/x86/kernel/uprobes.c; its table of two-byte opcodes is never asked, since
 * 0f itself is among the good ones of one byte (seen).
 */
export function uprobeRefusal(code: Uint8Array, length: () => number): string | undefined {
  const simple = decodeSimple(code, 0);
  if (simple !== undefined && simple.kind !== "nop" && simple.kind !== "vector") return undefined;
  let p = 0;
  let operandSize = false;
  for (; p < 15; p++) {
    const byte = code[p];
    if (byte === undefined) return "the code ends there";
    const bad = BAD_PREFIXES[byte];
    if (bad !== undefined) return `it has ${bad}, which the kernel doesn't probe`;
    operandSize ||= byte === 0x66;
    if (byte !== 0x66 && byte !== 0x67 && byte !== 0x64 && byte !== 0x65 && byte !== 0xf2 && byte !== 0xf3) break;
  }
  if (((code[p] ?? 0) & 0xf0) === 0x40) p++;
  const first = code[p];
  if (first === undefined) return "the code ends there";
  if (first === 0xcc) return REASONS[0xcc];
  // mov ss, and pop ss (which 64-bit code hasn't): traps are held back for one instruction.
  if (first === 0x8e && (((code[p + 1] ?? 0) >> 3) & 7) === 2) return "it loads the stack segment, which holds traps back";
  const jump = first === 0x0f ? ((code[p + 1] ?? 0) & 0xf0) === 0x80 : first === 0xe8 || first === 0xe9 || first === 0xeb || (first & 0xf0) === 0x70;
  if (operandSize && jump) return "it is a jump or call with an operand-size prefix";
  if (first === 0x0f && SYSTEM_CALLS.has(code[p + 1] ?? 0))
    return "it is a system call: the step over it only ends behind the next instruction, which the kernel would run in the wrong place";
  const vector = first === 0xc5 ? 2 : first === 0xc4 ? 3 : first === 0x62 ? 4 : 0;
  const opcode = vector === 0 ? first : code[p + vector];
  if (opcode !== undefined && BAD_OPCODES.has(opcode)) {
    if (vector > 0) return "it is a vector instruction whose opcode the kernel doesn't probe";
    return REASONS[opcode] ?? "it is not valid in 64-bit code";
  }
  if (vector > 0 && opcode !== undefined && MISTAKEN.has(opcode)) return "it is a vector instruction that the kernel takes for another instruction";
  return length() === 0 ? "the bytes are not an instruction" : undefined;
}
