/** A program's stack without frame pointers: unwound in the handler by the rules that the host has put into a map, else copied for the host (schema/stack-walk.ts). */
import { struct } from "../../schema/layout.ts";
import { STACK_HEAD } from "../../schema/stack.ts";
import { COPY, From, PIECE_BLOCK, PIECE_BYTES, RULE_KEY, SAVED_BY_FRAME, SAVED_BY_RBP, SIGNAL_RBP, SIGNAL_RIP, SIGNAL_RSP } from "../../schema/stack-walk.ts";
import type { Base, Block, Operand, Reg } from "../mir/types.ts";
import { record, WAKE } from "./output.ts";
import type { Program } from "./program.ts";
import { register, registerOffsets } from "./registers.ts";

/** How a walk ended, as a word in a program. */
export const End = { whole: 0n, cut: 1n, unknown: 2n } as const;

export interface Walk {
  /** Bytes of addresses that were put behind the stack's head. */
  readonly bytes: Reg;
  /** One of `End`. */
  readonly end: Reg;
  /** Of the process and the addresses. (Mixed as they come: a second round over them would have the kernel check it for each number of frames.) */
  readonly hash: Reg;
  /** The registers of the last frame. */
  readonly pc: Reg;
  readonly rsp: Reg;
  readonly rbp: Reg;
  /** The registers of the hit, as pt_regs has them. */
  readonly regs: Base;
}

/** Unwinds into the stack at `base`, up to `frames`. */
export function walkStack(p: Program, base: Base, pid: Operand, frames: number, mixed: (hash: Reg, pc: Reg) => Reg): Walk {
  const { b } = p;
  const [bytes, end, pc, rsp, rbp, called] = [b.variable(), b.variable(), b.variable(), b.variable(), b.variable(), b.variable()];
  const regs = registersOfProgram(p);
  b.set(pc, b.load(regs, registerOffsets.rip, 8));
  b.set(rsp, b.load(regs, registerOffsets.rsp, 8));
  b.set(rbp, b.load(regs, registerOffsets.rbp, 8));
  b.set(bytes, 0n);
  b.set(called, 0n);
  b.set(end, End.whole);
  const hash = b.variable();
  b.set(hash, pid);

  const start = b.address(base, STACK_HEAD);
  const key: Base = { object: b.object(RULE_KEY.bytes) };
  const word: Base = { object: b.object(8) };
  const [loop, step, found, unknown, cut, after] = [b.block(), b.block(), b.block(), b.block(), b.block(), b.block()];
  /** What is at an address of the stack; where that can't be read the stack is cut. */
  const read = (address: Operand): Reg => {
    const there = b.block();
    b.branch("eq", b.call("probe_read_user", [{ base: word, offset: 0 }, 8n, address]), 0n, there, cut);
    b.enter(there);
    return b.load(word, 0, 8);
  };
  b.store(key, RULE_KEY.pid, 4, pid);
  // Where there are no registers, it is a thread of the kernel's.
  b.branch("ne", pc, 0n, loop, after);

  b.enter(loop);
  b.branch("ult", bytes, BigInt(8 * frames), step, after);
  b.enter(step);
  b.store({ reg: b.binary("add", start, bytes) as Reg }, 0, 8, pc);
  b.set(bytes, b.binary("add", bytes, 8n));
  b.set(hash, mixed(hash, pc));
  b.store(key, RULE_KEY.called, 4, called);
  b.store(key, RULE_KEY.pc, 8, pc);
  const rule = b.call("map_lookup_elem", [{ map: p.session.stackRules() }, { base: key, offset: 0 }]);
  b.branch("ne", rule, 0n, found, unknown);

  b.enter(found);
  const bits = b.load({ reg: rule }, 0, 8);
  const from = b.binary("and", bits, 7n) as Reg;
  const [byRsp, byRbp, atRbp, based, signal, notRsp, notRbp, notAtRbp, notSignal] = Array.from({ length: 9 }, () => b.block()) as Tuple9;
  const frame = b.variable();
  b.set(frame, b.binary("sar", bits, 32n));
  b.branch("eq", from, BigInt(From.rsp), byRsp, notRsp);
  b.enter(notRsp);
  b.branch("eq", from, BigInt(From.rbp), byRbp, notRbp);
  b.enter(notRbp);
  b.branch("eq", from, BigInt(From.atRbp), atRbp, notAtRbp);
  b.enter(notAtRbp);
  b.branch("eq", from, BigInt(From.signal), signal, notSignal);
  b.enter(notSignal);
  b.branch("eq", from, BigInt(From.outermost), after, unknown);

  b.enter(byRsp);
  b.set(frame, b.binary("add", frame, rsp));
  b.jump(based);
  b.enter(byRbp);
  b.set(frame, b.binary("add", frame, rbp));
  // Frame pointers end with 0 (psABI 1.0 §3.4.1).
  b.branch("ne", rbp, 0n, based, after);
  b.enter(atRbp);
  b.set(frame, read(b.binary("add", frame, rbp)));
  b.jump(based);

  b.enter(based);
  const up = b.block();
  b.branch("ugt", frame, rsp, up, cut);
  b.enter(up);
  callersRbp(p, { bits, frame, rbp, read });
  b.set(pc, read(b.binary("sub", frame, 8n)));
  b.set(rsp, frame);
  b.set(called, 1n);
  b.branch("ne", pc, 0n, loop, after);

  b.enter(signal);
  b.set(pc, read(b.binary("add", rsp, BigInt(SIGNAL_RIP))));
  b.set(rbp, read(b.binary("add", rsp, BigInt(SIGNAL_RBP))));
  b.set(rsp, read(b.binary("add", rsp, BigInt(SIGNAL_RSP))));
  b.set(called, 0n);
  b.jump(loop);

  b.enter(unknown);
  b.set(end, End.unknown);
  b.jump(after);
  b.enter(cut);
  b.set(end, End.cut);
  b.jump(after);
  b.enter(after);
  return { bytes, end, hash, pc, rsp, rbp, regs };
}

type Tuple9 = [Block, Block, Block, Block, Block, Block, Block, Block, Block];

interface Rbp {
  readonly bits: Reg;
  readonly frame: Reg;
  readonly rbp: Reg;
  readonly read: (address: Operand) => Reg;
}

function callersRbp(p: Program, { bits, frame, rbp, read }: Rbp): void {
  const { b } = p;
  const at = b.variable();
  const [byFrame, notByFrame, byRbp, saved, on] = [b.block(), b.block(), b.block(), b.block(), b.block()];
  b.set(at, b.binary("sar", b.binary("shl", bits, 32n), 48n));
  b.branch("ne", b.binary("and", bits, BigInt(SAVED_BY_FRAME)), 0n, byFrame, notByFrame);
  b.enter(byFrame);
  b.set(at, b.binary("add", at, frame));
  b.jump(saved);
  b.enter(notByFrame);
  b.branch("ne", b.binary("and", bits, BigInt(SAVED_BY_RBP)), 0n, byRbp, on);
  b.enter(byRbp);
  b.set(at, b.binary("add", at, rbp));
  b.jump(saved);
  b.enter(saved);
  b.set(rbp, read(at));
  b.jump(on);
  b.enter(on);
}

/** The program's own registers: an event's context has others, or none. */
function registersOfProgram(p: Program): Base {
  if (!p.isEvent) {
    // Not rip: the rules are for where it is, also a few instructions behind the function's start.
    for (const name of ["rsp", "rbp"] as const) register(p, name);
    return { reg: p.b.fn.context };
  }
  const { b } = p;
  const base: Base = { object: b.object(PT_REGS) };
  const regs = b.call("task_pt_regs", [b.call("get_current_task_btf", [], true)], true);
  const [user, none, after] = [b.block(), b.block(), b.block()];
  b.call("probe_read_kernel", [{ base, offset: 0 }, BigInt(PT_REGS), regs]);
  // The privilege level in cs: threads of the kernel have none of a program.
  b.branch("eq", b.binary("and", b.load(base, CS, 8), 3n), 3n, user, none);
  b.enter(none);
  b.store(base, registerOffsets.rip, 8, 0n);
  b.jump(after);
  b.enter(user);
  b.jump(after);
  b.enter(after);
  return base;
}

const PT_REGS = 168;
const CS = 136;
const COPIED = struct([]);

/** Sends the host what it needs to go on where a walk has ended for want of a rule. */
export function sendCopy(p: Program, walk: Walk, id: Operand, pid: Operand): void {
  const { b } = p;
  const format = p.session.format({ kind: "walk", schema: COPIED });
  const start = b.binary("and", walk.rsp, BigInt(-PIECE_BLOCK));
  const fill = (to: Base, offset: number): void => {
    b.store(to, offset + COPY.id, 8, id);
    b.store(to, offset + COPY.pid, 4, pid);
    b.store(to, offset + COPY.at, 4, b.binary("shr", walk.bytes, 3n));
    b.store(to, offset + COPY.pc, 8, walk.pc);
    b.store(to, offset + COPY.rsp, 8, walk.rsp);
    b.store(to, offset + COPY.rbp, 8, walk.rbp);
    b.store(to, offset + COPY.start, 8, start);
    for (let at = 0; at < PT_REGS; at += 8) b.store(to, offset + COPY.regs + at, 8, b.load(walk.regs, at, 8));
    const length = b.variable();
    const [loop, copy, more, done] = [b.block(), b.block(), b.block(), b.block()];
    b.set(length, 0n);
    const piece = b.address(to, offset + COPY.piece);
    b.jump(loop);
    b.enter(loop);
    b.branch("ult", length, BigInt(PIECE_BYTES), copy, done);
    b.enter(copy);
    const into: Base = { reg: b.binary("add", piece, length) as Reg };
    const failed = b.call("probe_read_user", [{ base: into, offset: 0 }, BigInt(PIECE_BLOCK), b.binary("add", start, length)]);
    b.branch("eq", failed, 0n, more, done);
    b.enter(more);
    b.set(length, b.binary("add", length, BigInt(PIECE_BLOCK)));
    b.jump(loop);
    b.enter(done);
    b.store(to, offset + COPY.length, 8, length);
  };
  record(p, format, COPY.bytes, fill, WAKE);
}

/** Whether this CPU may send another copy before the host has read the last ones: events have the same ring. Goes on in `may` or `not`. */
export function mayCopy(p: Program, may: Block, not: Block): void {
  const { b } = p;
  const most = Math.max(1, Math.floor(p.session.request.target.ringBytes / 4 / COPY.bytes / p.session.cpus));
  b.branch("ult", b.fetch("add", { reg: p.cpu }, p.session.copiesWord(), 8, 1n), BigInt(most), may, not);
}
