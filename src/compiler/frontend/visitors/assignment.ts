/** Assignments, `++` and `--`: to locals, and to fields of entries. */
import { capturedAssignment } from "../../diagnostics/capture.ts";
import { assignmentTarget, destructuringPlace } from "../../diagnostics/syntax.ts";
import type { BinaryOp, Expr } from "../../hir/types.ts";
import { bare, type FunctionBuild, localOf, nothing, span } from "../build.ts";
import { captureRoot } from "../captures.ts";
import { type TS, ts } from "../typescript.ts";
import { expression } from "./expression.ts";
import { binaryOperators, numberOperand } from "./operator.ts";

/** What may stand on the left of `=`. */
export function assignable(f: FunctionBuild, node: TS.Expression): Expr {
  const target = bare(node);
  if (ts.isIdentifier(target)) {
    const meaning = f.script.oracle.meaning(target);
    const local = meaning.kind === "variable" ? localOf(f, meaning.declaration) : undefined;
    if (local !== undefined) return { k: "local", span: span(target), id: local, name: target.text };
    f.script.report(capturedAssignment(f.script.place(target), target.text));
    return nothing(node);
  }
  if (ts.isPropertyAccessExpression(target) || ts.isElementAccessExpression(target)) {
    const root = captureRoot(f, target);
    if (root !== undefined) {
      f.script.report(capturedAssignment(f.script.place(target), root.text));
      return nothing(node);
    }
    return expression(f, target);
  }
  if (ts.isArrayLiteralExpression(target) || ts.isObjectLiteralExpression(target)) f.script.report(destructuringPlace(f.script.place(target)));
  else f.script.report(assignmentTarget(f.script.place(target)));
  return nothing(node);
}

export function assignment(f: FunctionBuild, node: TS.BinaryExpression): Expr {
  const K = ts.SyntaxKind;
  const target = assignable(f, node.left);
  const token = node.operatorToken.kind;
  if (token === K.EqualsToken) return { k: "assign", span: span(node), op: "=", target, value: expression(f, node.right) };
  if (token === K.AmpersandAmpersandEqualsToken || token === K.BarBarEqualsToken || token === K.QuestionQuestionEqualsToken) {
    const op = token === K.AmpersandAmpersandEqualsToken ? "&&" : token === K.BarBarEqualsToken ? "||" : "??";
    return { k: "assign", span: span(node), op, target, value: expression(f, node.right) };
  }
  const op = binaryOperators().get(token) as BinaryOp;
  return { k: "assign", span: span(node), op, target, value: numberOperand(f, node.right) };
}

export function update(f: FunctionBuild, node: TS.PrefixUnaryExpression | TS.PostfixUnaryExpression): Expr {
  const op = node.operator === ts.SyntaxKind.PlusPlusToken ? "++" : "--";
  return { k: "update", span: span(node), op, prefix: ts.isPrefixUnaryExpression(node), target: assignable(f, node.operand) };
}
