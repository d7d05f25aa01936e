/** What one instruction is to the relocator: how control leaves it, and which of its bytes depend on where it stands. */
import type * as Iced from "iced-x86";
import { iced } from "../full-decoder.ts";
import { type Common, common } from "./common.ts";

export type Flow =
  /** Goes on behind itself; so do nops, privileged instructions (they fault, here as there) and string instructions (they restart). */
  | "plain"
  | "call"
  | "call-indirect"
  | "jump"
  | "jump-indirect"
  | "conditional"
  /** loop, loope, loopne, jrcxz, jecxz: conditional, and there is only a form that reaches 127 bytes. */
  | "loop"
  | "return"
  | "syscall"
  /** int 0x80: a system call that says nothing about where it came from. */
  | "interrupt";

export interface Displaced {
  /** As they stand in place. */
  readonly bytes: Uint8Array;
  readonly address: number;
  readonly flow: Flow;
  /** Index in `bytes` of the opcode, behind prefixes and REX. */
  readonly opcode: number;
  /** Where a direct branch goes. */
  readonly target: number | undefined;
  /** ud2, or an instruction of the kernel's: a program has it to be told of the fault. */
  readonly faults: boolean;
  /** Index in `bytes` of the displacement of an operand relative to rip, and whether its address has 32 bits only (prefix 67). */
  readonly ripRelative: { readonly at: number; readonly narrow: boolean } | undefined;
}

export interface Refusal {
  /** Completes "it can't be executed elsewhere: …". */
  readonly refused: string;
}

const LONGEST = 15;
const RET = 0xc3;

const OPERAND_SIZE = 0x66;
const ADDRESS_SIZE = 0x67;

function isLegacyPrefix(byte: number): boolean {
  return (
    byte === OPERAND_SIZE ||
    byte === ADDRESS_SIZE ||
    byte === 0xf0 || // lock
    byte === 0xf2 || // repne, bnd
    byte === 0xf3 || // rep
    byte === 0x2e || // cs, hint
    byte === 0x36 || // ss
    byte === 0x3e || // ds, hint, notrack
    byte === 0x26 || // es
    byte === 0x64 || // fs
    byte === 0x65 // gs
  );
}

interface Prefixes {
  /** Index of the opcode. */
  readonly end: number;
  /** The operand is of 16 bits: REX.W would have had the last word. */
  readonly short: boolean;
  readonly address32: boolean;
}

/** VEX, EVEX and XOP begin with what is an opcode here: they are never branches, and their bytes are copied. */
function readPrefixes(bytes: Uint8Array): Prefixes {
  let end = 0;
  let operand = false;
  let address32 = false;
  let wide = false;
  for (; end < bytes.length; end++) {
    const byte = bytes[end] as number;
    if (byte >= 0x40 && byte <= 0x4f) {
      wide = (byte & 8) !== 0;
      continue;
    }
    if (!isLegacyPrefix(byte)) break;
    // A REX prefix that isn't the last one is ignored by the processor.
    wide = false;
    operand ||= byte === OPERAND_SIZE;
    address32 ||= byte === ADDRESS_SIZE;
  }
  return { end, short: operand && !wide, address32 };
}

const refuse = (refused: string): Refusal => ({ refused });

/** Its length and meaning differ between processors: AMD's read 16 bits of target, Intel's ignore the prefix. */
const SHORT_BRANCH = refuse("it's a branch with a prefix for 16 bits, which processors understand differently");

/** What the full decoder accepts and a slot can't execute, found by opcode; undefined: nothing against it. */
function refusalOf(bytes: Uint8Array, opcode: number): Refusal | undefined {
  const first = bytes[opcode] as number;
  const second = bytes[opcode + 1] ?? 0;
  const third = bytes[opcode + 2] ?? 0;
  const extension = (second >> 3) & 7;
  switch (first) {
    case 0xcc:
      return refuse("it's a breakpoint instruction (int3) of somebody else's");
    case 0xf1:
      return refuse("it's a debug trap (int1)");
    case 0xcd:
      if (second === 0x80) return undefined;
      return refuse(`it's a software interrupt (int 0x${second.toString(16)}), whose handler would see where it stands`);
    case 0xc7:
      return second === 0xf8 ? refuse("it begins a transaction (xbegin), which the breakpoint would abort") : undefined;
    case 0x8e:
      return extension === 2 ? refuse("it loads the stack segment, which holds traps back for an instruction") : undefined;
    case 0xff:
      if (extension === 3) return refuse("it's a far call, which pushes its own address");
      return extension === 5 ? refuse("it's a far jump") : undefined;
    case 0x0f:
      if (second === 0x34) return refuse("it's sysenter, which doesn't return to where it stands");
      if (second === 0x01 && third === 0xd7) return refuse("it enters an enclave (enclu), which is told where it stands");
      return undefined;
    default:
      return undefined;
  }
}

interface Branch {
  readonly flow: Flow;
  /** Bytes of the target at the instruction's end; 0 for none. */
  readonly reach: 0 | 1 | 4;
}

/** Branches by opcode; undefined for what goes on behind itself. */
function branchOf(bytes: Uint8Array, opcode: number): Branch | undefined {
  const first = bytes[opcode] as number;
  if (first >= 0x70 && first <= 0x7f) return { flow: "conditional", reach: 1 };
  if (first >= 0xe0 && first <= 0xe3) return { flow: "loop", reach: 1 };
  switch (first) {
    case 0xe8:
      return { flow: "call", reach: 4 };
    case 0xe9:
      return { flow: "jump", reach: 4 };
    case 0xeb:
      return { flow: "jump", reach: 1 };
    case 0xcd:
      return { flow: "interrupt", reach: 0 };
    case 0xff: {
      const extension = ((bytes[opcode + 1] as number) >> 3) & 7;
      if (extension === 2) return { flow: "call-indirect", reach: 0 };
      return extension === 4 ? { flow: "jump-indirect", reach: 0 } : undefined;
    }
    case 0x0f: {
      const second = bytes[opcode + 1] as number;
      if (second === 0x05) return { flow: "syscall", reach: 0 };
      return second >= 0x80 && second <= 0x8f ? { flow: "conditional", reach: 4 } : undefined;
    }
    default:
      return undefined;
  }
}

export function signed32(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}

function targetOf(bytes: Uint8Array, address: number, reach: 0 | 1 | 4): number | undefined {
  if (reach === 0) return undefined;
  const end = bytes.length;
  const distance = reach === 4 ? signed32(bytes, end - 4) : ((bytes[end - 1] as number) << 24) >> 24;
  return address + end + distance;
}

/** Whether code begins with an instruction that can be executed anywhere, as far as that can be told without the full decoder. */
export function isCommonBeginning(code: Uint8Array): boolean {
  const found = common(code);
  return found !== undefined && found.ripRelative < 0 && branchOf(code, found.opcode) === undefined;
}

/** What the full decoder would say, of an instruction that needs none. */
function displaceCommon(code: Uint8Array, address: number, { length, opcode, ripRelative }: Common): Displaced {
  const bytes = new Uint8Array(code.subarray(0, length));
  const branch = branchOf(bytes, opcode);
  return {
    bytes,
    address,
    flow: branch?.flow ?? (bytes[opcode] === RET ? "return" : "plain"),
    opcode,
    faults: false,
    target: targetOf(bytes, address, branch?.reach ?? 0),
    ripRelative: ripRelative < 0 ? undefined : { at: ripRelative, narrow: false },
  };
}

let decoded: Iced.Instruction | undefined;

/** The instruction at the start of `code`, which is to stand at `address`; or why it can stand nowhere else. */
export function displace(code: Uint8Array, address: number): Displaced | Refusal {
  const known = common(code);
  if (known !== undefined) return displaceCommon(code, address, known);
  const { Decoder, DecoderError, DecoderOptions, FlowControl, Instruction } = iced();
  if (code.length === 0) return refuse("no code is mapped there");
  decoded ??= new Instruction();
  const decoder = new Decoder(64, code.length > LONGEST ? code.subarray(0, LONGEST) : code, DecoderOptions.None);
  try {
    decoder.decodeOut(decoded);
    if (decoded.isInvalid) {
      if (decoder.lastError === DecoderError.NoMoreBytes && code.length < LONGEST) return refuse("the code that is mapped ends within it");
      return refuse("its bytes are no instruction");
    }
    // A copy also of a Buffer, whose own slice() is none.
    const bytes = new Uint8Array(code.subarray(0, decoded.length));
    const prefixes = readPrefixes(bytes);
    const opcode = prefixes.end;
    const refusal = refusalOf(bytes, opcode);
    if (refusal !== undefined) return refusal;
    const branch = branchOf(bytes, opcode);
    // What is copied needs no care for the prefix: it means there what it means here.
    if (branch !== undefined && branch.flow !== "jump-indirect" && prefixes.short) return SHORT_BRANCH;
    const flow = branch?.flow ?? (decoded.flowControl === FlowControl.Return ? "return" : "plain");
    let ripRelative: Displaced["ripRelative"];
    if (decoded.isIpRelMemoryOperand) {
      const offsets = decoder.getConstantOffsets(decoded);
      ripRelative = { at: offsets.displacementOffset, narrow: prefixes.address32 };
      offsets.free();
    }
    const faults = decoded.isPrivileged || decoded.flowControl === FlowControl.Exception;
    return { bytes, address, flow, opcode, faults, target: targetOf(bytes, address, branch?.reach ?? 0), ripRelative };
  } finally {
    decoder.free();
  }
}
