/** Members of what a handler sees: the context, arguments, registers, pointers, entries, texts. */
import type { CType } from "../../schema/ctypes.ts";
import * as problem from "../diagnostics/lowering.ts";
import type { Expr, Span } from "../hir/types.ts";
import { integer } from "./arithmetic.ts";
import { fromCapture } from "./captured.ts";
import { evaluate } from "./expression.ts";
import type { Register } from "./input.ts";
import { readInteger, readTyped } from "./memory.ts";
import { loadField } from "./memory-layout.ts";
import type { Program } from "./program.ts";
import { snapshot } from "./snapshot.ts";
import { textLength } from "./text.ts";
import { bool, constant, I64_MAX, type IntValue, i64, isConstant, nameOf, numberOf, ofWidth, UNDEFINED, u64, type Value } from "./value.ts";

/** Where the kernel's pt_regs keep each register (x86-64, arch/x86/include/asm/ptrace.h). */
export const registerOffsets: { readonly [R in Register]: number } = {
  r15: 0,
  r14: 8,
  r13: 16,
  r12: 24,
  rbp: 32,
  rbx: 40,
  r11: 48,
  r10: 56,
  r9: 64,
  r8: 72,
  rax: 80,
  rcx: 88,
  rdx: 96,
  rsi: 104,
  rdi: 112,
  rip: 128,
  rflags: 144,
  rsp: 152,
};
/** Integer arguments in order (System V ABI). */
const argumentRegisters: readonly Register[] = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];

export function register(p: Program, name: Register): number {
  p.registersRead.add(name);
  return p.b.load({ reg: p.b.fn.context }, registerOffsets[name], 8, false, true);
}

export function member(p: Program, o: Value, name: string, span: Span): Value {
  switch (o.k) {
    case "context":
      return contextMember(p, name, span);
    case "args":
      return argument(p, name, span);
    case "regs":
      if (!(name in registerOffsets)) return p.fail(problem.noMember(p.place(span), "the set of registers", name, Object.keys(registerOffsets)));
      return i64(register(p, name as Register));
    case "record": {
      const field = o.fields.get(name);
      if (field) return snapshot(p, field);
      if (name === "length" && o.tuple) return constant(BigInt(o.fields.size));
      return o.tuple ? { k: "method", object: o, name } : p.fail(problem.noMember(p.place(span), "the object", name, [...o.fields.keys()]));
    }
    case "entry": {
      const field = loadField(p, o, name);
      return (
        field ??
        p.fail(
          problem.noMember(
            p.place(span),
            "the entry",
            name,
            o.schema.fields.map((f) => f.name),
          ),
        )
      );
    }
    case "string":
    case "text":
      return name === "length" ? textLength(p, o) : { k: "method", object: o, name };
    case "bytes":
      return name === "length" ? i64(o.length, 0n, BigInt(o.cap)) : { k: "method", object: o, name };
    case "func":
      return { k: "method", object: o, name };
    case "constant": {
      if (o.value.kind === "object") {
        const value = o.value.properties[name];
        return value ? fromCapture(p, value, name, span) : UNDEFINED;
      }
      if (o.value.kind === "array" && name === "length") return constant(BigInt(o.value.items.length));
      return { k: "method", object: o, name };
    }
    case "int":
      if (o.pointee) return through(p, o, o.pointee, name, span);
      return p.fail(problem.noMember(p.place(span), nameOf(o), name, []));
    case "place":
      if (o.type.k === "array") {
        if (name === "length") return constant(BigInt(o.type.length));
        return p.fail(problem.noMember(p.place(span), "an array of the target", name, ["length"]));
      }
      return through(p, o.address, o.type, name, span);
    case "state": {
      const spec = p.state(o.state).spec;
      if (name === "length" && spec.kind === "array") return constant(BigInt(spec.length));
      return { k: "method", object: o, name };
    }
    case "slot":
    case "unsafe":
    case "probe":
    case "schema":
    case "builtin":
      return { k: "method", object: o, name };
    case "unknown":
      return o;
    default:
      return p.fail(problem.noMember(p.place(span), nameOf(o), name, []));
  }
}

/** A field behind a pointer: a checked read, but for what is embedded. */
function through(p: Program, pointer: IntValue, type: CType, name: string, span: Span): Value {
  const struct = type.k === "struct" ? pointer.structs?.[type.name] : undefined;
  if (!struct) return p.fail(problem.noMember(p.place(span), "what this points to", name, []));
  const field = struct.fields.find((f) => f.name === name);
  if (!field)
    return p.fail(
      problem.noMember(
        p.place(span),
        `struct ${struct.name}`,
        name,
        struct.fields.map((f) => f.name),
      ),
    );
  const at: IntValue = u64(p.b.binary("add", pointer.op, BigInt(field.offset)));
  return readTyped(p, { ...at, structs: pointer.structs }, field.type, pointer.structs ?? {}, span);
}

/** `o[i]`. */
export function element(p: Program, o: Value, index: Expr, span: Span): Value {
  if (index.k === "string") return member(p, o, index.value, span);
  const i = evaluate(p, index);
  p.at(span);
  if (i.k === "text") return member(p, o, i.text, span);
  if (o.k === "unknown" || i.k === "unknown") return { k: "unknown" };
  const n = integer(p, i, index.span);
  if (o.k === "record" || o.k === "constant") {
    if (!isConstant(n)) return p.fail(problem.notConstant(p.place(index.span), "the index of a tuple or a captured array"));
    if (o.k === "record") {
      const item = o.fields.get(numberOf(n).toString());
      return item ? snapshot(p, item) : UNDEFINED;
    }
    const item = o.value.kind === "array" ? o.value.items[Number(numberOf(n))] : undefined;
    return item ? fromCapture(p, item, "its element", span) : UNDEFINED;
  }
  if (o.k === "bytes") return byteAt(p, o, n);
  const pointer = o.k === "int" ? o : o.k === "place" && o.type.k === "array" ? { ...o.address, pointee: o.type.of, structs: o.structs } : undefined;
  const to = pointer?.pointee;
  if (!pointer || !to) return p.fail(problem.noMember(p.place(span), nameOf(o), "[…]", []));
  const size = sizeOf(to, pointer.structs ?? {});
  const at = u64(p.b.binary("add", pointer.op, p.b.binary("mul", n.op, BigInt(size))));
  return readTyped(p, { ...at, structs: pointer.structs }, to, pointer.structs ?? {}, span);
}

/** One of some bytes; absent behind their end. */
function byteAt(p: Program, o: Extract<Value, { k: "bytes" }>, n: IntValue): Value {
  const b = p.b;
  const value = b.variable();
  const present = b.variable();
  const inside = b.block();
  const read = b.block();
  const after = b.block();
  b.set(value, 0n);
  b.set(present, 0n);
  const index = b.copy(n.op);
  b.branch("ult", index, BigInt(o.cap), inside, after);
  b.enter(inside);
  b.branch("ult", index, o.length, read, after);
  b.enter(read);
  b.set(value, b.load({ reg: b.binary("add", b.address(o.base, o.offset), index) as number }, 0, 1));
  b.set(present, 1n);
  b.jump(after);
  b.enter(after);
  return { k: "maybe", present, value: i64(value, 0n, 255n) };
}

function sizeOf(type: CType, structs: { readonly [name: string]: { readonly size: number } }): number {
  switch (type.k) {
    case "int":
      return Number(type.name.slice(1)) / 8;
    case "bool":
      return 1;
    case "float":
    case "enum":
      return type.size;
    case "pointer":
      return 8;
    case "array":
      return type.length * sizeOf(type.of, structs);
    case "struct":
      return structs[type.name]?.size ?? 1;
    case "void":
      return 1;
    case "unknown":
      return Math.max(type.size, 1);
  }
}

const call = (p: Program, helper: Parameters<Program["b"]["call"]>[0]): number => p.b.call(helper, [], true);

function contextMember(p: Program, name: string, span: Span): Value {
  const b = p.b;
  const numbered = /^arg([0-5])$/.exec(name);
  if (numbered) {
    refuseWithoutArguments(p, name, span);
    return i64(register(p, argumentRegisters[Number(numbered[1])] as Register));
  }
  switch (name) {
    case "pid":
      return i64(b.binary("shr", call(p, "get_current_pid_tgid"), 32n), 0n, 0xffff_ffffn);
    case "tid":
      return i64(b.extend(call(p, "get_current_pid_tgid"), 32, false), 0n, 0xffff_ffffn);
    case "uid":
      return i64(b.extend(call(p, "get_current_uid_gid"), 32, false), 0n, 0xffff_ffffn);
    case "gid":
      return i64(b.binary("shr", call(p, "get_current_uid_gid"), 32n), 0n, 0xffff_ffffn);
    case "cpu":
      return i64(call(p, "get_smp_processor_id"), 0n, 0xffff_ffffn);
    case "time":
      return u64(call(p, "ktime_get_ns"), 0n, I64_MAX);
    case "cgroup":
      return u64(call(p, "get_current_cgroup_id"));
    case "comm": {
      const base = p.zeroed(16);
      b.call("get_current_comm", [{ base, offset: 0 }, 16n]);
      return { k: "string", base, offset: 0, cap: 15, cut: 0n };
    }
    case "probe":
      return { k: "text", text: p.probe.text };
    case "func":
      return functionIndex(p);
    case "ret":
      return result(p, span);
    case "args":
      refuseWithoutArguments(p, name, span);
      return { k: "args" };
    case "regs":
      return { k: "regs" };
    case "unsafe":
      return { k: "unsafe" };
    case "arg":
    case "ustack":
    case "kstack":
      return { k: "method", object: { k: "context", phase: p.phase }, name };
    case "farg0":
    case "farg1":
    case "farg2":
    case "farg3":
      refuseWithoutArguments(p, name, span);
      return float(p, Number(name.slice(4)), `\`c.${name}\` (a float register)`, span);
    case "fret":
      if (p.phase !== "leave") p.fail(problem.noResult(p.place(span)));
      return float(p, 0, "`c.fret` (a float register)", span);
    case "signal":
    case "address":
      if (p.phase !== "fault") return unknownMember(p, name, span);
      return name === "signal"
        ? ofWidth(b.load({ reg: b.fn.context }, SIGNAL, 4, true, true), 4, true)
        : u64(b.load({ reg: b.fn.context }, FAULT_ADDRESS, 8, false, true));
    case "task":
      return p.fail(problem.notSupported(p.place(span), "`c.task`", "Use `c.pid`, `c.tid`, `c.comm`, `c.cgroup`."));
    default: {
      const xmm = /^xmm(\d|1[0-5])$/.exec(name);
      return xmm ? vectorRegister(p, Number(xmm[1]), span) : unknownMember(p, name, span);
    }
  }
}

function unknownMember(p: Program, name: string, span: Span): never {
  return p.fail(problem.noMember(p.place(span), "a hit", name, ["arg0", "args", "ret", "pid", "tid", "comm", "time", "func", "probe", "regs"]));
}

/** Behind the call they are gone; behind an instruction nothing says that they ever were there. */
function refuseWithoutArguments(p: Program, name: string, span: Span): void {
  if (p.phase === "leave") p.fail(problem.noArguments(p.place(span)));
  if (p.phase === "after" || p.phase === "fault") unknownMember(p, name, span);
}

/** Where the extended context goes on behind pt_regs (compiler/target.ts). */
const XMM = 168;
const SIGNAL = 424;
const FAULT_ADDRESS = 432;

function needsFloats(p: Program, what: string, span: Span): void {
  if (!p.session.request.target.extendedContext) p.fail(problem.engineLacks(p.place(span), what, "breakpoint"));
  p.readsFloats = true;
}

/** The double in the lower half of xmm`n`. */
function float(p: Program, n: number, what: string, span: Span): Value {
  needsFloats(p, what, span);
  return { k: "float", op: p.b.load({ reg: p.b.fn.context }, XMM + 16 * n, 8, false, true) };
}

function vectorRegister(p: Program, n: number, span: Span): Value {
  needsFloats(p, `\`c.xmm${n}\` (a float register)`, span);
  const object = p.b.object(16);
  for (const half of [0, 8]) p.b.store({ object }, half, 8, p.b.load({ reg: p.b.fn.context }, XMM + 16 * n + half, 8, false, true));
  return { k: "bytes", base: { object }, offset: 0, cap: 16, length: 16n };
}

/** Which function this is: known, if the probe has one; else the site's cookie tells. */
function functionIndex(p: Program): Value {
  const { functions } = p.probe;
  if (functions.length === 1) return { k: "func", op: BigInt(functions[0] as number) };
  return { k: "func", op: p.b.call("get_attach_cookie", [p.b.fn.context], true) };
}

/** An integer register read as the type that a prototype gives it. */
export function asType(p: Program, op: number, type: CType, structs: Extract<IntValue, { k: "int" }>["structs"]): Value {
  switch (type.k) {
    case "int": {
      const size = Number(type.name.slice(1)) / 8;
      const signed = type.name.startsWith("i");
      return size === 8 ? ofWidth(op, 8, signed) : ofWidth(p.b.extend(op, (size * 8) as 8 | 16 | 32, signed), size as 1 | 2 | 4, signed);
    }
    case "bool":
      return bool(p.b.binary("and", op, 1n));
    case "enum":
      return { ...ofWidth(type.size === 8 ? op : p.b.extend(op, (type.size * 8) as 8 | 16 | 32, type.signed), type.size, type.signed), names: type.names };
    case "pointer":
      return { ...u64(op), pointee: type.to, structs };
    default:
      return i64(op);
  }
}

function argument(p: Program, name: string, span: Span): Value {
  const signature = p.probe.signature;
  const index = signature?.params.findIndex((param) => param.name === name) ?? -1;
  const param = signature?.params[index];
  if (!signature || !param) {
    const known = signature?.params.map((q) => q.name);
    return p.fail(known?.includes("") ? problem.differingArgument(p.place(span), name) : problem.noParameter(p.place(span), name, known));
  }
  if (param.type.k === "float") {
    const nth = signature.params.slice(0, index).filter((q) => q.type.k === "float").length;
    return floatOf(p, nth, param.type.size, `\`${name}\` (a float argument)`, span);
  }
  const position = signature.params.slice(0, index).filter((q) => q.type.k !== "float").length;
  const reg = argumentRegisters[position];
  if (reg) return asType(p, register(p, reg), param.type, signature.structs);
  const v = stackArgument(p, constant(BigInt(position)));
  return v.k === "maybe" && v.value.k === "int" && typeof v.value.op === "number" ? { ...v, value: asType(p, v.value.op, param.type, signature.structs) } : v;
}

/** Float arguments are in xmm0 to xmm7, whatever stands between them (System V ABI). */
const FLOAT_ARGUMENTS = 8;

/** What a prototype calls a float, in the register where it is passed. */
function floatOf(p: Program, nth: number, size: 4 | 8, what: string, span: Span): Value {
  if (nth >= FLOAT_ARGUMENTS) return p.fail(problem.notSupported(p.place(span), `${what} on the stack`, "The first eight are in registers."));
  const value = float(p, nth, what, span);
  return size === 8 ? value : p.fail(problem.notSupported(p.place(span), `${what} of 4 bytes`, `Its bits are the first four bytes of \`c.xmm${nth}\`.`));
}

/** The result, as a prototype declares it. */
function result(p: Program, span: Span): Value {
  if (p.phase !== "leave") p.fail(problem.noResult(p.place(span)));
  if (p.probe.signature?.ret.k === "void") p.fail(problem.voidResult(p.place(span)));
  const type = p.probe.signature?.ret;
  if (type?.k === "float") return floatOf(p, 0, type.size, "`c.ret` (a float result)", span);
  const raw = p.b.load({ reg: p.b.fn.context }, registerOffsets.rax, 8, false, true);
  if (!type || type.k === "struct" || type.k === "array") return i64(raw);
  return asType(p, raw, type, p.probe.signature?.structs);
}

/** `c.arg(n)`: a register, or the stack from the seventh on. */
export function nthArgument(p: Program, n: IntValue, span: Span): Value {
  refuseWithoutArguments(p, "arg", span);
  if (!isConstant(n)) return p.fail(problem.notConstant(p.place(span), "which argument"));
  const i = Number(numberOf(n));
  if (i < 0 || i > 255) p.fail(problem.outOfLimits(p.place(span), "which argument", 0, 255));
  return i < 6 ? i64(register(p, argumentRegisters[i] as Register)) : stackArgument(p, n);
}

function stackArgument(p: Program, n: IntValue): Value {
  const sp = register(p, "rsp");
  const v = readInteger(p, p.b.binary("add", sp, 8n + 8n * (numberOf(n) - 6n)), 8, true);
  // The stack of a running function is there: what can't be read counts as 0, so that `arg(n)` is an integer.
  return v.k === "maybe" ? v.value : v;
}

export const integerResult = (op: number, min: bigint, max: bigint): IntValue => i64(op, min, max);
