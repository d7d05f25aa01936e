/** The cases that runner.c executes: originals, their slots, and how they are written for it. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { findSection, readElf } from "../../src/elf/image.ts";
import { iced } from "../../src/x86/full-decoder.ts";
import { type Refusal, relocate, relocateWindow, type Slot } from "../../src/x86/relocate/relocate.ts";

const { Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, RegisterExt } = iced();
type Instruction = InstanceType<typeof Instruction>;

/** As in runner.c. */
const CODE = 0x4000_0000;
const NEAR_SLOT = 0x4800_0000;
/** 3 GiB away: no jump of 32 bits reaches back. */
const FAR_SLOT = 0x1_0000_0000;
const PAD = 0x5000_0800;
const SCRATCH = 0x5800_0000;

/** Bits of what the runner must prepare. */
export const FLAGS_ON_STACK = 1;
const CALL = 2;
export const SYSTEM_CALL = 4;
export const FRAME_ON_STACK = 8;
export const SYSTEM_CALL_32 = 16;
export const OPERANDS = 32;

export interface Case {
  readonly name: string;
  readonly original: Uint8Array;
  readonly address: number;
  readonly slot: number;
  readonly result: Slot;
  readonly kind: number;
  readonly states: number;
}

export interface CaseOptions {
  readonly kind?: number;
  readonly states?: number;
  readonly far?: boolean;
  /** Of a window, at least. */
  readonly window?: number;
  /** Offsets in it before whose instructions a probe stands. */
  readonly probes?: ReadonlySet<number>;
}

/** Its last bytes before the end of a page, so that many cross it. */
let turn = 0;
function nextAddress(): number {
  turn = (turn + 1) % 16;
  return CODE + 0x2000 - turn;
}

/** Lets what depends on the place lead somewhere: operands into scratch memory, long branches onto a pad. */
function aimed(code: Uint8Array, address: number): Uint8Array {
  const copy = code.slice();
  const view = new DataView(copy.buffer);
  const decoder = new Decoder(64, copy, DecoderOptions.None);
  decoder.ip = BigInt(address);
  const instruction = new Instruction();
  try {
    for (let start = 0; decoder.canDecode; start = decoder.position) {
      decoder.decodeOut(instruction);
      if (instruction.isInvalid) break;
      const next = address + decoder.position;
      const offsets = decoder.getConstantOffsets(instruction);
      if (instruction.isIpRelMemoryOperand) view.setInt32(start + offsets.displacementOffset, SCRATCH + 0x800 + ((start * 64) & 0x700) - next, true);
      else if (offsets.immediateSize === 4 && isDirectBranch(instruction.flowControl)) view.setInt32(start + offsets.immediateOffset, PAD + start - next, true);
      offsets.free();
    }
    return copy;
  } finally {
    instruction.free();
    decoder.free();
  }
}

function isDirectBranch(flow: number): boolean {
  return flow === FlowControl.Call || flow === FlowControl.ConditionalBranch || flow === FlowControl.UnconditionalBranch;
}

/** A long nop: a probe that changes nothing. */
const PROBE = Uint8Array.of(0x0f, 0x1f, 0x40, 0);

/** A case of these bytes at some address, or why they can't be relocated. */
export function makeCase(name: string, bytes: Uint8Array, options: CaseOptions = {}): Case | Refusal {
  const address = nextAddress();
  const original = aimed(bytes, address);
  const slot = options.far ? FAR_SLOT : NEAR_SLOT;
  const probe = (at: number): Uint8Array | undefined => (options.probes?.has(at - address) === true ? PROBE : undefined);
  const result = options.window === undefined ? relocate(original, address, slot) : relocateWindow(original, address, options.window, slot, 256, probe);
  if ("refused" in result) return result;
  const kind = (options.kind ?? 0) | (result.kind === "call" ? CALL : 0);
  return { name, original: original.slice(0, result.length), address, slot, result, kind, states: options.states ?? 4 };
}

const MOST_POSITIONS = 32;
const CASE_BYTES = 24 + 16 + 64 + 256 + MOST_POSITIONS * 32;

/** As `struct test` of runner.c. */
export function serialize(cases: readonly Case[]): Buffer {
  const file = Buffer.alloc(cases.length * CASE_BYTES);
  cases.forEach((one, index) => {
    const record = file.subarray(index * CASE_BYTES, (index + 1) * CASE_BYTES);
    const { code, positions } = one.result;
    if (one.original.length > 64 || code.length > 256 || positions.length > MOST_POSITIONS) throw new RangeError(`${one.name} is too long for a case`);
    [one.kind, one.states, one.original.length, code.length, positions.length].forEach((value, field) => {
      record.writeUInt32LE(value, 4 * field);
    });
    record.writeBigUInt64LE(BigInt(one.address), 24);
    record.writeBigUInt64LE(BigInt(one.slot), 32);
    record.set(one.original, 40);
    record.set(code, 104);
    positions.forEach((position, number) => {
      const at = 360 + 32 * number;
      record.writeUInt32LE(position.offset, at);
      record.writeUInt32LE(position.rcx === undefined ? 0 : 1, at + 4);
      record.writeBigInt64LE(BigInt(position.stack), at + 8);
      record.writeBigUInt64LE(BigInt(position.rip), at + 16);
      record.writeBigUInt64LE(BigInt(position.rcx ?? 0), at + 24);
    });
  });
  return file;
}

/** The first bytes of an ELF file's code. */
export function codeOf(path: string, most: number): Uint8Array {
  const descriptor = openSync(path, "r");
  try {
    const read = (offset: number, length: number): Uint8Array => {
      const part = new Uint8Array(length);
      return part.subarray(0, readSync(descriptor, part, 0, length, offset));
    };
    const text = findSection(readElf({ name: path, size: fstatSync(descriptor).size, read }), ".text");
    if (text === undefined) throw new Error(`${path} has no .text`);
    return read(text.offset, Math.min(most, text.size));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Instructions whose result isn't a function of the state, that change what the runner itself lives by, or that store the
 * address of the last x87 instruction.
 */
const UNFIT = new Set<number>([
  Mnemonic.Syscall,
  Mnemonic.Int,
  Mnemonic.Iret,
  Mnemonic.Iretd,
  Mnemonic.Iretq,
  Mnemonic.Retf,
  Mnemonic.Popf,
  Mnemonic.Popfq,
  Mnemonic.Cpuid,
  Mnemonic.Rdtsc,
  Mnemonic.Rdtscp,
  Mnemonic.Rdpmc,
  Mnemonic.Rdpid,
  Mnemonic.Rdrand,
  Mnemonic.Rdseed,
  Mnemonic.Xgetbv,
  Mnemonic.Vmcall,
  Mnemonic.Vmmcall,
  Mnemonic.Wrfsbase,
  Mnemonic.Wrgsbase,
  Mnemonic.Rdfsbase,
  Mnemonic.Rdgsbase,
  Mnemonic.Wrpkru,
  Mnemonic.Sgdt,
  Mnemonic.Sidt,
  Mnemonic.Sldt,
  Mnemonic.Smsw,
  Mnemonic.Str,
  Mnemonic.Fnsave,
  Mnemonic.Fnstenv,
  Mnemonic.Frstor,
  Mnemonic.Fldenv,
  Mnemonic.Fxsave,
  Mnemonic.Fxsave64,
  Mnemonic.Fxrstor,
  Mnemonic.Fxrstor64,
  Mnemonic.Xsave,
  Mnemonic.Xsave64,
  Mnemonic.Xsavec,
  Mnemonic.Xsavec64,
  Mnemonic.Xsaveopt,
  Mnemonic.Xsaveopt64,
  Mnemonic.Xrstor,
  Mnemonic.Xrstor64,
  Mnemonic.Monitorx,
  Mnemonic.Mwaitx,
  Mnemonic.Umwait,
  Mnemonic.Tpause,
  Mnemonic.Lfs,
  Mnemonic.Lgs,
  Mnemonic.Lss,
]);

function isUnfit(instruction: Instruction): boolean {
  const loadsSegment = instruction.mnemonic === Mnemonic.Mov && RegisterExt.isSegmentRegister(instruction.op0Register);
  return instruction.isInvalid || loadsSegment || UNFIT.has(instruction.mnemonic);
}

/** One instruction of each form in the code: same operation, same kinds of operands, same prefixes, same addressing. */
export function distinctInstructions(code: Uint8Array, known: Set<string>): Uint8Array[] {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = new Instruction();
  const found: Uint8Array[] = [];
  try {
    for (let start = 0; decoder.canDecode; start = decoder.position) {
      decoder.decodeOut(instruction);
      if (isUnfit(instruction)) continue;
      const length = instruction.length;
      const form = `${instruction.code} ${length} ${code[start]} ${instruction.memoryBase} ${instruction.memoryIndex} ${instruction.segmentPrefix}`;
      if (known.has(form)) continue;
      known.add(form);
      found.push(code.slice(start, start + length));
    }
    return found;
  } finally {
    instruction.free();
    decoder.free();
  }
}

/** Whether bytes that are whole instructions may be executed by the runner: none is unfit, and none branches back among them. */
export function isFit(code: Uint8Array): boolean {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = new Instruction();
  try {
    let fit = true;
    while (fit && decoder.canDecode) {
      decoder.decodeOut(instruction);
      fit = mayRun(instruction, 0);
    }
    return fit;
  } finally {
    instruction.free();
    decoder.free();
  }
}

function mayRun(instruction: Instruction, start: number): boolean {
  const { nearBranchTarget } = instruction;
  const back = isDirectBranch(instruction.flowControl) && nearBranchTarget >= BigInt(start) && nearBranchTarget < instruction.nextIP;
  // It might call through the place that it pushes to: see relocate.ts.
  const callsMemory = instruction.flowControl === FlowControl.IndirectCall && instruction.op0Kind === OpKind.Memory && !instruction.isIpRelMemoryOperand;
  return !isUnfit(instruction) && !back && !callsMemory;
}

/** Of each `every` instructions those that cover `bytes` bytes: none of them unfit, no branch back among them. */
export function windows(code: Uint8Array, bytes: number, every: number): Uint8Array[] {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = new Instruction();
  const found: Uint8Array[] = [];
  try {
    while (decoder.position + bytes + 15 < code.length) {
      const start = decoder.position;
      let fit = true;
      while (decoder.position < start + bytes) {
        decoder.decodeOut(instruction);
        fit &&= mayRun(instruction, start);
      }
      if (fit) found.push(code.slice(start, decoder.position));
      for (let passed = 0; passed < every && decoder.canDecode; passed++) decoder.decodeOut(instruction);
    }
    return found;
  } finally {
    instruction.free();
    decoder.free();
  }
}
