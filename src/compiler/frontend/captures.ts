/** Names from outside that a handler uses: where their values are asked for, and what is known of them before the script runs. */
import { capturedInstance, capturedLet, captureHidden } from "../diagnostics/capture.ts";
import type { Capture, Expr } from "../hir/types.ts";
import type { Meaning, VariableNode } from "../oracle/oracle.ts";
import { type FunctionBuild, localOf, nothing, span } from "./build.ts";
import { staticAt, staticValue } from "./static-value.ts";
import { type TS, ts } from "./typescript.ts";

const withoutMarks = (node: TS.Expression): TS.Expression => {
  let inner = node;
  while (ts.isParenthesizedExpression(inner) || ts.isNonNullExpression(inner)) inner = inner.expression;
  return inner;
};

/** Is this a name from outside, that becomes a capture? */
function captured(f: FunctionBuild, node: TS.Identifier): Meaning | undefined {
  const meaning = f.script.oracle.meaning(node);
  if (meaning.kind === "import") return meaning;
  return meaning.kind === "variable" && localOf(f, meaning.declaration) === undefined ? meaning : undefined;
}

/** The captured name at the start of `a.b[c].d`. */
export function captureRoot(f: FunctionBuild, node: TS.Expression): TS.Identifier | undefined {
  let inner = withoutMarks(node);
  while (ts.isPropertyAccessExpression(inner) || ts.isElementAccessExpression(inner)) inner = withoutMarks(inner.expression);
  return ts.isIdentifier(inner) && captured(f, inner) !== undefined ? inner : undefined;
}

export interface CapturePath {
  readonly root: TS.Identifier | TS.PropertyAccessExpression;
  readonly meaning: Meaning;
  readonly path: readonly string[];
}

/** `config.limits.max` as a name and a path; undefined if it isn't one from outside. */
export function capturePath(f: FunctionBuild, node: TS.PropertyAccessExpression): CapturePath | undefined {
  const path: string[] = [];
  let inner: TS.Expression = node;
  while (ts.isPropertyAccessExpression(inner)) {
    if (ts.isIdentifier(inner.expression) && f.script.oracle.meaning(inner.expression).kind === "namespace") {
      const meaning = f.script.oracle.exported(inner);
      return meaning.kind === "variable" || meaning.kind === "import" ? { root: inner, meaning, path } : undefined;
    }
    if (inner.questionDotToken !== undefined) return undefined;
    path.unshift(inner.name.text);
    inner = withoutMarks(inner.expression);
  }
  if (!ts.isIdentifier(inner)) return undefined;
  const meaning = captured(f, inner);
  return meaning === undefined ? undefined : { root: inner, meaning, path };
}

/** Declared by a statement of the module itself, so that the module can be asked for it. */
export function isTopLevel(declaration: VariableNode): boolean {
  let node: TS.Node = declaration;
  while (ts.isBindingElement(node) || ts.isObjectBindingPattern(node) || ts.isArrayBindingPattern(node)) node = node.parent;
  return ts.isVariableDeclaration(node) && ts.isVariableStatement(node.parent.parent) && ts.isSourceFile(node.parent.parent.parent);
}

export function capture(
  f: FunctionBuild,
  node: TS.Identifier | TS.PropertyAccessExpression,
  meaning: Meaning & { readonly kind: "variable" | "import" },
  path: readonly string[],
): Expr {
  const { script, handler } = f;
  const file = script.files.indexOf(node.getSourceFile());
  let name = meaning.name;
  let from: Capture["from"];
  if (meaning.kind === "import") {
    // Of a namespace: asked for by the namespace's name, with one step more.
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      return capture(f, node.expression, { ...meaning, name: node.expression.text }, [node.name.text, ...path]);
    }
    name = node.getText();
    from = { kind: "module", file };
  } else {
    const { declaration } = meaning;
    if (script.oracle.assigned(declaration)) {
      script.report(capturedLet(script.place(node), meaning.name));
      return nothing(node);
    }
    if (isTopLevel(declaration)) from = { kind: "module", file: script.files.indexOf(declaration.getSourceFile()) };
    else if (script.oracle.visible(declaration, meaning.name, handler.registration)) from = { kind: "registration" };
    else {
      script.report(captureHidden(script.place(node), meaning.name));
      return nothing(node);
    }
  }
  const whole = wholePath(node, path);
  const instance = script.oracle.instanceOf(whole);
  if (instance !== undefined) {
    script.report(capturedInstance(script.place(node), [meaning.name, ...path].join("."), instance));
    return nothing(node);
  }
  const key = JSON.stringify([from, name, path]);
  let id = handler.captureIds.get(key);
  if (id === undefined) {
    id = handler.captures.length;
    handler.captureIds.set(key, id);
    const declared = meaning.kind === "variable" ? staticValue(script, meaning.declaration) : ({ kind: "unknown" } as const);
    let known = staticAt(declared, path);
    if (known.kind === "unknown") known = ofKind(script.oracle.kind(whole));
    handler.captures.push({ name, path, file, span: span(node), from, known });
  }
  return { k: "capture", span: span(whole), id };
}

/** The access that ends a path, from its first name. */
function wholePath(node: TS.Expression, path: readonly string[]): TS.Expression {
  let at = node;
  for (let left = path.length; left > 0 && at.parent !== undefined; ) {
    at = at.parent as TS.Expression;
    if (ts.isPropertyAccessExpression(at)) left--;
  }
  return at;
}

function ofKind(kind: "int" | "bool" | "string" | "bigint" | "unknown"): Capture["known"] {
  if (kind === "int" || kind === "bigint") return { kind: "someInt" };
  return kind === "bool" ? { kind: "someBool" } : kind === "string" ? { kind: "someString" } : { kind: "unknown" };
}
