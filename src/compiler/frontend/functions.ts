/** Functions that a handler reaches: each becomes a tree once per handler. */
import { asyncFunction, generator, recursion, restParameter } from "../diagnostics/syntax.ts";
import type { Expr, Stmt } from "../hir/types.ts";
import { bare, declareLocal, type FunctionBuild, type FunctionNode, type HandlerBuild, isFunctionNode, newLocal, span } from "./build.ts";
import { type TS, ts } from "./typescript.ts";
import { expression } from "./visitors/expression.ts";
import { bindPattern } from "./visitors/pattern.ts";
import { statements } from "./visitors/statement.ts";

/** The name that a function goes by: its own, or that of the const or property that holds it. */
export function functionName(node: FunctionNode): string {
  if (node.name !== undefined && (ts.isIdentifier(node.name) || ts.isStringLiteral(node.name))) return node.name.text;
  let parent = node.parent;
  while (ts.isParenthesizedExpression(parent) || ts.isAsExpression(parent) || ts.isSatisfiesExpression(parent)) parent = parent.parent;
  if ((ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) && ts.isIdentifier(parent.name)) return parent.name.text;
  return "";
}

/** The function that a variable's initialiser is, for a const. */
export function functionOf(initializer: TS.Expression | undefined): FunctionNode | undefined {
  if (initializer === undefined) return undefined;
  const inner = bare(initializer);
  return isFunctionNode(inner) ? inner : undefined;
}

/** Index of a function among the handler's, built if it is new. `from` is the function that mentions it. */
export function functionId(handler: HandlerBuild, node: FunctionNode, mention: TS.Node): number {
  const known = handler.ids.get(node);
  if (known !== undefined) {
    if (handler.open.has(node)) handler.script.report(recursion(handler.script.place(mention), functionName(node) || "the function"));
    return known;
  }
  const id = handler.functions.length;
  handler.functions.push(undefined);
  handler.ids.set(node, id);
  handler.functions[id] = buildFunction(handler, node, id);
  return id;
}

function buildFunction(handler: HandlerBuild, node: FunctionNode, id: number) {
  const { script } = handler;
  script.reached.add(node);
  const f: FunctionBuild = { handler, script, node, id, locals: [], names: new Map(), outer: [], labels: [], nextLabel: 0 };
  const head: Stmt[] = [];
  const params: number[] = [];
  let body: Stmt[] = [];
  const asyncWord = node.modifiers?.find((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword);
  if (node.asteriskToken !== undefined || asyncWord !== undefined) script.refused.add(node);
  if (node.asteriskToken !== undefined) script.report(generator(script.place(node.asteriskToken)));
  else if (asyncWord !== undefined) script.report(asyncFunction(script.place(asyncWord)));
  else {
    handler.open.set(node, f);
    for (const parameter of node.parameters) {
      if (ts.isIdentifier(parameter.name) && parameter.name.text === "this") continue;
      if (parameter.dotDotDotToken !== undefined) script.report(restParameter(script.place(parameter)));
      params.push(bindParameter(f, parameter, head));
    }
    if (node.body === undefined) body = [];
    else if (ts.isBlock(node.body)) body = statements(f, node.body.statements);
    else body = [{ k: "return", span: span(node.body), value: expression(f, node.body) }];
    handler.open.delete(node);
  }
  return {
    name: functionName(node),
    file: script.files.indexOf(node.getSourceFile()),
    params,
    locals: f.locals,
    body: [...head, ...body],
    ...(f.outer.length > 0 ? { outer: f.outer } : {}),
    span: span(node),
  };
}

/** A plain parameter is its local; one with a default or a pattern gets a hidden local, and `let`s at the body's head. */
function bindParameter(f: FunctionBuild, parameter: TS.ParameterDeclaration, head: Stmt[]): number {
  if (ts.isIdentifier(parameter.name) && parameter.initializer === undefined) return declareLocal(f, parameter, parameter.name);
  const hidden = newLocal(f, `%${f.locals.length}`, false, parameter.name);
  const given: Expr = { k: "local", span: span(parameter.name), id: hidden, name: f.locals[hidden]!.name };
  const value: Expr =
    parameter.initializer === undefined ? given : { k: "default", span: span(parameter), value: given, otherwise: expression(f, parameter.initializer) };
  if (ts.isIdentifier(parameter.name)) head.push({ k: "let", span: span(parameter), local: declareLocal(f, parameter, parameter.name), init: value });
  else bindPattern(f, parameter.name, value, head);
  return hidden;
}
