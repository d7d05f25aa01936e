/** The instruction set's operations and comparisons, by what values.ts calls them. */
import { Alu, Jmp } from "../opcodes.ts";
import type { Comparison, Operation } from "./values.ts";

export const operations: { readonly [code: number]: Operation } = {
  [Alu.add]: "add",
  [Alu.sub]: "sub",
  [Alu.mul]: "mul",
  [Alu.or]: "or",
  [Alu.and]: "and",
  [Alu.xor]: "xor",
  [Alu.lsh]: "lsh",
  [Alu.rsh]: "rsh",
  [Alu.arsh]: "arsh",
};
export const comparisons: { readonly [code: number]: Comparison } = {
  [Jmp.jeq]: "eq",
  [Jmp.jne]: "ne",
  [Jmp.jgt]: "gt",
  [Jmp.jge]: "ge",
  [Jmp.jlt]: "lt",
  [Jmp.jle]: "le",
  [Jmp.jsgt]: "sgt",
  [Jmp.jsge]: "sge",
  [Jmp.jslt]: "slt",
  [Jmp.jsle]: "sle",
  [Jmp.jset]: "set",
};
