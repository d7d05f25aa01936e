/** What is at hand while a handler's tree is made: the script, the handler, the function, and how they take up names. */
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Place } from "../diagnostics/place.ts";
import type { Capture, Expr, FunctionHir, Local, Span } from "../hir/types.ts";
import type { Oracle, VariableNode } from "../oracle/oracle.ts";
import { type TS, ts } from "./typescript.ts";

export type FunctionNode = TS.FunctionDeclaration | TS.FunctionExpression | TS.ArrowFunction | TS.MethodDeclaration;

export interface ScriptBuild {
  readonly oracle: Oracle;
  /** The compiled files, the script first. */
  readonly files: readonly TS.SourceFile[];
  /** Functions that handlers reach: their text is the compiler's, the rest is the host's. */
  readonly reached: Set<TS.Node>;
  /** Functions and handlers that were reported as a whole: nothing more is said about what is in them. */
  readonly refused: Set<TS.Node>;
  place(node: TS.Node): Place;
  report(diagnostic: Diagnostic): void;
}

export interface HandlerBuild {
  readonly script: ScriptBuild;
  /** The call of uprobe and so on. */
  readonly registration: TS.CallExpression;
  readonly functions: (FunctionHir | undefined)[];
  readonly ids: Map<FunctionNode, number>;
  readonly open: Map<FunctionNode, FunctionBuild>;
  readonly captures: Capture[];
  readonly captureIds: Map<string, number>;
}

export interface FunctionBuild {
  readonly handler: HandlerBuild;
  readonly script: ScriptBuild;
  readonly node: FunctionNode;
  readonly id: number;
  readonly locals: Local[];
  readonly names: Map<VariableNode, number>;
  readonly outer: { local: number; function: number; outer: number }[];
  /** Enclosing loops and switches, innermost last. */
  readonly labels: { readonly id: number; readonly name: string | undefined; readonly loop: boolean }[];
  nextLabel: number;
}

export const span = (node: TS.Node): Span => [node.getStart(), node.end];

/** What stands for a node that was reported: the unit isn't used then. */
export const nothing = (node: TS.Node): Expr => ({ k: "undefined", span: span(node) });

export function isFunctionNode(node: TS.Node): node is FunctionNode {
  return ts.isArrowFunction(node) || ts.isFunctionExpression(node) || ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node);
}

/** Without parentheses, `as`, `satisfies` and `!`: none of them means anything at run time. */
export function bare(node: TS.Expression): TS.Expression {
  let inner = node;
  while (
    ts.isParenthesizedExpression(inner) ||
    ts.isAsExpression(inner) ||
    ts.isSatisfiesExpression(inner) ||
    ts.isNonNullExpression(inner) ||
    ts.isTypeAssertionExpression(inner)
  )
    inner = inner.expression;
  return inner;
}

/** The function (or file) whose body a declaration belongs to. */
export function ownerOf(declaration: TS.Node): TS.Node {
  let node = declaration.parent;
  // A parameter's default and a parameter itself belong to the function that has it.
  while (!ts.isSourceFile(node) && !ts.isFunctionLike(node) && !ts.isClassStaticBlockDeclaration(node)) node = node.parent;
  return node;
}

export function isInside(node: TS.Node, outer: TS.Node): boolean {
  for (let at: TS.Node | undefined = node; at !== undefined; at = at.parent) if (at === outer) return true;
  return false;
}

export function newLocal(f: FunctionBuild, name: string, mutable: boolean, node: TS.Node): number {
  f.locals.push({ name, mutable, span: span(node) });
  return f.locals.length - 1;
}

/** The local of a variable that this function declares. */
export function declareLocal(f: FunctionBuild, declaration: VariableNode, name: TS.Identifier): number {
  const known = f.names.get(declaration);
  if (known !== undefined) return known;
  const id = newLocal(f, name.text, f.script.oracle.assigned(declaration), name);
  f.names.set(declaration, id);
  return id;
}

/** The local that stands for a variable of this function or of one around it; undefined if it's from outside the handler. */
export function localOf(f: FunctionBuild, declaration: VariableNode): number | undefined {
  const known = f.names.get(declaration);
  if (known !== undefined) return known;
  const owner = ownerOf(declaration);
  const build = isFunctionNode(owner) ? f.handler.open.get(owner) : undefined;
  if (build === undefined || !ts.isIdentifier(declaration.name)) return undefined;
  const outer = declareLocal(build, declaration, declaration.name);
  if (build === f) return outer;
  const own = newLocal(f, declaration.name.text, f.script.oracle.assigned(declaration), declaration.name);
  f.names.set(declaration, own);
  f.outer.push({ local: own, function: build.id, outer });
  return own;
}
