/** Statements: one case for each kind of node; blocks, branches and switches are here, loops beside. */
import type { Expr, Stmt } from "../hir/types.ts";
import { ownable } from "./assignment.ts";
import { compare, condition, narrow, narrowed } from "./condition.ts";
import { cellFor, discard, evaluate } from "./expression.ts";
import { forOf, loop } from "./loops.ts";
import { Abort, type Frame, type Program } from "./program.ts";
import { UNDEFINED, type Value } from "./value.ts";

/** Parameters become locals; missing ones are undefined. */
export function bindParameters(p: Program, frame: Frame, args: readonly Value[]): void {
  for (const [i, id] of frame.hir.params.entries()) declare(p, frame, id, args[i] ?? UNDEFINED);
}

/** Gives a local its first value: registers of its own if it is assigned later. */
export function declare(p: Program, frame: Frame, id: number, value: Value): void {
  const mutable = frame.hir.locals[id]?.mutable ?? false;
  frame.locals.set(id, mutable ? cellFor(p, `${frame.key}:${id}`, value) : value);
}

/** Runs statements in order; what a test has shown holds for those behind it. An error is reported, and the next statement tried. */
export function statements(p: Program, body: readonly Stmt[]): void {
  const undo: (() => void)[] = [];
  for (const s of body) {
    if (p.b.dead) break;
    try {
      statement(p, s, undo);
    } catch (e) {
      if (!(e instanceof Abort)) throw e;
      p.diagnostics.push(e.diagnostic);
      if (s.k === "let") p.frame.locals.set(s.local, { k: "unknown" });
      goOn(p);
    }
  }
  for (const back of undo.reverse()) back();
}

/** Behind an error what follows is lowered as if it could be reached: it may hold errors too. */
function goOn(p: Program): void {
  const on = p.b.block();
  on.entries++;
  p.b.enter(on);
}

function statement(p: Program, s: Stmt, undo: (() => void)[]): void {
  const b = p.b;
  p.at(s.span);
  switch (s.k) {
    case "let": {
      const value = s.init ? evaluate(p, s.init) : UNDEFINED;
      const local = p.frame.hir.locals[s.local];
      if (local?.mutable && s.init) ownable(p, value, s.init, local.name, s.span);
      declare(p, p.frame, s.local, value);
      return;
    }
    case "expr":
      discard(p, s.expr);
      return;
    case "block":
      statements(p, s.body);
      return;
    case "if": {
      const yes = b.block();
      const no = b.block();
      const after = b.block();
      condition(p, s.test, yes, no);
      b.enter(yes);
      if (!b.dead) narrowed(p, s.test, true, () => statements(p, s.then));
      const thenEnds = b.dead;
      b.jump(after);
      b.enter(no);
      if (!b.dead) narrowed(p, s.test, false, () => statements(p, s.else));
      const elseEnds = b.dead;
      b.jump(after);
      b.enter(after);
      if (thenEnds && !elseEnds) undo.push(narrow(p, s.test, false));
      else if (elseEnds && !thenEnds) undo.push(narrow(p, s.test, true));
      return;
    }
    case "return": {
      const value = s.value ? evaluate(p, s.value) : UNDEFINED;
      if (b.dead) return;
      p.frame.returns.push({ value, block: b.current });
      // Nothing is appended here any more but what the caller puts at the end.
      b.enter(b.block());
      return;
    }
    case "switch": {
      switchStatement(p, s);
      return;
    }
    case "loop":
      loop(p, s);
      return;
    case "forOf":
      forOf(p, s);
      return;
    case "break": {
      const to = p.frame.labels.get(s.label);
      if (to) b.jump(to.break);
      return;
    }
    case "continue": {
      const to = p.frame.labels.get(s.label)?.continue;
      if (to) b.jump(to);
    }
  }
}

/** Clauses are compared in order by `===`; control falls from one body into the next. */
function switchStatement(p: Program, s: Extract<Stmt, { k: "switch" }>): void {
  const b = p.b;
  const value = evaluate(p, s.value);
  const after = b.block();
  const bodies = s.clauses.map(() => b.block());
  for (const [i, clause] of s.clauses.entries()) {
    if (!clause.test) continue;
    const next = b.block();
    const test: Expr = clause.test;
    const other = evaluate(p, test);
    p.at(test.span);
    compare(p, "===", value, other, test.span, bodies[i] as typeof after, next);
    b.enter(next);
  }
  const otherwise = s.clauses.findIndex((c) => c.test === undefined);
  b.jump(otherwise >= 0 ? (bodies[otherwise] as typeof after) : after);
  p.frame.labels.set(s.label, { break: after, continue: undefined });
  for (const [i, clause] of s.clauses.entries()) {
    if (!b.dead) b.jump(bodies[i] as typeof after); // falls in from the clause before
    b.enter(bodies[i] as typeof after);
    if (!b.dead) statements(p, clause.body);
  }
  b.jump(after);
  b.enter(after);
}
