/**
 * `c.ustack()` and `c.kstack()`: the addresses are captured into the hit's scratch slot, and a hash of them is the stack's
 * number. Under that the session's table has them once (schema/stack.ts); the first hit with a stack puts them there.
 */
import { UpdateFlag } from "../../bpf/helpers.ts";
import { ints, struct } from "../../schema/layout.ts";
import { CUT, FILE_BYTES, FILES_AT, KERNEL, MOST_FRAMES, MOST_IN_FILES, STACK_BYTES, STACK_HEAD, STACK_MIX } from "../../schema/stack.ts";
import * as problem from "../diagnostics/lowering.ts";
import type { Span } from "../hir/types.ts";
import type { Base, Operand, Reg } from "../mir/types.ts";
import { integer } from "./arithmetic.ts";
import { readStackWord } from "./memory.ts";
import { storeField } from "./memory-layout.ts";
import { record, WAKE } from "./output.ts";
import type { Program } from "./program.ts";
import { register } from "./registers.ts";
import { End, mayCopy, sendCopy, walkStack } from "./stack-walk.ts";
import { i64, isConstant, numberOf, type Value } from "./value.ts";

/** BPF_F_USER_STACK. */
const USER_STACK = 256n;
/** BPF_F_USER_BUILD_ID. */
const IN_FILES = 2048n;
const MIX = BigInt.asIntN(64, STACK_MIX);
const NOTICE = struct([["pid", ints.u32]]);

export function captureStack(p: Program, which: "user" | "kernel", depth: Value, span: Span): Value {
  const { stacks } = p.session.request.target;
  if (stacks === undefined || (which === "kernel" && stacks !== "both"))
    p.fail(problem.engineLacks(p.place(span), `\`c.${which === "kernel" ? "kstack" : "ustack"}()\``, "kernel"));
  if (depth.k === "unknown") return depth;
  const n = integer(p, depth, span);
  if (!isConstant(n)) return p.fail(problem.notConstant(p.place(span), "how deep a stack is captured"));
  const frames = Number(numberOf(n));
  if (!(frames >= 1 && frames <= MOST_FRAMES)) return p.fail(problem.outOfLimits(p.place(span), "a stack's depth", 1, MOST_FRAMES));
  return { k: "stack", op: capture(p, which, frames) };
}

function capture(p: Program, which: "user" | "kernel", frames: number): number {
  const { b } = p;
  const { target, unwind } = p.session.request;
  if (which === "user" && unwind === "tables" && target.stacks === "both") return captureByTables(p, frames);
  const base: Base = { object: b.object(STACK_BYTES) };
  const pid = which === "kernel" ? BigInt(KERNEL) : b.binary("shr", b.call("get_current_pid_tgid", [], true), 32n);
  const bytes = b.variable();
  b.set(bytes, b.call("get_stack", [b.fn.context, { base, offset: STACK_HEAD }, BigInt(8 * frames), which === "user" ? USER_STACK : 0n]));
  b.store(base, 0, 4, pid);
  b.store(base, 4, 2, bytes);
  b.store(base, 6, 2, BigInt(frames));
  const caller = which === "user" ? returnAddress(p) : 0n;
  b.store(base, 8, 8, caller);
  const hash = b.variable();
  b.set(hash, b.binary("mul", b.binary("xor", b.binary("mul", b.binary("xor", pid, MIX + BigInt(frames)), MIX), caller), MIX));
  mixIn(p, hash, base, bytes, 8 * frames);
  keep(p, hash, base, which === "user" ? pid : undefined);
  return hash;
}

/** Where there is no rule for a frame, the number is this hit's own: the host gives it the stack that it finds in the copy. */
function captureByTables(p: Program, frames: number): number {
  const { b } = p;
  const base: Base = { object: b.object(STACK_BYTES) };
  const pid = b.binary("shr", b.call("get_current_pid_tgid", [], true), 32n);
  const walk = walkStack(p, base, pid, frames, (hash, pc) => mixed(p, hash, pc));
  const head = b.variable();
  b.set(head, BigInt(frames));
  const [unknown, copy, none, cut, ready] = [b.block(), b.block(), b.block(), b.block(), b.block()];
  const copied = b.variable();
  b.set(copied, 0n);
  b.branch("eq", walk.end, End.unknown, unknown, none);
  b.enter(unknown);
  mayCopy(p, copy, cut);
  b.enter(copy);
  // Never 0.
  b.set(copied, b.binary("or", b.call("ktime_get_ns", []), 1n));
  b.jump(cut);
  b.enter(none);
  b.branch("eq", walk.end, End.cut, cut, ready);
  b.enter(cut);
  b.set(head, BigInt(frames | CUT));
  b.jump(ready);
  b.enter(ready);
  b.store(base, 0, 4, pid);
  b.store(base, 4, 2, walk.bytes);
  b.store(base, 6, 2, head);
  b.store(base, 8, 8, 0n);
  const hash = mixed(p, walk.hash, b.binary("add", head, copied));
  keep(p, hash, base, pid, 1);
  const [send, after] = [b.block(), b.block()];
  b.branch("ne", copied, 0n, send, after);
  b.enter(send);
  sendCopy(p, walk, hash, pid);
  b.jump(after);
  b.enter(after);
  return hash;
}

/** A word into a stack's number. */
function mixed(p: Program, hash: Operand, word: Operand): Reg {
  const { b } = p;
  const product = b.binary("mul", b.binary("xor", hash, word), MIX);
  return b.binary("xor", product, b.binary("shr", product, 29n)) as Reg;
}

/** At a function's entry its caller isn't among the frames yet, unless the kernel puts it there: frame pointers lead to the caller's own caller. */
function returnAddress(p: Program): number | bigint {
  if (p.phase !== "enter" || p.isEvent || p.probe.atEntry !== true) return 0n;
  if (p.session.request.target.callersAtPush === true && p.probe.pushFrame?.() === true) return 0n;
  register(p, "rbp");
  const { op, present } = readStackWord(p, register(p, "rsp"));
  return p.b.binary("mul", op, present);
}

/** Each address into the hash, which is all that tells stacks apart. */
function mixIn(p: Program, hash: number, base: Base, bytes: number, most: number): void {
  const { b } = p;
  const start = b.address(base, STACK_HEAD);
  const i = b.variable();
  const [loop, inside, mix, after] = [b.block(), b.block(), b.block(), b.block()];
  b.set(i, 0n);
  b.jump(loop);
  b.enter(loop);
  b.branch("ult", i, BigInt(most), inside, after);
  b.enter(inside);
  b.branch("slt", i, bytes, mix, after);
  b.enter(mix);
  b.set(hash, mixed(p, hash, b.load({ reg: b.binary("add", start, i) as number }, 0, 8)));
  b.set(i, b.binary("add", i, 8n));
  b.jump(loop);
  b.enter(after);
}

/** Into the table, if it isn't there yet; the host is told of a process's new stack, since processes end. `files`: frames of which it is recorded in which files they are. */
function keep(p: Program, hash: number, base: Base, pid: Operand | undefined, files = MOST_IN_FILES): void {
  const { b } = p;
  const map = { map: p.session.stacks() };
  const key: Base = { object: b.object(8) };
  const [fresh, kept, full, after] = [b.block(), b.block(), b.block(), b.block()];
  b.store(key, 0, 8, hash);
  b.branch("eq", b.call("map_lookup_elem", [map, { base: key, offset: 0 }]), 0n, fresh, after);
  b.enter(fresh);
  if (pid !== undefined) b.call("get_stack", [b.fn.context, { base, offset: FILES_AT }, BigInt(FILE_BYTES * files), USER_STACK | IN_FILES]);
  const result = b.call("map_update_elem", [map, { base: key, offset: 0 }, { base, offset: 0 }, BigInt(UpdateFlag.any)]);
  b.branch("slt", result, 0n, full, kept);
  b.enter(full);
  p.count(p.session.counter({ kind: "stacks", probe: p.probeIndex }));
  b.jump(after);
  b.enter(kept);
  if (pid !== undefined) {
    const format = p.session.format({ kind: "stack", schema: NOTICE });
    record(p, format, NOTICE.size, (to, offset) => storeField(p, to, offset, ints.u32, i64(pid), p.probe.handler.span), WAKE);
  }
  b.jump(after);
  b.enter(after);
}
