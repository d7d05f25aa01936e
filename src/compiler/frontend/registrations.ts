/** Finds where handlers are given to the vocabulary, and which functions they are. */
import { handlerMethod } from "../diagnostics/capture.ts";
import {
  emptyHandlers,
  enterAlone,
  hiddenHandler,
  leaveAlone,
  leaveBeforeEnter,
  mixedHandlers,
  noHandler,
  onlyFunction,
  registrationValue,
  spreadRegistration,
  unknownHandler,
} from "../diagnostics/handler.ts";
import type { HandlerHir, HandlerShape } from "../hir/types.ts";
import { bare, type FunctionNode, type HandlerBuild, isFunctionNode, type ScriptBuild, span } from "./build.ts";
import { functionId } from "./functions.ts";
import { staticExpression } from "./static-value.ts";
import { type TS, ts } from "./typescript.ts";
import { propertyName } from "./visitors/pattern.ts";
import { isRegistration, type Registration } from "./vocabulary.ts";

export interface Registered {
  readonly call: TS.CallExpression;
  readonly register: Registration;
  readonly handler: TS.Expression;
}

/** The name of the vocabulary that an expression stands for, where it takes handlers. */
function registrationOf(script: ScriptBuild, node: TS.Expression): Registration | undefined {
  const inner = bare(node);
  if (ts.isIdentifier(inner)) {
    const meaning = script.oracle.meaning(inner);
    return meaning.kind === "vocabulary" && isRegistration(meaning.name) ? meaning.name : undefined;
  }
  if (!ts.isPropertyAccessExpression(inner) || !ts.isIdentifier(inner.expression) || !isRegistration(inner.name.text)) return undefined;
  if (script.oracle.meaning(inner.expression).kind !== "namespace") return undefined;
  const meaning = script.oracle.exported(inner);
  return meaning.kind === "vocabulary" && isRegistration(meaning.name) ? meaning.name : undefined;
}

/** Names by which a file knows the functions that take handlers, and names of namespaces. */
function localNames(script: ScriptBuild, file: TS.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings === undefined) continue;
    if (ts.isNamespaceImport(bindings)) names.add(bindings.name.text);
    else for (const specifier of bindings.elements) if (registrationOf(script, specifier.name) !== undefined) names.add(specifier.name.text);
  }
  return names;
}

export function findRegistrations(script: ScriptBuild): Registered[] {
  const found: Registered[] = [];
  for (const file of script.files) {
    const names = localNames(script, file);
    if (names.size === 0) continue;
    const walk = (node: TS.Node): void => {
      if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
      if (ts.isCallExpression(node)) {
        const callee = bare(node.expression);
        const first = ts.isPropertyAccessExpression(callee) ? callee.expression : callee;
        const register = ts.isIdentifier(first) && names.has(first.text) ? registrationOf(script, callee) : undefined;
        if (register !== undefined) {
          const spread = node.arguments.find(ts.isSpreadElement);
          const handler = node.arguments[1];
          if (spread !== undefined) script.report(spreadRegistration(script.place(spread), register));
          else if (handler === undefined) script.report(noHandler(script.place(node), register));
          else found.push({ call: node, register, handler });
          for (const argument of node.arguments) if (argument !== handler) walk(argument);
          return;
        }
      }
      if (ts.isIdentifier(node) && names.has(node.text) && ts.isExpression(node) && !isName(node)) {
        const register = registrationOf(script, node);
        if (register !== undefined) script.report(registrationValue(script.place(node), register));
      }
      ts.forEachChild(node, walk);
    };
    walk(file);
  }
  return found;
}

/** Is this identifier a declaration's or a property's name, and not a value? */
function isName(node: TS.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ((ts.isPropertyAssignment(parent) ||
      ts.isVariableDeclaration(parent) ||
      ts.isParameter(parent) ||
      ts.isBindingElement(parent) ||
      ts.isFunctionLike(parent)) &&
      parent.name === node) ||
    ts.isTypeQueryNode(parent)
  );
}

/** The function or object that an expression is, through names that stand for one. */
function resolve(script: ScriptBuild, node: TS.Expression, depth = 0): FunctionNode | TS.ObjectLiteralExpression | undefined {
  const inner = bare(node);
  if (isFunctionNode(inner) || ts.isObjectLiteralExpression(inner)) return inner;
  if (depth > 16) return undefined;
  let meaning: ReturnType<ScriptBuild["oracle"]["meaning"]>;
  if (ts.isIdentifier(inner)) meaning = script.oracle.meaning(inner);
  else if (ts.isPropertyAccessExpression(inner) && ts.isIdentifier(inner.expression) && script.oracle.meaning(inner.expression).kind === "namespace")
    meaning = script.oracle.exported(inner);
  else return undefined;
  if (meaning.kind === "function") return meaning.declaration;
  if (meaning.kind !== "variable" || !ts.isVariableDeclaration(meaning.declaration) || script.oracle.assigned(meaning.declaration)) return undefined;
  return meaning.declaration.initializer === undefined ? undefined : resolve(script, meaning.declaration.initializer, depth + 1);
}

/** The tree of one registered handler; undefined if it can't be made, which is reported. */
export function buildHandler(script: ScriptBuild, registered: Registered, id: number): HandlerHir | undefined {
  const { call, register, handler: node } = registered;
  const handler: HandlerBuild = { script, registration: call, functions: [], ids: new Map(), open: new Map(), captures: [], captureIds: new Map() };
  const resolved = resolve(script, node);
  if (resolved === undefined) {
    script.report(hiddenHandler(script.place(node), ts.isIdentifier(node) ? node.text : ""));
    return undefined;
  }
  let shape: HandlerShape | undefined;
  if (!ts.isObjectLiteralExpression(resolved)) shape = { kind: "hit", run: functionId(handler, resolved, node) };
  else if (register !== "uprobe") script.report(onlyFunction(script.place(resolved), register));
  else shape = objectShape(handler, resolved);
  if (shape === undefined) return undefined;
  return {
    id,
    register,
    shape,
    functions: handler.functions as HandlerHir["functions"],
    captures: handler.captures,
    targets: targetsOf(script, call.arguments[0]),
    file: script.files.indexOf(node.getSourceFile()),
    span: span(node),
  };
}

const callParts = new Set(["enter", "leave"]);
const instructionParts = new Set(["before", "after", "fault"]);

function objectShape(handler: HandlerBuild, node: TS.ObjectLiteralExpression): HandlerShape | undefined {
  const { script } = handler;
  const parts = new Map<string, { readonly at: TS.Node; readonly run: FunctionNode }>();
  let wrong = false;
  const wrongly = (diagnostic: Parameters<ScriptBuild["report"]>[0]): void => {
    wrong = true;
    script.report(diagnostic);
  };
  for (const property of node.properties) {
    const name = property.name === undefined ? undefined : propertyName(property.name);
    if (name === undefined) wrongly(hiddenHandler(script.place(property), ""));
    else if (!callParts.has(name) && !instructionParts.has(name)) wrongly(unknownHandler(script.place(property.name!), name));
    else {
      const value = ts.isPropertyAssignment(property) ? property.initializer : ts.isShorthandPropertyAssignment(property) ? property.name : undefined;
      const run = ts.isMethodDeclaration(property) ? property : value === undefined ? undefined : resolve(script, value);
      if (run === undefined || ts.isObjectLiteralExpression(run)) wrongly(hiddenHandler(script.place(value ?? property), name));
      else parts.set(name, { at: property.name!, run });
    }
  }
  if (wrong) return undefined;
  const names = [...parts.keys()];
  const calls = names.filter((name) => callParts.has(name));
  const others = names.filter((name) => instructionParts.has(name));
  const build = (name: string): number | undefined => {
    const part = parts.get(name);
    return part === undefined ? undefined : functionId(handler, part.run, part.at);
  };
  const at = (name: string) => script.place(parts.get(name)!.at);
  if (names.length === 0) wrongly(emptyHandlers(script.place(node)));
  else if (calls.length > 0 && others.length > 0) wrongly(mixedHandlers(at(others[0]!), others[0]!));
  else if (calls.length === 0) {
    const run = { before: build("before"), after: build("after"), fault: build("fault") };
    return { kind: "instruction", ...Object.fromEntries(Object.entries(run).filter(([, index]) => index !== undefined)) };
  } else if (!parts.has("leave")) wrongly(enterAlone(at("enter")));
  else if (!parts.has("enter")) wrongly(leaveAlone(at("leave")));
  else if (names.indexOf("leave") < names.indexOf("enter")) wrongly(leaveBeforeEnter(at("leave")));
  else return { kind: "call", enter: build("enter")!, leave: build("leave")! };
  return undefined;
}

function targetsOf(script: ScriptBuild, node: TS.Expression | undefined): string[] | undefined {
  if (node === undefined) return undefined;
  const value = staticExpression(script, node);
  if (value.kind === "string") return [value.value];
  if (value.kind !== "array") return undefined;
  const texts = value.items.map((item) => (item.kind === "string" ? item.value : undefined));
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

const handlerMethods = new Set(["get", "at", "getOrInsert", "add", "emit"]);

/** Methods of the handler's that the host calls: they would throw when the script runs. */
export function checkHostCalls(script: ScriptBuild, handlers: readonly Registered[]): void {
  const skip = new Set<TS.Node>([...script.reached, ...handlers.map((registered) => registered.handler)]);
  const walk = (node: TS.Node): void => {
    if (skip.has(node)) return;
    if (
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      handlerMethods.has(node.expression.name.text) &&
      script.oracle.member(node.expression)?.phase === "handler"
    ) {
      script.report(handlerMethod(script.place(node.expression.name), node.expression.name.text));
    }
    ts.forEachChild(node, walk);
  };
  for (const file of script.files) walk(file);
}
