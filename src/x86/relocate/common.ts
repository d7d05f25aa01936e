/**
 * Takes the instructions apart that most code is made of, without the full decoder, which needs 30 µs for each and 50 ms to
 * load. Only forms that every processor knows and that may stand anywhere are let through; all else is the full decoder's.
 * Opcodes: Intel's manual, volume 2, appendix A.
 */
import { measure } from "../length-decoder.ts";

export interface Common {
  readonly length: number;
  /** Index of the opcode's first byte, behind prefixes. */
  readonly opcode: number;
  /** Index of the displacement of an operand relative to rip; -1: it has none. */
  readonly ripRelative: number;
}

/** How an opcode may come. */
const ALONE = 1;
/** With an operand-size prefix too. */
const SHORT = 2;
const MODRM = 4;
/** Which extensions (ModRM's reg) are let through is another table's matter. */
const GROUP = 8;

const ONE_BYTE = oneByteTable();
/** By opcode, the bits of the extensions that are let through. */
const GROUPS: { readonly [opcode: number]: number } = {
  128: 0xff,
  129: 0xff,
  131: 0xff,
  192: 0xbf,
  193: 0xbf,
  208: 0xbf,
  209: 0xbf,
  210: 0xbf,
  211: 0xbf,
  198: 0x01,
  199: 0x01,
  246: 0xfd,
  247: 0xfd,
  254: 0x03,
  255: 0b0101_0111,
};

/** Behind 0f: the mandatory prefixes that may be there, a bit each. */
const NONE = 1;
const P66 = 2;
const PF3 = 4;
const PF2 = 8;
const NO_MODRM = 16;
const TWO_BYTE = twoByteTable();

const ENDBR64: Common = { length: 4, opcode: 1, ripRelative: -1 };

/** The instruction at the start of `code`; undefined where it takes the full decoder to tell. */
export function common(code: Uint8Array): Common | undefined {
  let p = 0;
  let prefix = NONE;
  const before = code[0];
  if (before === 0x66) prefix = P66;
  else if (before === 0xf3) prefix = PF3;
  else if (before === 0xf2) prefix = PF2;
  if (prefix !== NONE) p++;
  if (((code[p] ?? 0) & 0xf0) === 0x40) p++;
  const opcode = p;
  const first = code[p++];
  if (first === undefined) return undefined;
  let modrm = -1;
  if (first === 0x0f) {
    const second = code[p++] ?? 0;
    if (second === 0x1e && prefix === PF3 && opcode === 1 && code[p] === 0xfa) return ENDBR64;
    const form = TWO_BYTE[second] as number;
    if ((form & prefix) === 0) return undefined;
    if ((form & NO_MODRM) === 0) modrm = p;
    // bt and its kin with an immediate
    if (second === 0xba && (((code[p] as number) >> 3) & 7) < 4) return undefined;
  } else {
    const form = ONE_BYTE[first] as number;
    if (prefix === PF3 || prefix === PF2 || (form & (prefix === P66 ? SHORT : ALONE)) === 0) return undefined;
    if (form & MODRM) modrm = p;
    const extension = ((code[p] ?? 0) >> 3) & 7;
    if (form & GROUP && (((GROUPS[first] as number) >> extension) & 1) === 0) return undefined;
    if (first === 0xff && prefix === P66 && extension >= 2) return undefined;
    // lea has no register to take the address of.
    if (first === 0x8d && (code[p] as number) >> 6 === 3) return undefined;
  }
  const measured = measure(code, 0);
  if (measured === undefined || measured.opcode !== opcode) return undefined;
  const relative = modrm >= 0 && ((code[modrm] as number) & 0xc7) === 5;
  return { length: measured.length, opcode, ripRelative: relative ? modrm + 1 : -1 };
}

function fill(table: Uint8Array, form: number, ...ranges: readonly (number | readonly [number, number])[]): void {
  for (const range of ranges) {
    if (typeof range === "number") table[range] = form;
    else table.fill(form, range[0], range[1] + 1);
  }
}

function oneByteTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (let row = 0; row < 0x40; row += 8) {
    fill(table, ALONE | SHORT | MODRM, [row, row + 3]);
    fill(table, ALONE | SHORT, row + 4, row + 5);
  }
  fill(table, ALONE, [0x50, 0x5f], 0x68, 0x6a, [0x70, 0x7f], 0xc3, 0xc9, 0xe8, 0xe9, 0xeb);
  fill(table, ALONE | MODRM, 0x63);
  fill(table, ALONE | SHORT, [0x90, 0x99], 0xa8, 0xa9, [0xb0, 0xbf]);
  fill(table, ALONE | SHORT | MODRM, 0x69, 0x6b, [0x84, 0x8b], 0x8d);
  fill(table, ALONE | SHORT | MODRM | GROUP, 0x80, 0x81, 0x83, 0xc0, 0xc1, [0xd0, 0xd3], 0xc6, 0xc7, 0xf6, 0xf7, 0xfe, 0xff);
  return table;
}

function twoByteTable(): Uint8Array {
  const table = new Uint8Array(256);
  fill(table, NONE | NO_MODRM, 0x05, [0x80, 0x8f], 0xa2, [0xc8, 0xcf]);
  fill(table, NONE | P66 | PF3 | PF2, 0x10, 0x11, 0x2a, 0x2c, 0x2d, 0x51, 0x58, 0x59, 0x5a, [0x5c, 0x5f], 0x70);
  fill(table, NONE | P66, 0x14, 0x15, 0x1f, 0x28, 0x29, 0x2e, 0x2f, [0x40, 0x4f], [0x54, 0x57], [0x60, 0x6b], 0x6e, [0x74, 0x76], 0xa3, 0xa4, 0xa5, 0xab);
  fill(table, NONE | P66, 0xac, 0xad, 0xaf, 0xb0, 0xb1, 0xb3, 0xb6, 0xb7, 0xba, 0xbb, 0xbe, 0xbf, 0xc0, 0xc1, 0xc6, 0xd4, 0xdb, 0xdf, 0xeb, 0xef, [0xf8, 0xfe]);
  fill(table, NONE | P66 | PF3, 0x5b, 0x6f, 0x7e, 0x7f, 0xbc, 0xbd);
  fill(table, P66, 0x6c, 0x6d, 0xd6);
  fill(table, NONE, [0x90, 0x9f]);
  return table;
}
