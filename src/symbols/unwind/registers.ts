/** A frame's registers while a stack is unwound: known, kept in memory that is read when they are needed, or lost. */
import { Reg } from "../../sys/ptrace.ts";

/** By DWARF's numbers (psABI 1.0 §3.6.2): 0 to 15 the general ones, 16 the address of the instruction. */
export const RBP = 6;
export const RSP = 7;
export const RIP = 16;
const COLUMNS = 17;

/** Where ptrace's register file and the kernel's pt_regs have what DWARF numbers 0 to 16. */
const PLACES = [
  Reg.rax,
  Reg.rdx,
  Reg.rcx,
  Reg.rbx,
  Reg.rsi,
  Reg.rdi,
  Reg.rbp,
  Reg.rsp,
  Reg.r8,
  Reg.r9,
  Reg.r10,
  Reg.r11,
  Reg.r12,
  Reg.r13,
  Reg.r14,
  Reg.r15,
  Reg.rip,
] as const;

/** A thread's registers in DWARF's order, of a register file as PTRACE_GETREGS gives it, or of pt_regs, which begins so. */
export function registersOf(file: ArrayLike<bigint>): BigUint64Array {
  return BigUint64Array.from(PLACES, (place) => file[place] ?? 0n);
}

/** Of a frame of which these are known alone, in DWARF's order; the others are 0. */
export function ofFrame({ pc, rsp, rbp }: { readonly pc: bigint; readonly rsp: bigint; readonly rbp: bigint }): BigUint64Array {
  const registers = new BigUint64Array(COLUMNS);
  registers[RIP] = pc;
  registers[RSP] = rsp;
  registers[RBP] = rbp;
  return registers;
}

const LOST = 0;
const KNOWN = 1;
const IN_MEMORY = 2;

export class Registers {
  readonly #kinds = new Uint8Array(COLUMNS);
  readonly #values = new BigUint64Array(COLUMNS);
  readonly #places = new Float64Array(COLUMNS);

  /** 64 bits; undefined: lost, or in memory that `read` doesn't give. */
  get(number: number, read: (address: number) => bigint | undefined): bigint | undefined {
    switch (this.#kinds[number]) {
      case KNOWN:
        return this.#values[number];
      case IN_MEMORY:
        return read(this.#places[number]!);
      default:
        return undefined;
    }
  }

  set(number: number, value: bigint | number): void {
    if (number >= COLUMNS) return;
    this.#kinds[number] = KNOWN;
    this.#values[number] = BigInt(value);
  }

  /** It is what the 8 bytes at an address are. */
  keep(number: number, address: number): void {
    if (number >= COLUMNS) return;
    this.#kinds[number] = IN_MEMORY;
    this.#places[number] = address;
  }

  lose(number: number): void {
    if (number < COLUMNS) this.#kinds[number] = LOST;
  }

  /** `number` is what `other` has in `from`. */
  take(number: number, other: Registers, from = number): void {
    if (number >= COLUMNS) return;
    this.#kinds[number] = from < COLUMNS ? other.#kinds[from]! : LOST;
    if (from >= COLUMNS) return;
    this.#values[number] = other.#values[from]!;
    this.#places[number] = other.#places[from]!;
  }

  copy(other: Registers): void {
    this.#kinds.set(other.#kinds);
    this.#values.set(other.#values);
    this.#places.set(other.#places);
  }
}
