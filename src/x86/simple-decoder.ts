/**
 * Decodes the instructions that functions commonly begin with, in a few microseconds and without the full decoder,
 * whose loading would cost more than all else at start-up. What it doesn't know, it leaves to the full decoder.
 */
import { modrmLength } from "./length-decoder.ts";
import { GENERAL_REGISTERS, type GeneralRegister } from "./registers.ts";

export type SimpleKind =
  /** endbr64 */
  | "endbr"
  | "nop"
  | "push"
  /** jmp and jcc with a displacement */
  | "jump"
  /** call with a displacement */
  | "call"
  /** Computes in registers only. */
  | "registers"
  /** Changes a vector register only. */
  | "vector"
  /** Reads or writes memory. */
  | "memory"
  /** Changes rsp without memory: sub rsp, add rsp, mov rsp, lea rsp. */
  | "stack"
  | "ret";

export interface SimpleInstruction {
  readonly kind: SimpleKind;
  readonly length: number;
  /** Registers that a "registers" instruction changes. */
  readonly writes: readonly GeneralRegister[];
  /** It changes flags. */
  readonly flags: boolean;
}

/** A push of rax … rdi is one byte, and what most functions begin with. `byte`: undefined where the code ends. */
export const isShortPush = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xf8) === 0x50;

const NONE: readonly GeneralRegister[] = [];
const VECTOR_TO_VECTOR: ReadonlySet<number> = new Set([0x6e, 0x6f, 0xef]);

/** The instruction at `at`; undefined where only the full decoder can tell. Opcodes: Intel's manual, volume 2, appendix A. */
export function decodeSimple(code: Uint8Array, at: number): SimpleInstruction | undefined {
  let p = at;
  let operandSize = false;
  let segment = false;
  let repeat = false;
  for (; ; p++) {
    const prefix = code[p];
    if (prefix === 0x66 && !operandSize) operandSize = true;
    else if (prefix === 0x64 && !segment) segment = true;
    else if (prefix === 0xf3 && !repeat) repeat = true;
    else break;
  }
  let rex = 0;
  if (code[p] !== undefined && ((code[p] as number) & 0xf0) === 0x40) rex = code[p++] as number;
  const opcode = code[p++];
  if (opcode === undefined) return undefined;

  const made = (kind: SimpleKind, end: number, writes: readonly GeneralRegister[] = NONE, flags = false): SimpleInstruction | undefined =>
    end <= code.length ? { kind, length: end - at, writes, flags } : undefined;

  if (repeat) {
    if (!operandSize && !segment && rex === 0 && opcode === 0x0f && code[p] === 0x1e && code[p + 1] === 0xfa) return made("endbr", p + 2);
    return undefined;
  }
  if (opcode === 0xc5 || opcode === 0xc4) {
    // Those that hand-written functions begin with: vmovd from a general register, vmovdqa, vpxor, all between registers.
    if (operandSize || segment || rex !== 0) return undefined;
    const at1 = opcode === 0xc5 ? p + 1 : p + 2;
    const map = opcode === 0xc5 ? 1 : (code[p] as number) & 0x1f;
    const modrm = code[at1 + 1];
    if (map !== 1 || modrm === undefined || modrm >> 6 !== 3) return undefined;
    return VECTOR_TO_VECTOR.has(code[at1] as number) ? made("vector", at1 + 2) : undefined;
  }
  if (opcode >= 0x50 && opcode <= 0x57) return !operandSize && !segment && (rex === 0 || rex === 0x41) ? made("push", p) : undefined;
  if (opcode === 0x90) return !segment && rex === 0 ? made("nop", p) : undefined;
  if (opcode >= 0xb8 && opcode <= 0xbf) {
    if (segment || operandSize) return undefined;
    const register = GENERAL_REGISTERS[(opcode & 7) | ((rex & 1) << 3)] as GeneralRegister;
    return made(register === "rsp" ? "stack" : "registers", p + (rex & 8 ? 8 : 4), [register]);
  }
  if (opcode === 0xc3) return !operandSize && !segment ? made("ret", p) : undefined;
  if (!operandSize && !segment && rex === 0) {
    if (opcode === 0xe8) return made("call", p + 4);
    if (opcode === 0xe9) return made("jump", p + 4);
    if (opcode === 0xeb || (opcode >= 0x70 && opcode <= 0x7f)) return made("jump", p + 1);
    if (opcode === 0x0f && (code[p] as number) >= 0x80 && (code[p] as number) <= 0x8f) return made("jump", p + 5);
  }

  // What is left has a ModRM byte.
  let target: "reg" | "rm" | "none";
  let flags = false;
  let immediate = 0;
  let address = false;
  // REX.W outdoes the operand-size prefix.
  const immz = operandSize && (rex & 8) === 0 ? 2 : 4;
  const group = (): number => ((code[p] as number) >> 3) & 7;
  const alu = opcode < 0x40 ? opcode & 7 : -1;
  if (alu === 1 || alu === 3) {
    // add, or, adc, sbb, and, sub, xor, cmp
    const compare = opcode >> 3 === 7;
    target = compare ? "none" : alu === 1 ? "rm" : "reg";
    flags = true;
  } else if (opcode === 0x85) {
    target = "none";
    flags = true;
  } else if (opcode === 0x89) target = "rm";
  else if (opcode === 0x8b || opcode === 0x63) target = "reg";
  else if (opcode === 0x8d) {
    target = "reg";
    address = true;
  } else if (opcode === 0x83 || opcode === 0x81) {
    target = group() === 7 ? "none" : "rm";
    flags = true;
    immediate = opcode === 0x83 ? 1 : immz;
  } else if (opcode === 0xc7 && group() === 0) {
    target = "rm";
    immediate = immz;
  } else if ((opcode === 0x80 || opcode === 0xc6) && code[p] !== undefined && (code[p] as number) >> 6 !== 3) {
    // Byte operations on memory; on registers they would need the rules for ah … bh.
    if (opcode === 0xc6 && group() !== 0) return undefined;
    target = "none";
    flags = true;
    immediate = 1;
  } else if (opcode === 0xc1 && group() !== 6) {
    target = "rm";
    flags = true;
    immediate = 1;
  } else if (opcode === 0x0f) {
    const second = code[p++];
    if (second === 0x1f) {
      const length = modrmLength(code, p);
      return length === undefined || segment ? undefined : made("nop", p + length);
    }
    // movzx, movsx of a byte or a word
    if (second === 0xb6 || second === 0xb7 || second === 0xbe || second === 0xbf) target = "reg";
    else return undefined;
  } else return undefined;

  const length = modrmLength(code, p);
  if (length === undefined) return undefined;
  const modrm = code[p] as number;
  const end = p + length + immediate;
  const direct = modrm >> 6 === 3;
  if (address && direct) return undefined;
  if (!direct && !address) return made("memory", end);
  // An operand of 16 bits leaves the rest of the register, but changes it all the same.
  const written = target === "none" ? undefined : target === "reg" ? ((modrm >> 3) & 7) | ((rex & 4) << 1) : (modrm & 7) | ((rex & 1) << 3);
  if (written === undefined) return made("registers", end, NONE, flags);
  const register = GENERAL_REGISTERS[written] as GeneralRegister;
  return made(register === "rsp" ? "stack" : "registers", end, [register], flags);
}

/** The one form of each length that the kernel takes for a nop (its `x86_nops`, kernel ≥ 6.17). */
const KERNEL_NOPS: readonly string[] = ["90", "6690", "0f1f00", "0f1f4000", "0f1f440000", "660f1f440000", "0f1f8000000000", "0f1f840000000000"];

/**
 * Whether the kernel carries the instruction out itself instead of letting the processor step it.
 * `longNops`: it does so for nops of several bytes too. Source: branch_setup_xol_ops and push_setup_xol_ops in arch/x86/kernel/uprobes.c.
 */
export function isEmulated(code: Uint8Array, at: number, instruction: SimpleInstruction, longNops: boolean): boolean {
  if (instruction.kind === "push" || instruction.kind === "jump" || instruction.kind === "call") return true;
  if (instruction.kind !== "nop") return false;
  const bytes = code.subarray(at, at + instruction.length);
  if (bytes[bytes.length - 1] === 0x90 && bytes.length <= 2) return true;
  return longNops && KERNEL_NOPS.includes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex"));
}
