/**
 * The numbers of the instruction set: how the 8 bits of `code` are put together.
 *
 *     arithmetic, jumps                          loads, stores
 *     ┌──────────────┬────────┬───────────┐      ┌──────────┬─────────┬───────────┐
 *     │ operation: 4 │ src: 1 │ class: 3  │      │ mode: 3  │ size: 2 │ class: 3  │
 *     └──────────────┴────────┴───────────┘      └──────────┴─────────┴───────────┘
 *
 * Source: the kernel's Documentation/bpf/standardization/instruction-set.rst (RFC 9669).
 */

/** The low three bits. */
export const Class = { ld: 0, ldx: 1, st: 2, stx: 3, alu32: 4, jmp: 5, jmp32: 6, alu64: 7 } as const;

/** Bit 3 of arithmetic and jumps: the operand is the immediate, or the register `src`. */
export const Source = { imm: 0x00, reg: 0x08 } as const;

/** Operations of both arithmetic classes. */
export const Alu = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const;

/** Operations of both jump classes. */
export const Jmp = {
  ja: 0x00,
  jeq: 0x10,
  jgt: 0x20,
  jge: 0x30,
  jset: 0x40,
  jne: 0x50,
  jsgt: 0x60,
  jsge: 0x70,
  call: 0x80,
  exit: 0x90,
  jlt: 0xa0,
  jle: 0xb0,
  jslt: 0xc0,
  jsle: 0xd0,
} as const;

/** Bits 3 and 4 of loads and stores. */
export const Size = { w: 0x00, h: 0x08, b: 0x10, dw: 0x18 } as const;

/** Bits 5 to 7 of loads and stores. */
export const Mode = { imm: 0x00, abs: 0x20, ind: 0x40, mem: 0x60, memsx: 0x80, atomic: 0xc0 } as const;

/** What `imm` of an atomic store says. */
export const AtomicOp = { add: 0x00, or: 0x40, and: 0x50, xor: 0xa0, fetch: 0x01, xchg: 0xe1, cmpxchg: 0xf1 } as const;

/** The one instruction of two slots. */
export const LD_IMM64 = Class.ld | Mode.imm | Size.dw;

/** What `src` of LD_IMM64 says its immediate is. */
export const ImmKind = { number: 0, map: 1, mapValue: 2, variable: 3, func: 4 } as const;

/** What `src` of CALL says its immediate is. */
export const CallKind = { helper: 0, local: 1, kfunc: 2 } as const;

export const classOf = (code: number): number => code & 0x07;
/** Operation of an arithmetic or jump instruction. */
export const operationOf = (code: number): number => code & 0xf0;
export const sizeOf = (code: number): number => code & 0x18;
export const modeOf = (code: number): number => code & 0xe0;
export const usesRegister = (code: number): boolean => (code & Source.reg) !== 0;

/** Bytes that a load or store touches. */
export function widthOf(code: number): 1 | 2 | 4 | 8 {
  switch (sizeOf(code)) {
    case Size.b:
      return 1;
    case Size.h:
      return 2;
    case Size.w:
      return 4;
    default:
      return 8;
  }
}

export const isAlu = (code: number): boolean => classOf(code) === Class.alu32 || classOf(code) === Class.alu64;
export const isJump = (code: number): boolean => classOf(code) === Class.jmp || classOf(code) === Class.jmp32;
/** CALL, in either of its classes' spellings: only the 64-bit one is legal. */
export const isCall = (code: number): boolean => classOf(code) === Class.jmp && operationOf(code) === Jmp.call;
export const isExit = (code: number): boolean => classOf(code) === Class.jmp && operationOf(code) === Jmp.exit;
/** A jump that is always taken: `goto` of 16 bits, or (class jmp32, in `imm`) `gotol` of 32. */
export const isGoto = (code: number): boolean => isJump(code) && operationOf(code) === Jmp.ja;
export const isConditional = (code: number): boolean => isJump(code) && !isGoto(code) && operationOf(code) !== Jmp.call && operationOf(code) !== Jmp.exit;
