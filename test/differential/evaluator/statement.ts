/** Statements: each becomes a function that runs and says how it ended. */
import ts from "typescript";
import { expression, functionThing, thing, thingMember } from "./expression.ts";
import { join, OTHER, type Type } from "./kind.ts";
import { bare, type HandlerFunction } from "./module.ts";
import { equal } from "./operator.ts";
import { truthy } from "./shape.ts";
import { type Cell, type Code, type Frame, isThing, Scope, type Thing, type Translation, typeOf, unsupported } from "./translate.ts";
import type { Fields, Value } from "./value.ts";

/** How a statement ended; undefined: it went through. */
export type End = { readonly end: "break" | "continue"; readonly label: string | undefined } | { readonly end: "return"; readonly value: Value } | undefined;
type Step = (frame: Frame) => End;

/** An endless loop would be a fault of the snippet. */
const MOST_ROUNDS = 100_000;

/** A function with its parameters bound to what it is called with: things stay things, values get cells. */
export function functionBody(t: Translation, node: HandlerFunction, scope: Scope, args: readonly (Code | Thing)[]): Code {
  const inner = new Scope(scope);
  const before: ((frame: Frame) => void)[] = [];
  node.parameters.forEach((parameter, index) => {
    const arg = args[index];
    if (isThing(arg)) {
      if (ts.isIdentifier(parameter.name)) inner.names.set(parameter.name.text, arg);
      else before.push(bindContext(t, parameter.name, inner, arg));
      return;
    }
    const initial = parameter.initializer === undefined ? undefined : expression(t, parameter.initializer, inner);
    const given: Code = arg ?? { type: OTHER, run: () => undefined };
    const code: Code = initial === undefined ? given : { type: join(given.type, initial.type), run: (frame) => given.run(frame) ?? initial.run(frame) };
    before.push(bind(t, parameter.name, code, inner));
  });
  if (node.body === undefined) return unsupported(node);
  const result: Cell = t.cell(node.body);
  if (!ts.isBlock(node.body)) {
    const body = expression(t, node.body, inner);
    return {
      type: body.type,
      run: (frame) => {
        for (const step of before) step(frame);
        return body.run(frame);
      },
    };
  }
  const body = block(t, node.body.statements, inner, result);
  return {
    type: typeOf(result),
    run: (frame) => {
      for (const step of before) step(frame);
      const end = body(frame);
      return end?.end === "return" ? end.value : undefined;
    },
  };
}

function bindContext(t: Translation, pattern: ts.BindingPattern, scope: Scope, context: Thing): (frame: Frame) => void {
  const steps = pattern.elements.map((element) => {
    if (!ts.isBindingElement(element) || !ts.isIdentifier(element.name)) return unsupported(pattern);
    const name = (element.propertyName as ts.Identifier | undefined)?.text ?? element.name.text;
    const part = thingMember(t, context, name);
    if (part === undefined) return unsupported(element);
    if (isThing(part)) {
      scope.names.set(element.name.text, part);
      return () => {};
    }
    return bind(t, element.name, part, scope);
  });
  return (frame) => {
    for (const step of steps) step(frame);
  };
}

/** Gives a name, or the names of a pattern, their values. */
export function bind(t: Translation, name: ts.BindingName, code: Code, scope: Scope): (frame: Frame) => void {
  if (ts.isIdentifier(name)) {
    const cell = t.cell(name);
    t.assign(cell, code.type);
    scope.names.set(name.text, { cell });
    return (frame) => void frame.set(cell, code.run(frame));
  }
  const whole = t.cell(name);
  t.assign(whole, code.type);
  const steps = name.elements.flatMap((element, index) => {
    if (!ts.isBindingElement(element)) return [];
    if (element.dotDotDotToken !== undefined) return unsupported(element);
    const key = ts.isArrayBindingPattern(name)
      ? String(index)
      : ((element.propertyName as ts.Identifier | undefined)?.text ?? (element.name as ts.Identifier).text);
    const type = code.type.k === "object" ? (code.type.fields.get(key) ?? OTHER) : OTHER;
    const part: Code = { type, run: (frame) => (frame.get(whole) as Fields).get(key) };
    if (element.initializer === undefined) return [bind(t, element.name, part, scope)];
    const initial = expression(t, element.initializer, scope);
    return [bind(t, element.name, { type: join(type, initial.type), run: (frame) => part.run(frame) ?? initial.run(frame) }, scope)];
  });
  return (frame) => {
    frame.set(whole, code.run(frame));
    for (const step of steps) step(frame);
  };
}

function block(t: Translation, statements: readonly ts.Statement[], scope: Scope, result: Cell): Step {
  const inner = new Scope(scope);
  for (const statement of statements)
    if (ts.isFunctionDeclaration(statement) && statement.name !== undefined)
      inner.names.set(statement.name.text, { thing: "function", node: statement, scope: inner });
  const steps = statements.map((statement) => step(t, statement, inner, result, undefined));
  return (frame) => {
    for (const run of steps) {
      const end = run(frame);
      if (end !== undefined) return end;
    }
    return undefined;
  };
}

function step(t: Translation, node: ts.Statement, scope: Scope, result: Cell, label: string | undefined): Step {
  if (ts.isBlock(node)) return block(t, node.statements, scope, result);
  if (ts.isFunctionDeclaration(node) || ts.isEmptyStatement(node)) return () => undefined;
  if (ts.isVariableStatement(node)) return declarations(t, node.declarationList, scope);
  if (ts.isExpressionStatement(node)) {
    const code = expression(t, node.expression, scope, true);
    return (frame) => void code.run(frame);
  }
  if (ts.isReturnStatement(node)) {
    const code = node.expression === undefined ? undefined : expression(t, node.expression, scope);
    if (code !== undefined) t.assign(result, code.type);
    return (frame) => ({ end: "return", value: code?.run(frame) });
  }
  if (ts.isIfStatement(node)) {
    const test = expression(t, node.expression, scope);
    const then = step(t, node.thenStatement, scope, result, undefined);
    const otherwise = node.elseStatement === undefined ? undefined : step(t, node.elseStatement, scope, result, undefined);
    return (frame) => (truthy(test.run(frame)) ? then(frame) : otherwise?.(frame));
  }
  if (ts.isLabeledStatement(node)) return labelled(step(t, node.statement, scope, result, node.label.text), node.label.text);
  if (ts.isBreakStatement(node)) return () => ({ end: "break", label: node.label?.text });
  if (ts.isContinueStatement(node)) return () => ({ end: "continue", label: node.label?.text });
  if (ts.isForStatement(node)) return forLoop(t, node, scope, result, label);
  if (ts.isWhileStatement(node)) return loop(expression(t, node.expression, scope), undefined, step(t, node.statement, scope, result, undefined), label, false);
  if (ts.isDoStatement(node)) {
    const body = step(t, node.statement, scope, result, undefined);
    return loop(expression(t, node.expression, scope), undefined, body, label, true);
  }
  if (ts.isForOfStatement(node)) return forOf(t, node, scope, result, label);
  if (ts.isSwitchStatement(node)) return switchStep(t, node, scope, result);
  return unsupported(node);
}

const labelled =
  (body: Step, name: string): Step =>
  (frame) => {
    const end = body(frame);
    return end?.end === "break" && end.label === name ? undefined : end;
  };

function declarations(t: Translation, list: ts.VariableDeclarationList, scope: Scope): Step {
  const steps = list.declarations.map(({ name, initializer }) => {
    if (initializer !== undefined && ts.isIdentifier(name)) {
      const literal = functionThing(bare(initializer), scope) ?? thing(t, initializer, scope);
      if (literal !== undefined) {
        scope.names.set(name.text, literal);
        return () => {};
      }
    }
    if (initializer !== undefined && ts.isObjectBindingPattern(name)) {
      const context = thing(t, initializer, scope);
      if (context !== undefined) return bindContext(t, name, scope, context);
    }
    return bind(t, name, initializer === undefined ? { type: OTHER, run: () => undefined } : expression(t, initializer, scope), scope);
  });
  return (frame) => {
    for (const run of steps) run(frame);
    return undefined;
  };
}

function forLoop(t: Translation, node: ts.ForStatement, scope: Scope, result: Cell, label: string | undefined): Step {
  const inner = new Scope(scope);
  const init: Step =
    node.initializer === undefined
      ? () => undefined
      : ts.isVariableDeclarationList(node.initializer)
        ? declarations(t, node.initializer, inner)
        : (
            (code: Code): Step =>
            (frame) =>
              void code.run(frame)
          )(expression(t, node.initializer, inner, true));
  const test = node.condition === undefined ? undefined : expression(t, node.condition, inner);
  const update = node.incrementor === undefined ? undefined : expression(t, node.incrementor, inner, true);
  const rounds = loop(test, update, step(t, node.statement, inner, result, undefined), label, false);
  return (frame) => {
    init(frame);
    return rounds(frame);
  };
}

function loop(test: Code | undefined, update: Code | undefined, body: Step, label: string | undefined, bodyFirst: boolean): Step {
  const mine = (end: { readonly label: string | undefined }): boolean => end.label === undefined || end.label === label;
  return (frame) => {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      if (!(bodyFirst && round === 0) && test !== undefined && !truthy(test.run(frame))) return undefined;
      const end = body(frame);
      if (end?.end === "return" || (end !== undefined && !mine(end))) return end;
      if (end?.end === "break") return undefined;
      update?.run(frame);
    }
    throw new Error("a loop without an end");
  };
}

function forOf(t: Translation, node: ts.ForOfStatement, scope: Scope, result: Cell, label: string | undefined): Step {
  if (!ts.isVariableDeclarationList(node.initializer)) return unsupported(node);
  const list = expression(t, node.expression, scope);
  let type: Type | undefined;
  if (list.type.k === "object") for (const [name, item] of list.type.fields) if (/^\d+$/.test(name)) type = join(type, item);
  const inner = new Scope(scope);
  const current = t.cell(node);
  const set = bind(t, node.initializer.declarations[0]!.name, { type: type ?? OTHER, run: (frame) => frame.get(current) }, inner);
  const body = step(t, node.statement, inner, result, undefined);
  return (frame) => {
    for (const item of [...(list.run(frame) as Fields).values.values()]) {
      frame.set(current, item);
      set(frame);
      const end = body(frame);
      if (end === undefined || (end.end === "continue" && (end.label === undefined || end.label === label))) continue;
      if (end.end === "break" && (end.label === undefined || end.label === label)) return undefined;
      return end;
    }
    return undefined;
  };
}

function switchStep(t: Translation, node: ts.SwitchStatement, scope: Scope, result: Cell): Step {
  const value = expression(t, node.expression, scope);
  const inner = new Scope(scope);
  const clauses = node.caseBlock.clauses.map((clause) => ({
    test: ts.isCaseClause(clause) ? expression(t, clause.expression, inner) : undefined,
    body: clause.statements.map((statement) => step(t, statement, inner, result, undefined)),
  }));
  return (frame) => {
    const given = value.run(frame);
    let at = clauses.findIndex(({ test }) => test !== undefined && equal(given, test.run(frame)));
    if (at < 0) at = clauses.findIndex(({ test }) => test === undefined);
    if (at < 0) return undefined;
    for (const { body } of clauses.slice(at)) {
      for (const run of body) {
        const end = run(frame);
        if (end?.end === "break" && end.label === undefined) return undefined;
        if (end !== undefined) return end;
      }
    }
    return undefined;
  };
}
