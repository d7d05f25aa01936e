/**
 * eBPF to x86-64, in the place of a hit. Registers of eBPF are registers:
 *
 *     r0   r1   r2   r3   r4   r5   r6   r7   r8   r9         r9, r10, r11 of x86-64 are for what an instruction needs
 *     rax  rdi  rsi  rdx  rcx  r8   rbx  r13  r14  r15        in between; r10 of eBPF is an offset from rsp
 *
 * The context is no memory: what a program reads of it is in the registers, or where the trampoline saved them. What
 * verify() found unreachable isn't translated, and what nobody reads isn't computed.
 */
import type { Instruction } from "../../../bpf/instruction.ts";
import {
  Alu,
  AtomicOp,
  Class,
  classOf,
  ImmKind,
  isAlu,
  isCall,
  isConditional,
  isExit,
  isGoto,
  Jmp,
  LD_IMM64,
  Mode,
  modeOf,
  operationOf,
  Source,
  usesRegister,
  widthOf,
} from "../../../bpf/opcodes.ts";
import { HIGHEST_BIT } from "../../../bpf/own-functions.ts";
import { calledName } from "../../../bpf/verify/calls.ts";
import type { Verified } from "../../../bpf/verify/facts.ts";
import { SondeBug } from "../../../errors/error.ts";
import {
  type Assembler,
  at,
  type Bits,
  type Condition,
  data,
  type Gpr,
  type Memory,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
} from "../../../x86/assemble/assembler.ts";
import type { TrampolineFrame } from "./frame.ts";
import { isPure, liveBehind } from "./liveness.ts";
import { type CodeTarget, CPU_MASK, CPU_SEGMENT } from "./target.ts";

const homes: readonly Gpr[] = [rax, rdi, rsi, rdx, rcx, r8, rbx, r13, r14, r15];
/** Routines may change them. */
export const callClobbers: readonly Gpr[] = [rax, rdi, rsi, rdx, rcx, r8, r9, r10, r11];
/** By their offsets in pt_regs. */
const contextRegisters: ReadonlyMap<number, Gpr> = new Map([
  [0, r15],
  [8, r14],
  [16, r13],
  [24, r12],
  [32, rbp],
  [40, rbx],
  [48, r11],
  [56, r10],
  [64, r9],
  [72, r8],
  [80, rax],
  [88, rcx],
  [96, rdx],
  [104, rsi],
  [112, rdi],
]);
const CONTEXT_IP = 128;
const CONTEXT_SP = 152;

/** What is constant at a site. */
export interface HitSite {
  /** At a return rsp and rip are what they are behind it. */
  readonly isReturn: boolean;
  /** The address that was hit. */
  readonly address: number;
  readonly cookie: number;
  readonly functionAddress: number;
}

export interface TranslateParts {
  readonly program: readonly Instruction[];
  readonly verified: Verified;
  readonly site: HitSite;
  readonly target: CodeTarget;
  readonly frame: TrampolineFrame;
  readonly routines: ReadonlyMap<string, number>;
  /** r0 is to be in rax at the end. */
  readonly resultIsUsed: boolean;
  /** Where the program goes when it ends. */
  readonly end: string;
  /** The map and the offset of the counter of hits in each CPU's part, at which it is looked whether anyone still looks after us. */
  readonly hits: { readonly map: number; readonly offset: number } | undefined;
  /** Told of each register that is changed. */
  readonly changes: (register: Gpr) => void;
}

/** The deadline is looked at when so many low bits of a CPU's counter of hits are zero. */
const HEARTBEAT_MASK = 0xfff;

const conditions: { readonly [operation: number]: Condition } = {
  [Jmp.jeq]: "e",
  [Jmp.jne]: "ne",
  [Jmp.jgt]: "a",
  [Jmp.jge]: "ae",
  [Jmp.jlt]: "b",
  [Jmp.jle]: "be",
  [Jmp.jsgt]: "g",
  [Jmp.jsge]: "ge",
  [Jmp.jslt]: "l",
  [Jmp.jsle]: "le",
  [Jmp.jset]: "ne",
};

/** Gives what has to stand behind the trampoline's own path. */
export function translate(a: Assembler, parts: TranslateParts): () => void {
  return new Translation(a, parts).run();
}

class Translation {
  readonly #a: Assembler;
  readonly #p: TranslateParts;
  readonly #live: readonly number[];
  readonly #targets: ReadonlySet<number>;
  readonly #prefix: string;
  readonly #cold: (() => void)[] = [];
  readonly #asksCpuAgain: boolean;

  constructor(a: Assembler, parts: TranslateParts) {
    this.#a = a;
    this.#p = parts;
    const { program, verified } = parts;
    this.#live = liveBehind(program, verified.facts, parts.resultIsUsed);
    this.#targets = new Set(program.flatMap(({ code, target }) => (target === undefined || isCall(code) ? [] : [target])));
    this.#prefix = a.fresh("program");
    this.#asksCpuAgain =
      program.filter((instruction, i) => verified.facts[i] && isCall(instruction.code) && calledName(instruction) === "get_smp_processor_id").length > 1;
  }

  run(): () => void {
    const { program, verified, frame } = this.#p;
    if (this.#asksCpuAgain) this.#a.store(32, frame.cpu, -1);
    for (let index = 0; index < program.length; index++) {
      if (verified.facts[index] === undefined) continue;
      if (this.#targets.has(index)) this.#a.label(this.#label(index));
      index += this.#instruction(program[index] as Instruction, index);
    }
    return () => {
      for (const write of this.#cold) write();
    };
  }

  #label(index: number): string {
    return `${this.#prefix}.${index}`;
  }

  /** Where a register's value is; the frame's address is put into r11. */
  #get(register: number): Gpr {
    if (register < homes.length) return homes[register] as Gpr;
    this.#changed(r11);
    this.#a.lea(r11, this.#p.frame.ebpf(0));
    return r11;
  }
  #home(register: number): Gpr {
    const home = homes[register];
    if (home === undefined) throw new SondeBug(`r${register} is written`);
    this.#changed(home);
    return home;
  }
  #changed(register: Gpr): void {
    this.#p.changes(register);
  }
  #memory(register: number, offset: number): Memory {
    return register === homes.length ? this.#p.frame.ebpf(offset) : at(homes[register] as Gpr, offset);
  }
  #isLive(index: number, register: number): boolean {
    return ((this.#live[index] as number) & (1 << register)) !== 0;
  }

  /** Gives how many of the next instructions are done with it. */
  #instruction(instruction: Instruction, index: number): number {
    const a = this.#a;
    const { code, dst } = instruction;
    if (isExit(code)) this.#exit(index);
    else if (isGoto(code)) {
      if (instruction.target !== this.#next(index)) a.jmp(this.#label(instruction.target as number));
    } else if (isConditional(code)) this.#branch(instruction, index);
    else if (isCall(code)) this.#call(instruction, index);
    else if (isPure(instruction) && !this.#isLive(index, dst)) return 0;
    else if (this.#constantAdd(instruction, index)) return 1;
    else if (code === LD_IMM64) this.#constant(instruction);
    else if (isAlu(code)) this.#arithmetic(instruction);
    else if (classOf(code) === Class.ldx) this.#load(instruction, index);
    else if (classOf(code) === Class.st) this.#storeImmediate(instruction);
    else if (modeOf(code) === Mode.atomic) this.#atomic(instruction, index);
    else a.mov((8 * widthOf(code)) as Bits, this.#memory(dst, instruction.offset), this.#get(instruction.src));
    return 0;
  }

  /** The next instruction that is translated. */
  #next(index: number): number {
    const { verified, program } = this.#p;
    let next = index + 1;
    while (next < program.length && verified.facts[next] === undefined) next++;
    return next;
  }

  #exit(index: number): void {
    if (this.#next(index) < this.#p.program.length) this.#a.jmp(this.#p.end);
  }

  /** `rX = n; lock add [..], rX` in one instruction, where rX isn't read again. */
  #constantAdd(instruction: Instruction, index: number): boolean {
    const { code, dst, imm } = instruction;
    const { program, verified } = this.#p;
    const next = program[index + 1];
    if (operationOf(code) !== Alu.mov || classOf(code) !== Class.alu64 || usesRegister(code) || next === undefined) return false;
    if (this.#targets.has(index + 1) || verified.facts[index + 1] === undefined) return false;
    if (classOf(next.code) !== Class.stx || modeOf(next.code) !== Mode.atomic || Number(next.imm) !== AtomicOp.add) return false;
    if (next.src !== dst || next.dst === dst || this.#isLive(index + 1, dst)) return false;
    const bits = widthOf(next.code) === 8 ? 64 : 32;
    const to = this.#memory(next.dst, next.offset);
    if (Number(imm) === 1) this.#a.lockInc(bits, to);
    else this.#a.lockGroupi("add", bits, to, Number(imm));
    this.#heartbeat(next, index + 1, to);
    return true;
  }

  #heartbeat(instruction: Instruction, index: number, counter: Memory): void {
    const { hits, verified, routines } = this.#p;
    if (hits === undefined || instruction.offset !== hits.offset || verified.facts[index]?.map !== hits.map) return;
    const a = this.#a;
    const look = a.fresh("heartbeat");
    const back = a.fresh("back");
    a.testi(32, counter, HEARTBEAT_MASK).jcc("e", look).label(back);
    this.#cold.push(() =>
      a
        .label(look)
        .callTo(routines.get("heartbeat") as number)
        .jmp(back),
    );
  }

  #constant({ dst, src, imm, map }: Instruction): void {
    const home = this.#home(dst);
    if (src === ImmKind.number) this.#a.movi(home, BigInt(imm));
    else if (src === ImmKind.mapValue) {
      const place = this.#p.target.layout.maps[map as number];
      if (place?.kind !== "array") throw new SondeBug(`map ${map} has no value to point into`);
      this.#a.lea(home, data(this.#p.target.place.shared + place.at + Number(imm)));
    }
    // A map is known to the call that takes it.
  }

  #arithmetic(instruction: Instruction): void {
    const a = this.#a;
    const { code, dst, src, imm, offset } = instruction;
    const bits = classOf(code) === Class.alu64 ? 64 : 32;
    const operation = operationOf(code);
    const to = this.#home(dst);
    const byRegister = usesRegister(code);
    const n = Number(imm);
    switch (operation) {
      case Alu.mov:
        if (!byRegister) a.movi(to, BigInt.asUintN(bits, BigInt(imm)));
        else if (offset !== 0) {
          const from = this.#get(src);
          a.movsx(offset as 8 | 16 | 32, to, from, bits);
        } else if (src === homes.length && bits === 64) a.lea(to, this.#p.frame.ebpf(0));
        else a.mov(bits, to, this.#get(src));
        return;
      case Alu.neg:
        a.neg(bits, to);
        return;
      case Alu.end:
        this.#swap(instruction, to);
        return;
      case Alu.mul:
        if (byRegister) a.imul(bits, to, this.#get(src));
        else a.imuli(bits, to, to, n);
        return;
      case Alu.div:
      case Alu.mod:
        this.#divide(instruction, bits);
        return;
      case Alu.lsh:
      case Alu.rsh:
      case Alu.arsh: {
        const shift = operation === Alu.lsh ? "shl" : operation === Alu.rsh ? "shr" : "sar";
        if (byRegister) this.#shift(shift, bits, to, this.#get(src));
        else if ((n & (bits - 1)) === 0) {
          if (bits === 32) a.mov(32, to, to);
        } else a.shift(shift, bits, to, n & (bits - 1));
        return;
      }
      default: {
        const name =
          operation === Alu.add
            ? "add"
            : operation === Alu.sub
              ? "sub"
              : operation === Alu.or
                ? "or"
                : operation === Alu.and
                  ? "and"
                  : operation === Alu.xor
                    ? "xor"
                    : undefined;
        if (name === undefined) throw new SondeBug(`0x${code.toString(16)} isn't an arithmetic operation`);
        if (byRegister) a[name](bits, to, this.#get(src));
        else a.groupi(name, bits, to, n);
      }
    }
  }

  #swap({ code, imm }: Instruction, to: Gpr): void {
    const a = this.#a;
    const width = Number(imm);
    const swaps = classOf(code) === Class.alu64 || (code & Source.reg) !== 0;
    if (width === 16) {
      if (swaps) a.shift("rol", 16, to, 8);
      a.movzx(16, to, to);
    } else if (width === 32) swaps ? a.bswap(32, to) : a.mov(32, to, to);
    else if (swaps) a.bswap(64, to);
  }

  /** Counts are taken modulo the width, by both machines. */
  #shift(shift: "shl" | "shr" | "sar", bits: 32 | 64, to: Gpr, count: Gpr): void {
    const a = this.#a;
    if (to === rcx) {
      this.#changed(r11);
      a.mov(64, r11, rcx);
      if (count !== rcx) a.mov(64, rcx, count);
      a.shiftCl(shift, bits, r11).mov(bits, rcx, r11);
      return;
    }
    if (count !== rcx) {
      this.#changed(r11);
      this.#changed(rcx);
      a.mov(64, r11, rcx).mov(64, rcx, count);
    }
    a.shiftCl(shift, bits, to);
    // A count of 0 leaves the upper half as it was.
    if (bits === 32) a.mov(32, to, to);
    if (count !== rcx) a.mov(64, rcx, r11);
  }

  /** By zero: 0, or the dividend as the remainder; the smallest number by -1: itself, or 0. */
  #divide({ code, dst, src, imm, offset }: Instruction, bits: 32 | 64): void {
    const a = this.#a;
    const isDiv = operationOf(code) === Alu.div;
    const signed = offset === 1;
    const to = this.#home(dst);
    for (const register of [rax, rdx, r9, r10, r11]) this.#changed(register);
    if (usesRegister(code)) a.mov(bits, r11, this.#get(src));
    else a.movi(r11, BigInt.asUintN(bits, BigInt(imm)));
    const zero = a.fresh("zero");
    const minusOne = a.fresh("minusOne");
    const done = a.fresh("done");
    a.mov(64, r9, rax).mov(64, r10, rdx).mov(bits, rax, to).test(bits, r11, r11).jcc("e", zero);
    if (signed) {
      a.groupi("cmp", bits, r11, -1).jcc("e", minusOne);
      if (bits === 64) a.cqo();
      else a.raw(0x99);
      a.idiv(bits, r11);
    } else a.xor(32, rdx, rdx).div(bits, r11);
    a.mov(bits, r11, isDiv ? rax : rdx).jmp(done);
    a.label(zero);
    if (isDiv) a.xor(32, r11, r11);
    else a.mov(bits, r11, rax);
    if (signed) {
      a.jmp(done).label(minusOne);
      if (isDiv) a.neg(bits, rax).mov(bits, r11, rax);
      else a.xor(32, r11, r11);
    }
    a.label(done).mov(64, rax, r9).mov(64, rdx, r10).mov(64, to, r11);
  }

  #branch(instruction: Instruction, index: number): void {
    const a = this.#a;
    const { code, dst, src, imm } = instruction;
    const fact = this.#p.verified.facts[index];
    const target = instruction.target as number;
    if (fact === undefined || !fact.taken) return;
    if (!fact.passed) {
      if (target !== this.#next(index)) a.jmp(this.#label(target));
      return;
    }
    const bits = classOf(code) === Class.jmp ? 64 : 32;
    const operation = operationOf(code);
    const isTest = operation === Jmp.jset;
    if (usesRegister(code)) {
      // Only one of both can be the frame's address.
      const right = this.#get(src);
      const left = dst === homes.length ? this.#get(dst) : (homes[dst] as Gpr);
      isTest ? a.test(bits, left, right) : a.cmp(bits, left, right);
    } else if (isTest) a.testi(bits, this.#get(dst), Number(imm));
    else if (Number(imm) === 0 && (operation === Jmp.jeq || operation === Jmp.jne)) a.test(bits, this.#get(dst), this.#get(dst));
    else a.groupi("cmp", bits, this.#get(dst), Number(imm));
    a.jcc(conditions[operation] as Condition, this.#label(target));
  }

  #load(instruction: Instruction, index: number): void {
    const a = this.#a;
    const { code, dst, src, offset } = instruction;
    const width = widthOf(code);
    const signed = modeOf(code) === Mode.memsx;
    const to = this.#home(dst);
    const context = this.#p.verified.facts[index]?.context;
    if (context !== undefined) {
      this.#loadContext(to, context, width, signed);
      return;
    }
    const from = this.#memory(src, offset);
    if (signed) a.movsx((8 * width) as 8 | 16 | 32, to, from);
    else if (width >= 4) a.mov(width === 8 ? 64 : 32, to, from);
    else a.movzx(width === 1 ? 8 : 16, to, from);
  }

  #loadContext(to: Gpr, offset: number, width: number, signed: boolean): void {
    const a = this.#a;
    const { frame, site } = this.#p;
    const field = offset & ~7;
    const register = contextRegisters.get(field);
    if (field === CONTEXT_SP) a.lea(to, frame.above(site.isReturn ? 8 : 0));
    else if (field === CONTEXT_IP) site.isReturn ? a.mov(64, to, frame.above(0)) : a.movi(to, site.address);
    else if (register === undefined) throw new SondeBug(`the context has nothing at ${offset} that a trampoline knows`);
    else {
      const from = frame.slot(register) ?? register;
      if (from !== to) a.mov(64, to, from);
    }
    if (width === 8) return;
    if (offset !== field) a.shift("shr", 64, to, 8 * (offset - field));
    if (signed) a.movsx((8 * width) as 8 | 16 | 32, to, to);
    else if (width === 4) a.mov(32, to, to);
    else a.movzx(width === 1 ? 8 : 16, to, to);
  }

  #storeImmediate({ code, dst, offset, imm }: Instruction): void {
    this.#a.store((8 * widthOf(code)) as Bits, this.#memory(dst, offset), Number(imm));
  }

  #atomic(instruction: Instruction, index: number): void {
    const a = this.#a;
    const { code, dst, src, offset } = instruction;
    const bits = widthOf(code) === 8 ? 64 : 32;
    const operation = Number(instruction.imm);
    const to = this.#memory(dst, offset);
    const from = homes[src] as Gpr;
    const name =
      operation === AtomicOp.add
        ? "add"
        : operation === AtomicOp.or
          ? "or"
          : operation === AtomicOp.and
            ? "and"
            : operation === AtomicOp.xor
              ? "xor"
              : undefined;
    if (name !== undefined) {
      a.lockGroup(name, bits, to, from);
      this.#heartbeat(instruction, index, to);
    } else if (operation === AtomicOp.cmpxchg) {
      this.#changed(rax);
      a.lockCmpxchg(bits, to, from);
      if (bits === 32) a.mov(32, rax, rax);
    } else if (operation === AtomicOp.xchg) {
      this.#changed(from);
      a.xchg(bits, to, from);
    } else if (operation === (AtomicOp.add | AtomicOp.fetch)) {
      this.#changed(from);
      a.lockXadd(bits, to, from);
    } else this.#fetch(operation & ~AtomicOp.fetch, bits, to, from);
  }

  /** What has no instruction of its own: or, and, xor that give what was there. */
  #fetch(operation: number, bits: 32 | 64, to: Memory, from: Gpr): void {
    const a = this.#a;
    for (const register of [rax, r9, r10, r11, from]) this.#changed(register);
    const name = operation === AtomicOp.or ? "or" : operation === AtomicOp.and ? "and" : "xor";
    const again = a.fresh("again");
    // The address may be in rax.
    const memory = to.base === rax ? { ...to, base: r9 } : to;
    a.mov(64, r10, rax);
    if (to.base === rax) a.mov(64, r9, rax);
    a.mov(bits, rax, memory)
      .label(again)
      .mov(64, r11, rax)
      [name](bits, r11, from === rax ? r10 : from)
      .lockCmpxchg(bits, memory, r11)
      .jcc("ne", again);
    // What came is whole in the low half; rax has rubbish above it only where it was never loaded.
    if (from === rax) {
      if (bits === 32) a.mov(32, rax, rax);
    } else a.mov(bits, from, rax).mov(64, rax, r10);
  }

  #call(instruction: Instruction, index: number): void {
    const a = this.#a;
    const name = calledName(instruction) as string;
    const { site, frame, verified } = this.#p;
    const isUsed = this.#isLive(index, 0);
    switch (name) {
      case "get_smp_processor_id":
        if (isUsed || this.#asksCpuAgain) this.#cpu();
        return;
      case "bpf_session_is_return":
        if (isUsed) a.movi(this.#home(0), site.isReturn ? 1 : 0);
        return;
      case HIGHEST_BIT:
        // Of 0, bsr gives nothing; the lowest bit changes no other's place.
        if (isUsed) a.groupi("or", 64, this.#home(1), 1).bsr(64, this.#home(0), this.#home(1));
        return;
      case "bpf_session_cookie":
        a.lea(this.#home(0), frame.cookie);
        return;
      case "get_attach_cookie":
        if (isUsed) a.movi(this.#home(0), site.cookie);
        return;
      case "get_func_ip":
        if (isUsed) a.movi(this.#home(0), site.functionAddress);
        return;
      default: {
        const map = verified.facts[index]?.map;
        const routine = mapCalls[name];
        this.#routine(routine === undefined ? name : `map${map}.${routine}`);
      }
    }
  }

  #routine(name: string): void {
    const address = this.#p.routines.get(name);
    if (address === undefined) throw new SondeBug(`there is no routine ${name}`);
    for (const register of callClobbers) this.#changed(register);
    this.#a.callTo(address);
  }

  /** The thread may go to another CPU at any time: a program has one from its first question on. */
  #cpu(): void {
    const a = this.#a;
    const to = this.#home(0);
    const known = a.fresh("cpu");
    if (this.#asksCpuAgain) a.mov(32, to, this.#p.frame.cpu).test(32, to, to).jcc("ns", known);
    if (this.#p.target.features.rdpid) a.rdpid(to);
    else a.movi(to, CPU_SEGMENT).lsl(to, to);
    a.groupi("and", 32, to, CPU_MASK);
    if (this.#asksCpuAgain) a.mov(32, this.#p.frame.cpu, to).label(known);
  }
}

const mapCalls: { readonly [name: string]: string } = {
  map_lookup_elem: "lookup",
  map_update_elem: "update",
  map_delete_elem: "delete",
  ringbuf_reserve: "reserve",
  ringbuf_output: "output",
};
