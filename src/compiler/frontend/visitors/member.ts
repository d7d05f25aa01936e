/** Properties and elements: of the context, of entries and pointers, of captured objects. */
import { hostMethod } from "../../diagnostics/capture.ts";
import { noSyntax } from "../../diagnostics/syntax.ts";
import type { Expr } from "../../hir/types.ts";
import { type FunctionBuild, nothing, span } from "../build.ts";
import { capturePath } from "../captures.ts";
import { type TS, ts } from "../typescript.ts";
import { expression } from "./expression.ts";
import { named } from "./name.ts";

const isCallee = (node: TS.Node): boolean => ts.isCallExpression(node.parent) && node.parent.expression === node;

export function member(f: FunctionBuild, node: TS.PropertyAccessExpression): Expr {
  const { script } = f;
  if (!ts.isIdentifier(node.name)) {
    script.report(noSyntax(script.place(node.name), "a private name"));
    return nothing(node);
  }
  if (ts.isIdentifier(node.expression) && script.oracle.meaning(node.expression).kind === "namespace") {
    return named(f, node, script.oracle.exported(node), isCallee(node) ? "callee" : "value", []);
  }
  const known = script.oracle.member(node);
  if (known?.phase === "host") {
    script.report(hostMethod(script.place(node.name), known.name, known.owner));
    return nothing(node);
  }
  // `.length` of a captured text is counted in bytes, so it isn't JavaScript's.
  if (!isCallee(node) && node.name.text !== "length") {
    const captured = capturePath(f, node);
    if (captured !== undefined) return named(f, captured.root, captured.meaning, "value", captured.path);
  }
  return {
    k: "member",
    span: span(node),
    object: expression(f, node.expression),
    name: node.name.text,
    optional: node.questionDotToken !== undefined,
    nameSpan: span(node.name),
  };
}

export function element(f: FunctionBuild, node: TS.ElementAccessExpression): Expr {
  const optional = node.questionDotToken !== undefined;
  const object = expression(f, node.expression);
  const { argumentExpression: key } = node;
  if (ts.isStringLiteralLike(key)) return { k: "member", span: span(node), object, name: key.text, optional, nameSpan: span(key) };
  return { k: "index", span: span(node), object, index: expression(f, key), optional };
}
