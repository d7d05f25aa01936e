/** Operators of one and of two operands. */
import { bigintArithmetic, floatOperand, inOperator, instanceofOperator, nullLiteral, typeofOperator, unsafeInteger } from "../../diagnostics/syntax.ts";
import type { BinaryOp, Expr } from "../../hir/types.ts";
import { bare, type FunctionBuild, nothing, span } from "../build.ts";
import { type TS, ts } from "../typescript.ts";
import { assignment, update } from "./assignment.ts";
import { expression } from "./expression.ts";

let operators: ReadonlyMap<TS.SyntaxKind, BinaryOp> | undefined;

/** Operators and those of their assignments. `==` means `===`: a handler converts nothing. */
export function binaryOperators(): ReadonlyMap<TS.SyntaxKind, BinaryOp> {
  const K = ts.SyntaxKind;
  operators ??= new Map<TS.SyntaxKind, BinaryOp>([
    [K.PlusToken, "+"],
    [K.PlusEqualsToken, "+"],
    [K.MinusToken, "-"],
    [K.MinusEqualsToken, "-"],
    [K.AsteriskToken, "*"],
    [K.AsteriskEqualsToken, "*"],
    [K.SlashToken, "/"],
    [K.SlashEqualsToken, "/"],
    [K.PercentToken, "%"],
    [K.PercentEqualsToken, "%"],
    [K.AsteriskAsteriskToken, "**"],
    [K.AsteriskAsteriskEqualsToken, "**"],
    [K.LessThanLessThanToken, "<<"],
    [K.LessThanLessThanEqualsToken, "<<"],
    [K.GreaterThanGreaterThanToken, ">>"],
    [K.GreaterThanGreaterThanEqualsToken, ">>"],
    [K.GreaterThanGreaterThanGreaterThanToken, ">>>"],
    [K.GreaterThanGreaterThanGreaterThanEqualsToken, ">>>"],
    [K.AmpersandToken, "&"],
    [K.AmpersandEqualsToken, "&"],
    [K.BarToken, "|"],
    [K.BarEqualsToken, "|"],
    [K.CaretToken, "^"],
    [K.CaretEqualsToken, "^"],
    [K.LessThanToken, "<"],
    [K.LessThanEqualsToken, "<="],
    [K.GreaterThanToken, ">"],
    [K.GreaterThanEqualsToken, ">="],
    [K.EqualsEqualsEqualsToken, "==="],
    [K.ExclamationEqualsEqualsToken, "!=="],
    [K.EqualsEqualsToken, "==="],
    [K.ExclamationEqualsToken, "!=="],
  ]);
  return operators;
}

/** An operand: a float literal can't be one, nor can a bigint. */
export function numberOperand(f: FunctionBuild, node: TS.Expression): Expr {
  const value = expression(f, node);
  if (value.k === "float") f.script.report(floatOperand(f.script.place(node), value.text));
  else if (value.k === "bigint") f.script.report(bigintArithmetic(f.script.place(node)));
  return value;
}

/** A computation on bigint literals is a literal too: `2n ** 63n`. */
function bigintConstant(node: TS.Expression): bigint | undefined {
  const inner = bare(node);
  if (ts.isBigIntLiteral(inner)) return BigInt(inner.text.slice(0, -1));
  if (ts.isPrefixUnaryExpression(inner)) {
    const operand = bigintConstant(inner.operand);
    if (operand === undefined) return undefined;
    return inner.operator === ts.SyntaxKind.MinusToken ? -operand : inner.operator === ts.SyntaxKind.TildeToken ? ~operand : undefined;
  }
  if (!ts.isBinaryExpression(inner)) return undefined;
  const left = bigintConstant(inner.left);
  const right = left === undefined ? undefined : bigintConstant(inner.right);
  if (left === undefined || right === undefined) return undefined;
  switch (binaryOperators().get(inner.operatorToken.kind)) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0n ? undefined : left / right;
    case "**":
      return right >= 0n && right < 128n ? left ** right : undefined;
    case "<<":
      return right >= 0n && right < 128n ? left << right : undefined;
    case ">>":
      return right >= 0n && right < 128n ? left >> right : undefined;
    case "|":
      return left | right;
    case "&":
      return left & right;
    case "^":
      return left ^ right;
    default:
      return undefined;
  }
}

const isNull = (node: TS.Expression): boolean => bare(node).kind === ts.SyntaxKind.NullKeyword;
const isTypeof = (node: TS.Expression): node is TS.TypeOfExpression => ts.isTypeOfExpression(bare(node));

/** `typeof x === "undefined"` is `x === undefined`, and `x == null` too. */
function absence(f: FunctionBuild, node: TS.BinaryExpression, op: "===" | "!=="): Expr | undefined {
  for (const [one, other] of [
    [node.left, node.right],
    [node.right, node.left],
  ] as const) {
    if (isTypeof(one)) {
      const word = bare(other);
      if (!ts.isStringLiteralLike(word) || word.text !== "undefined") {
        f.script.report(typeofOperator(f.script.place(node)));
        return nothing(node);
      }
      const value = expression(f, (bare(one) as TS.TypeOfExpression).expression);
      return { k: "binary", span: span(node), op, left: value, right: { k: "undefined", span: span(other) } };
    }
    if (isNull(one)) {
      const loose = node.operatorToken.kind === ts.SyntaxKind.EqualsEqualsToken || node.operatorToken.kind === ts.SyntaxKind.ExclamationEqualsToken;
      if (!loose) {
        f.script.report(nullLiteral(f.script.place(one)));
        return nothing(node);
      }
      return { k: "binary", span: span(node), op, left: expression(f, other), right: { k: "undefined", span: span(one) } };
    }
  }
  return undefined;
}

export function binary(f: FunctionBuild, node: TS.BinaryExpression): Expr {
  const K = ts.SyntaxKind;
  const token = node.operatorToken.kind;
  if (token >= K.FirstAssignment && token <= K.LastAssignment) return assignment(f, node);
  switch (token) {
    case K.CommaToken:
      return { k: "comma", span: span(node), first: expression(f, node.left), second: expression(f, node.right) };
    case K.AmpersandAmpersandToken:
    case K.BarBarToken:
    case K.QuestionQuestionToken: {
      const op = token === K.AmpersandAmpersandToken ? "&&" : token === K.BarBarToken ? "||" : "??";
      return { k: "logical", span: span(node), op, left: expression(f, node.left), right: expression(f, node.right) };
    }
    case K.InKeyword:
      f.script.report(inOperator(f.script.place(node)));
      return nothing(node);
    case K.InstanceOfKeyword:
      f.script.report(instanceofOperator(f.script.place(node)));
      return nothing(node);
  }
  const op = binaryOperators().get(token);
  if (op === undefined) return nothing(node);
  if (op === "===" || op === "!==") {
    const absent = absence(f, node, op);
    if (absent !== undefined) return absent;
  }
  const constant = bigintConstant(node);
  if (constant !== undefined) return { k: "bigint", span: span(node), value: constant.toString() };
  return { k: "binary", span: span(node), op, left: numberOperand(f, node.left), right: numberOperand(f, node.right) };
}

export function prefix(f: FunctionBuild, node: TS.PrefixUnaryExpression): Expr {
  const K = ts.SyntaxKind;
  if (node.operator === K.PlusPlusToken || node.operator === K.MinusMinusToken) return update(f, node);
  const constant = bigintConstant(node);
  if (constant !== undefined) return { k: "bigint", span: span(node), value: constant.toString() };
  const op = node.operator === K.MinusToken ? "-" : node.operator === K.PlusToken ? "+" : node.operator === K.TildeToken ? "~" : "!";
  return { k: "unary", span: span(node), op, operand: op === "!" ? expression(f, node.operand) : numberOperand(f, node.operand) };
}

export function numeric(f: FunctionBuild, node: TS.NumericLiteral): Expr {
  const value = Number(node.text);
  if (!Number.isInteger(value)) return { k: "float", span: span(node), text: node.getText() };
  if (!Number.isSafeInteger(value)) {
    f.script.report(unsafeInteger(f.script.place(node), node.getText()));
    return nothing(node);
  }
  return { k: "int", span: span(node), value: String(value) };
}
