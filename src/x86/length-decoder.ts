/**
 * Measures instructions of 64-bit code without the full decoder. It tells how long an instruction is, not whether the
 * processor knows it: enough to walk through code that runs. Opcodes: Intel's manual, volume 2, appendix A.
 */

/** How the rest of an instruction is made up, by its opcode. */
const NO_MODRM = 0;
const MODRM = 1;
const IMM8 = 2;
/** 4 bytes, or 2 with an operand-size prefix. */
const IMMZ = 4;
const INVALID = 128;

const ONE_BYTE = oneByteTable();
const TWO_BYTE = twoByteTable();

/** Where an instruction's opcode stands, and how long the instruction is. */
export interface Measured {
  readonly length: number;
  /** Offset of the opcode's first byte behind prefixes (of 0f for two-byte opcodes; of c5, c4, 62 for vector ones). */
  readonly opcode: number;
  /** An operand-size prefix stands before it. */
  readonly operandSize: boolean;
}

/** The instruction at `at`; undefined for opcodes that 64-bit code doesn't have, rare ones that aren't told apart here, and at the end of the bytes. */
export function measure(code: Uint8Array, at: number): Measured | undefined {
  let p = at;
  let operandSize = false;
  let addressSize = false;
  let wide = false;
  for (; p - at < 15; p++) {
    const byte = code[p];
    if (byte === undefined) return undefined;
    if (byte === 0x66) operandSize = true;
    else if (byte === 0x67) addressSize = true;
    else if ((byte & 0xf0) === 0x40) {
      wide = (byte & 8) !== 0;
      continue;
    } else if (
      byte !== 0xf0 &&
      byte !== 0xf2 &&
      byte !== 0xf3 &&
      byte !== 0x2e &&
      byte !== 0x36 &&
      byte !== 0x3e &&
      byte !== 0x26 &&
      byte !== 0x64 &&
      byte !== 0x65
    )
      break;
    // A REX prefix counts only directly before the opcode.
    wide = false;
  }
  const opcode = p;
  const first = code[p++];
  if (first === undefined) return undefined;
  const done = (end: number): Measured | undefined => (end <= code.length && end - at <= 15 ? { length: end - at, opcode, operandSize } : undefined);
  const immz = operandSize && !wide ? 2 : 4;

  if (first === 0xc5) return vectorEnd(code, p + 1, 1, done);
  if (first === 0xc4) return vectorEnd(code, p + 2, (code[p] as number) & 0x1f, done);
  if (first === 0x62) return vectorEnd(code, p + 3, (code[p] as number) & 7, done);
  if (first === 0x0f) {
    const second = code[p++];
    if (second === undefined) return undefined;
    if (second === 0x38 || second === 0x3a) {
      const tail = modrmLength(code, p + 1);
      return tail === undefined ? undefined : done(p + 1 + tail + (second === 0x3a ? 1 : 0));
    }
    const form = TWO_BYTE[second] as number;
    if (form === INVALID) return undefined;
    if (second >= 0x80 && second <= 0x8f) return operandSize ? undefined : done(p + 4);
    // Moves to and from control registers: the mod field says nothing.
    if (second >= 0x20 && second <= 0x23) return done(p + 1);
    const tail = form & MODRM ? modrmLength(code, p) : 0;
    return tail === undefined ? undefined : done(p + tail + (form & IMM8 ? 1 : 0));
  }
  const form = ONE_BYTE[first] as number;
  if (form === INVALID) return undefined;
  if (first >= 0xb8 && first <= 0xbf) return done(p + (wide ? 8 : immz));
  if (first >= 0xa0 && first <= 0xa3) return done(p + (addressSize ? 4 : 8));
  if (first === 0xe8 || first === 0xe9) return operandSize ? undefined : done(p + 4);
  if (first === 0xc2 || first === 0xca) return done(p + 2);
  if (first === 0xc8) return done(p + 3);
  let tail = 0;
  if (form & MODRM) {
    const length = modrmLength(code, p);
    if (length === undefined) return undefined;
    tail = length;
    const reg = ((code[p] as number) >> 3) & 7;
    if (first === 0x8f && reg !== 0) return undefined;
    if (reg < 2 && first === 0xf6) tail += 1;
    if (reg < 2 && first === 0xf7) tail += immz;
  }
  return done(p + tail + (form & IMM8 ? 1 : 0) + (form & IMMZ ? immz : 0));
}

/** Behind a vector prefix: opcode, ModRM, and an immediate byte in map 3 and for a few opcodes of map 1. */
function vectorEnd(code: Uint8Array, opcodeAt: number, map: number, done: (end: number) => Measured | undefined): Measured | undefined {
  const opcode = code[opcodeAt];
  if (opcode === undefined || map === 0 || map === 7) return undefined;
  if (map === 1 && opcode === 0x77) return done(opcodeAt + 1);
  const tail = modrmLength(code, opcodeAt + 1);
  if (tail === undefined) return undefined;
  const immediate = map === 3 || (map === 1 && ((opcode >= 0x70 && opcode <= 0x73) || opcode === 0xc2 || (opcode >= 0xc4 && opcode <= 0xc6)));
  return done(opcodeAt + 1 + tail + (immediate ? 1 : 0));
}

/** Length of ModRM, SIB and displacement; undefined where the bytes end. */
export function modrmLength(code: Uint8Array, at: number): number | undefined {
  const modrm = code[at];
  if (modrm === undefined) return undefined;
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (mod === 3) return 1;
  let length = 1;
  if (rm === 4) {
    const sib = code[at + 1];
    if (sib === undefined) return undefined;
    length++;
    if (mod === 0 && (sib & 7) === 5) return length + 4;
  } else if (mod === 0 && rm === 5) return length + 4;
  return length + (mod === 1 ? 1 : mod === 2 ? 4 : 0);
}

function fill(table: Uint8Array, form: number, ...ranges: readonly (number | readonly [number, number])[]): void {
  for (const range of ranges) {
    if (typeof range === "number") table[range] = form;
    else table.fill(form, range[0], range[1] + 1);
  }
}

function oneByteTable(): Uint8Array {
  const table = new Uint8Array(256).fill(NO_MODRM);
  for (let row = 0; row < 0x40; row += 8) {
    fill(table, MODRM, [row, row + 3]);
    fill(table, IMM8, row + 4);
    fill(table, IMMZ, row + 5);
    fill(table, INVALID, [row + 6, row + 7]);
  }
  fill(table, MODRM, 0x63, [0x84, 0x8f], [0xd0, 0xd3], [0xd8, 0xdf], 0xf6, 0xf7, 0xfe, 0xff);
  fill(table, MODRM | IMM8, 0x6b, 0x80, 0x83, 0xc0, 0xc1, 0xc6);
  fill(table, MODRM | IMMZ, 0x69, 0x81, 0xc7);
  fill(table, IMM8, 0x6a, [0x70, 0x7f], 0xa8, [0xb0, 0xb7], 0xcd, [0xe0, 0xe7], 0xeb);
  fill(table, IMMZ, 0x68, 0xa9);
  fill(table, INVALID, 0x60, 0x61, 0x82, 0x9a, 0xce, [0xd4, 0xd6], 0xea);
  return table;
}

function twoByteTable(): Uint8Array {
  const table = new Uint8Array(256).fill(MODRM);
  fill(table, NO_MODRM, [0x05, 0x09], 0x0b, 0x0e, [0x30, 0x35], 0x37, 0x77, [0x80, 0x8f], [0xa0, 0xa2], [0xa8, 0xaa], [0xc8, 0xcf]);
  fill(table, MODRM | IMM8, 0x0f, [0x70, 0x73], 0xa4, 0xac, 0xba, 0xc2, [0xc4, 0xc6]);
  // 78 has immediates with some prefixes only.
  fill(table, INVALID, 0x04, 0x0a, 0x0c, [0x24, 0x27], 0x36, 0x39, [0x3b, 0x3f], 0x78, 0xa6, 0xa7);
  return table;
}
