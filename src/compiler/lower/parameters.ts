/** Arguments, results and variables: by the places that debug information gives, else by the calling convention. */
import { integerRegisters } from "../../schema/convention.ts";
import type { CType, Signature } from "../../schema/ctypes.ts";
import * as problem from "../diagnostics/lowering.ts";
import { noVariable, noVariables } from "../diagnostics/typed.ts";
import type { Span } from "../hir/types.ts";
import { readInteger } from "./memory.ts";
import { readPlace } from "./places.ts";
import type { Program } from "./program.ts";
import { recordArgument } from "./record.ts";
import { register, registerOffsets, vectorHalf } from "./registers.ts";
import { scalar } from "./typed.ts";
import { constant, type IntValue, i64, isConstant, numberOf, type Phase, type Value } from "./value.ts";

/** Float arguments are in xmm0 to xmm7, whatever stands between them (System V ABI). */
const FLOAT_ARGUMENTS = 8;

/** Behind the call they are gone; behind an instruction nothing says that they ever were there. */
export function refuseWithoutArguments(p: Program, name: string, span: Span): void {
  if (p.phase === "leave") p.fail(problem.noArguments(p.place(span)));
  if (p.phase === "after" || p.phase === "fault") unknownMember(p, name, span);
}

export function unknownMember(p: Program, name: string, span: Span): never {
  const { what, members } = HITS[p.phase] ?? { what: "a hit", members: ["arg0", "args", "vars", "ret", "func", "regs"] };
  return p.fail(problem.noMember(p.place(span), what, name, [...members, ...EVERYWHERE]));
}

const EVERYWHERE = ["pid", "tid", "uid", "gid", "cpu", "comm", "time", "cgroup", "probe", "task", "ustack", "kstack"];
/** What the kernel's own events have besides. */
const HITS: { readonly [P in Phase]?: { readonly what: string; readonly members: readonly string[] } } = {
  tracepoint: { what: "a tracepoint's hit", members: ["args", "func"] },
  sample: { what: "a sample", members: ["regs"] },
  timer: { what: "a timer's hit", members: [] },
};

/** Refuses what a hit of the kernel's own events hasn't got. */
export function refuseOutside(p: Program, name: string, span: Span): void {
  const hit = HITS[p.phase];
  if (hit !== undefined && !hit.members.includes(name) && !EVERYWHERE.includes(name)) unknownMember(p, name, span);
}

/** `c.args.name`. */
export function argument(p: Program, name: string, span: Span): Value {
  if (p.phase === "tracepoint") return recordArgument(p, name, span);
  const { signature } = p.probe;
  const byName = signature?.params.findIndex((param) => param.name === name) ?? -1;
  const index = byName >= 0 ? byName : (signature?.params.findIndex(({ number }) => number !== undefined && name === `arg${number}`) ?? -1);
  const param = signature?.params[index];
  if (!signature || !param) {
    const known = signature?.params.map((q) => q.name);
    return p.fail(
      known?.includes("")
        ? problem.differingArgument(p.place(span), name)
        : problem.noParameter(p.place(span), name, known, known === undefined ? p.probe.untyped?.() : undefined),
    );
  }
  const { type, place } = param;
  if (place !== undefined) return readPlace(p, place, { type, structs: signature.structs, what: `\`c.args.${name}\``, span });
  if (type.k === "float") return floatArgument(p, floatsBefore(signature, index), type, `\`${name}\` (a float argument)`, span);
  const position = index - floatsBefore(signature, index);
  const inRegister = integerRegisters("c")[position];
  const op = inRegister ? register(p, inRegister) : stackArgument(p, constant(BigInt(position)));
  return scalar(p, op, type, signature.structs);
}

const floatsBefore = (signature: Signature, index: number): number => signature.params.slice(0, index).filter(({ type }) => type.k === "float").length;

function floatArgument(p: Program, nth: number, type: CType, what: string, span: Span): Value {
  if (nth >= FLOAT_ARGUMENTS) return p.fail(problem.notSupported(p.place(span), `${what} on the stack`, "The first eight are in registers."));
  return scalar(p, vectorHalf(p, nth, 0, what, span), type, {});
}

/** `c.vars.name`: what is in scope at the probed line; a name that is there twice is the innermost's. */
export function variable(p: Program, name: string, span: Span): Value {
  const { signature } = p.probe;
  if (signature?.variables === undefined) return p.fail(noVariables(p.place(span), p.probe.untyped?.()));
  const found = signature.variables.find((one) => one.name === name);
  if (found === undefined)
    return p.fail(
      noVariable(
        p.place(span),
        name,
        signature.variables.map((one) => one.name),
      ),
    );
  return readPlace(p, found.place, { type: found.type, structs: signature.structs, what: `\`c.vars.${name}\``, span });
}

/** `c.ret`, as a prototype or debug information declares it. */
export function result(p: Program, span: Span): Value {
  if (p.phase !== "leave") p.fail(problem.noResult(p.place(span)));
  const { signature } = p.probe;
  const type = signature?.ret;
  if (type?.k === "void") p.fail(problem.voidResult(p.place(span)));
  if (type !== undefined && signature?.retPlace !== undefined) {
    return readPlace(p, signature.retPlace, { type, structs: signature.structs, what: "`c.ret`", span });
  }
  if (type?.k === "float") return floatArgument(p, 0, type, "`c.ret` (a float result)", span);
  const raw = p.b.load({ reg: p.b.fn.context }, registerOffsets.rax, 8, false, true);
  if (signature === undefined || type === undefined || type.k === "struct" || type.k === "array" || type.k === "unknown") return i64(raw);
  return scalar(p, raw, type, signature.structs);
}

/** `c.arg0` … `c.arg5`: registers; of a static probe what its note says. */
export function numberedArgument(p: Program, i: number, span: Span): Value {
  refuseWithoutArguments(p, `arg${i}`, span);
  return isStatic(p) ? staticArgument(p, i, `\`c.arg${i}\``, span) : i64(rawArgument(p, i, `\`c.arg${i}\``, span));
}

/** Where nothing is known of it, only the script's text is looked at: then any integer will do. */
const isStatic = ({ probe }: Program): boolean => probe.handler.register === "usdt" && probe.signature !== undefined;

function staticArgument(p: Program, i: number, what: string, span: Span): Value {
  const { signature } = p.probe;
  const param = signature?.params[i];
  if (signature === undefined || param?.place === undefined) return p.fail(problem.noStaticArgument(p.place(span), i, signature?.params.length ?? 0));
  return readPlace(p, param.place, { type: param.type, structs: signature.structs, what, span });
}

/** `c.arg(n)`: a register, or the stack from the seventh on. */
export function nthArgument(p: Program, n: IntValue, span: Span): Value {
  refuseWithoutArguments(p, "arg", span);
  if (!isConstant(n)) return p.fail(problem.notConstant(p.place(span), "which argument"));
  const i = Number(numberOf(n));
  if (i < 0 || i > 255) p.fail(problem.outOfLimits(p.place(span), "which argument", 0, 255));
  if (isStatic(p)) return staticArgument(p, i, `\`c.arg(${i})\``, span);
  return i64(rawArgument(p, i, `\`c.arg(${i})\``, span));
}

/** One of the integer arguments as it is passed: in C from the seventh on on the stack. */
function rawArgument(p: Program, i: number, what: string, span: Span): number | bigint {
  const { convention = "c" } = p.probe;
  const refuse = (why: string, mend: string): never => p.fail(problem.notSupported(p.place(span), `${what} ${why}`, mend));
  if (convention === "mixed") return refuse("of functions of Go and others together", "Register a probe for each.");
  if (convention === "go-stack") return refuse("of a program by Go before 1.17", "Use `c.args` (debug information), or read(c.regs.rsp + 8, …).");
  const inRegister = integerRegisters(convention)[i];
  if (inRegister !== undefined) return register(p, inRegister);
  return convention === "c" ? stackArgument(p, constant(BigInt(i))) : refuse("of Go, which has 9 registers for integers", "Use `c.args` (debug information).");
}

function stackArgument(p: Program, n: IntValue): number | bigint {
  const sp = register(p, "rsp");
  const v = readInteger(p, p.b.binary("add", sp, 8n + 8n * (numberOf(n) - 6n)), 8, true);
  // The stack of a running function is there: what can't be read counts as 0, so that `arg(n)` is an integer.
  const there = v.k === "maybe" ? v.value : v;
  return there.k === "int" ? there.op : 0n;
}
