/** Statements: a visitor for each kind that handlers have; what has none is reported. */

import { mapIteration } from "../../diagnostics/capture.ts";
import { classInHandler, forIn, label, noSyntax, throwStatement, tryStatement, usingDeclaration, varDeclaration } from "../../diagnostics/syntax.ts";
import type { Expr, Stmt } from "../../hir/types.ts";
import { bare, declareLocal, type FunctionBuild, newLocal, span } from "../build.ts";
import { functionOf } from "../functions.ts";
import { type TS, ts } from "../typescript.ts";
import { assignable } from "./assignment.ts";
import { expression } from "./expression.ts";
import { assignPattern, bindPattern } from "./pattern.ts";
import { syntaxName } from "./syntax-name.ts";

export function statements(f: FunctionBuild, nodes: readonly TS.Statement[]): Stmt[] {
  return nodes.flatMap((node) => statement(f, node));
}

export function statement(f: FunctionBuild, node: TS.Statement, name?: string): Stmt[] {
  const K = ts.SyntaxKind;
  switch (node.kind) {
    case K.ExpressionStatement:
      return expressionStatement(f, node as TS.ExpressionStatement);
    case K.VariableStatement:
      return variables(f, (node as TS.VariableStatement).declarationList);
    case K.Block:
      return [{ k: "block", span: span(node), body: statements(f, (node as TS.Block).statements) }];
    case K.IfStatement:
      return ifStatement(f, node as TS.IfStatement);
    case K.ReturnStatement: {
      const value = (node as TS.ReturnStatement).expression;
      return [{ k: "return", span: span(node), value: value === undefined ? undefined : expression(f, value) }];
    }
    case K.ForStatement:
      return forStatement(f, node as TS.ForStatement, name);
    case K.ForOfStatement:
      return forOf(f, node as TS.ForOfStatement, name);
    case K.WhileStatement:
    case K.DoStatement:
      return whileStatement(f, node as TS.WhileStatement | TS.DoStatement, name);
    case K.SwitchStatement:
      return switchStatement(f, node as TS.SwitchStatement, name);
    case K.BreakStatement:
    case K.ContinueStatement:
      return jump(f, node as TS.BreakStatement | TS.ContinueStatement);
    case K.LabeledStatement:
      return labelled(f, node as TS.LabeledStatement);
    // Declares, and does nothing where it stands: a function is built where it is called.
    case K.FunctionDeclaration:
    case K.EmptyStatement:
    case K.InterfaceDeclaration:
    case K.TypeAliasDeclaration:
      return [];
    case K.ForInStatement:
      f.script.report(forIn(f.script.place(node)));
      return [];
    case K.ThrowStatement:
      f.script.report(throwStatement(f.script.place(node)));
      return [];
    case K.TryStatement:
      f.script.report(tryStatement(f.script.place(node)));
      return [];
    case K.ClassDeclaration:
      f.script.report(classInHandler(f.script.place(node)));
      return [];
    default:
      f.script.report(noSyntax(f.script.place(node), syntaxName(node)));
      return [];
  }
}

function expressionStatement(f: FunctionBuild, node: TS.ExpressionStatement): Stmt[] {
  const inner = bare(node.expression);
  if (ts.isBinaryExpression(inner) && inner.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
    const target = bare(inner.left);
    if (ts.isArrayLiteralExpression(target) || ts.isObjectLiteralExpression(target)) {
      const body: Stmt[] = [];
      assignPattern(f, target, expression(f, inner.right), body);
      return [{ k: "block", span: span(node), body }];
    }
  }
  return [{ k: "expr", span: span(node), expr: expression(f, node.expression) }];
}

function variables(f: FunctionBuild, list: TS.VariableDeclarationList): Stmt[] {
  const kind = list.flags & ts.NodeFlags.BlockScoped;
  if (kind === 0) f.script.report(varDeclaration(f.script.place(list)));
  else if (kind === ts.NodeFlags.Using || kind === ts.NodeFlags.AwaitUsing) f.script.report(usingDeclaration(f.script.place(list)));
  const out: Stmt[] = [];
  for (const declaration of list.declarations) {
    // A const that holds a function is that function's name.
    if (kind === ts.NodeFlags.Const && functionOf(declaration.initializer) !== undefined) continue;
    const init = declaration.initializer === undefined ? undefined : expression(f, declaration.initializer);
    if (!ts.isIdentifier(declaration.name)) bindPattern(f, declaration.name, init ?? { k: "undefined", span: span(declaration) }, out);
    else out.push({ k: "let", span: span(declaration), local: declareLocal(f, declaration, declaration.name), init });
  }
  return out;
}

const branch = (f: FunctionBuild, node: TS.Statement): Stmt[] => (ts.isBlock(node) ? statements(f, node.statements) : statement(f, node));

function ifStatement(f: FunctionBuild, node: TS.IfStatement): Stmt[] {
  return [
    {
      k: "if",
      span: span(node),
      test: expression(f, node.expression),
      then: branch(f, node.thenStatement),
      else: node.elseStatement === undefined ? [] : branch(f, node.elseStatement),
    },
  ];
}

/** Runs `body` with a label for its breaks and continues. */
function inside<T>(f: FunctionBuild, name: string | undefined, loop: boolean, body: (id: number) => T): T {
  const id = f.nextLabel++;
  f.labels.push({ id, name, loop });
  const result = body(id);
  f.labels.pop();
  return result;
}

function forStatement(f: FunctionBuild, node: TS.ForStatement, name: string | undefined): Stmt[] {
  let init: Stmt[] = [];
  if (node.initializer !== undefined) {
    if (ts.isVariableDeclarationList(node.initializer)) init = variables(f, node.initializer);
    else init = [{ k: "expr", span: span(node.initializer), expr: expression(f, node.initializer) }];
  }
  const test = node.condition === undefined ? undefined : expression(f, node.condition);
  return inside(f, name, true, (id) => {
    const body = branch(f, node.statement);
    const update = node.incrementor === undefined ? undefined : expression(f, node.incrementor);
    return [{ k: "loop", span: span(node), init, test, update, body, label: id, doFirst: false }];
  });
}

function whileStatement(f: FunctionBuild, node: TS.WhileStatement | TS.DoStatement, name: string | undefined): Stmt[] {
  const test = expression(f, node.expression);
  return inside(f, name, true, (id) => [
    { k: "loop", span: span(node), init: [], test, update: undefined, body: branch(f, node.statement), label: id, doFirst: ts.isDoStatement(node) },
  ]);
}

function forOf(f: FunctionBuild, node: TS.ForOfStatement, name: string | undefined): Stmt[] {
  if (node.awaitModifier !== undefined) {
    f.script.report(noSyntax(f.script.place(node.awaitModifier), "for await"));
    return [];
  }
  const type = f.script.oracle.vocabularyType(node.expression);
  if (type !== undefined && /^(Readable|Aggregate|Value)(Map|Array)$/.test(type)) {
    f.script.report(mapIteration(f.script.place(node.expression), node.expression.getText()));
    return [];
  }
  const of = expression(f, node.expression);
  const bind: Stmt[] = [];
  let local: number;
  if (ts.isVariableDeclarationList(node.initializer)) {
    if ((node.initializer.flags & ts.NodeFlags.BlockScoped) === 0) f.script.report(varDeclaration(f.script.place(node.initializer)));
    const declaration = node.initializer.declarations[0]!;
    if (ts.isIdentifier(declaration.name)) local = declareLocal(f, declaration, declaration.name);
    else {
      local = newLocal(f, `%${f.locals.length}`, false, declaration);
      bindPattern(f, declaration.name, { k: "local", span: span(declaration), id: local, name: f.locals[local]!.name }, bind);
    }
  } else {
    local = newLocal(f, `%${f.locals.length}`, false, node.initializer);
    const value: Expr = { k: "local", span: span(node.initializer), id: local, name: f.locals[local]!.name };
    bind.push({
      k: "expr",
      span: span(node.initializer),
      expr: { k: "assign", span: span(node.initializer), op: "=", target: assignable(f, node.initializer), value },
    });
  }
  return inside(f, name, true, (id) => [{ k: "forOf", span: span(node), local, of, bind, body: branch(f, node.statement), label: id }]);
}

function switchStatement(f: FunctionBuild, node: TS.SwitchStatement, name: string | undefined): Stmt[] {
  const value = expression(f, node.expression);
  return inside(f, name, false, (id) => [
    {
      k: "switch",
      span: span(node),
      value,
      label: id,
      clauses: node.caseBlock.clauses.map((clause) => ({
        test: ts.isDefaultClause(clause) ? undefined : expression(f, clause.expression),
        body: statements(f, clause.statements),
      })),
    },
  ]);
}

function jump(f: FunctionBuild, node: TS.BreakStatement | TS.ContinueStatement): Stmt[] {
  const isContinue = ts.isContinueStatement(node);
  const name = node.label?.text;
  const target = f.labels.findLast((entry) => (name === undefined ? entry.loop || !isContinue : entry.name === name));
  // TypeScript reports a jump that has no target.
  if (target === undefined) return [];
  return [{ k: isContinue ? "continue" : "break", span: span(node), label: target.id }];
}

function labelled(f: FunctionBuild, node: TS.LabeledStatement): Stmt[] {
  const { statement: inner } = node;
  if (ts.isForStatement(inner) || ts.isForOfStatement(inner) || ts.isWhileStatement(inner) || ts.isDoStatement(inner))
    return statement(f, inner, node.label.text);
  f.script.report(label(f.script.place(node.label)));
  return [];
}
