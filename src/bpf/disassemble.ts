/** Instructions as text in the notation of the verifier's log and bpftool: `r1 = *(u64 *)(r1 +112)`. */
import { slotIndices } from "./encode.ts";
import { helperName } from "./helpers.ts";
import type { Instruction } from "./instruction.ts";
import {
  Alu,
  AtomicOp,
  CallKind,
  Class,
  classOf,
  ImmKind,
  isCall,
  isExit,
  isGoto,
  Jmp,
  LD_IMM64,
  Mode,
  modeOf,
  operationOf,
  usesRegister,
  widthOf,
} from "./opcodes.ts";

/** What maps and local functions are called; without it they show as numbers. */
export interface Names {
  map?(index: number): string | undefined;
  /** A local function by the index of its first instruction. */
  function?(index: number): string | undefined;
}

const aluSign: { readonly [operation: number]: string } = {
  [Alu.add]: "+=",
  [Alu.sub]: "-=",
  [Alu.mul]: "*=",
  [Alu.div]: "/=",
  [Alu.or]: "|=",
  [Alu.and]: "&=",
  [Alu.lsh]: "<<=",
  [Alu.rsh]: ">>=",
  [Alu.mod]: "%=",
  [Alu.xor]: "^=",
  [Alu.mov]: "=",
  [Alu.arsh]: "s>>=",
};
const jumpSign: { readonly [operation: number]: string } = {
  [Jmp.jeq]: "==",
  [Jmp.jne]: "!=",
  [Jmp.jgt]: ">",
  [Jmp.jge]: ">=",
  [Jmp.jlt]: "<",
  [Jmp.jle]: "<=",
  [Jmp.jset]: "&",
  [Jmp.jsgt]: "s>",
  [Jmp.jsge]: "s>=",
  [Jmp.jslt]: "s<",
  [Jmp.jsle]: "s<=",
};
const atomicSign: { readonly [operation: number]: string } = { [AtomicOp.add]: "+=", [AtomicOp.or]: "|=", [AtomicOp.and]: "&=", [AtomicOp.xor]: "^=" };
const atomicName: { readonly [operation: number]: string } = { [AtomicOp.add]: "add", [AtomicOp.or]: "or", [AtomicOp.and]: "and", [AtomicOp.xor]: "xor" };

/** One line for each instruction, without numbers and codes. */
export function disassemble(instructions: readonly Instruction[], names: Names = {}): string[] {
  const slots = slotIndices(instructions);
  return instructions.map((instruction, index) => text(instruction, index, slots, names));
}

/** As bpftool prints a program: slot, code, instruction, and the compiler's comment behind a semicolon. */
export function listing(instructions: readonly Instruction[], names: Names = {}): string {
  const slots = slotIndices(instructions);
  return disassemble(instructions, names)
    .map((line, index) => {
      const { code, comment } = instructions[index]!;
      return `${String(slots[index]).padStart(4)}: (${code.toString(16).padStart(2, "0")}) ${line}${comment === undefined ? "" : `  ; ${comment}`}`;
    })
    .join("\n");
}

const signed = (n: number): string => (n < 0 ? String(n) : `+${n}`);
const hexadecimal = (n: bigint | number): string =>
  BigInt(n) < 0n ? `0x${BigInt.asUintN(typeof n === "bigint" ? 64 : 32, BigInt(n)).toString(16)}` : `0x${n.toString(16)}`;

function text(instruction: Instruction, index: number, slots: readonly number[], names: Names): string {
  const { code } = instruction;
  switch (classOf(code)) {
    case Class.alu32:
    case Class.alu64:
      return arithmetic(instruction);
    case Class.jmp:
    case Class.jmp32:
      return jump(instruction, index, slots, names);
    case Class.ldx:
      return `r${instruction.dst} = ${memory(instruction, instruction.src)}`;
    case Class.st:
      return `${memory(instruction, instruction.dst)} = ${instruction.imm}`;
    case Class.stx:
      return modeOf(code) === Mode.atomic ? atomic(instruction) : `${memory(instruction, instruction.dst)} = r${instruction.src}`;
    default:
      return code === LD_IMM64 ? wideLoad(instruction, index, slots, names) : unknown(instruction);
  }
}

const unknown = (instruction: Instruction): string => `unknown (${instruction.code.toString(16).padStart(2, "0")})`;

function arithmetic(instruction: Instruction): string {
  const { code, dst, src, offset, imm } = instruction;
  const operation = operationOf(code);
  const letter = classOf(code) === Class.alu64 ? "r" : "w";
  if (operation === Alu.neg) return `${letter}${dst} = -${letter}${dst}`;
  if (operation === Alu.end) {
    const name = classOf(code) === Class.alu64 ? "bswap" : usesRegister(code) ? "be" : "le";
    return `r${dst} = ${name}${imm} r${dst}`;
  }
  const sign = aluSign[operation];
  if (sign === undefined) return unknown(instruction);
  const marked = (operation === Alu.div || operation === Alu.mod) && offset === 1 ? `s${sign}` : sign;
  const cast = operation === Alu.mov && offset !== 0 ? `(s${offset})` : "";
  return `${letter}${dst} ${marked} ${usesRegister(code) ? `${cast}${letter}${src}` : imm}`;
}

/** `pc+3`, or the name of the function there. */
function place(target: number | undefined, by: number, index: number, slots: readonly number[], names: Names): string {
  const name = target === undefined ? undefined : names.function?.(target);
  if (name !== undefined) return name;
  const distance = target === undefined ? by : slots[target]! - slots[index + 1]!;
  return `pc${signed(distance)}`;
}

function jump(instruction: Instruction, index: number, slots: readonly number[], names: Names): string {
  const { code, dst, src, offset, imm, target } = instruction;
  if (isExit(code)) return "exit";
  if (isCall(code)) {
    if (src === CallKind.local) return `call ${place(target, Number(imm), index, slots, names)}`;
    if (src === CallKind.kfunc) return `call kernel-function ${instruction.kfunc ?? `#${imm}`}`;
    return `call bpf_${helperName(Number(imm)) ?? "unspec"}#${imm}`;
  }
  const noNames = {};
  if (isGoto(code))
    return classOf(code) === Class.jmp32
      ? `gotol ${place(target, Number(imm), index, slots, noNames)}`
      : `goto ${place(target, offset, index, slots, noNames)}`;
  const sign = jumpSign[operationOf(code)];
  if (sign === undefined) return unknown(instruction);
  const letter = classOf(code) === Class.jmp ? "r" : "w";
  return `if ${letter}${dst} ${sign} ${usesRegister(code) ? `${letter}${src}` : hexadecimal(imm)} goto ${place(target, offset, index, slots, noNames)}`;
}

function memory(instruction: Instruction, base: number): string {
  const type = `${modeOf(instruction.code) === Mode.memsx ? "s" : "u"}${8 * widthOf(instruction.code)}`;
  return `*(${type} *)(r${base} ${signed(instruction.offset)})`;
}

function atomic(instruction: Instruction): string {
  const { dst, src, offset } = instruction;
  const operation = Number(instruction.imm);
  const width = 8 * widthOf(instruction.code);
  const address = `(u${width} *)(r${dst} ${signed(offset)})`;
  const family = width === 64 ? "atomic64" : "atomic";
  if (operation === AtomicOp.cmpxchg) return `r0 = ${family}_cmpxchg(${address}, r0, r${src})`;
  if (operation === AtomicOp.xchg) return `r${src} = ${family}_xchg(${address}, r${src})`;
  const plain = operation & ~AtomicOp.fetch;
  if (atomicSign[plain] === undefined) return unknown(instruction);
  return operation & AtomicOp.fetch ? `r${src} = ${family}_fetch_${atomicName[plain]}(${address}, r${src})` : `lock *${address} ${atomicSign[plain]} r${src}`;
}

function wideLoad(instruction: Instruction, index: number, slots: readonly number[], names: Names): string {
  const { dst, src, imm, map, target } = instruction;
  const name = map === undefined ? `fd:${imm}` : (names.map?.(map) ?? String(map));
  switch (src) {
    case ImmKind.number:
      return `r${dst} = ${hexadecimal(BigInt(imm))}`;
    case ImmKind.map:
      return `r${dst} = map[${name}]`;
    case ImmKind.mapValue:
      return `r${dst} = map[${name}][0]+${imm}`;
    case ImmKind.func:
      return `r${dst} = subprog[${place(target, Number(imm), index, slots, names)}]`;
    default:
      return unknown(instruction);
  }
}
