/**
 * Frames of code that no table describes: what a compiler at run time has made, assembly, programs built without tables. Their
 * layout is guessed from the instructions at the pc and from the frame pointer, and believed where it leads behind a call.
 */
import { u32, u64 } from "../../dwarf/leb.ts";
import type { UnwindMemory } from "./memory.ts";

/** Where a frame's caller goes on. */
export type Guess =
  /** The return address is at `at`; the caller's rbp is at `rbp`, or still in the register. */
  | { readonly k: "call"; readonly at: number; readonly rbp: number | undefined }
  /** The kernel has made the frame for a signal: the registers are saved from here on. */
  | { readonly k: "signal"; readonly registers: number }
  /** It is the outermost one: psABI 1.0 §3.4.1 has rbp be 0 there. */
  | { readonly k: "outermost" };

/** What is known of a frame. Numbers beyond any address are as good as undefined. */
export interface Bare {
  readonly pc: number;
  readonly rsp: number;
  readonly rbp: number | undefined;
  /** It was called and has called on; else it was running when it was stopped. */
  readonly called: boolean;
  readonly memory: UnwindMemory;
  /** Whether there may be code. */
  isCode(address: number): boolean;
}

/** A frame pointer farther up than this is none. */
const FARTHEST = 1 << 23;
/** Farther behind a call's target than this, the pc is in another function. */
const LONGEST_FUNCTION = 1 << 16;

/** Undefined: nothing plausible is found. */
export function guess(frame: Bare): Guess | undefined {
  const { pc, rsp, rbp, called, memory } = frame;
  const code = frame.isCode(pc) ? bytesAt(memory, pc, 9) : undefined;
  if (code !== undefined && isSignalReturn(code)) return { k: "signal", registers: rsp + REGISTERS_IN_FRAME };
  if (!called) {
    const set = code === undefined ? undefined : setUp(code);
    if (set === "rbp pushed" && isReturn(frame, rsp + 8)) return { k: "call", at: rsp + 8, rbp: rsp };
    if ((set === "nothing" || !frame.isCode(pc) || isCalledFrom(frame, rsp)) && isReturn(frame, rsp)) return { k: "call", at: rsp, rbp: undefined };
  }
  if (rbp !== undefined && rbp >= rsp && rbp - rsp < FARTHEST && rbp % 8 === 0 && isReturn(frame, rbp + 8)) return { k: "call", at: rbp + 8, rbp };
  if (!called && isReturn(frame, rsp)) return { k: "call", at: rsp, rbp: undefined };
  return called && rbp === 0 ? { k: "outermost" } : undefined;
}

/** What a function has done to its stack at an instruction by which it begins or ends; undefined at others. */
function setUp(code: Uint8Array): "nothing" | "rbp pushed" | undefined {
  const [a, b, c, d] = code;
  // push rbp, ret, repz ret, endbr64.
  if (a === 0x55 || a === 0xc3 || a === 0xc2 || (a === 0xf3 && (b === 0xc3 || (b === 0x0f && c === 0x1e && d === 0xfa)))) return "nothing";
  // mov rbp, rsp in both encodings; pop rbp.
  if ((a === 0x48 && ((b === 0x89 && c === 0xe5) || (b === 0x8b && c === 0xec))) || a === 0x5d) return "rbp pushed";
  return undefined;
}

/** Whether the word at `at` is an address behind a call. */
function isReturn({ memory, isCode }: Bare, at: number): boolean {
  const word = memory.read(at, 8);
  if (word === undefined) return false;
  const address = u64(word, 0);
  if (!isCode(address - 1)) return false;
  const before = memory.read(address - 7, 7);
  return before === undefined || endsWithCall(before);
}

/** Whether the word at `at` is behind a call that leads right before the pc. */
function isCalledFrom({ memory, pc }: Bare, at: number): boolean {
  const word = memory.read(at, 8);
  const address = word === undefined ? 0 : u64(word, 0);
  const call = memory.read(address - 5, 5);
  if (call?.[0] !== 0xe8) return false;
  const target = address + (u32(call, 1) | 0);
  return target <= pc && pc - target < LONGEST_FUNCTION;
}

/** 7 bytes: e8 and an offset, or ff /2 in one of its lengths. */
function endsWithCall(bytes: Uint8Array): boolean {
  if (bytes[2] === 0xe8) return true;
  for (const at of [5, 4, 3, 1, 0]) {
    const form = bytes[at + 1]!;
    if (bytes[at] !== 0xff || (form & 0x38) !== 0x10) continue;
    const mod = form >> 6;
    const sib = mod !== 3 && (form & 7) === 4;
    const displacement = mod === 1 ? 1 : mod === 2 || (mod === 0 && (form & 7) === 5) ? 4 : 0;
    if (2 + (sib ? 1 : 0) + displacement === 7 - at) return true;
  }
  return false;
}

/** In front of rt_sigreturn's frame, which rsp points to there, as struct ucontext: flags, link, the stack's 24 bytes (asm-generic/ucontext.h). */
const REGISTERS_IN_FRAME = 40;
/** struct sigcontext_64: DWARF's numbers in its order (arch/x86/include/uapi/asm/sigcontext.h). */
export const SIGNAL_REGISTERS: readonly number[] = [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16];

/** `mov eax, 15; syscall` in both encodings: what a signal's handler returns to. */
function isSignalReturn(code: Uint8Array): boolean {
  const starts = (...bytes: readonly number[]): boolean => bytes.every((byte, i) => code[i] === byte);
  return starts(0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05) || starts(0xb8, 15, 0, 0, 0, 0x0f, 0x05);
}

/** Fewer where memory ends. */
function bytesAt(memory: UnwindMemory, address: number, most: number): Uint8Array | undefined {
  for (let length = most; length > 0; length--) {
    const bytes = memory.read(address, length);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}
