/** Calls: of the vocabulary, of helper functions, of methods. */
import { hostCall, mathRandom, noMath } from "../../diagnostics/capture.ts";
import { dynamicImport, spreadCall } from "../../diagnostics/syntax.ts";
import type { Expr } from "../../hir/types.ts";
import { bare, type FunctionBuild, isFunctionNode, nothing, span } from "../build.ts";
import { captureRoot } from "../captures.ts";
import { functionId } from "../functions.ts";
import { type TS, ts } from "../typescript.ts";
import { expression } from "./expression.ts";
import { identifier } from "./name.ts";

const math = new Set(["min", "max", "abs", "trunc", "clz32", "floor", "ceil", "round"]);

export function call(f: FunctionBuild, node: TS.CallExpression): Expr {
  const { script } = f;
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    script.report(dynamicImport(script.place(node)));
    return nothing(node);
  }
  const callee = target(f, node);
  if (callee === undefined) return nothing(node);
  const toFunction = callee.k === "function" || callee.k === "local";
  return {
    k: "call",
    span: span(node),
    callee,
    args: node.arguments.map((argument) => given(f, argument, toFunction)),
    optional: node.questionDotToken !== undefined,
  };
}

/** An argument. Functions may be handed to functions, and to nothing else. */
function given(f: FunctionBuild, argument: TS.Expression, toFunction: boolean): Expr {
  const inner = bare(argument);
  if (ts.isSpreadElement(inner)) {
    f.script.report(spreadCall(f.script.place(inner)));
    return nothing(argument);
  }
  if (toFunction && ts.isIdentifier(inner)) return identifier(f, inner, "argument");
  if (toFunction && isFunctionNode(inner)) return { k: "function", span: span(inner), id: functionId(f.handler, inner, inner) };
  return expression(f, argument);
}

function target(f: FunctionBuild, node: TS.CallExpression): Expr | undefined {
  const { script } = f;
  const inner = bare(node.expression);
  if (isFunctionNode(inner)) return { k: "function", span: span(inner), id: functionId(f.handler, inner, inner) };
  if (ts.isIdentifier(inner)) {
    const callee = identifier(f, inner, "callee");
    if (callee.k === "capture" && !isSchema(f, callee.id)) {
      script.report(hostCall(script.place(inner), inner.text));
      return undefined;
    }
    return callee.k === "undefined" ? undefined : callee;
  }
  if (!ts.isPropertyAccessExpression(inner)) return expression(f, node.expression);
  if (ts.isIdentifier(inner.expression)) {
    const object = script.oracle.meaning(inner.expression);
    if (object.kind === "global" && object.name === "Math") {
      if (math.has(inner.name.text)) {
        const builtin: Expr = { k: "builtin", span: span(inner.expression), name: "Math" };
        return { k: "member", span: span(inner), object: builtin, name: inner.name.text, optional: false, nameSpan: span(inner.name) };
      }
      script.report(inner.name.text === "random" ? mathRandom(script.place(inner)) : noMath(script.place(inner), inner.name.text));
      return undefined;
    }
  }
  const callee = expression(f, node.expression);
  const method = callee.k === "chain" ? callee.inner : callee;
  if (method.k === "undefined") return undefined;
  // A function of a captured object: the vocabulary's and a text's methods are the only ones that run here.
  if (
    method.k === "member" &&
    method.object.k === "capture" &&
    captureRoot(f, inner.expression) !== undefined &&
    script.oracle.member(inner) === undefined &&
    // A misspelt method of a map: TypeScript says so.
    script.oracle.vocabularyType(inner.expression) === undefined &&
    script.oracle.isPlain(inner.expression)
  ) {
    script.report(hostCall(script.place(inner), inner.getText()));
    return undefined;
  }
  return callee;
}

/** A captured type converts: `const Port = u16; Port(x)`. */
function isSchema(f: FunctionBuild, id: number): boolean {
  return f.handler.captures[id]?.known.kind === "name";
}
