/** One operand of an assembler for x86-64, in AT&T syntax, as a place: what a note says of where an argument of a static probe is. */
import type { CPlace, PlaceRegister, PlaceStep } from "../../schema/ctypes.ts";
import { type NarrowRegister, registerNamed } from "./register-names.ts";

/** The addresses, as linked, of all that a name stands for in the file; none: its symbols don't have it. */
export type AddressesOf = (name: string) => readonly bigint[];

export interface OperandSize {
  /** Of the argument, in bytes. */
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  readonly float: boolean;
}

type Unreadable = Extract<CPlace, { k: "none" }>;
/** A constant, and the symbol that it is counted from. */
interface Sum {
  readonly number: bigint;
  readonly symbol: string | undefined;
}

const unreadable = (why: string): Unreadable => ({ k: "none", why });
const misunderstood = (operand: string): Unreadable => unreadable(`its place is written ${quoted(operand)}, which isn't understood`);

/**
 * Where the argument is when its probe is hit:
 *
 *     $5  $-1  $0x10  $table+8             the number itself, or an address
 *     %rax  %eax  %ah  %r8d  %sil  %xmm0   a register, or a part of one
 *     -8(%rbp)  (%rax)  8+-24(%rbp)        memory behind an address in a register
 *     -8(%rbp,%rax,4)  table(,%rcx,8)      … with an index that is scaled by 1, 2, 4 or 8
 *     count(%rip)  52+stats(%rip)  count   a variable of the file
 *     0x601040                             memory at an address
 *
 * What handlers have no way to (memory of threads by %fs, addresses in the global offset table) is nowhere, and so is what
 * isn't understood. Source: the GNU assembler's manual, 9.16 "80386 Dependent Features".
 */
export function placeOfOperand(operand: string, { size, signed, float }: OperandSize, addressesOf: AddressesOf): CPlace {
  if (operand.startsWith("$")) return immediate(operand, float, addressesOf);
  if (!operand.startsWith("%")) return memory(operand, addressesOf);
  const segment = /^%([c-gs]s)\s*:/.exec(operand);
  if (segment !== null) return unreadable(`it is in memory of the thread's own (%${segment[1]}), whose address handlers don't have`);
  const register = registerNamed(operand.slice(1));
  if (register === undefined) return unreadable(`it is in ${quoted(operand)}, which isn't a register that handlers have`);
  if (register.low === 0 && register.width >= size * 8) return { k: "registers", parts: [{ register: register.name, offset: 0, size }] };
  if (float) return misunderstood(operand);
  return { k: "value", steps: narrow(register, signed) };
}

/** A part of a register widened as the argument's sign says: its bits are moved to the top and back. */
function narrow({ name, low, width }: NarrowRegister, signed: boolean): PlaceStep[] {
  return [
    { op: "register", register: name, plus: 0n },
    { op: "constant", value: BigInt(64 - low - width) },
    { op: "shl" },
    { op: "constant", value: BigInt(64 - width) },
    { op: signed ? "sar" : "shr" },
  ];
}

function immediate(operand: string, float: boolean, addressesOf: AddressesOf): CPlace {
  const sum = parseSum(operand.slice(1));
  if (sum === undefined || float) return misunderstood(operand);
  if ("k" in sum) return sum;
  const start = startOf(sum, addressesOf);
  return "k" in start ? start : { k: "value", steps: [start] };
}

function memory(operand: string, addressesOf: AddressesOf): CPlace {
  const open = operand.endsWith(")") ? operand.lastIndexOf("(") : operand.length;
  if (open < 0) return misunderstood(operand);
  const before = operand.slice(0, open);
  const sum = before.trim() === "" ? (open < operand.length ? { number: 0n, symbol: undefined } : undefined) : parseSum(before);
  if (sum === undefined) return misunderstood(operand);
  if ("k" in sum) return sum;
  const inside = open === operand.length ? [] : operand.slice(open + 1, -1).split(",", 4);
  const [base = "", index, scale] = inside.map((part) => part.trim());
  if (base === "%rip") {
    // Without a symbol it is counted from the end of an instruction that there isn't.
    if (inside.length > 1 || sum.symbol === undefined) return misunderstood(operand);
    const start = startOf(sum, addressesOf);
    return "k" in start ? start : { k: "memory", address: [start] };
  }
  const registers = addressRegisters(base, index, scale, inside.length);
  if (registers === undefined) return misunderstood(operand);
  if (sum.symbol === undefined && registers.base !== undefined) {
    return { k: "memory", address: [{ op: "register", register: registers.base, plus: sum.number }, ...registers.index] };
  }
  const start = startOf(sum, addressesOf);
  if ("k" in start) return start;
  const based: readonly PlaceStep[] = registers.base === undefined ? [] : [{ op: "register", register: registers.base, plus: 0n }, { op: "add" }];
  return { k: "memory", address: [start, ...based, ...registers.index] };
}

/** What stands in the parentheses; `index` are the steps that add the scaled index. */
function addressRegisters(
  base: string,
  index: string | undefined,
  scale: string | undefined,
  parts: number,
): { readonly base: PlaceRegister | undefined; readonly index: readonly PlaceStep[] } | undefined {
  const whole = (text: string): PlaceRegister | undefined => {
    const register = text.startsWith("%") ? registerNamed(text.slice(1)) : undefined;
    return register?.width === 64 ? register.name : undefined;
  };
  const baseRegister = whole(base);
  if (parts > 3 || (base !== "" && baseRegister === undefined) || (parts === 1 && baseRegister === undefined)) return undefined;
  if (index === undefined) return { base: baseRegister, index: [] };
  const indexRegister = whole(index);
  if (indexRegister === undefined || indexRegister === "rsp" || !/^[1248]?$/.test(scale ?? "")) return undefined;
  const by = BigInt(scale || 1);
  const scaled: readonly PlaceStep[] = by === 1n ? [] : [{ op: "constant", value: by }, { op: "mul" }];
  return { base: baseRegister, index: [{ op: "register", register: indexRegister, plus: 0n }, ...scaled, { op: "add" }] };
}

/** The step that a sum begins a computation with. */
function startOf({ number, symbol }: Sum, addressesOf: AddressesOf): PlaceStep | Unreadable {
  if (symbol === undefined) return { op: "constant", value: number };
  const [address, ...others] = new Set(addressesOf(symbol));
  if (address === undefined) return unreadable(`it is found by the symbol ${quoted(symbol)}, which the file doesn't have, or was stripped of`);
  if (others.length > 0) return unreadable(`it is found by the symbol ${quoted(symbol)}, which the file has several of`);
  return { op: "address", value: BigInt.asIntN(64, address + number) };
}

const TERM = /\s*([+-]{0,2})\s*(?:(0[xX][0-9a-fA-F]{1,16}|\d{1,20})|([\p{L}_.$][\p{L}\p{N}_.$]*)(@[\w.]+)?)\s*/uy;
const MOST_TERMS = 16;

/** Numbers and at most one symbol, added up. Undefined: it is something else. */
function parseSum(text: string): Sum | Unreadable | undefined {
  let number = 0n;
  let symbol: string | undefined;
  TERM.lastIndex = 0;
  for (let at = 0, terms = 0; at < text.length || terms === 0; at = TERM.lastIndex, terms++) {
    const term = TERM.exec(text);
    if (term === null || terms >= MOST_TERMS || (terms > 0 && term[1] === "")) return undefined;
    const [, signs, digits, name, relation] = term;
    const negative = signs === "-" || signs === "+-" || signs === "-+";
    if (digits !== undefined) number += negative ? -integer(digits) : integer(digits);
    else {
      if (symbol !== undefined || negative) return undefined;
      if (relation !== undefined) return unreadable(`its address is ${quoted(`${name}${relation}`)}, which only the linker and the loader know`);
      symbol = name;
    }
  }
  // What needs more bits than an address has was never assembled.
  if (number < -(1n << 63n) || number >= 1n << 64n) return undefined;
  return { number: BigInt.asIntN(64, number), symbol };
}

/** A number that begins with 0 is octal. */
const integer = (digits: string): bigint => (/^0[0-7]+$/.test(digits) ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits));

const SHOWN = 60;
const quoted = (text: string): string => JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
