/** Destructuring, taken apart: `const { a, b: [c] = d } = e` becomes a `let` for each name. */
import { computedName, restParameter } from "../../diagnostics/syntax.ts";
import type { Expr, Stmt } from "../../hir/types.ts";
import { declareLocal, type FunctionBuild, newLocal, span } from "../build.ts";
import { type TS, ts } from "../typescript.ts";
import { expression } from "./expression.ts";

/** A value that may be mentioned several times: itself if that costs nothing, else a hidden local's. */
export function once(f: FunctionBuild, value: Expr, node: TS.Node, out: Stmt[]): Expr {
  if (value.k === "local" || value.k === "capture") return value;
  const local = newLocal(f, `%${f.locals.length}`, false, node);
  out.push({ k: "let", span: span(node), local, init: value });
  return { k: "local", span: span(node), id: local, name: f.locals[local]!.name };
}

/** The name of a property that is written out; undefined if it is computed. */
export function propertyName(name: TS.PropertyName): string | undefined {
  if (ts.isIdentifier(name) || ts.isStringLiteral(name) || ts.isNumericLiteral(name) || ts.isNoSubstitutionTemplateLiteral(name)) return name.text;
  if (ts.isComputedPropertyName(name) && ts.isStringLiteralLike(name.expression)) return name.expression.text;
  return undefined;
}

export function bindPattern(f: FunctionBuild, pattern: TS.BindingPattern, value: Expr, out: Stmt[]): void {
  const whole = once(f, value, pattern, out);
  pattern.elements.forEach((element, index) => {
    if (ts.isOmittedExpression(element)) return;
    if (element.dotDotDotToken !== undefined) {
      f.script.report(restParameter(f.script.place(element)));
      return;
    }
    let part: Expr;
    if (ts.isArrayBindingPattern(pattern)) {
      part = { k: "index", span: span(element), object: whole, index: { k: "int", span: span(element), value: String(index) }, optional: false };
    } else {
      const key = element.propertyName ?? element.name;
      const name = ts.isObjectBindingPattern(key) || ts.isArrayBindingPattern(key) ? undefined : propertyName(key);
      if (name === undefined) {
        f.script.report(computedName(f.script.place(element)));
        return;
      }
      part = { k: "member", span: span(element), object: whole, name, optional: false, nameSpan: span(key) };
    }
    if (element.initializer !== undefined) part = { k: "default", span: span(element), value: part, otherwise: expression(f, element.initializer) };
    if (ts.isIdentifier(element.name)) out.push({ k: "let", span: span(element), local: declareLocal(f, element, element.name), init: part });
    else bindPattern(f, element.name, part, out);
  });
}

/** `[a, b] = [b, a]` and `({ x } = y)` as a statement: every value is taken before any is stored. */
export function assignPattern(f: FunctionBuild, pattern: TS.ArrayLiteralExpression | TS.ObjectLiteralExpression, value: Expr, out: Stmt[]): void {
  const whole = once(f, value, pattern, out);
  const stores: { readonly target: TS.Expression; readonly value: Expr }[] = [];
  const take = (target: TS.Expression, part: Expr): void => {
    let taken = part;
    let to = target;
    if (ts.isBinaryExpression(to) && to.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
      taken = { k: "default", span: span(to), value: part, otherwise: expression(f, to.right) };
      to = to.left;
    }
    const local = newLocal(f, `%${f.locals.length}`, false, to);
    out.push({ k: "let", span: span(to), local, init: taken });
    stores.push({ target: to, value: { k: "local", span: span(to), id: local, name: f.locals[local]!.name } });
  };
  if (ts.isArrayLiteralExpression(pattern)) {
    pattern.elements.forEach((element, index) => {
      if (ts.isOmittedExpression(element)) return;
      if (ts.isSpreadElement(element)) f.script.report(restParameter(f.script.place(element)));
      else take(element, { k: "index", span: span(element), object: whole, index: { k: "int", span: span(element), value: String(index) }, optional: false });
    });
  } else {
    for (const property of pattern.properties) {
      const name = property.name === undefined ? undefined : propertyName(property.name);
      if (ts.isSpreadAssignment(property)) f.script.report(restParameter(f.script.place(property)));
      else if (name === undefined) f.script.report(computedName(f.script.place(property)));
      else {
        const part: Expr = { k: "member", span: span(property), object: whole, name, optional: false, nameSpan: span(property.name!) };
        if (ts.isPropertyAssignment(property)) take(property.initializer, part);
        else if (ts.isShorthandPropertyAssignment(property)) {
          const initial = property.objectAssignmentInitializer;
          take(property.name, initial === undefined ? part : { k: "default", span: span(property), value: part, otherwise: expression(f, initial) });
        }
      }
    }
  }
  for (const store of stores) {
    if (ts.isArrayLiteralExpression(store.target) || ts.isObjectLiteralExpression(store.target)) assignPattern(f, store.target, store.value, out);
    else
      out.push({
        k: "expr",
        span: span(store.target),
        expr: { k: "assign", span: span(store.target), op: "=", target: expression(f, store.target), value: store.value },
      });
  }
}
