/**
 * `c.unsafe`: what a handler changes in the target. Registers are set once the handler has ended, so that it sees them as they were
 * at the hit whatever it has said already; what is said last counts.
 */
import { integerRegisters } from "../../schema/convention.ts";
import * as problem from "../diagnostics/lowering.ts";
import * as changes from "../diagnostics/unsafe.ts";
import type { Expr, Span } from "../hir/types.ts";
import type { Operand } from "../mir/types.ts";
import { integer } from "./arithmetic.ts";
import { evaluate } from "./expression.ts";
import type { Register } from "./input.ts";
import type { Program } from "./program.ts";
import { register, registerOffsets } from "./registers.ts";
import { isConstant, numberOf, UNDEFINED, type Value } from "./value.ts";

/** Linux's signals: 1 to 64. */
const LAST_SIGNAL = 64n;
/** Where a thread goes on and where its stack is, the engines depend on. */
const NOT_SET: ReadonlySet<Register> = new Set(["rip", "rsp"]);

export function unsafeMethod(p: Program, name: string, args: readonly Expr[], span: Span): Value {
  const what = `c.unsafe.${name}`;
  if (!p.session.request.unsafe) p.fail(problem.needsUnsafe(p.place(span), what));
  const given = (i: number): Value => evaluate(p, args[i] ?? p.fail(problem.wrongValue(p.place(span), "another argument", "nothing")));
  const word = (i: number): Operand => {
    const v = given(i);
    if (v.k === "unknown") return 0n;
    if (v.k === "bool") return v.op;
    return integer(p, v, args[i]!.span).op;
  };
  switch (name) {
    case "setRet":
      if (p.phase !== "leave") p.fail(problem.noResult(p.place(span)));
      write(p, "rax", word(0), what, span);
      return UNDEFINED;
    case "override": {
      wantEntry(p, what, span);
      const { returnAt } = p.probe;
      if (returnAt === "none") return p.fail(changes.noReturnInstruction(p.place(span)));
      write(p, "rax", word(0), what, span);
      write(p, "rip", p.b.binary("add", register(p, "rip"), returnAt ?? 0n), what, span);
      return UNDEFINED;
    }
    case "setArg": {
      wantEntry(p, what, span);
      const n = given(0);
      if (!isConstant(n)) return p.fail(problem.notConstant(p.place(args[0]!.span), "which argument is replaced"));
      const convention = p.probe.convention ?? "c";
      const names = convention === "mixed" ? [] : integerRegisters(convention);
      const to = names[Number(numberOf(n))] as Register | undefined;
      if (to === undefined) return p.fail(changes.notInRegister(p.place(args[0]!.span), numberOf(n), names.length));
      write(p, to, word(1), what, span);
      return UNDEFINED;
    }
    case "setReg": {
      const v = given(0);
      const to = v.k === "text" && Object.hasOwn(registerOffsets, v.text) ? (v.text as Register) : undefined;
      if (to === undefined || NOT_SET.has(to)) {
        const can = Object.keys(registerOffsets).filter((one) => !NOT_SET.has(one as Register));
        return p.fail(changes.notARegister(p.place(args[0]!.span), can));
      }
      write(p, to, word(1), what, span);
      return UNDEFINED;
    }
    case "signal": {
      const v = given(0);
      if (v.k === "int" && isConstant(v) && (numberOf(v) < 1n || numberOf(v) > LAST_SIGNAL)) p.fail(changes.notASignal(p.place(args[0]!.span)));
      p.b.call("send_signal_thread", [v.k === "unknown" ? 1n : integer(p, v, args[0]!.span).op]);
      return UNDEFINED;
    }
    default:
      return p.fail(problem.noMember(p.place(span), "c.unsafe", name, ["override", "setRet", "setArg", "setReg", "signal"]));
  }
}

function wantEntry(p: Program, what: string, span: Span): void {
  if (p.probe.atEntry === false || (p.phase !== "enter" && p.phase !== "hit")) p.fail(changes.notAtEntry(p.place(span), what));
}

function write(p: Program, to: Register, value: Operand, what: string, span: Span): void {
  if (p.isEvent) p.fail(changes.notAtEntry(p.place(span), what));
  if (!p.session.request.target.writesRegisters)
    p.fail(problem.engineLacks(p.place(span), `\`${what}\` (whose programs set no registers before Linux 6.19)`, "breakpoint"));
  p.knowledge.written.add(to);
  p.b.set(p.written.get(to) ?? p.restart(), value);
}
