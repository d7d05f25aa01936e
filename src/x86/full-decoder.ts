/** The full decoder (iced-x86), loaded only when it is needed: its WebAssembly takes tens of milliseconds to load. */
import { createRequire } from "node:module";
import type * as Iced from "iced-x86";

let loaded: typeof Iced | undefined;

/** The decoder's own interface; others in src/x86 use it, nobody else. */
export function iced(): typeof Iced {
  loaded ??= createRequire(import.meta.url)("iced-x86") as typeof Iced;
  return loaded;
}

/** The instruction at the start of `code` as text in Intel's syntax, e.g. "push rbp"; "(bad)" if it doesn't decode. */
export function disassemble(code: Uint8Array, address: bigint): string {
  const { Decoder, DecoderOptions, Formatter, FormatterSyntax } = iced();
  const decoder = new Decoder(64, code, DecoderOptions.None);
  decoder.ip = address;
  const instruction = decoder.decode();
  const formatter = new Formatter(FormatterSyntax.Intel);
  formatter.hexPrefix = "0x";
  formatter.hexSuffix = "";
  formatter.uppercaseHex = false;
  formatter.spaceAfterOperandSeparator = true;
  formatter.branchLeadingZeros = false;
  formatter.showBranchSize = false;
  formatter.smallHexNumbersInDecimal = false;
  try {
    return instruction.isInvalid ? "(bad)" : formatter.format(instruction);
  } finally {
    formatter.free();
    instruction.free();
    decoder.free();
  }
}

/** Length of the instruction at the start of `code`; 0 if it doesn't decode. */
export function instructionLength(code: Uint8Array): number {
  const { Decoder, DecoderOptions } = iced();
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = decoder.decode();
  try {
    return instruction.isInvalid ? 0 : instruction.length;
  } finally {
    instruction.free();
    decoder.free();
  }
}

/** Where the instructions of `code` begin, from its start up to `end`; stops in front of what doesn't decode. */
export function instructionBoundaries(code: Uint8Array, end = code.length): number[] {
  const { Decoder, DecoderOptions, Instruction } = iced();
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = new Instruction();
  const boundaries: number[] = [];
  try {
    for (let at = 0; at < end && decoder.canDecode; at = decoder.position) {
      decoder.decodeOut(instruction);
      if (instruction.isInvalid) break;
      boundaries.push(at);
    }
    return boundaries;
  } finally {
    instruction.free();
    decoder.free();
  }
}

/** The fixed addresses that the code loads into registers (`lea reg, [rip+n]`, `mov reg, n`), up to its last return or what doesn't decode. */
export function loadedAddresses(code: Uint8Array, address: number): number[] {
  const { Decoder, DecoderOptions, Instruction, Mnemonic, OpKind } = iced();
  const decoder = new Decoder(64, code, DecoderOptions.None);
  decoder.ip = BigInt(address);
  const instruction = new Instruction();
  const addresses = new Set<number>();
  try {
    while (decoder.canDecode) {
      decoder.decodeOut(instruction);
      if (instruction.isInvalid) break;
      if (instruction.mnemonic === Mnemonic.Lea && instruction.isIpRelMemoryOperand) addresses.add(Number(instruction.ipRelMemoryAddress));
      else if (instruction.mnemonic === Mnemonic.Mov && instruction.op1Kind === OpKind.Immediate32) addresses.add(instruction.immediate32);
    }
    return [...addresses];
  } finally {
    instruction.free();
    decoder.free();
  }
}
