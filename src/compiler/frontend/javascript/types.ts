/** Takes the types out of a module: blanks stand where they were. What isn't erasable is reported. */
import { notErasable } from "../../diagnostics/module.ts";
import type { ScriptBuild } from "../build.ts";
import { type TS, ts } from "../typescript.ts";
import type { Edits } from "./edits.ts";

/** Blanks what is only a type at this node; true if nothing of it is left. */
export function stripTypes(script: ScriptBuild, node: TS.Node, edits: Edits): boolean {
  const K = ts.SyntaxKind;
  const { text } = node.getSourceFile();
  switch (node.kind) {
    case K.InterfaceDeclaration:
    case K.TypeAliasDeclaration:
      return gone(node, edits);
    case K.EnumDeclaration:
      if (isDeclared(node)) return gone(node, edits);
      script.report(notErasable(script.place((node as TS.EnumDeclaration).name), "an enum", "Write const Name = { A: 0, B: 1 } as const."));
      return true;
    case K.ModuleDeclaration:
      if (isDeclared(node) || ts.isStringLiteral((node as TS.ModuleDeclaration).name) || !hasValues(node as TS.ModuleDeclaration)) return gone(node, edits);
      script.report(notErasable(script.place((node as TS.ModuleDeclaration).name), "a namespace", "Write a module of its own, or an object."));
      return true;
    case K.ImportEqualsDeclaration:
    case K.ExportAssignment:
      if (ts.isImportEqualsDeclaration(node) ? !node.isTypeOnly : (node as TS.ExportAssignment).isExportEquals) {
        script.report(
          notErasable(script.place(node), ts.isImportEqualsDeclaration(node) ? "import … = " : "export =", "Write import … from and export default."),
        );
        return true;
      }
      return ts.isImportEqualsDeclaration(node) ? gone(node, edits) : false;
    case K.VariableStatement:
      return isDeclared(node) ? gone(node, edits) : false;
    case K.FunctionDeclaration:
    case K.MethodDeclaration:
    case K.Constructor:
    case K.GetAccessor:
    case K.SetAccessor:
      if (isDeclared(node) || (node as TS.FunctionDeclaration).body === undefined) return gone(node, edits);
      break;
    case K.ClassDeclaration:
      if (isDeclared(node)) return gone(node, edits);
      break;
    case K.IndexSignature:
      return gone(node, edits);
    case K.Decorator:
      script.report(notErasable(script.place(node), "a decorator", "Call the function yourself."));
      return true;
  }
  if (ts.isFunctionLike(node)) signature(script, node, text, edits);
  else if (ts.isVariableDeclaration(node)) {
    if (node.exclamationToken !== undefined) edits.blank(node.exclamationToken.getStart(), node.exclamationToken.end);
    annotation(node.type, edits);
  } else if (ts.isClassLike(node)) {
    modifiers(node, edits);
    typeList(node.typeParameters, text, edits);
    for (const clause of node.heritageClauses ?? []) if (clause.token === K.ImplementsKeyword) edits.blank(clause.getStart(), clause.end);
  } else if (ts.isPropertyDeclaration(node)) {
    if (node.modifiers?.some((modifier) => modifier.kind === K.DeclareKeyword || modifier.kind === K.AbstractKeyword)) return gone(node, edits);
    modifiers(node, edits);
    for (const mark of [node.questionToken, node.exclamationToken]) if (mark !== undefined) edits.blank(mark.getStart(), mark.end);
    annotation(node.type, edits);
  } else if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) {
    edits.blank(node.expression.end, node.end, "", endsStatement(node, text) ? ";" : "");
  } else if (ts.isNonNullExpression(node)) edits.blank(node.end - 1, node.end);
  else if (ts.isTypeAssertionExpression(node)) edits.blank(node.getStart(), node.expression.getStart());
  else if (ts.isCallExpression(node) || ts.isNewExpression(node) || ts.isTaggedTemplateExpression(node) || ts.isExpressionWithTypeArguments(node))
    typeList(node.typeArguments, text, edits);
  return false;
}

/** Nothing left: a semicolon keeps the lines around it apart. */
function gone(node: TS.Node, edits: Edits): true {
  edits.blank(node.getStart(), node.end, ";");
  return true;
}

const isDeclared = (node: TS.Node): boolean =>
  ts.canHaveModifiers(node) && (node.modifiers ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword);

function hasValues(node: TS.ModuleDeclaration): boolean {
  const { body } = node;
  if (body === undefined) return false;
  if (ts.isModuleDeclaration(body)) return hasValues(body);
  return (
    ts.isModuleBlock(body) &&
    body.statements.some((statement) => !ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement) && !isDeclared(statement))
  );
}

/** From the colon to the type's end. */
function annotation(type: TS.TypeNode | undefined, edits: Edits): void {
  if (type !== undefined) edits.blank(type.pos - 1, type.end);
}

/** `<…>` around type parameters or arguments. */
function typeList(list: TS.NodeArray<TS.Node> | undefined, text: string, edits: Edits): void {
  if (list !== undefined) edits.blank(list.pos - 1, text.indexOf(">", list.end) + 1);
}

const erasedModifiers = (): readonly TS.SyntaxKind[] => {
  const K = ts.SyntaxKind;
  return [K.PublicKeyword, K.PrivateKeyword, K.ProtectedKeyword, K.ReadonlyKeyword, K.AbstractKeyword, K.OverrideKeyword, K.DeclareKeyword];
};

function modifiers(node: TS.Node, edits: Edits): void {
  if (!ts.canHaveModifiers(node)) return;
  const erased = erasedModifiers();
  for (const modifier of node.modifiers ?? []) if (erased.includes(modifier.kind)) edits.blank(modifier.getStart(), modifier.end);
}

function signature(script: ScriptBuild, node: TS.SignatureDeclaration, text: string, edits: Edits): void {
  modifiers(node, edits);
  if (ts.isMethodDeclaration(node) && node.questionToken !== undefined) edits.blank(node.questionToken.getStart(), node.questionToken.end);
  typeList(node.typeParameters, text, edits);
  node.parameters.forEach((parameter, index) => {
    if (ts.isIdentifier(parameter.name) && parameter.name.text === "this") {
      edits.blank(parameter.getStart(), node.parameters[index + 1]?.getStart() ?? node.parameters.end);
      return;
    }
    if (parameter.modifiers !== undefined && parameter.modifiers.length > 0)
      script.report(notErasable(script.place(parameter), "a parameter property", "Declare the field in the class and assign it in the constructor."));
    if (parameter.questionToken !== undefined) edits.blank(parameter.questionToken.getStart(), parameter.questionToken.end);
    annotation(parameter.type, edits);
  });
  const { type } = node;
  if (type === undefined) return;
  const start = type.pos - 1;
  // No line break may come between an arrow function's parameters and its arrow: the parenthesis moves to the type's end.
  if (ts.isArrowFunction(node) && text.slice(start, node.equalsGreaterThanToken.getStart()).includes("\n")) {
    const paren = text.lastIndexOf(")", start);
    edits.blank(paren, type.end, "", ")");
  } else edits.blank(start, type.end);
}

/** Does a statement end here without a semicolon, so that the next line could be taken for its continuation? */
function endsStatement(node: TS.Node, text: string): boolean {
  let at: TS.Node = node;
  while (at.parent !== undefined && at.parent.end === node.end && !ts.isStatement(at)) at = at.parent;
  return ts.isStatement(at) && at.end === node.end && text[at.end - 1] !== ";" && at.kind !== ts.SyntaxKind.ArrowFunction;
}
