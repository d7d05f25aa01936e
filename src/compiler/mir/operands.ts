/** What an instruction reads and writes: the one place that knows, for all passes. */
import { type Base, type CallArg, type Instr, isReg, type Operand, type Reg, type Terminator } from "./types.ts";

const ofBase = (base: Base, out: Reg[]): void => {
  if ("reg" in base) out.push(base.reg);
};
const ofOperand = (operand: Operand, out: Reg[]): void => {
  if (isReg(operand)) out.push(operand);
};

/** The registers that it reads. Memory objects are not among them: what lies in the scratch slot reads `scratch` besides. */
export function reads(instr: Instr, out: Reg[] = []): Reg[] {
  switch (instr.op) {
    case "copy":
    case "extend":
      ofOperand(instr.src, out);
      break;
    case "binary":
      ofOperand(instr.a, out);
      ofOperand(instr.b, out);
      break;
    case "load":
    case "address":
      ofBase(instr.base, out);
      break;
    case "store":
    case "atomic":
      ofBase(instr.base, out);
      ofOperand(instr.value, out);
      break;
    case "exchange":
      ofBase(instr.base, out);
      ofOperand(instr.expected, out);
      ofOperand(instr.value, out);
      break;
    case "cpuPart":
      out.push(instr.cpu);
      break;
    case "mapValue":
      break;
    case "call":
      for (const arg of instr.args) {
        if (typeof arg !== "object") ofOperand(arg, out);
        else if ("base" in arg) ofBase(arg.base, out);
      }
  }
  return out;
}

export function endReads(end: Terminator, out: Reg[] = []): Reg[] {
  if (end.op === "branch") {
    out.push(end.a);
    ofOperand(end.b, out);
  } else if (end.op === "exit") ofOperand(end.value, out);
  return out;
}

export function writes(instr: Instr): Reg | undefined {
  return instr.op === "store" ? undefined : instr.dst;
}

/** The memory objects that it touches. */
export function objectsOf(instr: Instr): number[] {
  const out: number[] = [];
  if ("base" in instr && "object" in instr.base) out.push(instr.base.object);
  if (instr.op === "call") for (const arg of instr.args) if (typeof arg === "object" && "base" in arg && "object" in arg.base) out.push(arg.base.object);
  return out;
}

export const successors = (end: Terminator | undefined): readonly number[] =>
  end?.op === "jump" ? [end.to] : end?.op === "branch" ? [end.then, end.else] : [];

/** It does nothing but compute `dst`. */
export function removable(instr: Instr): boolean {
  return instr.op !== "store" && instr.op !== "atomic" && instr.op !== "exchange" && (instr.op !== "call" || instr.pure);
}

/** The same instruction with each register that it reads replaced. */
export function mapReads(instr: Instr, to: (operand: Operand) => Operand): Instr {
  const reg = (r: Reg): Reg => {
    const mapped = to(r);
    return isReg(mapped) ? mapped : r;
  };
  const base = (b: Base): Base => ("reg" in b ? { reg: reg(b.reg) } : b);
  const arg = (a: CallArg): CallArg => (typeof a !== "object" ? to(a) : "base" in a ? { base: base(a.base), offset: a.offset } : a);
  switch (instr.op) {
    case "copy":
    case "extend":
      return { ...instr, src: to(instr.src) };
    case "binary":
      return { ...instr, a: to(instr.a), b: to(instr.b) };
    case "load":
    case "address":
      return { ...instr, base: base(instr.base) };
    case "store":
    case "atomic":
      return { ...instr, base: base(instr.base), value: to(instr.value) };
    case "exchange":
      return { ...instr, base: base(instr.base), expected: to(instr.expected), value: to(instr.value) };
    case "cpuPart":
      return { ...instr, cpu: reg(instr.cpu) };
    case "mapValue":
      return instr;
    case "call":
      return { ...instr, args: instr.args.map(arg) };
  }
}

export function mapEndReads(end: Terminator, to: (operand: Operand) => Operand): Terminator {
  if (end.op === "exit") return { ...end, value: to(end.value) };
  if (end.op !== "branch") return end;
  const a = to(end.a);
  return { ...end, a: isReg(a) ? a : end.a, b: to(end.b) };
}
