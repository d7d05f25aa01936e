/**
 * Finds the windows of a function: the bytes at its entry, and at each place where it is left, that a jump of five bytes can
 * take the place of. Their instructions are executed elsewhere, with the probe among them:
 *
 *     f:  endbr64                    stays: an indirect call must find it
 *         push rbp    ┐ window       jmp ──► probe; push rbp; mov rbp, rsp; sub rsp, 16 ──► back
 *         mov rbp, rsp│
 *         sub rsp, 16 ┘
 *         …
 *         pop rbx     ┐ window       jmp ──► pop rbx; pop rbp; probe; ret
 *         pop rbp     │
 *         ret  nop …  ┘              or the padding behind it
 *
 * A window is whole instructions, and nothing leads into it but at its start: no branch, no table, no landing pad. A call,
 * jump, return or system call may only end it. The jump lies in one page, so that it is written at once or not at all.
 */

import { type Displaced, displace } from "../relocate/displaced.ts";
import { paddingBytes } from "../relocate/relocate.ts";
import { decodeSimple } from "../simple-decoder.ts";
import { type Exit, MANY, type Sweep, sweep } from "./sweep.ts";

/** jmp with a displacement of 32 bits. */
export const JUMP_BYTES = 5;
const PAGE = 4096;
const ENDBR64 = [0xf3, 0x0f, 0x1e, 0xfa];
/** A window that begins before a return needs no more. */
const MOST_BACK = 32;

export const WINDOW_REASONS = {
  "too-short": "there are fewer than 5 bytes that may be replaced",
  entered: "something jumps between the instructions that would be moved",
  "ends-early": "a call, a jump or a system call would have to be moved with what follows it",
  instruction: "an instruction can't be executed elsewhere",
  faults: "an instruction is there to fault, and the program would see it fault elsewhere",
  memory: "an instruction uses memory, and the program looks at where it faults",
  critical: "it is in a restartable sequence (rseq), which the kernel knows by its addresses",
  "unknown-size": "the function's size isn't known, and more than one instruction would be moved",
  undecodable: "there is data in the function's code, and more than one instruction would be moved",
  "unknown-tables": "the function jumps by tables that weren't found, and more than one instruction would be moved",
  "unknown-landings": "it isn't known where exceptions land in the function, and more than one instruction would be moved",
  "one-instruction": "more than one instruction would be moved, and threads may wait between any two (Go)",
  page: "the jump would lie in two pages, which can't be written at once",
  unclear: "it can't be told whether a jump leaves the function",
} as const;
export type WindowReason = keyof typeof WINDOW_REASONS;

export interface WindowRefusal {
  readonly reason: WindowReason;
  /** Of the instruction that it is about, from the function's start. */
  readonly offset: number;
  /** What more is known, where it is about one instruction. */
  readonly detail?: string;
}

export interface WindowProbe {
  /** Of the instruction before which it runs, from the function's start. */
  readonly offset: number;
  readonly kind: "entry" | "return" | "jump";
}

export interface Window {
  /** From the function's start. */
  readonly start: number;
  readonly length: number;
  readonly instructions: number;
  /** By offset; short functions have their entry and their return in one window. */
  readonly probes: readonly WindowProbe[];
}

export interface FunctionCode {
  /** The function; behind its `size`, the padding up to what belongs to somebody else. */
  readonly code: Uint8Array;
  /** Where it is: only its place in the page matters. */
  readonly address: number;
  /** 0: unknown. */
  readonly size: number;
  /** Offsets that are entered other than by its own direct branches: by tables, exceptions, other functions. */
  readonly landings?: Iterable<number>;
  /** Some of them are from tables. */
  readonly tables?: boolean;
  /** There may be more. */
  readonly landingsUnknown?: boolean;
  /** Restartable sequences, as offsets. */
  readonly critical?: readonly { readonly start: number; readonly end: number }[];
  /** Threads may be parked at any instruction where nobody sees them. */
  readonly parks?: boolean;
  /** The program looks at the addresses of its faults. */
  readonly watchesFaults?: boolean;
}

export interface FunctionWindows {
  readonly entry: Window | WindowRefusal;
  /** Each place where it is left, with its window; several may have the same, which may also be the entry's. */
  readonly exits: readonly { readonly exit: Exit; readonly window: Window | WindowRefusal }[];
}

export const isWindow = (one: Window | WindowRefusal): one is Window => !("reason" in one);

/** `whole`: undefined where it wasn't swept yet. */
export function functionWindows(of: FunctionCode, whole?: Sweep): FunctionWindows {
  return new Finder(of, whole).all();
}

/** The entry's window alone. */
export function entryWindow(of: FunctionCode, whole?: Sweep): Window | WindowRefusal {
  return new Finder(of, whole).entry();
}

/** Of an instruction in the function's midst. */
export function windowAt(of: FunctionCode, offset: number, whole?: Sweep): Window | WindowRefusal {
  return new Finder(of, whole).at(offset);
}

class Finder {
  readonly #of: FunctionCode;
  readonly #code: Uint8Array;
  readonly #sweep: Sweep;
  readonly #entered: Uint8Array;
  /** Why windows may have one instruction only. */
  readonly #single: WindowReason | undefined;

  constructor(of: FunctionCode, whole: Sweep = sweep(of.code.subarray(0, of.size))) {
    this.#of = of;
    this.#code = of.code;
    this.#sweep = whole;
    this.#entered = whole.entered.slice();
    for (const landing of of.landings ?? []) if (landing >= 0 && landing < of.size) this.#entered[landing] = MANY;
    this.#single = this.#whySingle(whole);
  }

  #whySingle({ decoded, indirect }: Sweep): WindowReason | undefined {
    const { size, parks, tables, landingsUnknown } = this.#of;
    if (size === 0) return "unknown-size";
    if (decoded < size) return "undecodable";
    if (parks === true) return "one-instruction";
    if (landingsUnknown === true) return "unknown-landings";
    return indirect.length > 0 && tables !== true ? "unknown-tables" : undefined;
  }

  all(): FunctionWindows {
    const entry = this.entry();
    const exits: { exit: Exit; window: Window | WindowRefusal }[] = [];
    let last = isWindow(entry) ? entry : undefined;
    let first: Window | WindowRefusal = entry;
    for (const exit of this.#sweep.exits) {
      if (exit.kind === "maybe" && this.#of.tables === true) {
        exits.push({ exit, window: { reason: "unclear", offset: exit.offset } });
        continue;
      }
      const window = this.#exit(exit, last);
      exits.push({ exit, window });
      if (!isWindow(window)) continue;
      if (last !== undefined && window.start === last.start) {
        // It has grown: it stands for all that were in it.
        for (const one of exits) if (one.window === last) one.window = window;
        if (first === last) first = window;
      }
      last = window;
    }
    return { entry: first, exits };
  }

  /** A window that begins with the instruction, or before it where what follows is too short. */
  at(offset: number): Window | WindowRefusal {
    if (offset !== 0 && this.#of.size > 0 && this.#sweep.begins[offset] !== 1) return { reason: "undecodable", offset };
    const probe: WindowProbe = { offset, kind: "entry" };
    const alone = this.#build(offset, [probe]);
    if (isWindow(alone)) return alone;
    for (let start = this.#before(offset); start >= 0 && offset - start <= MOST_BACK; start = this.#before(start)) {
      const window = this.#build(start, [probe]);
      if (isWindow(window)) return window;
    }
    return alone;
  }

  entry(): Window | WindowRefusal {
    const start = ENDBR64.every((byte, i) => this.#code[i] === byte) ? ENDBR64.length : 0;
    return this.#build(start, [{ offset: start, kind: "entry" }]);
  }

  #exit(exit: Exit, last: Window | undefined): Window | WindowRefusal {
    const probe: WindowProbe = { offset: exit.offset, kind: exit.kind === "return" ? "return" : "jump" };
    const limit = last === undefined ? 0 : last.start + last.length;
    if (last !== undefined && exit.offset < limit) return this.#build(last.start, [...last.probes, probe]);
    const alone = this.#build(exit.offset, [probe]);
    if (isWindow(alone)) return alone;
    let refused = alone;
    for (let start = this.#before(exit.offset); start >= limit && exit.offset - start <= MOST_BACK; start = this.#before(start)) {
      const window = this.#build(start, [probe]);
      if (isWindow(window)) return window;
      refused = window;
      // What must be the last stays where it is.
      if (window.reason !== "too-short" && window.reason !== "page") break;
    }
    if (last !== undefined && exit.offset - last.start <= MOST_BACK) {
      const joined = this.#build(last.start, [...last.probes, probe]);
      if (isWindow(joined)) return joined;
    }
    return refused;
  }

  /** Where the instruction in front of an offset begins; -1 if there is none. */
  #before(offset: number): number {
    let at = offset - 1;
    while (at >= 0 && this.#sweep.begins[at] !== 1) at--;
    return at;
  }

  /** The instructions from `start` on that cover five bytes and all probes. */
  #build(start: number, probes: readonly WindowProbe[]): Window | WindowRefusal {
    const { address, size } = this.#of;
    const code = this.#code;
    const lastProbe = (probes.at(-1) as WindowProbe).offset;
    const known = size === 0 ? code.length : size;
    const within: number[] = [];
    let at = start;
    let instructions = 0;
    while (at < start + JUMP_BYTES || at <= lastProbe) {
      if (at >= known) return { reason: "too-short", offset: at };
      const instruction = displace(code.subarray(at, Math.min(at + 15, known)), at);
      if ("refused" in instruction) return { reason: "instruction", offset: at, detail: instruction.refused };
      const refusal = this.#refusal(instruction, at);
      if (refusal !== undefined) return { reason: refusal, offset: at };
      if (instruction.target !== undefined) within.push(instruction.target);
      instructions++;
      const end = at + instruction.bytes.length;
      const { flow } = instruction;
      if (flow !== "plain" && flow !== "conditional" && flow !== "loop" && (end < start + JUMP_BYTES || end <= lastProbe)) {
        const ends = flow === "return" || flow === "jump" || flow === "jump-indirect";
        const padding = ends && size > 0 && end > lastProbe ? paddingBytes(code.subarray(end), start + JUMP_BYTES - end) : 0;
        if (end + padding < start + JUMP_BYTES || end <= lastProbe) return { reason: ends && end > lastProbe ? "too-short" : "ends-early", offset: at };
        at = end + padding;
        break;
      }
      at = end;
    }
    const entrance = this.#entrance(start, at, within);
    if (entrance !== undefined) return { reason: "entered", offset: entrance };
    if (instructions > 1 && this.#single !== undefined) return { reason: this.#single, offset: start };
    if ((address + start) % PAGE > PAGE - JUMP_BYTES) return { reason: "page", offset: start };
    return { start, length: at - start, instructions, probes };
  }

  #refusal({ faults, bytes }: Displaced, at: number): WindowReason | undefined {
    if (faults) return "faults";
    for (const { start, end } of this.#of.critical ?? []) if (at < end && at + bytes.length > start) return "critical";
    if (this.#of.watchesFaults !== true) return undefined;
    const simple = decodeSimple(bytes, 0);
    return simple === undefined || simple.kind === "memory" ? "memory" : undefined;
  }

  /** An offset within a window that is entered from outside of it. */
  #entrance(start: number, end: number, within: readonly number[]): number | undefined {
    for (let offset = start + 1; offset < end && offset < this.#entered.length; offset++) {
      const entered = this.#entered[offset] as number;
      if (entered === 0) continue;
      if (entered === MANY || within.filter((target) => target === offset).length < entered) return offset;
    }
    return undefined;
  }
}
