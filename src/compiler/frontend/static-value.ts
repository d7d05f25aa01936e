/** What can be told of a value without running the script: constants, and what the vocabulary makes of them. */
import type { StaticValue } from "../hir/types.ts";
import type { VariableNode } from "../oracle/oracle.ts";
import { bare, type ScriptBuild } from "./build.ts";
import { type TS, ts } from "./typescript.ts";

const unknown: StaticValue = { kind: "unknown" };
/** Names that lead to names: a chain longer than this is a circle. */
const DEPTH = 32;

/** The value of a variable that isn't assigned after its initialiser. */
export function staticValue(script: ScriptBuild, declaration: VariableNode): StaticValue {
  return ofVariable(script, declaration, 0);
}

export function staticExpression(script: ScriptBuild, node: TS.Expression): StaticValue {
  return evaluate(script, node, 0);
}

/** The property of a value that a path leads to. */
export function staticAt(value: StaticValue, path: readonly string[]): StaticValue {
  let at = value;
  for (const name of path) {
    const found = at.kind === "object" ? at.properties.find((property) => property.name === name) : undefined;
    if (found === undefined) return unknown;
    at = found.value;
  }
  return at;
}

function ofVariable(script: ScriptBuild, declaration: VariableNode, depth: number): StaticValue {
  if (depth > DEPTH || !ts.isVariableDeclaration(declaration) || declaration.initializer === undefined) return unknown;
  return evaluate(script, declaration.initializer, depth + 1);
}

const number = (value: number): StaticValue => (Number.isSafeInteger(value) ? { kind: "int", value: String(value) } : unknown);

function evaluate(script: ScriptBuild, node: TS.Expression, depth: number): StaticValue {
  const inner = bare(node);
  const value = evaluateBare(script, inner, depth);
  if (value.kind !== "unknown") return value;
  const kind = script.oracle.kind(inner);
  if (kind === "int" || kind === "bigint") return { kind: "someInt" };
  return kind === "bool" ? { kind: "someBool" } : kind === "string" ? { kind: "someString" } : unknown;
}

function evaluateBare(script: ScriptBuild, node: TS.Expression, depth: number): StaticValue {
  const K = ts.SyntaxKind;
  if (ts.isNumericLiteral(node)) return number(Number(node.text));
  if (ts.isBigIntLiteral(node)) return { kind: "int", value: BigInt(node.text.slice(0, -1)).toString() };
  if (ts.isStringLiteralLike(node)) return { kind: "string", value: node.text };
  if (node.kind === K.TrueKeyword || node.kind === K.FalseKeyword) return { kind: "bool", value: node.kind === K.TrueKeyword };
  if (ts.isIdentifier(node)) {
    const meaning = script.oracle.meaning(node);
    if (meaning.kind === "vocabulary") return { kind: "name", name: meaning.name };
    return meaning.kind === "variable" && !script.oracle.assigned(meaning.declaration) ? ofVariable(script, meaning.declaration, depth) : unknown;
  }
  if (ts.isPropertyAccessExpression(node)) {
    if (!ts.isIdentifier(node.expression) || script.oracle.meaning(node.expression).kind !== "namespace")
      return staticAt(evaluate(script, node.expression, depth), [node.name.text]);
    const meaning = script.oracle.exported(node);
    if (meaning.kind === "vocabulary") return { kind: "name", name: meaning.name };
    return meaning.kind === "variable" ? ofVariable(script, meaning.declaration, depth) : unknown;
  }
  if (ts.isPrefixUnaryExpression(node)) {
    const operand = evaluate(script, node.operand, depth);
    if (operand.kind !== "int") return unknown;
    if (node.operator === K.MinusToken) return { kind: "int", value: (-BigInt(operand.value)).toString() };
    return node.operator === K.TildeToken ? number(~Number(operand.value)) : unknown;
  }
  if (ts.isBinaryExpression(node)) return arithmetic(script, node, depth);
  if (ts.isArrayLiteralExpression(node)) {
    if (node.elements.some((item) => ts.isSpreadElement(item) || ts.isOmittedExpression(item))) return unknown;
    return { kind: "array", items: node.elements.map((item) => evaluate(script, item, depth)) };
  }
  if (ts.isObjectLiteralExpression(node)) return object(script, node, depth);
  if (ts.isCallExpression(node)) return call(script, node, depth);
  return unknown;
}

/** The host's arithmetic, on doubles. */
function arithmetic(script: ScriptBuild, node: TS.BinaryExpression, depth: number): StaticValue {
  const left = evaluate(script, node.left, depth);
  const right = evaluate(script, node.right, depth);
  if (left.kind !== "int" || right.kind !== "int") return unknown;
  const [a, b] = [Number(left.value), Number(right.value)];
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b)) return unknown;
  const K = ts.SyntaxKind;
  switch (node.operatorToken.kind) {
    case K.PlusToken:
      return number(a + b);
    case K.MinusToken:
      return number(a - b);
    case K.AsteriskToken:
      return number(a * b);
    case K.SlashToken:
      return number(a / b);
    case K.PercentToken:
      return number(a % b);
    case K.AsteriskAsteriskToken:
      return number(a ** b);
    case K.LessThanLessThanToken:
      return number(a << b);
    case K.GreaterThanGreaterThanToken:
      return number(a >> b);
    case K.BarToken:
      return number(a | b);
    case K.AmpersandToken:
      return number(a & b);
    case K.CaretToken:
      return number(a ^ b);
    default:
      return unknown;
  }
}

function object(script: ScriptBuild, node: TS.ObjectLiteralExpression, depth: number): StaticValue {
  const properties: { name: string; value: StaticValue }[] = [];
  for (const property of node.properties) {
    if (ts.isPropertyAssignment(property) && (ts.isIdentifier(property.name) || ts.isStringLiteralLike(property.name) || ts.isNumericLiteral(property.name))) {
      properties.push({ name: property.name.text, value: evaluate(script, property.initializer, depth) });
    } else if (ts.isShorthandPropertyAssignment(property)) properties.push({ name: property.name.text, value: evaluate(script, property.name, depth) });
    else return unknown;
  }
  return { kind: "object", properties };
}

function call(script: ScriptBuild, node: TS.CallExpression, depth: number): StaticValue {
  const callee = evaluate(script, node.expression, depth);
  if (callee.kind !== "name") return unknown;
  const args = node.arguments.map((argument) => evaluate(script, argument, depth));
  if (callee.name !== "param") return { kind: "call", name: callee.name, args };
  switch (args[1]?.kind) {
    case "int":
    case "someInt":
      return { kind: "someInt" };
    case "bool":
    case "someBool":
      return { kind: "someBool" };
    case "string":
    case "someString":
      return { kind: "someString" };
    default:
      return unknown;
  }
}
