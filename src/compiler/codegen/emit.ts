/**
 * From the middle tree to eBPF. Two-address form is made here, spilled registers come and go through r4, r5 and r0,
 * and blocks are laid in a row so that the likelier way falls through.
 */

import { mov32 } from "../../bpf/alu32.ts";
import * as a64 from "../../bpf/alu64.ts";
import * as atomics from "../../bpf/atomic.ts";
import { callHelper, callKfunc } from "../../bpf/call.ts";
import type { Instruction, LineEntry } from "../../bpf/instruction.ts";
import * as jumps from "../../bpf/jump.ts";
import { loadMap, loadMapValue, loadNumber } from "../../bpf/load-imm.ts";
import { ldsx, ldx, st, stx } from "../../bpf/memory.ts";
import { type Reg as Register, r0, r1, r4, r5, r10, registers } from "../../bpf/register.ts";
import { type Base, type CallArg, type Comparison, type Instr, isReg, type MirFunction, type Operand, type Position, type Reg } from "../mir/types.ts";
import { order } from "../passes/flow.ts";
import { type Allocation, allocate } from "./allocate.ts";
import { type Frame, placeObjects } from "./frame.ts";
import { liveness } from "./liveness.ts";
import { parallelMoves } from "./parallel-moves.ts";

export interface EmitTarget {
  readonly isa: 3 | 4;
  readonly cpuMap: number;
  /** Bytes of a CPU's part, and how many parts: powers of two. */
  readonly stride: number;
  readonly cpus: number;
  readonly lineOf: (position: Position) => { file: number; line: number; column: number };
}
export interface Emitted {
  readonly instructions: Instruction[];
  readonly lines: LineEntry[];
}

const s32 = (n: bigint): boolean => n >= -0x8000_0000n && n <= 0x7fff_ffffn;
const s16 = (n: number): boolean => n >= -0x8000 && n <= 0x7fff;

const conditional: { readonly [C in Comparison]: (a: Register, b: Register | number, target: number) => Instruction } = {
  eq: jumps.jeq,
  ne: jumps.jne,
  ugt: jumps.jgt,
  uge: jumps.jge,
  ult: jumps.jlt,
  ule: jumps.jle,
  sgt: jumps.jsgt,
  sge: jumps.jsge,
  slt: jumps.jslt,
  sle: jumps.jsle,
  set: jumps.jset,
};
const opposite: { readonly [C in Exclude<Comparison, "set">]: Exclude<Comparison, "set"> } = {
  eq: "ne",
  ne: "eq",
  ugt: "ule",
  ule: "ugt",
  uge: "ult",
  ult: "uge",
  sgt: "sle",
  sle: "sgt",
  sge: "slt",
  slt: "sge",
};
const alu = {
  add: a64.add,
  sub: a64.sub,
  mul: a64.mul,
  udiv: a64.div,
  sdiv: a64.sdiv,
  umod: a64.mod,
  smod: a64.smod,
  and: a64.and,
  or: a64.or,
  xor: a64.xor,
  shl: a64.lsh,
  shr: a64.rsh,
  sar: a64.arsh,
};
const commutes = new Set(["add", "mul", "and", "or", "xor"]);
const fetching = { add: atomics.fetchAdd, or: atomics.fetchOr, and: atomics.fetchAnd, xor: atomics.fetchXor, xchg: atomics.xchg };
const plain = { add: atomics.atomicAdd, or: atomics.atomicOr, and: atomics.atomicAnd, xor: atomics.atomicXor };

/** How many bytes of the frame and of a scratch slot a function wants, and how many registers are spilled: `frameBytes` above 512 can't be emitted. */
export function measure(fn: MirFunction): { readonly frameBytes: number; readonly scratchBytes: number; readonly slots: number } {
  const { slots } = allocate(liveness(fn, order(fn)).intervals);
  const frame = placeObjects(fn, slots);
  return { frameBytes: frame.objectBytes + slots * 8, scratchBytes: frame.scratchBytes, slots };
}

export function emit(fn: MirFunction, target: EmitTarget): Emitted {
  return new Emitter(fn, target).run();
}

class Emitter {
  private readonly out: Instruction[] = [];
  private readonly lines: LineEntry[] = [];
  private readonly frame: Frame;
  private readonly allocation: Allocation;
  private readonly fn: MirFunction;
  private readonly target: EmitTarget;

  constructor(fn: MirFunction, target: EmitTarget) {
    this.fn = fn;
    this.target = target;
    this.allocation = allocate(liveness(fn, order(fn)).intervals);
    this.frame = placeObjects(fn, this.allocation.slots);
  }

  run(): Emitted {
    const blocks = order(this.fn);
    const starts = new Map<number, number>();
    const fixes: { index: number; block: number }[] = [];
    const jumpTo = (make: (target: number) => Instruction, block: number): void => {
      fixes.push({ index: this.out.length, block });
      this.out.push(make(0));
    };
    this.line(blocks[0]?.at[0] ?? blocks[0]?.endAt ?? { file: 0, offset: 0 });
    const context = this.allocation.homes.get(this.fn.context);
    if (context) this.write(this.fn.context, r1);
    for (const [i, block] of blocks.entries()) {
      starts.set(block.id, this.out.length);
      for (const [n, instr] of block.instrs.entries()) {
        this.line(block.at[n] as Position);
        this.instr(instr);
      }
      this.line(block.endAt);
      const next = blocks[i + 1]?.id;
      const end = block.end;
      if (end?.op === "jump") {
        if (end.to !== next) jumpTo((t) => jumps.goto(t), end.to);
      } else if (end?.op === "branch") {
        const a = this.read(end.a, r4);
        const b = this.operand(end.b, r5);
        if (end.then === next && end.cmp !== "set") {
          const cmp = opposite[end.cmp];
          jumpTo((t) => conditional[cmp](a, b, t), end.else);
        } else {
          jumpTo((t) => conditional[end.cmp](a, b, t), end.then);
          if (end.else !== next) jumpTo((t) => jumps.goto(t), end.else);
        }
      } else if (end?.op === "exit") {
        this.move(r0, end.value);
        this.out.push(jumps.exit());
      }
    }
    for (const { index, block } of fixes) this.out[index] = { ...(this.out[index] as Instruction), target: starts.get(block) as number };
    return { instructions: this.out, lines: this.lines };
  }

  private line(position: Position): void {
    const at = this.target.lineOf(position);
    const last = this.lines[this.lines.length - 1];
    if (last && last.file === at.file && last.line === at.line && last.column === at.column) return;
    const entry = { index: this.out.length, ...at };
    if (last?.index === entry.index) this.lines[this.lines.length - 1] = entry;
    else this.lines.push(entry);
  }

  private slotOffset(slot: number): number {
    return -(this.frame.objectBytes + (slot + 1) * 8);
  }

  /** The register that holds `reg` now: its own, or `through` after a load from its slot. */
  private read(reg: Reg, through: Register): Register {
    const home = this.allocation.homes.get(reg);
    if (home?.in === "register") return registers[home.register] as Register;
    this.out.push(ldx(8, through, r10, this.slotOffset(home?.slot ?? 0)));
    return through;
  }

  private operand(operand: Operand, through: Register): Register | number {
    if (isReg(operand)) return this.read(operand, through);
    if (s32(operand)) return Number(operand);
    this.out.push(loadNumber(through, operand));
    return through;
  }

  private inRegister(operand: Operand, through: Register): Register {
    const got = this.operand(operand, through);
    if (typeof got !== "number") return got;
    this.out.push(loadNumber(through, BigInt(got)));
    return through;
  }

  /** Where a result is computed: its own register, or r0 on the way to its slot. */
  private place(reg: Reg): Register {
    const home = this.allocation.homes.get(reg);
    return home?.in === "register" ? (registers[home.register] as Register) : r0;
  }

  private write(reg: Reg, from: Register): void {
    const home = this.allocation.homes.get(reg);
    if (!home) return;
    if (home.in === "slot") this.out.push(stx(8, r10, this.slotOffset(home.slot), from));
    else if (home.register !== from.reg) this.out.push(a64.mov(registers[home.register] as Register, from));
  }

  private move(to: Register, operand: Operand): void {
    if (isReg(operand)) {
      const home = this.allocation.homes.get(operand);
      if (home?.in === "slot") this.out.push(ldx(8, to, r10, this.slotOffset(home.slot)));
      else if (home && home.register !== to.reg) this.out.push(a64.mov(to, registers[home.register] as Register));
    } else this.out.push(loadNumber(to, operand));
  }

  /** A register and an offset for an access; `through` is used where the base is in a slot or the offset too large. */
  private at(base: Base, offset: number, through: Register): { reg: Register; offset: number } {
    if ("object" in base) {
      const home = this.frame.objects[base.object];
      if (home?.in === "scratch") return this.at({ reg: this.fn.scratch as Reg }, offset + home.offset, through);
      return { reg: r10, offset: offset + (home?.offset ?? 0) };
    }
    const reg = this.read(base.reg, through);
    if (s16(offset)) return { reg, offset };
    if (reg !== through) this.out.push(a64.mov(through, reg));
    this.out.push(a64.add(through, offset));
    return { reg: through, offset: 0 };
  }

  private addressInto(to: Register, base: Base, offset: number): void {
    if ("object" in base) {
      const home = this.frame.objects[base.object];
      if (home?.in === "scratch") {
        this.addressInto(to, { reg: this.fn.scratch as Reg }, offset + home.offset);
        return;
      }
      this.out.push(a64.mov(to, r10), a64.add(to, offset + (home?.offset ?? 0)));
      return;
    }
    this.move(to, base.reg);
    if (offset !== 0) this.out.push(a64.add(to, offset));
  }

  private instr(instr: Instr): void {
    const out = this.out;
    switch (instr.op) {
      case "copy": {
        const home = this.allocation.homes.get(instr.dst);
        if (!home) return;
        if (home.in === "register") this.move(registers[home.register] as Register, instr.src);
        else if (!isReg(instr.src) && s32(instr.src)) out.push(st(8, r10, this.slotOffset(home.slot), Number(instr.src)));
        else this.write(instr.dst, this.inRegister(instr.src, r0));
        return;
      }
      case "binary": {
        const dst = this.place(instr.dst);
        let { a, b } = instr;
        if (instr.fn === "sub" && a === 0n) {
          this.move(dst, b);
          out.push(a64.neg(dst));
          this.write(instr.dst, dst);
          return;
        }
        if (commutes.has(instr.fn) && isReg(b) && (!isReg(a) || this.homeIs(b, dst))) [a, b] = [b, a];
        let right = this.operand(b, r5);
        if (typeof right !== "number" && right.reg === dst.reg && !(isReg(a) && this.homeIs(a, dst))) {
          out.push(a64.mov(r5, right));
          right = r5;
        }
        this.move(dst, a);
        out.push(alu[instr.fn](dst, right));
        this.write(instr.dst, dst);
        return;
      }
      case "extend": {
        const dst = this.place(instr.dst);
        const src = this.inRegister(instr.src, r4);
        if (instr.signed && this.target.isa === 4) out.push(a64.movsx(dst, src, instr.bits));
        else if (instr.signed) {
          if (dst.reg !== src.reg) out.push(a64.mov(dst, src));
          out.push(a64.lsh(dst, 64 - instr.bits), a64.arsh(dst, 64 - instr.bits));
        } else if (instr.bits === 32) out.push(mov32(dst, src));
        else {
          if (dst.reg !== src.reg) out.push(a64.mov(dst, src));
          out.push(a64.and(dst, 2 ** instr.bits - 1));
        }
        this.write(instr.dst, dst);
        return;
      }
      case "load": {
        const dst = this.place(instr.dst);
        const from = this.at(instr.base, instr.offset, r4);
        if (instr.signed && instr.size < 8 && this.target.isa === 4) out.push(ldsx(instr.size as 1 | 2 | 4, dst, from.reg, from.offset));
        else {
          out.push(ldx(instr.size, dst, from.reg, from.offset));
          if (instr.signed && instr.size < 8) out.push(a64.lsh(dst, 64 - instr.size * 8), a64.arsh(dst, 64 - instr.size * 8));
        }
        this.write(instr.dst, dst);
        return;
      }
      case "store": {
        const to = this.at(instr.base, instr.offset, r4);
        const value = this.operand(instr.value, r5);
        out.push(typeof value === "number" ? st(instr.size, to.reg, to.offset, value) : stx(instr.size, to.reg, to.offset, value));
        return;
      }
      case "atomic": {
        const to = this.at(instr.base, instr.offset, r4);
        if (instr.dst === undefined && instr.fn !== "xchg") {
          out.push(plain[instr.fn](instr.size, to.reg, to.offset, this.inRegister(instr.value, r5)));
          return;
        }
        this.move(r5, instr.value);
        out.push(fetching[instr.fn](instr.size, to.reg, to.offset, r5));
        if (instr.dst !== undefined) this.write(instr.dst, r5);
        return;
      }
      case "exchange": {
        const to = this.at(instr.base, instr.offset, r4);
        const value = this.inRegister(instr.value, r5);
        this.move(r0, instr.expected);
        out.push(atomics.cmpxchg(8, to.reg, to.offset, value));
        this.write(instr.dst, r0);
        return;
      }
      case "address": {
        const dst = this.place(instr.dst);
        this.addressInto(dst, instr.base, instr.offset);
        this.write(instr.dst, dst);
        return;
      }
      case "mapValue": {
        const dst = this.place(instr.dst);
        out.push(loadMapValue(dst, instr.map, instr.offset));
        this.write(instr.dst, dst);
        return;
      }
      case "cpuPart": {
        this.move(r5, instr.cpu);
        out.push(a64.and(r5, this.target.cpus - 1), a64.lsh(r5, Math.log2(this.target.stride)));
        const dst = this.place(instr.dst);
        out.push(loadMapValue(dst, this.target.cpuMap, 0), a64.add(dst, r5));
        this.write(instr.dst, dst);
        return;
      }
      case "call":
        this.arguments(instr.args);
        out.push("helper" in instr.callee ? callHelper(instr.callee.helper) : callKfunc(instr.callee.kfunc));
        if (instr.dst !== undefined) this.write(instr.dst, r0);
    }
  }

  private homeIs(reg: Reg, register: Register): boolean {
    const home = this.allocation.homes.get(reg);
    return home?.in === "register" && home.register === register.reg;
  }

  /** Arguments into r1 … r5: first what lies in r1–r3 already changes places, then the rest is loaded. */
  private arguments(args: readonly CallArg[]): void {
    const moves: { from: number; to: number }[] = [];
    const later: (() => void)[] = [];
    for (const [i, arg] of args.entries()) {
      const to = registers[i + 1] as Register;
      if (typeof arg === "number") {
        const home = this.allocation.homes.get(arg);
        if (home?.in === "register") {
          moves.push({ from: home.register, to: to.reg });
          continue;
        }
      }
      if (typeof arg === "object" && "base" in arg && "reg" in arg.base && this.allocation.homes.get(arg.base.reg)?.in === "register") {
        moves.push({ from: (this.allocation.homes.get(arg.base.reg) as { register: number }).register, to: to.reg });
        if (arg.offset !== 0) later.push(() => this.out.push(a64.add(to, arg.offset)));
        continue;
      }
      later.push(() => {
        if (typeof arg !== "object") this.move(to, arg);
        else if ("map" in arg) this.out.push(loadMap(to, arg.map));
        else this.addressInto(to, arg.base, arg.offset);
      });
    }
    // What a later load needs (the scratch slot's address) must not be overwritten by a move before it: it is in r6–r9 or a slot, as it lives across the call.
    for (const { from, to } of parallelMoves(moves, r0.reg)) this.out.push(a64.mov(registers[to] as Register, registers[from] as Register));
    for (const load of later) load();
  }
}
