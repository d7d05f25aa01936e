/**
 * Walks through a function once, from its first instruction to its last: where instructions begin, where its branches lead,
 * where it is left. Without the full decoder, so that a program's 100,000 functions take a second.
 */
import { instructionLength } from "../full-decoder.ts";
import { measure } from "../length-decoder.ts";

/** A place where control leaves the function for good. */
export interface Exit {
  readonly offset: number;
  /** `jump`: a tail call; the function that it leads to returns in this one's stead. `maybe`: that, or a jump within, if the function has tables. */
  readonly kind: "return" | "jump" | "maybe";
}

export interface Sweep {
  /** Instructions that begin at an offset: 1, else 0. */
  readonly begins: Uint8Array;
  /** How many branches of the function lead to an offset of it; 255 for as many and more, and for entrances from elsewhere. */
  readonly entered: Uint8Array;
  /** Of whole functions; of others where decoding ended. */
  readonly decoded: number;
  readonly exits: readonly Exit[];
  /** Direct branches that lead out of it, as offsets from its start. */
  readonly outward: readonly number[];
  /** Jumps by tables, which lead to places in it. */
  readonly indirect: readonly number[];
  /** Addresses that it takes relative to rip, as offsets from its start, and absolute ones of indexed tables: jump tables are among them. */
  readonly taken: readonly number[];
  readonly absolute: readonly number[];
}

export const MANY = 255;

const NOTRACK = 0x3e;

/** @param code the function and nothing else. */
export function sweep(code: Uint8Array): Sweep {
  const size = code.length;
  const begins = new Uint8Array(size);
  const entered = new Uint8Array(size);
  const exits: Exit[] = [];
  const outward: number[] = [];
  const indirect: number[] = [];
  const taken: number[] = [];
  const absolute: number[] = [];
  let at = 0;
  const enter = (target: number): void => {
    if (target < 0 || target >= size) outward.push(target);
    else if ((entered[target] as number) < MANY) entered[target] = (entered[target] as number) + 1;
  };
  while (at < size) {
    const measured = measure(code, at);
    const length = measured?.length ?? instructionLength(code.subarray(at, at + 15));
    if (length === 0) break;
    begins[at] = 1;
    const end = at + length;
    const p = measured?.opcode ?? at;
    const first = code[p] as number;
    const second = code[p + 1] as number;
    if (first === 0xe9 || first === 0xeb) {
      const target = end + (first === 0xeb ? signed8(code, end - 1) : signed32(code, end - 4));
      enter(target);
      if (target < 0 || target >= size) exits.push({ offset: at, kind: "jump" });
    } else if ((first & 0xf0) === 0x70 || (first & 0xfc) === 0xe0) enter(end + signed8(code, end - 1));
    else if (first === 0xe8 || (first === 0x0f && (second & 0xf0) === 0x80)) enter(end + signed32(code, end - 4));
    else if (first === 0xc7 && second === 0xf8) enter(end + signed32(code, end - 4));
    else if (first === 0xc3 || first === 0xc2) exits.push({ offset: at, kind: "return" });
    else if (first === 0xff && ((second >> 3) & 7) === 4) {
      const kind = indirectKind(code, begins, at, p);
      if (kind === "table") absolute.push(signed32(code, p + 3));
      if (kind === "jump" || kind === "maybe") exits.push({ offset: at, kind });
      else indirect.push(at);
    } else if (first === 0x8b && (second & 0xc7) === 4 && ((code[p + 2] as number) & 0xc7) === 0xc5) absolute.push(signed32(code, p + 3));
    else if (first === 0x8d && (second & 0xc7) === 5) taken.push(end + signed32(code, end - 4));
    at = end;
  }
  return { begins, entered, decoded: at, exits, outward, indirect, taken, absolute };
}

/**
 * What an indirect jump is: a tail call through a fixed place or a structure's member; one through a table of addresses, or of
 * distances that were just added to the table's own address; where the code is made for control-flow enforcement, those have a
 * prefix (notrack). Compilers may leave neither trace: `maybe`.
 */
function indirectKind(code: Uint8Array, begins: Uint8Array, at: number, opcode: number): "jump" | "maybe" | "table" | "inside" {
  const modrm = code[opcode + 1] as number;
  const indexed = modrm >> 6 !== 3 && (modrm & 7) === 4 && ((code[opcode + 2] as number) & 0x38) !== 0x20;
  if (modrm === 0x24 && ((code[opcode + 2] as number) & 0xc7) === 0xc5) return "table";
  if (code.subarray(at, opcode).includes(NOTRACK) || (modrm >> 6 === 3 && followsAdd(code, begins, at))) return "inside";
  return modrm >> 6 === 3 || indexed ? "maybe" : "jump";
}

/** add reg, reg right before, in 64 bits. */
function followsAdd(code: Uint8Array, begins: Uint8Array, at: number): boolean {
  if (at < 3 || begins[at - 3] !== 1 || ((code[at - 3] as number) & 0xf8) !== 0x48) return false;
  return (code[at - 2] === 0x01 || code[at - 2] === 0x03) && (code[at - 1] as number) >= 0xc0;
}

export const signed8 = (code: Uint8Array, at: number): number => ((code[at] as number) << 24) >> 24;
export function signed32(code: Uint8Array, at: number): number {
  return (code[at] as number) | ((code[at + 1] as number) << 8) | ((code[at + 2] as number) << 16) | ((code[at + 3] as number) << 24);
}
