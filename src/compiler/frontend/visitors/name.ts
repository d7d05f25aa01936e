/** Names: locals, helper functions, the vocabulary, captures, and what belongs to the host. */
import { capturedClass, capturedEnum, capturedNamespace, hostGlobal, hostGlobals, hostVocabulary, noGlobal } from "../../diagnostics/capture.ts";
import { argumentsObject, functionAssigned, functionValue, printCall, templateTag } from "../../diagnostics/syntax.ts";
import type { Expr } from "../../hir/types.ts";
import type { Meaning } from "../../oracle/oracle.ts";
import { bare, type FunctionBuild, type FunctionNode, localOf, nothing, span } from "../build.ts";
import { capture } from "../captures.ts";
import { functionId, functionOf } from "../functions.ts";
import { type TS, ts } from "../typescript.ts";
import { isHandlerVocabulary } from "../vocabulary.ts";

/** Where a name stands: called, handed to a helper function, before a template, or anywhere else. */
export type Position = "callee" | "argument" | "tag" | "value";

/** Follows `const a = b` to what b means, where b is the vocabulary's or a function. */
export function settled(f: FunctionBuild, meaning: Meaning): Meaning {
  if (meaning.kind !== "variable" || !ts.isVariableDeclaration(meaning.declaration)) return meaning;
  const { initializer } = meaning.declaration;
  if (initializer === undefined || !(ts.getCombinedNodeFlags(meaning.declaration) & ts.NodeFlags.Const)) return meaning;
  const inner = bare(initializer);
  if (!ts.isIdentifier(inner)) return meaning;
  const next = settled(f, f.script.oracle.meaning(inner));
  return next.kind === "vocabulary" || next.kind === "function" || (next.kind === "variable" && functionOfVariable(next) !== undefined) ? next : meaning;
}

function functionOfVariable(meaning: Meaning): FunctionNode | undefined {
  return meaning.kind === "variable" && ts.isVariableDeclaration(meaning.declaration) ? functionOf(meaning.declaration.initializer) : undefined;
}

export function identifier(f: FunctionBuild, node: TS.Identifier, position: Position): Expr {
  return named(f, node, f.script.oracle.meaning(node), position, []);
}

/** The value of a name with this meaning; `path` are the properties that follow it, for a capture. */
export function named(f: FunctionBuild, node: TS.Identifier | TS.PropertyAccessExpression, given: Meaning, position: Position, path: readonly string[]): Expr {
  const { script } = f;
  if (given.kind === "variable") {
    const local = functionOfVariable(given) === undefined ? localOf(f, given.declaration) : undefined;
    if (local !== undefined) return { k: "local", span: span(node), id: local, name: given.name };
  }
  const meaning = settled(f, given);
  switch (meaning.kind) {
    case "vocabulary":
      if (!isHandlerVocabulary(meaning.name)) {
        script.report(hostVocabulary(script.place(node), meaning.name));
        return nothing(node);
      }
      if (meaning.name === "print" && position !== "tag") {
        script.report(printCall(script.place(node)));
        return nothing(node);
      }
      return { k: "builtin", span: span(node), name: meaning.name };
    case "function":
      return helper(f, node, meaning.declaration, position);
    case "global":
      return global(f, node, meaning.name, position);
    case "variable": {
      const inner = functionOfVariable(meaning);
      if (inner === undefined) return capture(f, node, meaning, path);
      if (script.oracle.assigned(meaning.declaration)) {
        script.report(functionAssigned(script.place(node), meaning.name));
        return nothing(node);
      }
      return helper(f, node, inner, position);
    }
    case "import":
      return capture(f, node, meaning, path);
    case "class":
      script.report(capturedClass(script.place(node), meaning.name));
      return nothing(node);
    case "enum":
      script.report(capturedEnum(script.place(node), meaning.name));
      return nothing(node);
    case "namespace":
      script.report(capturedNamespace(script.place(node), meaning.name));
      return nothing(node);
    // TypeScript says that there is no such name.
    case "unknown":
      if (meaning.name === "arguments") script.report(argumentsObject(script.place(node)));
      return nothing(node);
  }
}

function helper(f: FunctionBuild, node: TS.Node, declaration: FunctionNode, position: Position): Expr {
  if (position !== "callee" && position !== "argument") {
    f.script.report(position === "tag" ? templateTag(f.script.place(node)) : functionValue(f.script.place(node), node.getText()));
    return nothing(node);
  }
  return { k: "function", span: span(node), id: functionId(f.handler, declaration, node) };
}

function global(f: FunctionBuild, node: TS.Node, name: string, position: Position): Expr {
  if (name === "undefined") return { k: "undefined", span: span(node) };
  if (name === "arguments") f.script.report(argumentsObject(f.script.place(node)));
  else if (name === "Number" && position === "callee") return { k: "builtin", span: span(node), name };
  else {
    const mend = hostGlobals[name];
    f.script.report(mend === undefined ? hostGlobal(f.script.place(node), name) : noGlobal(f.script.place(node), name, mend));
  }
  return nothing(node);
}
