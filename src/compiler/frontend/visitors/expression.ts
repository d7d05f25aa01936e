/** Expressions: a visitor for each kind that handlers have; what has none is reported. */

import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { Place } from "../../diagnostics/place.ts";
import {
  awaitExpression,
  classInHandler,
  computedName,
  deleteOperator,
  duplicateField,
  functionValue,
  generator,
  newExpression,
  noSyntax,
  nullLiteral,
  objectMethod,
  regularExpression,
  spreadCall,
  templateTag,
  templateText,
  thisExpression,
  typeofOperator,
} from "../../diagnostics/syntax.ts";
import type { Expr } from "../../hir/types.ts";
import { bare, type FunctionBuild, isFunctionNode, nothing, span } from "../build.ts";
import { type TS, ts } from "../typescript.ts";
import { update } from "./assignment.ts";
import { call } from "./call.ts";
import { element, member } from "./member.ts";
import { identifier } from "./name.ts";
import { binary, numeric, prefix } from "./operator.ts";
import { propertyName } from "./pattern.ts";
import { syntaxName } from "./syntax-name.ts";

type Visitor = (f: FunctionBuild, node: never) => Expr;

/** Made at the first use: the kinds' numbers are TypeScript's, which is loaded late. */
let visitors: ReadonlyMap<TS.SyntaxKind, Visitor> | undefined;

const refuse =
  (make: (at: Place) => Diagnostic): Visitor =>
  (f: FunctionBuild, node: TS.Node) => {
    f.script.report(make(f.script.place(node)));
    return nothing(node);
  };

function table(): ReadonlyMap<TS.SyntaxKind, Visitor> {
  const K = ts.SyntaxKind;
  const inner: Visitor = (f, node: TS.ParenthesizedExpression) => expression(f, node.expression);
  return new Map<TS.SyntaxKind, Visitor>([
    [K.NumericLiteral, numeric],
    [K.BigIntLiteral, (_f, node: TS.BigIntLiteral) => ({ k: "bigint", span: span(node), value: BigInt(node.text.slice(0, -1)).toString() })],
    [K.StringLiteral, text],
    [K.NoSubstitutionTemplateLiteral, text],
    [K.TrueKeyword, (_f, node: TS.Node) => ({ k: "bool", span: span(node), value: true })],
    [K.FalseKeyword, (_f, node: TS.Node) => ({ k: "bool", span: span(node), value: false })],
    [K.Identifier, (f, node: TS.Identifier) => identifier(f, node, "value")],
    [K.ParenthesizedExpression, inner],
    [K.NonNullExpression, inner],
    [K.SatisfiesExpression, inner],
    [K.AsExpression, cast],
    [K.TypeAssertionExpression, cast],
    [K.BinaryExpression, binary],
    [K.PrefixUnaryExpression, prefix],
    [K.PostfixUnaryExpression, update],
    [K.ConditionalExpression, conditional],
    [K.PropertyAccessExpression, member],
    [K.ElementAccessExpression, element],
    [K.CallExpression, call],
    [K.ObjectLiteralExpression, object],
    [K.ArrayLiteralExpression, array],
    [K.TaggedTemplateExpression, tagged],
    [K.TemplateExpression, template],
    [K.VoidExpression, (f, node: TS.VoidExpression) => ({ k: "void", span: span(node), operand: expression(f, node.expression) })],
    [K.ArrowFunction, refuse((at) => functionValue(at, ""))],
    [K.FunctionExpression, refuse((at) => functionValue(at, ""))],
    [K.AwaitExpression, refuse(awaitExpression)],
    [K.YieldExpression, refuse(generator)],
    [K.NewExpression, refuse(newExpression)],
    [K.ThisKeyword, refuse(thisExpression)],
    [K.SuperKeyword, refuse(thisExpression)],
    [K.ClassExpression, refuse(classInHandler)],
    [K.RegularExpressionLiteral, refuse(regularExpression)],
    [K.TypeOfExpression, refuse(typeofOperator)],
    [K.DeleteExpression, refuse(deleteOperator)],
    [K.SpreadElement, refuse(spreadCall)],
    [K.NullKeyword, refuse(nullLiteral)],
    [K.MetaProperty, refuse((at) => noSyntax(at, "import.meta"))],
  ]);
}

export function expression(f: FunctionBuild, node: TS.Expression): Expr {
  visitors ??= table();
  const visit = visitors.get(node.kind) as ((f: FunctionBuild, node: TS.Expression) => Expr) | undefined;
  if (visit === undefined) {
    f.script.report(noSyntax(f.script.place(node), syntaxName(node)));
    return nothing(node);
  }
  const value = visit(f, node);
  return ts.isOptionalChain(node) && !continues(node) ? { k: "chain", span: span(node), inner: value } : value;
}

/** Is this the inner part of an optional chain that goes on? */
function continues(node: TS.Expression): boolean {
  const { parent } = node;
  return ts.isOptionalChain(parent) && parent.expression === node;
}

function text(_f: FunctionBuild, node: TS.StringLiteral): Expr {
  return { k: "string", span: span(node), value: node.text };
}

function conditional(f: FunctionBuild, node: TS.ConditionalExpression): Expr {
  return { k: "conditional", span: span(node), test: expression(f, node.condition), then: expression(f, node.whenTrue), else: expression(f, node.whenFalse) };
}

/** `x as Ptr<T>` is the one cast that means something. */
function cast(f: FunctionBuild, node: TS.AsExpression | TS.TypeAssertion): Expr {
  const value = expression(f, node.expression);
  const { type } = node;
  const pointee = pointeeOf(type);
  return pointee === undefined ? value : { k: "cast", span: span(node), value, type: pointeeName(f, pointee) };
}

/** The `T` of `Ptr<T>`. */
function pointeeOf(type: TS.TypeNode): TS.TypeNode | undefined {
  if (!ts.isTypeReferenceNode(type) || type.typeArguments?.length !== 1) return undefined;
  const name = ts.isQualifiedName(type.typeName) ? type.typeName.right.text : type.typeName.text;
  return name === "Ptr" ? type.typeArguments[0] : undefined;
}

/** By the name that the target has for it; "*" before it is a pointer to it. */
function pointeeName(f: FunctionBuild, type: TS.TypeNode): string {
  const pointee = pointeeOf(type);
  if (pointee !== undefined) return `*${pointeeName(f, pointee)}`;
  return f.script.oracle.targetType(type) ?? type.getText();
}

function object(f: FunctionBuild, node: TS.ObjectLiteralExpression): Expr {
  type Properties = { readonly name: string; readonly value: Expr }[];
  let properties: Properties = [];
  let whole: Expr | undefined;
  const gather = (): void => {
    if (properties.length === 0) return;
    const part: Expr = { k: "object", span: span(node), properties };
    whole = whole === undefined ? part : { k: "spread", span: span(node), base: whole, over: part };
    properties = [];
  };
  const put = (name: string, value: Expr, at: TS.Node): void => {
    if (properties.some((property) => property.name === name)) f.script.report(duplicateField(f.script.place(at), name));
    properties.push({ name, value });
  };
  for (const property of node.properties) {
    if (ts.isSpreadAssignment(property)) {
      gather();
      const more = expression(f, property.expression);
      whole = whole === undefined ? more : { k: "spread", span: span(node), base: whole, over: more };
    } else if (ts.isShorthandPropertyAssignment(property)) put(property.name.text, identifier(f, property.name, "value"), property);
    else if (ts.isPropertyAssignment(property)) {
      const name = propertyName(property.name);
      if (name === undefined) f.script.report(computedName(f.script.place(property.name)));
      else if (isFunctionNode(bare(property.initializer))) f.script.report(objectMethod(f.script.place(property)));
      else put(name, expression(f, property.initializer), property);
    } else f.script.report(objectMethod(f.script.place(property)));
  }
  gather();
  return whole ?? { k: "object", span: span(node), properties: [] };
}

function array(f: FunctionBuild, node: TS.ArrayLiteralExpression): Expr {
  return { k: "array", span: span(node), items: node.elements.map((item) => (ts.isOmittedExpression(item) ? nothing(item) : expression(f, item))) };
}

function parts(f: FunctionBuild, node: TS.TemplateLiteral): { readonly texts: string[]; readonly values: Expr[] } {
  if (ts.isNoSubstitutionTemplateLiteral(node)) return { texts: [node.text], values: [] };
  return {
    texts: [node.head.text, ...node.templateSpans.map((part) => part.literal.text)],
    values: node.templateSpans.map((part) => expression(f, part.expression)),
  };
}

function tagged(f: FunctionBuild, node: TS.TaggedTemplateExpression): Expr {
  const tag = ts.isIdentifier(node.tag) ? identifier(f, node.tag, "tag") : expression(f, node.tag);
  if (tag.k !== "builtin" || tag.name !== "print") {
    if (tag.k !== "undefined") f.script.report(templateTag(f.script.place(node.tag)));
    return nothing(node);
  }
  return { k: "tagged", span: span(node), tag, ...parts(f, node.template) };
}

/** Text is put together on the host; a template of constants is text already. */
function template(f: FunctionBuild, node: TS.TemplateExpression): Expr {
  const whole = parts(f, node);
  const constant = whole.values.every((value) => value.k === "capture" || value.k === "int" || value.k === "string" || value.k === "bool");
  if (!constant) f.script.report(templateText(f.script.place(node)));
  return { k: "template", span: span(node), ...whole };
}
