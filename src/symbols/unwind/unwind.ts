/**
 * Unwinds a thread's stack: from the registers of a frame to those of its caller, by the table of the code that it is in
 * (.eh_frame, .debug_frame), else by the frame pointer, until the outermost frame.
 *
 *     pc ── the row of the table there ──► the frame's address (CFA) ──► where the caller's registers are ──► the caller's pc
 *
 * Source: DWARF 5 §6.4.3. Nothing that a table or a stack says is believed to end or to make sense.
 */
import type { CfaRule, FrameAt, Frames, RegisterRule } from "../../dwarf/frames.ts";
import { big64 } from "../../dwarf/leb.ts";
import { type ExpressionWorld, evaluate } from "./expression.ts";
import type { UnwindMemory } from "./memory.ts";
import { RBP, Registers, RIP, RSP } from "./registers.ts";
import { BY_FRAME_POINTER, BY_SIGNAL, NO_RULE, walkRule } from "./walk-rule.ts";
import { guess, SIGNAL_REGISTERS } from "./without-table.ts";

/** Memory that may hold code. */
export interface MappedCode {
  /** What was added to addresses as linked. */
  readonly bias: number;
  /** Undefined: there are no tables. */
  readonly frames: Frames | undefined;
}

export interface UnwindSpace {
  readonly memory: UnwindMemory;
  /** Undefined: nothing executable is there. */
  codeAt(address: number): MappedCode | undefined;
}

export interface UnwoundFrame {
  readonly pc: number;
  /** The pc is behind a call, which may be the last instruction of its line, or of its function: for both look at the byte before. */
  readonly called: boolean;
  /** The kernel has made it for a signal: the next one was interrupted. */
  readonly signal: boolean;
}

/** Why there are no more frames. */
export type UnwindEnd =
  /** The last one is the outermost. */
  | { readonly k: "complete" }
  | { readonly k: "limit" }
  /** Nothing tells how the frame at `pc` is laid out, or it needs a register that is lost. */
  | { readonly k: "no-cfi"; readonly pc: number }
  /** What should be the caller's address isn't one of code: the stack is damaged, or the code was mapped later. */
  | { readonly k: "unmapped"; readonly pc: number }
  | { readonly k: "unreadable"; readonly address: number }
  /** The caller's frame isn't above the one of `pc`. */
  | { readonly k: "loop"; readonly pc: number };

export interface Unwound {
  /** Innermost first; at least one. */
  readonly frames: readonly UnwoundFrame[];
  readonly end: UnwindEnd;
}

/** Frames of a stack, as the kernel bounds them (PERF_MAX_STACK_DEPTH). */
export const MOST_FRAMES = 127;

/** Called with each frame that was unwound, or tried; `rule`: how a handler can do the same (schema/stack-walk.ts), or `NO_RULE`. */
export type Learn = (pc: number, called: boolean, rule: bigint) => void;

export interface UnwindOptions {
  readonly most?: number;
  /** The first frame's pc is one that is returned to. */
  readonly called?: boolean;
  readonly learn?: Learn;
}

/** `registers`: as registersOf() gives them. Never throws; takes time by `most` and by how large the functions' tables are. */
export function unwind(registers: BigUint64Array, space: UnwindSpace, { most = MOST_FRAMES, called = false, learn }: UnwindOptions = {}): Unwound {
  return new Unwinding(registers, space, called, learn).run(most);
}

class Unwinding {
  readonly #space: UnwindSpace;
  readonly #world: ExpressionWorld & { bias: number };
  #now = new Registers();
  #next = new Registers();
  #pc: number;
  #called = false;
  /** The frame has to be above this; any may be, at first and where a signal came. */
  #floor = -1;
  /** Where memory couldn't be read. */
  #fault: number | undefined;
  readonly #learn: Learn | undefined;

  constructor(registers: BigUint64Array, space: UnwindSpace, called: boolean, learn: Learn | undefined) {
    this.#space = space;
    this.#called = called;
    this.#learn = learn;
    for (let number = 0; number <= RIP; number++) this.#now.set(number, registers[number] ?? 0n);
    this.#pc = Number(registers[RIP] ?? 0n);
    this.#world = {
      bias: 0,
      register: (number) => this.#now.get(number, this.#word),
      read: (address, size) => (size === 8 ? this.#word(Number(address)) : this.#part(Number(address), size)),
    };
  }

  run(most: number): Unwound {
    const frames: UnwoundFrame[] = [];
    for (;;) {
      const pc = this.#pc;
      const code = this.#space.codeAt(this.#called ? pc - 1 : pc) ?? this.#space.codeAt(pc);
      if (code === undefined && frames.length > 0) return { frames, end: { k: "unmapped", pc } };
      if (frames.length >= most) return { frames, end: { k: "limit" } };
      const row = code === undefined ? undefined : this.#rowOf(code);
      const isTable = row !== undefined && row.cfa.k !== "unknown";
      const signal = { is: isTable && row.signal };
      const called = this.#called && !signal.is;
      this.#fault = undefined;
      if (isTable) this.#learn?.(pc, this.#called, walkRule(row, pc, code?.bias ?? 0));
      const end = isTable ? this.#byTable(row, code?.bias ?? 0) : this.#byGuess(signal);
      frames.push({ pc, called: called && !signal.is, signal: signal.is });
      if (end !== undefined) return { frames, end };
    }
  }

  /** Where a signal's handler returns to nothing was called, and the byte before is another function's. */
  #rowOf({ frames, bias }: MappedCode): FrameAt | undefined {
    if (frames === undefined) return undefined;
    const at = this.#pc - bias;
    if (!this.#called) return frames.at(at);
    const row = frames.at(at - 1);
    if (row !== undefined && row.high !== at) return row;
    const behind = frames.at(at);
    return behind?.signal === true ? behind : row;
  }

  #byTable(row: FrameAt, bias: number): UnwindEnd | undefined {
    this.#world.bias = bias;
    const cfa = this.#cfaOf(row.cfa);
    if (cfa === undefined || !Number.isSafeInteger(cfa)) return this.#stuck();
    if (cfa <= this.#floor && !row.signal) return { k: "loop", pc: this.#pc };
    const returns = row.rules.get(row.returnRegister);
    if (returns?.k === "undefined") return { k: "complete" };
    if (row.returnRegister === RIP && (returns === undefined || returns.k === "same")) return { k: "no-cfi", pc: this.#pc };
    this.#next.copy(this.#now);
    this.#next.set(RSP, cfa);
    for (const [number, rule] of row.rules) if (!this.#apply(number, rule, cfa)) return this.#stuck();
    const to = this.#next.get(row.returnRegister, this.#word);
    if (to === undefined) return this.#stuck();
    return this.#return(to, row.signal, cfa);
  }

  #cfaOf(rule: CfaRule): number | undefined {
    if (rule.k === "unknown") return undefined;
    if (rule.k === "register") {
      const base = this.#now.get(rule.register, this.#word);
      return base === undefined ? undefined : Number(base) + rule.offset;
    }
    const value = evaluate(rule.bytes, this.#world);
    return value === undefined ? undefined : Number(value);
  }

  /** False: it can't be computed, and without the stack's pointer there is no going on. Of others it is only lost. */
  #apply(number: number, rule: RegisterRule, cfa: number): boolean {
    const next = this.#next;
    switch (rule.k) {
      case "same":
        next.take(number, this.#now);
        return true;
      case "saved":
        next.keep(number, cfa + rule.offset);
        return true;
      case "register":
        next.take(number, this.#now, rule.register);
        return true;
      case "value":
        if (Number.isSafeInteger(cfa + rule.offset)) next.set(number, cfa + rule.offset);
        else next.lose(number);
        return true;
      case "expression":
      case "value-expression": {
        const value = evaluate(rule.bytes, this.#world, BigInt(cfa));
        if (value === undefined) next.lose(number);
        else if (rule.k === "expression") next.keep(number, Number(value));
        else next.set(number, value);
        return value !== undefined || number !== RSP;
      }
      default:
        next.lose(number);
        return true;
    }
  }

  #byGuess(signal: { is: boolean }): UnwindEnd | undefined {
    const rsp = this.#now.get(RSP, this.#word);
    if (rsp === undefined) return this.#stuck();
    const rbp = this.#now.get(RBP, this.#word);
    const found = guess({
      pc: this.#pc,
      rsp: Number(rsp),
      rbp: rbp === undefined ? undefined : Number(rbp),
      called: this.#called,
      memory: this.#space.memory,
      isCode: (address) => this.#space.codeAt(address) !== undefined,
    });
    if (found === undefined) return { k: "no-cfi", pc: this.#pc };
    if (found.k === "outermost") return { k: "complete" };
    const next = this.#next;
    next.copy(this.#now);
    if (found.k === "signal") {
      this.#learn?.(this.#pc, this.#called, BY_SIGNAL);
      signal.is = true;
      for (const [i, number] of SIGNAL_REGISTERS.entries()) next.keep(number, found.registers + i * 8);
      const to = next.get(RIP, this.#word);
      return to === undefined ? this.#stuck() : this.#return(to, true, this.#floor);
    }
    const cfa = found.at + 8;
    // How a frame that was running is laid out depends on the instruction, that of one which called on not.
    this.#learn?.(this.#pc, this.#called, this.#called && found.rbp !== undefined ? BY_FRAME_POINTER : NO_RULE);
    if (cfa <= this.#floor) return { k: "loop", pc: this.#pc };
    const to = this.#word(found.at);
    if (to === undefined) return this.#stuck();
    if (found.rbp !== undefined) {
      // What else it has saved isn't known.
      for (let number = 0; number < RIP; number++) next.lose(number);
      next.keep(RBP, found.rbp);
    }
    next.set(RSP, cfa);
    return this.#return(to, false, cfa);
  }

  #return(to: bigint, signal: boolean, cfa: number): UnwindEnd | undefined {
    if (to === 0n) return { k: "complete" };
    this.#next.set(RIP, to);
    [this.#now, this.#next] = [this.#next, this.#now];
    this.#pc = Number(to);
    this.#called = !signal;
    this.#floor = signal ? -1 : cfa;
    return undefined;
  }

  #stuck(): UnwindEnd {
    return this.#fault === undefined ? { k: "no-cfi", pc: this.#pc } : { k: "unreadable", address: this.#fault };
  }

  readonly #word = (address: number): bigint | undefined => {
    const bytes = this.#space.memory.read(address, 8);
    if (bytes === undefined) this.#fault ??= address;
    return bytes === undefined ? undefined : big64(bytes, 0);
  };

  #part(address: number, size: number): bigint | undefined {
    const bytes = this.#space.memory.read(address, size);
    if (bytes === undefined) {
      this.#fault ??= address;
      return undefined;
    }
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    return value;
  }
}
