/**
 * Computes an expression of a frame's table from registers and memory as they are. Elsewhere expressions are reduced to steps for a
 * later hit (dwarf/expression.ts), which leaves out what depends on values: branches on them, division. DWARF 5 §2.5, §6.4.2.
 */
import { DW_OP } from "../../dwarf/constants.ts";
import { big64, bigSleb, bigUleb, type Position, u16, u32, uleb } from "../../dwarf/leb.ts";

/** What an expression can look at. Undefined: that isn't known, and so isn't what is computed from it. */
export interface ExpressionWorld {
  /** Modulo 2⁶⁴, by DWARF's number; 16 is the pc. */
  register(number: number): bigint | undefined;
  /** `size` bytes, little-endian. */
  read(address: bigint, size: number): bigint | undefined;
  /** What is added to addresses as linked. */
  readonly bias: number;
}

/** Branches may go back: after so many operations it is taken for endless. */
const MOST_OPERATIONS = 4096;
const MOST_DEPTH = 256;

const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
const signed = (value: bigint): bigint => BigInt.asIntN(64, value);

/** The word on top of the stack at the end, modulo 2⁶⁴; `initial` is on it at first. Undefined: it can't be computed. */
export function evaluate(bytes: Uint8Array, world: ExpressionWorld, initial?: bigint): bigint | undefined {
  const stack: bigint[] = initial === undefined ? [] : [initial];
  const position: Position = { at: 0 };
  for (let n = 0; position.at < bytes.length; n++) {
    if (n === MOST_OPERATIONS || stack.length > MOST_DEPTH) return undefined;
    const opcode = bytes[position.at++]!;
    const value = operand(opcode, bytes, position, world);
    if (value === undefined) return undefined;
    if (typeof value === "bigint") stack.push(unsigned(value));
    else if (!operate(opcode, stack, bytes, position, world)) return undefined;
  }
  return stack.pop();
}

/** What an operation without arguments pushes; false: it is another one. */
function operand(opcode: number, bytes: Uint8Array, position: Position, world: ExpressionWorld): bigint | false | undefined {
  const skip = (size: number): number => {
    position.at += size;
    return position.at - size;
  };
  const based = (number: number, offset: bigint): bigint | undefined => {
    const value = world.register(number);
    return value === undefined ? undefined : value + offset;
  };
  if (opcode >= DW_OP.lit0 && opcode <= DW_OP.lit31) return BigInt(opcode - DW_OP.lit0);
  if (opcode >= DW_OP.breg0 && opcode <= DW_OP.breg31) return based(opcode - DW_OP.breg0, bigSleb(bytes, position));
  switch (opcode) {
    case DW_OP.addr:
      return big64(bytes, skip(8)) + BigInt(world.bias);
    case DW_OP.const1u:
      return BigInt(bytes[skip(1)] ?? 0);
    case DW_OP.const1s:
      return BigInt(((bytes[skip(1)] ?? 0) << 24) >> 24);
    case DW_OP.const2u:
      return BigInt(u16(bytes, skip(2)));
    case DW_OP.const2s:
      return BigInt((u16(bytes, skip(2)) << 16) >> 16);
    case DW_OP.const4u:
      return BigInt(u32(bytes, skip(4)));
    case DW_OP.const4s:
      return BigInt(u32(bytes, skip(4)) | 0);
    case DW_OP.const8u:
    case DW_OP.const8s:
      return big64(bytes, skip(8));
    case DW_OP.constu:
      return bigUleb(bytes, position);
    case DW_OP.consts:
      return bigSleb(bytes, position);
    case DW_OP.bregx:
      return based(uleb(bytes, position), bigSleb(bytes, position));
    default:
      return false;
  }
}

/** False: the operation isn't allowed here, or lacks arguments. */
function operate(opcode: number, stack: bigint[], bytes: Uint8Array, position: Position, world: ExpressionWorld): boolean {
  const jump = (): void => {
    position.at += 2;
    position.at += (u16(bytes, position.at - 2) << 16) >> 16;
  };
  /** Puts another one in the place of the last `count`. */
  const replace = (count: number, value: bigint | undefined): boolean => {
    if (value === undefined) return false;
    stack.length -= count;
    stack.push(unsigned(value));
    return true;
  };
  const copy = (depth: number): boolean => {
    const value = stack[stack.length - 1 - depth];
    return value !== undefined && stack.push(value) > 0;
  };
  const top = stack.at(-1);
  const below = stack.at(-2);
  switch (opcode) {
    case DW_OP.nop:
      return true;
    case DW_OP.skip:
      jump();
      return position.at >= 0;
    case DW_OP.dup:
      return copy(0);
    case DW_OP.over:
      return copy(1);
    case DW_OP.pick:
      return copy(bytes[position.at++] ?? 0);
  }
  if (top === undefined) return false;
  switch (opcode) {
    case DW_OP.bra:
      stack.pop();
      if (top === 0n) position.at += 2;
      else jump();
      return position.at >= 0;
    case DW_OP.drop:
      stack.pop();
      return true;
    case DW_OP.deref:
      return replace(1, world.read(top, 8));
    case DW_OP.deref_size: {
      const size = bytes[position.at++] ?? 0;
      return size >= 1 && size <= 8 && replace(1, world.read(top, size));
    }
    case DW_OP.plus_uconst:
      return replace(1, top + bigUleb(bytes, position));
    case DW_OP.neg:
      return replace(1, -top);
    case DW_OP.not:
      return replace(1, ~top);
    case DW_OP.abs:
      return replace(1, signed(top) < 0n ? -top : top);
  }
  if (below === undefined) return false;
  switch (opcode) {
    case DW_OP.swap:
      stack.splice(-2, 2, top, below);
      return true;
    case DW_OP.rot: {
      const third = stack.at(-3);
      if (third === undefined) return false;
      stack.splice(-3, 3, top, third, below);
      return true;
    }
    default:
      return replace(2, compute(opcode, below, top));
  }
}

function compute(opcode: number, a: bigint, b: bigint): bigint | undefined {
  switch (opcode) {
    case DW_OP.plus:
      return a + b;
    case DW_OP.minus:
      return a - b;
    case DW_OP.mul:
      return a * b;
    case DW_OP.and:
      return a & b;
    case DW_OP.or:
      return a | b;
    case DW_OP.xor:
      return a ^ b;
    case DW_OP.div:
      return b === 0n ? undefined : signed(a) / signed(b);
    case DW_OP.mod:
      return b === 0n ? undefined : a % b;
    case DW_OP.shl:
      return b > 63n ? 0n : a << b;
    case DW_OP.shr:
      return b > 63n ? 0n : a >> b;
    case DW_OP.shra:
      return signed(a) >> (b > 63n ? 63n : b);
    case DW_OP.eq:
      return a === b ? 1n : 0n;
    case DW_OP.ne:
      return a !== b ? 1n : 0n;
    case DW_OP.lt:
      return signed(a) < signed(b) ? 1n : 0n;
    case DW_OP.le:
      return signed(a) <= signed(b) ? 1n : 0n;
    case DW_OP.gt:
      return signed(a) > signed(b) ? 1n : 0n;
    case DW_OP.ge:
      return signed(a) >= signed(b) ? 1n : 0n;
    default:
      return undefined;
  }
}
