/**
 * Writes x86-64 machine code: integer instructions alone, with labels, and with data at absolute addresses that are
 * reached relative to rip. Each method is an instruction; sizes of operands are in bits, as in the manual.
 *
 *     const a = new Assembler(0x7f00_0000);
 *     a.mov(64, rax, at(rsp, 8));
 *     a.label("again").dec(64, rax);
 *     a.jcc("ne", "again");
 *     a.bytes();
 */
import { SondeBug } from "../../errors/error.ts";

export type Gpr = number & { readonly gpr?: never };
export const [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] as const;

export interface Memory {
  readonly base?: Gpr;
  readonly index?: Gpr;
  readonly scale?: 1 | 2 | 4 | 8;
  readonly disp: number;
  /** An address that is reached relative to rip; `disp` is added. */
  readonly absolute?: number;
  /** Relative to the thread's fs base. */
  readonly fs?: boolean;
}
/** `[base + disp]`, `[base + disp + index * scale]`. */
export const at = (base: Gpr, disp = 0, index?: Gpr, scale: 1 | 2 | 4 | 8 = 1): Memory => ({ base, disp, ...(index === undefined ? {} : { index, scale }) });
/** What lies at an address within ±2 GiB of the code. */
export const data = (absolute: number): Memory => ({ absolute, disp: 0 });

export type Place = Gpr | Memory;
export type Bits = 8 | 16 | 32 | 64;

const conditions = { o: 0, no: 1, b: 2, ae: 3, e: 4, ne: 5, be: 6, a: 7, s: 8, ns: 9, p: 10, np: 11, l: 12, ge: 13, le: 14, g: 15 } as const;
export type Condition = keyof typeof conditions;
const groups = { add: 0, or: 1, and: 4, sub: 5, xor: 6, cmp: 7 } as const;
const shifts = { rol: 0, ror: 1, shl: 4, shr: 5, sar: 7 } as const;

const fits8 = (n: number): boolean => n >= -128 && n <= 127;
export const fits32 = (n: number): boolean => n >= -(2 ** 31) && n < 2 ** 31;

export class Assembler {
  readonly origin: number;
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixes: { at: number; label: string }[] = [];
  #unique = 0;

  /** `origin`: where the code will lie. */
  constructor(origin: number) {
    this.origin = origin;
  }
  /** The address of the next byte. */
  get here(): number {
    return this.origin + this.#bytes.length;
  }
  get length(): number {
    return this.#bytes.length;
  }

  label(name: string): this {
    if (this.#labels.has(name)) throw new SondeBug(`the label ${name} stands twice`);
    this.#labels.set(name, this.#bytes.length);
    return this;
  }
  /** A label that nobody else has. */
  fresh(name: string): string {
    this.#unique += 1;
    return `${name}.${this.#unique}`;
  }
  addressOf(label: string): number {
    const offset = this.#labels.get(label);
    if (offset === undefined) throw new SondeBug(`there is no label ${label}`);
    return this.origin + offset;
  }
  bytes(): Uint8Array {
    const bytes = Uint8Array.from(this.#bytes);
    const view = new DataView(bytes.buffer);
    for (const { at, label } of this.#fixes) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new SondeBug(`there is no label ${label}`);
      view.setInt32(at, target - (at + 4), true);
    }
    return bytes;
  }

  raw(...bytes: number[]): this {
    for (const byte of bytes) this.#bytes.push(byte & 0xff);
    return this;
  }
  #int(value: number, bytes: 1 | 2 | 4): void {
    for (let i = 0; i < bytes; i++) this.#bytes.push((value >> (8 * i)) & 0xff);
  }
  #immediate(value: number, bits: Bits): void {
    const bytes = bits === 8 ? 1 : bits === 16 ? 2 : 4;
    if (bits === 64 && !fits32(value)) throw new SondeBug(`the immediate ${value} has more than 32 bits`);
    this.#int(value | 0, bytes);
  }

  /** Prefixes, opcode, ModRM and what belongs to it. `tail`: bytes of an immediate that follow. */
  #encode(bits: Bits, prefix: readonly number[], opcode: readonly number[], reg: number, rm: Place, tail: number, byteReg = false): void {
    const memory = typeof rm === "number" ? undefined : rm;
    if (memory?.fs === true) this.raw(0x64);
    if (bits === 16) this.raw(0x66);
    this.raw(...prefix);
    const rexB = typeof rm === "number" ? rm >> 3 : (memory?.base ?? 0) >> 3;
    const rexX = (memory?.index ?? 0) >> 3;
    const rex = (bits === 64 ? 8 : 0) | ((reg >> 3) << 2) | (rexX << 1) | rexB;
    const low8 = bits === 8 && ((byteReg && reg >= 4 && reg < 8) || (typeof rm === "number" && rm >= 4 && rm < 8));
    if (rex !== 0 || low8) this.raw(0x40 | rex);
    this.raw(...opcode);
    this.#modrm(reg & 7, rm, tail);
  }

  #modrm(reg: number, rm: Place, tail: number): void {
    if (typeof rm === "number") {
      this.raw(0xc0 | (reg << 3) | (rm & 7));
      return;
    }
    if (rm.absolute !== undefined) {
      this.raw((reg << 3) | 5);
      const distance = rm.absolute + rm.disp - (this.here + 4 + tail);
      if (!fits32(distance)) throw new SondeBug(`0x${rm.absolute.toString(16)} is too far from the code at 0x${this.here.toString(16)}`);
      this.#int(distance, 4);
      return;
    }
    const { base, index, disp } = rm;
    if (base === undefined) {
      // [disp32], of a segment.
      this.raw((reg << 3) | 4, index === undefined ? 0x25 : (Math.log2(rm.scale ?? 1) << 6) | ((index & 7) << 3) | 5);
      this.#int(disp, 4);
      return;
    }
    if (index === rsp) throw new SondeBug("rsp can't be an index");
    const mod = disp === 0 && (base & 7) !== 5 ? 0 : fits8(disp) ? 1 : 2;
    if (index !== undefined || (base & 7) === 4) {
      this.raw((mod << 6) | (reg << 3) | 4, (Math.log2(rm.scale ?? 1) << 6) | (((index ?? 4) & 7) << 3) | (base & 7));
    } else this.raw((mod << 6) | (reg << 3) | (base & 7));
    if (mod === 1) this.#int(disp, 1);
    else if (mod === 2) this.#int(disp, 4);
  }

  mov(bits: Bits, to: Place, from: Place): this {
    if (typeof from === "number") this.#encode(bits, [], [bits === 8 ? 0x88 : 0x89], from, to, 0, true);
    else if (typeof to === "number") this.#encode(bits, [], [bits === 8 ? 0x8a : 0x8b], to, from, 0, true);
    else throw new SondeBug("mov from memory to memory");
    return this;
  }
  /** A constant in the shortest way that doesn't touch flags. */
  movi(to: Gpr, value: bigint | number): this {
    const n = BigInt.asUintN(64, BigInt(value));
    if (n < 2n ** 32n) {
      if (to >> 3) this.raw(0x41);
      this.raw(0xb8 | (to & 7));
      this.#int(Number(BigInt.asIntN(32, n)), 4);
    } else if (BigInt.asIntN(32, n) === BigInt.asIntN(64, n)) {
      this.#encode(64, [], [0xc7], 0, to, 4);
      this.#int(Number(BigInt.asIntN(32, n)), 4);
    } else {
      this.raw(0x48 | (to >> 3), 0xb8 | (to & 7));
      this.#int(Number(BigInt.asIntN(32, n)), 4);
      this.#int(Number(BigInt.asIntN(32, n >> 32n)), 4);
    }
    return this;
  }
  /** A constant of up to 32 bits (sign-extended) into memory. */
  store(bits: Bits, to: Memory, value: number): this {
    this.#encode(bits, [], [bits === 8 ? 0xc6 : 0xc7], 0, to, bits === 8 ? 1 : bits === 16 ? 2 : 4);
    this.#immediate(value, bits);
    return this;
  }
  movzx(from: 8 | 16, to: Gpr, source: Place): this {
    const rex8 = from === 8 && typeof source === "number" && source >= 4 && source < 8;
    if (rex8 && to < 8) {
      this.raw(0x40, 0x0f, 0xb6, 0xc0 | (to << 3) | (source as number));
      return this;
    }
    this.#encode(32, [], [0x0f, from === 8 ? 0xb6 : 0xb7], to, source, 0);
    return this;
  }
  movsx(from: 8 | 16 | 32, to: Gpr, source: Place, bits: 32 | 64 = 64): this {
    if (from === 32) this.#encode(64, [], [0x63], to, source, 0);
    else {
      const rex8 = from === 8 && bits === 32 && typeof source === "number" && source >= 4 && source < 8;
      if (rex8 && to < 8) this.raw(0x40, 0x0f, 0xbe, 0xc0 | (to << 3) | (source as number));
      else this.#encode(bits, [], [0x0f, from === 8 ? 0xbe : 0xbf], to, source, 0);
    }
    return this;
  }
  lea(to: Gpr, from: Memory): this {
    this.#encode(64, [], [0x8d], to, from, 0);
    return this;
  }

  #group(group: number, bits: Bits, to: Place, from: Place | { readonly imm: number }): this {
    if (typeof from === "object" && "imm" in from) {
      const { imm } = from;
      if (bits === 8) {
        this.#encode(8, [], [0x80], group, to, 1);
        this.#int(imm, 1);
      } else if (fits8(imm)) {
        this.#encode(bits, [], [0x83], group, to, 1);
        this.#int(imm, 1);
      } else {
        this.#encode(bits, [], [0x81], group, to, bits === 16 ? 2 : 4);
        this.#immediate(imm, bits);
      }
    } else if (typeof from === "number") this.#encode(bits, [], [(group << 3) | (bits === 8 ? 0 : 1)], from, to, 0, true);
    else this.#encode(bits, [], [(group << 3) | (bits === 8 ? 2 : 3)], to as Gpr, from, 0, true);
    return this;
  }
  add(bits: Bits, to: Place, from: Place): this {
    return this.#group(groups.add, bits, to, from);
  }
  sub(bits: Bits, to: Place, from: Place): this {
    return this.#group(groups.sub, bits, to, from);
  }
  and(bits: Bits, to: Place, from: Place): this {
    return this.#group(groups.and, bits, to, from);
  }
  or(bits: Bits, to: Place, from: Place): this {
    return this.#group(groups.or, bits, to, from);
  }
  xor(bits: Bits, to: Place, from: Place): this {
    return this.#group(groups.xor, bits, to, from);
  }
  cmp(bits: Bits, to: Place, from: Place): this {
    return this.#group(groups.cmp, bits, to, from);
  }
  /** With a constant of up to 32 bits, sign-extended. */
  groupi(operation: keyof typeof groups, bits: Bits, to: Place, imm: number): this {
    return this.#group(groups[operation], bits, to, { imm });
  }
  test(bits: Bits, a: Place, b: Gpr): this {
    this.#encode(bits, [], [bits === 8 ? 0x84 : 0x85], b, a, 0, true);
    return this;
  }
  testi(bits: Bits, a: Place, imm: number): this {
    this.#encode(bits, [], [bits === 8 ? 0xf6 : 0xf7], 0, a, bits === 8 ? 1 : bits === 16 ? 2 : 4);
    this.#immediate(imm, bits);
    return this;
  }
  /** The place of the highest bit; `to` is undefined where there is none. */
  bsr(bits: 32 | 64, to: Gpr, from: Place): this {
    this.#encode(bits, [], [0x0f, 0xbd], to, from, 0);
    return this;
  }
  imul(bits: 32 | 64, to: Gpr, from: Place): this {
    this.#encode(bits, [], [0x0f, 0xaf], to, from, 0);
    return this;
  }
  imuli(bits: 32 | 64, to: Gpr, from: Place, imm: number): this {
    this.#encode(bits, [], [0x69], to, from, 4);
    this.#immediate(imm, bits);
    return this;
  }
  /** rdx:rax = rax * from. */
  mul(bits: 32 | 64, from: Place): this {
    this.#encode(bits, [], [0xf7], 4, from, 0);
    return this;
  }
  div(bits: 32 | 64, by: Place): this {
    this.#encode(bits, [], [0xf7], 6, by, 0);
    return this;
  }
  idiv(bits: 32 | 64, by: Place): this {
    this.#encode(bits, [], [0xf7], 7, by, 0);
    return this;
  }
  /** rax's sign into rdx. */
  cqo(): this {
    return this.raw(0x48, 0x99);
  }
  neg(bits: 32 | 64, to: Place): this {
    this.#encode(bits, [], [0xf7], 3, to, 0);
    return this;
  }
  not(bits: 32 | 64, to: Place): this {
    this.#encode(bits, [], [0xf7], 2, to, 0);
    return this;
  }
  inc(bits: 32 | 64, to: Place): this {
    this.#encode(bits, [], [0xff], 0, to, 0);
    return this;
  }
  dec(bits: 32 | 64, to: Place): this {
    this.#encode(bits, [], [0xff], 1, to, 0);
    return this;
  }
  shift(operation: keyof typeof shifts, bits: Bits, to: Place, count: number): this {
    this.#encode(bits, [], [bits === 8 ? 0xc0 : 0xc1], shifts[operation], to, 1);
    this.#int(count, 1);
    return this;
  }
  /** By cl. */
  shiftCl(operation: keyof typeof shifts, bits: 32 | 64, to: Gpr): this {
    this.#encode(bits, [], [0xd3], shifts[operation], to, 0);
    return this;
  }
  shrd(to: Gpr, from: Gpr, count: number): this {
    this.#encode(64, [], [0x0f, 0xac], from, to, 1);
    this.#int(count, 1);
    return this;
  }
  bswap(bits: 32 | 64, to: Gpr): this {
    return this.raw((bits === 64 ? 0x48 : 0x40) | (to >> 3), 0x0f, 0xc8 | (to & 7));
  }
  xchg(bits: 32 | 64, to: Place, with_: Gpr): this {
    this.#encode(bits, [], [0x87], with_, to, 0);
    return this;
  }
  /** lock add, or, and, xor, sub. */
  lockGroup(operation: keyof typeof groups, bits: 32 | 64, to: Memory, from: Gpr): this {
    this.raw(0xf0);
    return this.#group(groups[operation], bits, to, from);
  }
  lockGroupi(operation: keyof typeof groups, bits: 32 | 64, to: Memory, imm: number): this {
    this.raw(0xf0);
    return this.#group(groups[operation], bits, to, { imm });
  }
  lockInc(bits: 32 | 64, to: Memory): this {
    this.raw(0xf0);
    return this.inc(bits, to);
  }
  lockDec(bits: 32 | 64, to: Memory): this {
    this.raw(0xf0);
    return this.dec(bits, to);
  }
  lockXadd(bits: 32 | 64, to: Memory, from: Gpr): this {
    this.#encode(bits, [0xf0], [0x0f, 0xc1], from, to, 0);
    return this;
  }
  /** If rax is what is there, `from` goes there; else rax gets it. */
  lockCmpxchg(bits: 32 | 64, to: Memory, from: Gpr): this {
    this.#encode(bits, [0xf0], [0x0f, 0xb1], from, to, 0);
    return this;
  }
  setcc(condition: Condition, to: Gpr): this {
    this.#encode(8, [], [0x0f, 0x90 | conditions[condition]], 0, to, 0);
    return this;
  }
  cmov(condition: Condition, bits: 32 | 64, to: Gpr, from: Place): this {
    this.#encode(bits, [], [0x0f, 0x40 | conditions[condition]], to, from, 0);
    return this;
  }

  jmp(label: string): this {
    return this.raw(0xe9).#jumpTo(label);
  }
  jcc(condition: Condition, label: string): this {
    return this.raw(0x0f, 0x80 | conditions[condition]).#jumpTo(label);
  }
  call(label: string): this {
    return this.raw(0xe8).#jumpTo(label);
  }
  #jumpTo(label: string): this {
    this.#fixes.push({ at: this.#bytes.length, label });
    this.#int(0, 4);
    return this;
  }
  jmpTo(address: number): this {
    return this.raw(0xe9).#relative(address);
  }
  callTo(address: number): this {
    return this.raw(0xe8).#relative(address);
  }
  #relative(address: number): this {
    const distance = address - (this.here + 4);
    if (!fits32(distance)) throw new SondeBug(`0x${address.toString(16)} is too far to jump to`);
    this.#int(distance, 4);
    return this;
  }
  ret(): this {
    return this.raw(0xc3);
  }
  push(register: Gpr): this {
    if (register >> 3) this.raw(0x41);
    return this.raw(0x50 | (register & 7));
  }
  pop(register: Gpr): this {
    if (register >> 3) this.raw(0x41);
    return this.raw(0x58 | (register & 7));
  }
  syscall(): this {
    return this.raw(0x0f, 0x05);
  }
  rdtsc(): this {
    return this.raw(0x0f, 0x31);
  }
  pause(): this {
    return this.raw(0xf3, 0x90);
  }
  /** The number of the CPU and its node, as the kernel put them: 12 bits and 20. */
  rdpid(to: Gpr): this {
    this.raw(0xf3);
    if (to >> 3) this.raw(0x41);
    return this.raw(0x0f, 0xc7, 0xf8 | (to & 7));
  }
  rdtscp(): this {
    return this.raw(0x0f, 0x01, 0xf9);
  }
  lsl(to: Gpr, selector: Gpr): this {
    this.#encode(32, [], [0x0f, 0x03], to, selector, 0);
    return this;
  }
  lahf(): this {
    return this.raw(0x9f);
  }
  sahf(): this {
    return this.raw(0x9e);
  }
  int3(): this {
    return this.raw(0xcc);
  }
  align(bytes: number): this {
    while (this.here % bytes !== 0) this.int3();
    return this;
  }
}
