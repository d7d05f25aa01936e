/** TypeScript's commonest complaints about handlers, in better words. What has none keeps TypeScript's. */
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { noArguments, noResult } from "../diagnostics/lowering.ts";
import {
  bigintOnHost,
  carried,
  countAmount,
  floatValue,
  hostReads,
  maybeUndefined,
  noCarried,
  noEnumerator,
  noExport,
  noMember,
  noParameter,
  period,
  rate,
  readOnly,
  voidResult,
  wholeNumber,
  wrongShape,
} from "../diagnostics/types.ts";
import type { ScriptBuild } from "./build.ts";
import { type TS, ts } from "./typescript.ts";

export interface TypeError {
  readonly code: number;
  readonly message: string;
  readonly node: TS.Node;
  readonly inHandler: boolean;
}

/** A better diagnostic for one of TypeScript's; undefined if its own words will do. */
export function reworded(script: ScriptBuild, { code, message, node, inHandler }: TypeError): Diagnostic | undefined {
  const at = script.place(node);
  const text = node.getText();
  switch (code) {
    case 2339:
    case 2551:
      return missingProperty(script, node, /Did you mean '(.+?)'\?/.exec(message)?.[1], inHandler);
    case 2531:
    case 2532:
    case 2533:
    case 18047:
    case 18048:
    case 18049: {
      const { parent } = node;
      return maybeUndefined(at, text.length <= 60 ? text : "", ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent));
    }
    case 2540:
    case 2542:
      return inHandler ? readOnly(at, text) : undefined;
    case 2362:
    case 2363:
    case 2356:
      return script.oracle.vocabularyType(node) === "f64" ? floatValue(at, text) : undefined;
    case 2365:
    case 2367:
      return comparison(script, node, message, inHandler);
    case 2554:
      return isCountAdd(script, node) ? countAmount(at) : undefined;
    case 2305:
    case 2614:
    case 2724:
      return ts.isIdentifier(node) && /'"sonde"'/.test(message) ? noExport(at, text, /Did you mean '(.+?)'\?/.exec(message)?.[1]) : undefined;
    case 2322:
    case 2345:
    case 2769:
      return notAssignable(script, node, message, inHandler);
  }
  return undefined;
}

function missingProperty(script: ScriptBuild, node: TS.Node, near: string | undefined, inHandler: boolean): Diagnostic | undefined {
  const access = node.parent;
  const at = script.place(node);
  if (ts.isBindingElement(access)) {
    const pattern = access.parent;
    const type = script.oracle.vocabularyType(pattern);
    return inHandler && type?.endsWith("Hit") ? noMember(at, "a hit", node.getText(), contextNames(script, pattern), near) : undefined;
  }
  if (!ts.isPropertyAccessExpression(access)) return undefined;
  const object = access.expression;
  const name = access.name.text;
  const type = script.oracle.vocabularyType(object);
  if (type?.endsWith("Hit")) {
    if (type === "LeaveHit" && /^(arg\d|args?|farg\d)$/.test(name)) return noArguments(at);
    if (type === "EnterHit" && /^f?ret$/.test(name)) return noResult(at);
    return noMember(at, "a hit", name, contextNames(script, object), near);
  }
  if (!inHandler) return type !== undefined && /^(get|at|getOrInsert|add|emit)$/.test(name) ? hostReads(at, name) : undefined;
  if (ts.isPropertyAccessExpression(object) && object.name.text === "args" && script.oracle.vocabularyType(object.expression)?.endsWith("Hit"))
    return noParameter(at, name, script.oracle.properties(object));
  if (type !== undefined)
    return noMember(
      at,
      "this",
      name,
      script.oracle.properties(object).filter((known) => !known.startsWith("~")),
      near,
    );
  if (isCarried(script, object)) return noCarried(at, name, script.oracle.isPlain(object) ? script.oracle.properties(object) : []);
  return undefined;
}

const contextNames = (script: ScriptBuild, node: TS.Node): readonly string[] =>
  script.oracle.properties(node).filter((name) => !/^(f?arg|xmm)/.test(name) || name === "arg0" || name === "args");

/** Is this `leave`'s second parameter? */
function isCarried(script: ScriptBuild, node: TS.Node): boolean {
  if (!ts.isIdentifier(node)) return false;
  const meaning = script.oracle.meaning(node);
  if (meaning.kind !== "variable" || !ts.isParameter(meaning.declaration)) return false;
  const run = meaning.declaration.parent;
  const holder = ts.isMethodDeclaration(run) ? run : run.parent;
  return (
    run.parameters.indexOf(meaning.declaration) === 1 &&
    (ts.isMethodDeclaration(holder) || ts.isPropertyAssignment(holder)) &&
    holder.name.getText() === "leave"
  );
}

function comparison(script: ScriptBuild, node: TS.Node, message: string, inHandler: boolean): Diagnostic | undefined {
  if (!ts.isBinaryExpression(node)) return undefined;
  for (const [one, other] of [
    [node.left, node.right],
    [node.right, node.left],
  ] as const) {
    if (ts.isStringLiteralLike(other)) {
      const names = script.oracle.literals(one);
      if (names.length > 0) return noEnumerator(script.place(other), other.text, names);
    }
    if (inHandler && script.oracle.vocabularyType(one) === "f64") return floatValue(script.place(one), one.getText());
  }
  return !inHandler && message.includes("bigint") ? bigintOnHost(script.place(node), message) : undefined;
}

function isCountAdd(script: ScriptBuild, node: TS.Node): boolean {
  const call = node.parent;
  if (!ts.isCallExpression(call) || !ts.isPropertyAccessExpression(call.expression) || call.expression.name.text !== "add") return false;
  return script.oracle.member(call.expression)?.owner === "Aggregate" && call.arguments[0] === node;
}

function notAssignable(script: ScriptBuild, node: TS.Node, message: string, inHandler: boolean): Diagnostic | undefined {
  const at = script.place(node);
  const text = node.getText();
  if (message.includes('"a whole number"')) return wholeNumber(at, text);
  if (message.includes('"scalars and plain objects of them only"')) return carried(at);
  const call = ts.isCallExpression(node.parent) ? node.parent : undefined;
  const callee = call !== undefined && ts.isIdentifier(call.expression) ? script.oracle.meaning(call.expression) : undefined;
  if (call !== undefined && callee?.kind === "vocabulary") {
    if (callee.name === "interval" && call.arguments[0] === node) return period(at, text);
    if (callee.name === "profile" && call.arguments[0] === node) return rate(at, text);
    if (call.arguments[1] === node && /probe$|^usdt$|^tracepoint$|^interval$|^profile$/.test(callee.name))
      return wrongShape(at, callee.name, lastLine(message));
  }
  if (inHandler && ts.isPropertyAccessExpression(node) && node.name.text === "ret" && /Type 'void'|of type 'void'/.test(message)) return voidResult(at);
  if (!inHandler && /'bigint'/.test(message) && /'number'/.test(message)) return bigintOnHost(at, message.split("\n")[0]!);
  return undefined;
}

/** The innermost reason of a nested message: the useful one. */
const lastLine = (message: string): string => message.split("\n").at(-1)!.trim();
