/**
 * What machine code without guards needs to know before it runs: that a program ends, that each access lies within the
 * frame, the context, a map's value or a reserved record, that what may be NULL was compared before, that calls get what
 * they take, and that a reserved record is given back on every path.
 *
 * Every path is walked, as the kernel's verifier does, with bounds for each register and each word of the frame. Where
 * paths meet, a path ends if the same place was left before with values that cover these (as far as they were read
 * afterwards), and everything from there on was found good. A loop is walked as often as it may turn.
 */
import type { Instruction } from "../instruction.ts";
import {
  Alu,
  AtomicOp,
  CallKind,
  Class,
  classOf,
  ImmKind,
  isCall,
  isConditional,
  isExit,
  isGoto,
  LD_IMM64,
  Mode,
  modeOf,
  operationOf,
  usesRegister,
  widthOf,
} from "../opcodes.ts";
import { calledName, signatures } from "./calls.ts";
import { type Fact, type MapFacts, Refused, type Verified, type VerifyOptions } from "./facts.ts";
import { comparisons, operations } from "./operations.ts";
import { bitOf, Crossing, coversAll, FRAME, type Path, REGISTERS, SLOTS, State } from "./paths.ts";
import {
  between,
  type Comparison,
  compute,
  exactly,
  isExact,
  learn,
  low32,
  type Num,
  negated,
  type Operation,
  type Pointer,
  signExtended,
  signedBetween,
  unknown,
  type Value,
} from "./values.ts";

const BUDGET = 1_000_000;
/** Of one place; more are hardly ever hit. */
const MOST_KEPT = 64;
const COOKIE_BYTES = 8;

/** Throws Refused. */
export function verify(program: readonly Instruction[], options: VerifyOptions): Verified {
  return new Verifier(program, options).run();
}

class Verifier {
  readonly #program: readonly Instruction[];
  readonly #options: VerifyOptions;
  readonly #facts: (Fact | undefined)[];
  readonly #meets: readonly boolean[];
  readonly #crossings: (Crossing[] | undefined)[];
  readonly #calls = new Set<string>();
  readonly #work: Path[] = [];
  #lowest = FRAME;
  #ids = 0;
  #path: Path;
  #at = 0;

  constructor(program: readonly Instruction[], options: VerifyOptions) {
    this.#program = program;
    this.#options = options;
    this.#facts = new Array(program.length).fill(undefined);
    this.#crossings = new Array(program.length).fill(undefined);
    const meets: boolean[] = new Array(program.length).fill(false);
    for (const { code, target } of program) if (target !== undefined && !isCall(code)) meets[target] = true;
    this.#meets = meets;
    const values: (Value | undefined)[] = new Array(REGISTERS + SLOTS).fill(undefined);
    values[1] = pointer("context", 0, options.contextBytes);
    values[10] = { ...pointer("frame", 0, FRAME), lo: FRAME, hi: FRAME };
    const state = new State(values, new Set());
    this.#path = { at: 0, state, crossing: new Crossing(state.copy(), undefined, 0n), written: 0n };
  }

  run(): Verified {
    const budget = this.#options.budget ?? BUDGET;
    let walked = 0;
    for (;;) {
      this.#at = this.#path.at;
      if (++walked > budget) this.#refuse(`it isn't found to end: ${budget} steps were looked at`);
      const goesOn = this.#meet() && this.#step();
      if (goesOn) continue;
      this.#close();
      const next = this.#work.pop();
      if (next === undefined) break;
      this.#path = next;
    }
    return { facts: this.#facts, frameBytes: (FRAME - this.#lowest + 7) & ~7, calls: this.#calls };
  }

  #refuse(message: string): never {
    throw new Refused(this.#at, message);
  }

  /** A path has ended. */
  #close(): void {
    for (let crossing: Crossing | undefined = this.#path.crossing; crossing !== undefined; crossing = crossing.parent) {
      crossing.pending -= 1;
      if (crossing.pending > 0) return;
      crossing.done = true;
    }
  }

  /** Where paths meet: false if all from here on is known to be good. */
  #meet(): boolean {
    const { at, state, crossing, written } = this.#path;
    if (this.#meets[at] !== true) return true;
    this.#crossings[at] ??= [];
    const known = this.#crossings[at];
    for (const other of known) {
      if (!other.done || !coversAll(other, state)) continue;
      for (let i = 0; i < REGISTERS + SLOTS; i++) if ((other.reads & bitOf(i)) !== 0n) this.#mark(i);
      return false;
    }
    if (known.length >= MOST_KEPT) known.shift();
    const here = new Crossing(state.copy(), crossing, written);
    known.push(here);
    this.#path.crossing = here;
    this.#path.written = 0n;
    return true;
  }

  #mark(index: number): void {
    const bit = bitOf(index);
    if ((this.#path.written & bit) !== 0n) return;
    for (let crossing: Crossing | undefined = this.#path.crossing; crossing !== undefined; crossing = crossing.parent) {
      if ((crossing.reads & bit) !== 0n) return;
      crossing.reads |= bit;
      if ((crossing.written & bit) !== 0n) return;
    }
  }

  #read(register: number): Value {
    const value = this.#path.state.values[register];
    if (value === undefined) this.#refuse(`r${register} holds nothing`);
    this.#mark(register);
    return value;
  }

  #number(register: number): Num {
    const value = this.#read(register);
    // An address as a number: compared or computed with, never followed.
    return value.k === "num" ? value : unknown;
  }

  #set(index: number, value: Value | undefined): void {
    this.#path.state.values[index] = value;
    this.#path.written |= bitOf(index);
  }

  #fact(): Fact {
    this.#facts[this.#at] ??= { taken: false, passed: false };
    return this.#facts[this.#at] as Fact;
  }

  /** False at the path's end. */
  #step(): boolean {
    const instruction = this.#program[this.#at];
    if (instruction === undefined) this.#refuse("control runs off the end of the program");
    const { code } = instruction;
    this.#fact();
    if (isExit(code)) {
      this.#number(0);
      if (this.#path.state.open.size > 0) this.#refuse("a reserved record is neither submitted nor discarded");
      return false;
    }
    if (isGoto(code)) {
      this.#path.at = instruction.target as number;
      return true;
    }
    if (isConditional(code)) return this.#branch(instruction);
    if (isCall(code)) this.#call(instruction);
    else if (code === LD_IMM64) this.#constant(instruction);
    else {
      switch (classOf(code)) {
        case Class.alu32:
        case Class.alu64:
          this.#arithmetic(instruction);
          break;
        case Class.ldx:
          this.#load(instruction);
          break;
        case Class.st:
          this.#store(instruction, exactly(BigInt(instruction.imm)));
          break;
        case Class.stx:
          modeOf(code) === Mode.atomic ? this.#atomic(instruction) : this.#store(instruction, this.#shared(instruction.src, this.#read(instruction.src)));
          break;
        default:
          this.#refuse(`0x${code.toString(16)} isn't an instruction`);
      }
    }
    this.#path.at += 1;
    return true;
  }

  #constant({ dst, src, imm, map }: Instruction): void {
    if (src === ImmKind.number) this.#set(dst, exactly(BigInt(imm)));
    else if (src === ImmKind.map && map !== undefined) this.#set(dst, { k: "map", map });
    else if (src === ImmKind.mapValue && map !== undefined) {
      const size = this.#mapFacts(map).valueSize;
      this.#set(dst, { ...pointer("value", map, size), lo: Number(imm), hi: Number(imm) });
    } else this.#refuse(`a constant of kind ${src}`);
  }

  #mapFacts(map: number): MapFacts {
    const facts = this.#options.maps[map];
    if (facts === undefined) this.#refuse(`there is no map ${map}`);
    return facts;
  }

  #arithmetic(instruction: Instruction): void {
    const { code, dst, src, imm, offset } = instruction;
    const bits = classOf(code) === Class.alu64 ? 64 : 32;
    const operation = operationOf(code);
    if (operation === Alu.end) {
      const width = Number(imm);
      this.#number(dst);
      this.#set(dst, width === 64 ? unknown : between(0n, (1n << BigInt(width)) - 1n));
      return;
    }
    if (operation === Alu.neg) {
      this.#set(dst, negated(this.#number(dst), bits));
      return;
    }
    if (operation === Alu.mov) {
      this.#move(instruction, bits);
      return;
    }
    const left = this.#read(dst);
    const right: Value = usesRegister(code) ? this.#read(src) : exactly(BigInt.asUintN(bits, BigInt(imm)));
    if (bits === 64 && (left.k === "pointer" || right.k === "pointer") && (operation === Alu.add || operation === Alu.sub)) {
      const moved = this.#movePointer(left, right, operation === Alu.sub);
      this.#set(dst, moved);
      return;
    }
    const a = left.k === "num" ? left : unknown;
    const b = right.k === "num" ? right : unknown;
    const signed = offset === 1;
    const name: Operation | undefined =
      operation === Alu.div ? (signed ? "sdiv" : "div") : operation === Alu.mod ? (signed ? "smod" : "mod") : operations[operation];
    if (name === undefined) this.#refuse(`0x${code.toString(16)} isn't an arithmetic operation`);
    const shift = name === "lsh" || name === "rsh" || name === "arsh";
    // Counts are taken modulo the width.
    const count = shift && b.hi >= BigInt(bits) ? (isExact(b) ? exactly(b.lo & BigInt(bits - 1)) : between(0n, BigInt(bits - 1))) : b;
    this.#set(dst, compute(name, a, count, bits));
  }

  #move({ code, dst, src, imm, offset }: Instruction, bits: 32 | 64): void {
    if (!usesRegister(code)) {
      this.#set(dst, exactly(BigInt.asUintN(bits, BigInt(imm))));
      return;
    }
    const value = this.#read(src);
    if (offset !== 0) this.#set(dst, signExtended(value.k === "num" ? value : unknown, offset, bits));
    else if (bits === 32) this.#set(dst, low32(value.k === "num" ? value : unknown));
    else {
      this.#set(dst, this.#shared(src, value));
    }
  }

  /** What one of both copies is found to be, the other is too. `index`: where the first lies. */
  #shared(index: number, value: Value): Value {
    if (value.k !== "num" || value.id !== 0 || isExact(value)) return value;
    const shared = { ...value, id: ++this.#ids };
    this.#path.state.values[index] = shared;
    return shared;
  }

  /** Where the sum isn't an address within reach any more, it is a number. */
  #movePointer(left: Value, right: Value, minus: boolean): Value {
    const [base, by] = left.k === "pointer" ? [left, right] : [right as Pointer, left];
    if (by.k !== "num" || (minus && left.k !== "pointer") || base.maybeNull !== 0) return unknown;
    if (by.slo < -(2n ** 30n) || by.shi > 2n ** 30n) return unknown;
    const [slo, shi] = minus ? [-by.shi, -by.slo] : [by.slo, by.shi];
    const lo = base.lo + Number(slo);
    const hi = base.hi + Number(shi);
    return Math.abs(lo) > 2 ** 30 || Math.abs(hi) > 2 ** 30 ? unknown : { ...base, lo, hi };
  }

  /** The access is good, or refused. */
  #access(register: number, offset: number, width: number, writes: boolean): Pointer {
    const value = this.#read(register);
    if (value.k !== "pointer") this.#refuse(`r${register} isn't an address of the program's memory`);
    if (value.maybeNull !== 0) this.#refuse(`r${register} may be NULL`);
    this.#within(value, offset, width, writes);
    const fact = this.#fact();
    const map = value.to === "value" ? value.of : -1;
    if (!isCall((this.#program[this.#at] as Instruction).code)) fact.map = fact.map === undefined || fact.map === map ? map : -1;
    return value;
  }

  #within(value: Pointer, offset: number, width: number, writes: boolean): void {
    const from = value.lo + offset;
    const to = value.hi + offset + width;
    if (from < 0 || to > value.size)
      this.#refuse(`${width} bytes at ${from}${value.lo === value.hi ? "" : ` to ${to - width}`} of a ${value.to} of ${value.size}`);
    if (value.to === "context" && writes && this.#options.writesContext !== true) this.#refuse("the context can't be written");
    if (value.to === "record" && !this.#path.state.open.has(value.of)) this.#refuse("the record was given back before");
    if (value.to === "frame") this.#lowest = Math.min(this.#lowest, from);
  }

  #inContext(value: Pointer, offset: number): void {
    const fact = this.#fact();
    if (value.to !== "context") {
      if (fact.context !== undefined) this.#refuse("the context on one way, other memory on another");
      return;
    }
    const at = value.lo + offset;
    if (value.lo !== value.hi) this.#refuse("the context at a place that isn't constant");
    if ((fact.context ?? at) !== at) this.#refuse("the context at two places");
    fact.context = at;
  }

  #load({ code, dst, src, offset }: Instruction): void {
    const width = widthOf(code);
    const from = this.#access(src, offset, width, false);
    const seenBefore = this.#fact();
    if (from.to !== "context" && seenBefore.context !== undefined) this.#refuse("the context on one way, other memory on another");
    this.#inContext(from, offset);
    const signed = modeOf(code) === Mode.memsx;
    let value: Value | undefined;
    if (from.to === "frame") {
      const slots = this.#slots(from.lo + offset, from.hi + offset + width);
      for (const slot of slots) this.#mark(slot);
      if (width === 8 && slots.length === 1 && from.lo === from.hi) value = this.#path.state.values[slots[0] as number];
    }
    const bits = BigInt(8 * width);
    value ??= signed ? signedBetween(-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n) : width === 8 ? unknown : between(0n, (1n << bits) - 1n);
    this.#set(dst, value);
  }

  /** The frame's words that have a byte in [from, to). */
  #slots(from: number, to: number): number[] {
    const slots: number[] = [];
    for (let slot = from >> 3; slot * 8 < to; slot++) slots.push(REGISTERS + slot);
    return slots;
  }

  #store({ code, dst, offset }: Instruction, value: Value): void {
    const width = widthOf(code);
    const to = this.#access(dst, offset, width, true);
    this.#inContext(to, offset);
    if (to.to !== "frame") return;
    const slots = this.#slots(to.lo + offset, to.hi + offset + width);
    if (width === 8 && slots.length === 1 && to.lo === to.hi) this.#set(slots[0] as number, value);
    else this.#blur(slots);
  }

  /** Something was written there. Not known to be whole, it doesn't count as written. */
  #blur(slots: readonly number[]): void {
    for (const slot of slots) this.#path.state.values[slot] = undefined;
  }

  #atomic(instruction: Instruction): void {
    const { code, dst, src, offset } = instruction;
    const width = widthOf(code);
    const operation = Number(instruction.imm);
    const to = this.#access(dst, offset, width, true);
    if (to.to === "context") this.#refuse("an atomic operation on the context");
    if (to.to === "frame") {
      const slots = this.#slots(to.lo + offset, to.hi + offset + width);
      for (const slot of slots) this.#mark(slot);
      this.#blur(slots);
    }
    this.#number(src);
    const result = width === 4 ? between(0n, 2n ** 32n - 1n) : unknown;
    if (operation === AtomicOp.cmpxchg) {
      this.#number(0);
      this.#set(0, result);
    } else if ((operation & AtomicOp.fetch) !== 0) this.#set(src, result);
  }

  #branch(instruction: Instruction): boolean {
    const { code, dst, src, imm } = instruction;
    const bits = classOf(code) === Class.jmp ? 64 : 32;
    const comparison = comparisons[operationOf(code)];
    if (comparison === undefined) this.#refuse(`0x${code.toString(16)} isn't a comparison`);
    const left = this.#read(dst);
    const right: Value = usesRegister(code) ? this.#read(src) : exactly(BigInt.asUintN(64, BigInt(imm)));
    const fact = this.#fact();
    const target = instruction.target as number;
    const take = (holds: boolean, state: State): { at: number; state: State } => ({ at: holds ? target : this.#at + 1, state });
    const ways: { at: number; state: State }[] = [];
    for (const holds of [false, true]) {
      const state = this.#learned(comparison, left, right, holds, bits, dst, usesRegister(code) ? src : undefined);
      if (state === undefined) continue;
      if (holds) fact.taken = true;
      else fact.passed = true;
      ways.push(take(holds, state));
    }
    const [first, second] = ways;
    if (first === undefined) return false; // No value comes here: what is known of it contradicts itself.
    if (second !== undefined) {
      this.#path.crossing.pending += 1;
      this.#work.push({ at: second.at, state: second.state, crossing: this.#path.crossing, written: this.#path.written });
    }
    this.#path.at = first.at;
    this.#path.state = first.state;
    return true;
  }

  /** The state of one of both ways; undefined if it isn't taken. */
  #learned(comparison: Comparison, left: Value, right: Value, holds: boolean, bits: 32 | 64, dst: number, src: number | undefined): State | undefined {
    const state = this.#path.state.copy();
    if (left.k === "pointer" && right.k === "num" && isExact(right) && right.lo === 0n && bits === 64 && (comparison === "eq" || comparison === "ne")) {
      const isNull = (comparison === "eq") === holds;
      if (left.maybeNull === 0) return isNull ? undefined : state;
      this.#decide(state, left, isNull);
      return state;
    }
    if (left.k !== "num" || right.k !== "num") return state;
    if (bits === 32) {
      if (comparison.startsWith("s") && comparison !== "set") return state;
      const small = (n: Num): boolean => n.hi < 2n ** 32n;
      const b = src === undefined ? low32(right) : right;
      if (!small(left) || !small(b)) return state;
      const known = learn(comparison, left, b, holds);
      return known && this.#share(state, dst, known[0], src, known[1]);
    }
    const known = learn(comparison, left, right, holds);
    return known && this.#share(state, dst, known[0], src, known[1]);
  }

  #share(state: State, dst: number, a: Num, src: number | undefined, b: Num): State {
    const put = (register: number, value: Num): void => {
      state.values[register] = value;
      if (value.id === 0) return;
      for (let i = 0; i < state.values.length; i++) {
        const other = state.values[i];
        if (other?.k === "num" && other.id === value.id) state.values[i] = value;
      }
    };
    if (src !== undefined) put(src, b);
    put(dst, a);
    return state;
  }

  /** All that are or aren't NULL together. */
  #decide(state: State, of: Pointer, isNull: boolean): void {
    for (let i = 0; i < state.values.length; i++) {
      const value = state.values[i];
      if (value?.k !== "pointer" || value.maybeNull !== of.maybeNull) continue;
      state.values[i] = isNull ? exactly(0n) : { ...value, maybeNull: 0 };
    }
    if (isNull && of.to === "record") state.open.delete(of.of);
  }

  #call(instruction: Instruction): void {
    if (instruction.src === CallKind.local) this.#refuse("a call of a local function");
    const name = calledName(instruction) as string;
    const signature = signatures[name];
    if (signature === undefined || this.#options.calls?.has(name) === false) this.#refuse(`${name} can't be called here`);
    this.#calls.add(name);
    const fact = this.#fact();
    let map: number | undefined;
    let record: number | undefined;
    const { params } = signature;
    const sizeAt = params.indexOf("size") + 1;
    const size = sizeAt === 0 ? exactly(0n) : this.#number(sizeAt);
    if (size.hi > 2n ** 29n) this.#refuse(`${name}: a size of up to ${size.hi}`);
    if (sizeAt > 0) {
      const constant = isExact(size) ? Number(size.lo) : "varies";
      fact.size = fact.size === undefined || fact.size === constant ? constant : "varies";
    }
    const bytes = Number(size.hi);
    for (const [i, param] of params.entries()) {
      const register = i + 1;
      const value = this.#read(register);
      switch (param) {
        case "map":
        case "ring": {
          if (value.k !== "map") this.#refuse(`${name}: r${register} isn't a map`);
          const facts = this.#mapFacts(value.map);
          if ((facts.type === "ringbuf") !== (param === "ring")) this.#refuse(`${name} on a map of type ${facts.type}`);
          map = value.map;
          if ((fact.map ?? map) !== map) this.#refuse(`${name} on two maps`);
          fact.map = map;
          break;
        }
        case "key":
          this.#memory(register, this.#mapFacts(map as number).keySize, false);
          break;
        case "value":
          this.#memory(register, this.#mapFacts(map as number).valueSize, false);
          break;
        case "written":
          if (bytes > 0) this.#memory(register, bytes, true);
          break;
        case "read":
          if (bytes > 0) this.#memory(register, bytes, false);
          break;
        case "text":
          if (bytes > 1) this.#memory(register, bytes - 1, false);
          break;
        case "context":
          if (value.k !== "pointer" || value.to !== "context" || value.lo !== 0 || value.hi !== 0) this.#refuse(`${name}: r${register} isn't the context`);
          break;
        case "record":
          if (value.k !== "pointer" || value.to !== "record" || value.maybeNull !== 0 || value.lo !== 0 || value.hi !== 0)
            this.#refuse(`${name}: r${register} isn't a record`);
          if (!this.#path.state.open.has(value.of)) this.#refuse("the record was given back before");
          record = value.of;
          break;
        default:
          if (param === "number" && value.k === "map") this.#refuse(`${name}: r${register} is a map`);
      }
    }
    if (record !== undefined) this.#giveBack(record);
    for (let i = 1; i <= 5; i++) this.#set(i, undefined);
    this.#set(0, this.#result(name, map, size));
  }

  #memory(register: number, bytes: number, writes: boolean): void {
    const value = this.#access(register, 0, bytes, writes);
    if (value.to === "context") this.#refuse("a call takes the context's bytes");
    if (value.to !== "frame") return;
    const slots = this.#slots(value.lo, value.hi + bytes);
    if (writes) this.#blur(slots);
    else for (const slot of slots) this.#mark(slot);
  }

  #giveBack(record: number): void {
    const { open, values } = this.#path.state;
    open.delete(record);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value?.k === "pointer" && value.to === "record" && value.of === record) this.#set(i, i < REGISTERS ? undefined : unknown);
    }
  }

  #result(name: string, map: number | undefined, size: Num): Value {
    switch (signatures[name]?.result) {
      case "value":
        return { ...pointer("value", map as number, this.#mapFacts(map as number).valueSize), maybeNull: ++this.#ids };
      case "record": {
        if (!isExact(size)) this.#refuse(`${name}: a record's size is a constant`);
        const id = ++this.#ids;
        this.#path.state.open.add(id);
        return { ...pointer("record", id, Number(size.lo)), maybeNull: id };
      }
      case "cookie":
        return pointer("cookie", 0, COOKIE_BYTES);
      case "isReturn":
        return this.#options.isReturn === undefined ? between(0n, 1n) : exactly(this.#options.isReturn ? 1n : 0n);
      default:
        // What the kernel's functions give is bounded by their sizes, which texts rely on.
        return sizedResults.has(name) ? signedBetween(-4095n, size.hi) : unknown;
    }
  }
}

const sizedResults: ReadonlySet<string> = new Set(["probe_read_user_str", "probe_read_kernel_str", "bpf_copy_from_user_str"]);

const pointer = (to: Pointer["to"], of: number, size: number): Pointer => ({ k: "pointer", to, of, size, lo: 0, hi: 0, maybeNull: 0 });
