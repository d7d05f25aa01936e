/** Members of what a handler sees: the context, arguments, registers, pointers, entries, texts. */
import { SondeError } from "../../errors/error.ts";
import * as problem from "../diagnostics/lowering.ts";
import { noFields } from "../diagnostics/typed.ts";
import type { Expr, Span } from "../hir/types.ts";
import { integer } from "./arithmetic.ts";
import { fromCapture } from "./captured.ts";
import { evaluate } from "./expression.ts";
import { elementOf, fieldOf, isTyped } from "./fields.ts";
import type { Register } from "./input.ts";
import { readInteger } from "./memory.ts";
import { loadField } from "./memory-layout.ts";
import { argument, numberedArgument, refuseOutside, refuseWithoutArguments, result, unknownMember, variable } from "./parameters.ts";
import type { Program } from "./program.ts";
import { FAULT_ADDRESS, register, registerOffsets, SIGNAL, vectorHalf } from "./registers.ts";
import { snapshot } from "./snapshot.ts";
import { textLength } from "./text.ts";
import { constant, I64_MAX, type IntValue, i64, isConstant, nameOf, numberOf, ofWidth, UNDEFINED, u64, type Value } from "./value.ts";

export function member(p: Program, o: Value, name: string, span: Span): Value {
  switch (o.k) {
    case "context":
      return contextMember(p, name, span);
    case "args":
      return argument(p, name, span);
    case "vars":
      return variable(p, name, span);
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
      if (isTyped(o)) return fieldOf(p, o, name, span);
      if (o.structs !== undefined) return p.fail(noFields(p.place(span), "a pointer to void", name));
      return p.fail(problem.noMember(p.place(span), nameOf(o), name, []));
    case "place":
    case "held":
      return fieldOf(p, o, name, span);
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
  if (o.k === "int" && o.pointee === undefined && o.structs !== undefined) return p.fail(noFields(p.place(span), "a pointer to void", "[…]"));
  if (!isTyped(o)) return p.fail(problem.noMember(p.place(span), nameOf(o), "[…]", []));
  return elementOf(p, o, n, span);
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

const call = (p: Program, helper: Parameters<Program["b"]["call"]>[0]): number => p.b.call(helper, [], true);

function contextMember(p: Program, name: string, span: Span): Value {
  const b = p.b;
  refuseOutside(p, name, span);
  const numbered = /^arg([0-5])$/.exec(name);
  if (numbered) {
    return numberedArgument(p, Number(numbered[1]), span);
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
    case "goid": {
      const { goroutineId } = p.probe;
      if (goroutineId === undefined)
        p.fail(problem.notSupported(p.place(span), "`c.goid`", "It is there where every probed function is of a program that Go 1.17 to 1.26 has built."));
      return readInteger(p, b.binary("add", register(p, "r14"), BigInt(goroutineId)), 8, false);
    }
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
    case "vars":
      refuseWithoutArguments(p, name, span);
      return { k: "vars" };
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
      return task(p, span);
    default: {
      const xmm = /^xmm(\d|1[0-5])$/.exec(name);
      return xmm ? vectorRegister(p, Number(xmm[1]), span) : unknownMember(p, name, span);
    }
  }
}

/** The kernel's structure of the thread that runs. */
function task(p: Program, span: Span): Value {
  const { target, kernelTypes } = p.session.request;
  if (target.eventFilter === undefined) p.fail(problem.engineLacks(p.place(span), "`c.task`", "kernel"));
  if (!p.knowledge.task) {
    p.knowledge.task = true;
    p.restart();
  }
  try {
    return { ...u64(call(p, "get_current_task")), pointee: { k: "struct", name: "task_struct" }, structs: kernelTypes?.().structs ?? {} };
  } catch (error) {
    if (!(error instanceof SondeError)) throw error;
    return p.fail(problem.notSupported(p.place(span), `\`c.task\` (${error.message})`, error.mend ?? ""));
  }
}

/** The double in the lower half of xmm`n`. */
const float = (p: Program, n: number, what: string, span: Span): Value => ({ k: "float", op: vectorHalf(p, n, 0, what, span) });

function vectorRegister(p: Program, n: number, span: Span): Value {
  const object = p.b.object(16);
  for (const half of [0, 1] as const) p.b.store({ object }, 8 * half, 8, vectorHalf(p, n, half, `\`c.xmm${n}\` (a float register)`, span));
  return { k: "bytes", base: { object }, offset: 0, cap: 16, length: 16n };
}

/** Which function this is: known, if the probe has one; else the site's cookie tells. */
function functionIndex(p: Program): Value {
  const { functions } = p.probe;
  if (functions.length === 1) return { k: "func", op: BigInt(functions[0] as number) };
  return { k: "func", op: p.b.call("get_attach_cookie", [p.b.fn.context], true) };
}
