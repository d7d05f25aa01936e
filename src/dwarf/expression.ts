/** Reduces DWARF expressions to places: what registers, memory and arithmetic at the hit give a value. DWARF 5 §2.5, §2.6. */
import type { CPlace, PlaceRegister } from "../schema/ctypes.ts";
import { DW_ATE, DW_OP } from "./constants.ts";
import { composite, isVector, none, type Piece, REMOVED, readSize, type Simple, wholePlace } from "./expression-places.ts";
import {
  absolute,
  address,
  type Binary,
  binary,
  compare,
  constant,
  divide,
  read,
  register,
  remainder,
  Unreadable,
  unary,
  type Word,
  widen,
} from "./expression-value.ts";
import { bigSleb, bigUleb, type Position, u16, uleb } from "./leb.ts";

/** What an expression may refer to. What is undefined can't be referred to. */
export interface ExpressionContext {
  /** Of the instruction that is hit, as linked. */
  readonly pc: number;
  /** Bytes of what is looked for; undefined: not known, taken for a word. */
  readonly size: number | undefined;
  /** What the pieces of a value really are, where a compiler writes them in a way of its own. Throws Unreadable. */
  readonly pieces?: (written: readonly Piece[]) => readonly Piece[];
  /** Of the function that encloses the pc, not of one that is inlined in it. */
  readonly entry?: number | undefined;
  readonly addressSize?: number;
  /** Sections with offsets of 64 bits. */
  readonly wide?: boolean;
  /** The frame's base: what `fbreg` counts from. Asked for once at most. */
  readonly frameBase?: () => FrameBase;
  /** The canonical frame address. Throws Unreadable. */
  readonly cfa?: () => Word;
  /** The address of a number in .debug_addr. */
  readonly addressOf?: (index: number) => number | undefined;
  /** The base type at an offset from the unit's start. */
  readonly baseType?: (offset: number) => { readonly encoding: number; readonly size: number } | undefined;
}
export interface FrameBase {
  readonly bytes: Uint8Array;
  /** In bytes of which nothing else may be asked: a frame base has none itself. */
  readonly context: ExpressionContext;
}

const GENERAL: readonly PlaceRegister[] = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
const RETURN_ADDRESS = 16;

/** By DWARF's number: psABI 1.0 §3.6.2, table 3.36. Undefined for those that can't be read at a hit. */
export function registerOf(number: number): PlaceRegister | undefined {
  if (number < 16) return GENERAL[number];
  if (number >= 17 && number <= 32) return `xmm${number - 17}`;
  return undefined;
}
const namedRegister = (number: number): PlaceRegister => {
  const name = registerOf(number);
  if (name !== undefined) return name;
  if (number >= 33 && number <= 40) throw new Unreadable("it is in a register of the x87 unit, which isn't read");
  throw new Unreadable(`it is in register ${number}, which isn't read`);
};

/** The type of a word on the stack: undefined is DWARF's generic one, an address-sized integer. */
interface IntegerType {
  readonly size: number;
  readonly signed: boolean;
}
interface Cell {
  readonly word: Word;
  readonly type: IntegerType | undefined;
}

const MOST_OPERATIONS = 1024;
const MOST_DEPTH = 64;
const MOST_PIECES = 64;

/** The place that an expression describes at a pc. Never throws; what can't be read is a place of kind "none" that says why. */
export function reduceExpression(bytes: Uint8Array, context: ExpressionContext): CPlace {
  try {
    return new Machine(bytes, context).place();
  } catch (error) {
    if (error instanceof Unreadable) return none(error.why);
    throw error;
  }
}

/** The word that an expression computes, as a rule of a frame does: where `initial` is on the stack at first. Throws Unreadable. */
export function reduceToWord(bytes: Uint8Array, context: ExpressionContext, initial?: Word): Word {
  return new Machine(bytes, context, initial).word();
}

class Machine {
  private readonly bytes: Uint8Array;
  private readonly context: ExpressionContext;
  private readonly position: Position = { at: 0 };
  private readonly stack: Cell[] = [];
  private readonly pieces: Piece[] = [];
  /** A location that isn't an address on the stack. Only a piece may follow it. */
  private found: Simple | undefined;

  constructor(bytes: Uint8Array, context: ExpressionContext, initial?: Word) {
    this.bytes = bytes;
    this.context = context;
    if (initial !== undefined) this.push(initial);
  }

  word(): Word {
    this.run();
    if (this.pieces.length > 0) throw new Unreadable("it is in pieces");
    if (this.found?.k === "register" && !isVector(this.found.register)) return register(this.found.register, 0n);
    if (this.found?.k === "value") return this.found.word;
    if (this.found !== undefined) throw new Unreadable("its expression gives no address");
    return this.pop().word;
  }

  place(): CPlace {
    this.run();
    if (this.pieces.length > 0) return composite(this.context.pieces?.(this.pieces) ?? this.pieces, this.context.size);
    if (this.bytes.length === 0) return none(REMOVED);
    return wholePlace(this.found ?? { k: "memory", word: this.pop().word }, this.context.size);
  }

  private run(): void {
    for (let n = 0; this.position.at < this.bytes.length; n++) {
      if (n === MOST_OPERATIONS) throw new Unreadable("its expression doesn't end");
      const opcode = this.bytes[this.position.at++]!;
      if (opcode === DW_OP.piece || opcode === DW_OP.bit_piece) this.piece(opcode);
      else if (this.found !== undefined) throw new Unreadable("its expression goes on behind its end");
      else this.step(opcode);
    }
    if (this.position.at > this.bytes.length) throw new Unreadable("its expression is cut short");
  }

  private piece(opcode: number): void {
    let size = uleb(this.bytes, this.position);
    if (opcode === DW_OP.bit_piece) {
      if (uleb(this.bytes, this.position) !== 0 || size % 8 !== 0) throw new Unreadable("its parts aren't whole bytes");
      size /= 8;
    }
    if (this.pieces.length === MOST_PIECES) throw new Unreadable("it is in too many pieces");
    const of: Simple = this.found ?? (this.stack.length > 0 ? { k: "memory", word: this.pop().word } : { k: "lost" });
    this.pieces.push({ of, size });
    this.found = undefined;
    this.stack.length = 0;
  }

  private push(word: Word, type?: IntegerType): void {
    if (this.stack.length === MOST_DEPTH) throw new Unreadable("its expression takes too much of a stack");
    this.stack.push({ word: type === undefined ? word : widen(word, type.size, type.signed), type });
  }
  private pop(): Cell {
    const cell = this.stack.pop();
    if (cell === undefined) throw new Unreadable("its expression takes what isn't there");
    return cell;
  }
  private pick(depth: number): Cell {
    const cell = this.stack[this.stack.length - 1 - depth];
    if (cell === undefined) throw new Unreadable("its expression takes what isn't there");
    return cell;
  }
  private uleb(): number {
    return uleb(this.bytes, this.position);
  }
  private take(size: number): number {
    const at = this.position.at;
    this.position.at += size;
    return at;
  }
  private fixed(size: number, signed: boolean): bigint {
    const at = this.take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[at + i] ?? 0);
    return signed ? BigInt.asIntN(size * 8, value) : value;
  }

  private step(opcode: number): void {
    if (opcode >= DW_OP.lit0 && opcode <= DW_OP.lit31) {
      this.push(constant(opcode - DW_OP.lit0));
    } else if (opcode >= DW_OP.reg0 && opcode <= DW_OP.reg31) {
      this.found = { k: "register", register: namedRegister(opcode - DW_OP.reg0) };
    } else if (opcode >= DW_OP.breg0 && opcode <= DW_OP.breg31) {
      this.push(this.based(opcode - DW_OP.breg0));
    } else if (opcode >= DW_OP.const1u && opcode <= DW_OP.const8s) {
      const kind = opcode - DW_OP.const1u;
      this.push(constant(this.fixed(1 << (kind >> 1), (kind & 1) === 1)));
    } else if (!this.arithmetic(opcode) && !this.stackOperation(opcode) && !this.typed(opcode)) {
      const word = this.other(opcode);
      if (word !== undefined) this.push(word);
    }
  }

  /** A register's value, plus what follows. */
  private based(number: number): Word {
    const plus = bigSleb(this.bytes, this.position);
    // Rules of frames take the pc itself so.
    if (number === RETURN_ADDRESS) return address(BigInt(this.context.pc) + plus);
    const name = namedRegister(number);
    if (isVector(name)) throw new Unreadable("its address is in a vector register");
    return register(name, plus);
  }

  private stackOperation(opcode: number): boolean {
    switch (opcode) {
      case DW_OP.dup:
        this.stack.push(this.pick(0));
        break;
      case DW_OP.drop:
        this.pop();
        break;
      case DW_OP.over:
        this.stack.push(this.pick(1));
        break;
      case DW_OP.pick:
        this.stack.push(this.pick(this.bytes[this.take(1)] ?? 0));
        break;
      case DW_OP.swap: {
        const [a, b] = [this.pop(), this.pop()];
        this.stack.push(a, b);
        break;
      }
      case DW_OP.rot: {
        const [a, b, c] = [this.pop(), this.pop(), this.pop()];
        this.stack.push(a, c, b);
        break;
      }
      case DW_OP.nop:
        break;
      case DW_OP.skip:
        this.jump(BigInt.asIntN(16, BigInt(u16(this.bytes, this.take(2)))));
        break;
      case DW_OP.bra: {
        const distance = BigInt.asIntN(16, BigInt(u16(this.bytes, this.take(2))));
        const { word } = this.pop();
        if (word.k !== "constant") throw new Unreadable("where it is depends on a condition");
        if (word.value !== 0n) this.jump(distance);
        break;
      }
      default:
        return false;
    }
    if (this.stack.length > MOST_DEPTH) throw new Unreadable("its expression takes too much of a stack");
    return true;
  }

  private jump(distance: bigint): void {
    const to = this.position.at + Number(distance);
    if (to < 0 || to > this.bytes.length) throw new Unreadable("its expression jumps out of itself");
    this.position.at = to;
  }

  /** Operations of integers; the result has the operands' type. */
  private arithmetic(opcode: number): boolean {
    const simple = BINARY[opcode];
    const comparison = COMPARE[opcode];
    if (simple !== undefined || comparison !== undefined || opcode === DW_OP.div || opcode === DW_OP.mod) {
      const b = this.pop();
      const a = this.pop();
      if (comparison !== undefined) {
        const unsigned = a.type?.signed === false && a.type.size === 8;
        if (unsigned && opcode !== DW_OP.eq && opcode !== DW_OP.ne) throw new Unreadable("finding it compares unsigned words");
        this.push(comparison(a.word, b.word));
      } else if (opcode === DW_OP.div) {
        if (a.type?.signed === false && a.type.size === 8) throw new Unreadable("finding it takes a division");
        this.push(divide(a.word, b.word), a.type);
      } else if (opcode === DW_OP.mod) {
        if (a.type?.signed === true) throw new Unreadable("finding it takes a division");
        this.push(remainder(a.word, b.word), a.type);
      } else if (opcode === DW_OP.shr && a.type?.signed === true) {
        // Logical, of as many bits as the type has.
        this.push(binary("shr", widen(a.word, a.type.size, false), b.word), a.type);
      } else {
        this.push(binary(simple!, a.word, b.word), a.type);
      }
      return true;
    }
    switch (opcode) {
      case DW_OP.neg:
      case DW_OP.not: {
        const { word, type } = this.pop();
        this.push(unary(opcode === DW_OP.neg ? "neg" : "not", word), type);
        return true;
      }
      case DW_OP.abs: {
        const { word, type } = this.pop();
        this.push(type?.signed === false ? word : absolute(word), type);
        return true;
      }
      case DW_OP.plus_uconst: {
        const { word, type } = this.pop();
        this.push(binary("add", word, constant(bigUleb(this.bytes, this.position))), type);
        return true;
      }
      default:
        return false;
    }
  }

  /** DWARF 5's operations on base types, and their forerunners of GNU. */
  private typed(opcode: number): boolean {
    switch (opcode) {
      case DW_OP.const_type:
      case DW_OP.GNU_const_type: {
        const type = this.integerType(this.uleb());
        const size = this.bytes[this.take(1)] ?? 0;
        if (size > 8) throw new Unreadable("its expression computes with more than 64 bits");
        this.push(constant(this.fixed(size, false)), type);
        return true;
      }
      case DW_OP.regval_type:
      case DW_OP.GNU_regval_type: {
        const name = namedRegister(this.uleb());
        const type = this.integerType(this.uleb());
        if (isVector(name)) throw new Unreadable("its expression computes with a vector register");
        this.push(register(name, 0n), type);
        return true;
      }
      case DW_OP.deref_type:
      case DW_OP.GNU_deref_type: {
        const size = this.bytes[this.take(1)] ?? 0;
        const type = this.integerType(this.uleb());
        this.push(read(this.pop().word, readSize(size)), type);
        return true;
      }
      case DW_OP.convert:
      case DW_OP.GNU_convert:
      case DW_OP.reinterpret:
      case DW_OP.GNU_reinterpret: {
        const offset = this.uleb();
        const { word, type } = this.pop();
        const to = offset === 0 ? undefined : this.integerType(offset);
        const reinterprets = opcode === DW_OP.reinterpret || opcode === DW_OP.GNU_reinterpret;
        if (reinterprets && (type?.size ?? 8) !== (to?.size ?? 8)) throw new Unreadable("its expression takes a type for one of another size");
        this.push(word, to);
        return true;
      }
      default:
        return false;
    }
  }

  private integerType(offset: number): IntegerType | undefined {
    const type = this.context.baseType?.(offset);
    if (type === undefined) throw new Unreadable("its expression computes with a type that can't be found");
    const { encoding, size } = type;
    const signed = encoding === DW_ATE.signed || encoding === DW_ATE.signed_char;
    const unsigned = UNSIGNED.has(encoding);
    if (!signed && !unsigned) throw new Unreadable("its expression computes with floats");
    if (size < 1 || size > 8) throw new Unreadable("its expression computes with more than 64 bits");
    return { size, signed };
  }

  /** What ends an expression (then undefined), what takes memory, and what refers to the rest of the debug information. */
  private other(opcode: number): Word | undefined {
    const { bytes, position, context } = this;
    switch (opcode) {
      case DW_OP.addr:
        return address(this.fixed(context.addressSize === 4 ? 4 : 8, false));
      case DW_OP.addrx:
      case DW_OP.GNU_addr_index:
        return address(this.indexed());
      case DW_OP.constx:
      case DW_OP.GNU_const_index:
        return constant(this.indexed());
      case DW_OP.constu:
        return constant(bigUleb(bytes, position));
      case DW_OP.consts:
        return constant(bigSleb(bytes, position));
      case DW_OP.regx:
        this.found = { k: "register", register: namedRegister(this.uleb()) };
        return undefined;
      case DW_OP.bregx:
        return this.based(this.uleb());
      case DW_OP.fbreg: {
        const plus = bigSleb(bytes, position);
        if (context.frameBase === undefined) throw new Unreadable("its function has no frame base");
        const base = context.frameBase();
        return binary("add", reduceToWord(base.bytes, base.context), constant(plus));
      }
      case DW_OP.call_frame_cfa:
        if (context.cfa === undefined) throw new Unreadable("nothing says where the frame is");
        return context.cfa();
      case DW_OP.deref:
        return read(this.pop().word, 8);
      case DW_OP.deref_size:
        return read(this.pop().word, readSize(bytes[this.take(1)] ?? 0));
      case DW_OP.stack_value:
        this.found = { k: "value", word: this.pop().word };
        return undefined;
      case DW_OP.implicit_value: {
        const length = this.uleb();
        const at = this.take(length);
        this.found = { k: "bytes", bytes: bytes.subarray(at, at + length) };
        return undefined;
      }
      case DW_OP.entry_value:
      case DW_OP.GNU_entry_value:
        return this.entryValue();
      default:
        throw new Unreadable(REFUSED[opcode] ?? `its expression has an operation that isn't known (0x${opcode.toString(16)})`);
    }
  }

  private indexed(): number {
    const value = this.context.addressOf?.(this.uleb());
    if (value === undefined) throw new Unreadable("its address isn't in the file");
    return value;
  }

  /** What a register had when the function began (§2.5.1.7): at that very instruction it still has it. */
  private entryValue(): Word {
    const length = this.uleb();
    const at = this.take(length);
    const { context } = this;
    if (context.entry === undefined || context.pc !== context.entry) throw new Unreadable("it is known only at its function's entry");
    if (length > this.bytes.length) throw new Unreadable("its expression is cut short");
    const { frameBase: _, ...outside } = context;
    return reduceToWord(this.bytes.subarray(at, at + length), outside);
  }
}

const UNSIGNED: ReadonlySet<number> = new Set([DW_ATE.unsigned, DW_ATE.unsigned_char, DW_ATE.address, DW_ATE.boolean, DW_ATE.UTF, DW_ATE.UCS, DW_ATE.ASCII]);
const BINARY: { readonly [opcode: number]: Binary } = {
  [DW_OP.plus]: "add",
  [DW_OP.minus]: "sub",
  [DW_OP.mul]: "mul",
  [DW_OP.and]: "and",
  [DW_OP.or]: "or",
  [DW_OP.xor]: "xor",
  [DW_OP.shl]: "shl",
  [DW_OP.shr]: "shr",
  [DW_OP.shra]: "sar",
};
const COMPARE: { readonly [opcode: number]: (a: Word, b: Word) => Word } = {
  [DW_OP.eq]: compare.eq,
  [DW_OP.ne]: compare.ne,
  [DW_OP.lt]: compare.lt,
  [DW_OP.le]: compare.le,
  [DW_OP.gt]: compare.gt,
  [DW_OP.ge]: compare.ge,
};
const THREAD_LOCAL = "it is thread-local";
const CALLS = "its expression calls another one";
const POINTER = "the compiler has removed what it points to";
const REFUSED: { readonly [opcode: number]: string } = {
  [DW_OP.form_tls_address]: THREAD_LOCAL,
  [DW_OP.GNU_push_tls_address]: THREAD_LOCAL,
  [DW_OP.call2]: CALLS,
  [DW_OP.call4]: CALLS,
  [DW_OP.call_ref]: CALLS,
  [DW_OP.GNU_variable_value]: CALLS,
  [DW_OP.implicit_pointer]: POINTER,
  [DW_OP.GNU_implicit_pointer]: POINTER,
  [DW_OP.GNU_parameter_ref]: "it is known only at the call",
  [DW_OP.GNU_uninit]: "it has no value yet",
  [DW_OP.push_object_address]: "its place depends on the object that it is in",
  [DW_OP.xderef]: "it is in another address space",
  [DW_OP.xderef_size]: "it is in another address space",
  [DW_OP.xderef_type]: "it is in another address space",
};
